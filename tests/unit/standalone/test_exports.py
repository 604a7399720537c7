"""Exports as programs write them: their headers and quirks, with people who do not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdp_spark.errors import DataError
from cdp_spark.standalone.files import name_inputs, read_inputs
from cdp_spark.standalone.records import describe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cdp_spark.standalone.records import Described

PEOPLE = [
    ("Anke", "Brandt", "Lindenallee", "5", "50667", "Köln", "0221 5550101", "1980-02-03"),
    ("Jürgen", "Müller", "Goethestr.", "12", "07545", "Gera", "0365 5550102", "1975-11-30"),
    ("Käthe", "Groß", "Am Markt", "7", "24103", "Kiel", "0431 5550103", "1990-07-14"),
    ("Ömer", "Weiß", "Bürgerweg", "21", "97070", "Würzburg", "0931 5550104", "1968-05-22"),
    ("Sabine", "Schäfer", "Hauptstraße", "3", "40213", "Düsseldorf", "0211 5550105", "2001-09-08"),
]


def _mail(given: str) -> str:
    return f"{given.encode('ascii', 'ignore').decode().lower()}@web.example"


def _sap() -> bytes:
    head = "Debitorenliste          Datum 31.01.2026\r\n\r\nDebitor;Name 1;Name 2;Straße;PLZ;Ort;Telefon 1;Angelegt am"
    rows = [
        f"{100000 + at:010};{family};{given};{street} {no};{code};{city};{phone};{at + 1:02}.03.2024"
        for at, (given, family, street, no, code, city, phone, _) in enumerate(PEOPLE)
    ]
    return "\r\n".join([head, *rows]).encode("cp1252")


def _vcards() -> bytes:
    head = "Formatted Name,N,BDAY,TEL;TYPE=CELL,EMAIL;TYPE=INTERNET;TYPE=HOME,ADR;TYPE=HOME,REV"
    rows = [
        f"{given} {family},{family};{given};;;,{born},{phone},{_mail(given)},;;{street} {no};{city};;{code};Germany,"
        f"2024-03-{at + 1:02}T08:00:00Z"
        for at, (given, family, street, no, code, city, phone, born) in enumerate(PEOPLE)
    ]
    return "\n".join([head, *rows]).encode()


def _hotel() -> bytes:
    head = "Conf. No.,Guest Name,Arrival,Nights,Passport No.,E-mail,Phone,Balance"
    rows = [
        f'{5500000 + at},"{family}, {given}, Mr",{at + 10}-MAR-26,2,C0{at}FK7,{_mail(given)},{phone},"1,{at}50.00"'
        for at, (given, family, *_, phone, _born) in enumerate(PEOPLE)
    ]
    return "\n".join([head, *rows, 'Total,,,10,,,,"6,000.00"', "-- Report generated 2026-03-31 09:12"]).encode()


def _passengers() -> bytes:
    rows = [
        f"Q{at}XK7P,{family.upper()}/{given.upper()}{[' MR', 'MRS', ''][at % 3]},XY100,{at + 1}C,{_mail(given).upper()}"
        for at, (given, family) in enumerate(
            [("Ann", "Lee"), ("Kofi", "Okafor"), ("Mary Ann", "O'Neil"), ("Wei", "Li")]
        )
    ]
    return "\n".join(["PNR,PAX NAME,FLIGHT,SEAT,CTCE", *rows]).encode()


def _dutch() -> bytes:
    head = "Klantnr;Aanhef;Roepnaam;Tussenvoegsel;Achternaam;Geb.datum;Straat;Huisnr;Postcode;Woonplaats;Mobiel;"
    rows = [
        f"{at};{'Dhr.' if at % 2 else 'Mevr.'};{given};{'van' if at % 2 else ''};{family};{at + 13}-04-1980;Kerkstraat;"
        f"{at + 1};{1010 + at} AB;{['Utrecht', 'Zwolle'][at % 2]};06 1234560{at};{_mail(given)}"
        for at, (given, family, *_) in enumerate(PEOPLE)
    ]
    return "\n".join([f"{head}E-mailadres", *rows]).encode()


def _polish() -> bytes:
    names = [("Łukasz", "Dąbrowski"), ("Małgorzata", "Woźniak"), ("Paweł", "Wójcik"), ("Zofia", "Żak")]
    head = "Lp.;Imię;Nazwisko;Data ur.;Ulica;Nr domu;Kod poczt.;Miejscowość;Nr telefonu;Adres e-mail"
    rows = [
        f"{at};{given};{family};{at + 13}.04.1980;ul. Długa;{at + 1};00-9{at}0;{['Łódź', 'Kraków'][at % 2]};"
        f"60{at} 123 456;osoba{at}@poczta.example"
        for at, (given, family) in enumerate(names)
    ]
    return "\r\n".join([head, *rows]).encode("cp1250")


def _japanese() -> bytes:
    names = [("太郎", "佐藤"), ("花子", "鈴木"), ("健一", "高橋"), ("美咲", "田中")]
    rows = [
        f"{at},{family},{given},1980/04/{at + 13},060-000{at},{['北海道', '兵庫県'][at % 2]},"
        f"{['札幌市', '神戸市'][at % 2]},中央{at},0901234567{at},user{at}@mail.example"
        for at, (given, family) in enumerate(names)
    ]
    head = "会員番号,姓,名,生年月日,郵便番号,都道府県,市区町村,番地・建物名,携帯番号,メールアドレス"
    return "\r\n".join([head, *rows]).encode("cp932")


def _tickets() -> bytes:
    rows = [
        f"90{at}364637,https://acme.help.example/api/v2/users/90{at}364637.json,{given} {family},"
        f'"{given} {family} <{_mail(given)}>",{phone},true'
        for at, (given, family, *_, phone, _born) in enumerate(PEOPLE)
    ]
    return "\n".join(["id,url,name,email,phone,verified", *rows]).encode()


MEANINGS = {
    _sap: "Debitor identifier, Name 1 family_name, Name 2 given_name, Straße street, PLZ postcode, Ort city, "
    "Telefon 1 phone, Angelegt am date",
    _vcards: "Formatted Name full_name, N text, BDAY birth_date, TEL;TYPE=CELL phone, "
    "EMAIL;TYPE=INTERNET;TYPE=HOME email, ADR;TYPE=HOME address, REV date",
    _hotel: "Conf_ No_ identifier, Guest Name full_name, Arrival date, Nights ignored, Passport No_ national_id, "
    "E-mail email, Phone phone, Balance text",
    _passengers: "PNR code, PAX NAME full_name, FLIGHT ignored, SEAT text, CTCE email",
    _dutch: "Klantnr text, Aanhef gender, Roepnaam given_name, Tussenvoegsel ignored, Achternaam family_name, "
    "Geb_datum birth_date, Straat ignored, Huisnr house_number, Postcode postcode, Woonplaats city, Mobiel phone, "
    "E-mailadres email",
    _polish: "Lp_ text, Imię given_name, Nazwisko family_name, Data ur_ birth_date, Ulica ignored, "
    "Nr domu house_number, Kod poczt_ postcode, Miejscowość city, Nr telefonu phone, Adres e-mail email",
    _japanese: "会員番号 identifier, 姓 family_name, 名 given_name, 生年月日 birth_date, 郵便番号 postcode, "
    "都道府県 region, 市区町村 city, 番地・建物名 street, 携帯番号 phone, メールアドレス email",
    _tickets: "id identifier, url identifier, name full_name, email email, phone phone, verified ignored",
}


@pytest.mark.parametrize("export", MEANINGS)
def test_the_columns_of_an_export_are_what_they_mean(tmp_path: Path, export: Callable[[], bytes]) -> None:
    described = _described(tmp_path, export())
    [found] = described.recognised.values()
    assert ", ".join(f"{item.column} {item.meaning}" for item in found) == MEANINGS[export]


def test_a_row_of_totals_and_a_reports_footer_are_no_records(tmp_path: Path) -> None:
    described = _described(tmp_path, _hotel())
    assert described.record_count == len(PEOPLE)
    assert described.rejected == {"export: column_count": 1, "export: no_record": 1}


@pytest.mark.parametrize("last", ["Total,,,9", "Grand Total,,,9", "Summe:,,,9"])
def test_totals_are_told_by_their_first_word_in_the_last_row(tmp_path: Path, last: str) -> None:
    rows = ["id,name,mail,paid", *(f"{at},ann lee {at},a{at}@x.example,{at}" for at in range(9)), last]
    assert _described(tmp_path, "\n".join(rows).encode()).record_count == 9
    assert _described(tmp_path, "\n".join(rows).encode(), id_column="id").record_count == 9
    person = [*rows[:-1], "12,ann total,a@x.example,9"]
    assert _described(tmp_path, "\n".join(person).encode()).record_count == 10


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"id,name\n", "a header and no row below it.*Fix: check that the export holds rows"),
        (b'{"id": 1, "name": "Ann"', r"no row that can be read \(malformed_json 1\).*Fix: look at the first lines"),
    ],
)
def test_a_file_without_a_row_is_refused_with_what_to_do(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        _described(tmp_path, data)


def _described(folder: Path, data: bytes, *, id_column: str | None = None) -> Described:
    path = folder / "export.csv"
    path.write_bytes(data)
    return describe(read_inputs(name_inputs([str(path)])), id_column=id_column, source_column=None, region="DE")[1]
