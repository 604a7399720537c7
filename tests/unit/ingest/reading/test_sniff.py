"""How text files are written, found from their bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp_spark.ingest.reading.sniff import Written, sniff


def _sniff(tmp_path: Path, data: str | bytes) -> Written:
    path = tmp_path / "export"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return sniff(path, {})


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("id;lat;lon\n" + "1;52,5;13,4\n2;48,1;11,6\n3;1,2;3,4\n" * 20, ";"),
        ("id,mail\n" + "1,a@x.org;b@x.org;c@x.org\n2,d@x.org;e@x.org;f@x.org\n" * 9, ","),
        ("id|name|note\n1|Ann|a, b, c, d\n2|Bob|e; f\n", "|"),
        ('id\tname\n1\t"Ann, Lee"\n2\tBob\n', "\t"),
        ("id\n1\n2\n", ","),
        ("name;street\nAnn;High St 1, Leeds\nBob;Low St 2, York\n", ";"),
    ],
)
def test_the_delimiter_is_the_one_that_gives_most_records_one_shape(tmp_path: Path, text: str, delimiter: str) -> None:
    assert _sniff(tmp_path, text).options["delimiter"] == delimiter


@pytest.mark.parametrize(
    ("text", "skipped"),
    [
        ("id,name,mail\n1,Ann,a@x\n", 0),
        ("\n\nid,name,mail\n1,Ann,a@x\n", 2),
        ("Customers\nid,name,mail\n1,Ann,a@x\n", 1),
        ("Customers,,\nas of today,,\n,,\nid,name,mail\n1,Ann,a@x\n", 3),
        ("Customers, vertraulich, intern\nid,name,mail,city\n1,Ann,a@x,Ulm\n2,Bo,b@x,Ulm\n", 1),
        ('"Notes: ""all"",\nof them"\nid,name,mail\n1,Ann,a@x\n', 2),
        ("sep=,\nid,name,mail\n1,Ann,a@x\n", 1),
        ("id,name,mail,\n1,Ann,a@x\n2,Bo,b@x\n3,Cy,c@x\n", 0),
        ("id,name,mail,city,note\nx,Ann,y\nz,Bo,u\nv,Cy,w\n", 0),
        ("id,name,mail\n1,Ann,a@x,\n2,Bo,b@x,\n3,Cy,c@x,\n", 0),
    ],
)
def test_the_header_is_the_first_line_as_full_as_the_rows(tmp_path: Path, text: str, skipped: int) -> None:
    assert _sniff(tmp_path, text).options["skipLines"] == str(skipped)


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"a,b\n1,2\n", "utf-8"),
        ("a,b\nÄ,ö\n".encode(), "utf-8"),
        ("name\nJörg\nZoë\nO’Neil\n".encode("cp1252"), "cp1252"),
        ("name\nO’Neil\n".encode("cp1252"), "cp1252"),
        ("nazwisko\nDąbrowski\nWoźniak\nKról\n".encode("cp1250"), "cp1250"),
        ("příjmení\nDvořák\nŠťastný\nŽižka\n".encode("cp1250"), "cp1250"),
        ("会員番号,姓,名\n1,佐藤,太郎\n".encode("cp932"), "cp932"),
        ("姓名,电话\n王小明,1\n".encode("gb18030"), "gb18030"),
        ("姓名,電話\n陳小明,1\n".encode("big5"), "big5"),
        ("이름,주소\n김민준,서울시\n".encode("euc_kr"), "euc_kr"),
        ("Фамилия,Имя\nИванов,Пётр\n".encode("cp1251"), "cp1251"),
        ("Επώνυμο,Όνομα\nΠαπαδόπουλος,Γιώργος\n".encode("cp1253"), "cp1253"),
        ("שם פרטי,שם משפחה\nיוסי,כהן\n".encode("cp1255"), "cp1255"),
        ("الاسم,العنوان\nمحمد,شارع الملك فهد\n".encode("cp1256"), "cp1256"),
        ("nome\nNiccolò\nJoão\nHélène\nÅsa\nSøren\n".encode("cp1252"), "cp1252"),
        ("name\nJörg\nZoë\n".encode() + "Köln\n".encode("cp1252"), "utf-8"),
        ("name\rJörg\rZoë\rGroß\r".encode("mac_roman"), "mac_roman"),
        ("name\r\nJörg\r\nMüller\r\nGroß\r\n".encode("cp850"), "cp850"),
        ("name\nJörg\x85\x81\n".encode("latin-1"), "latin-1"),
        (("name\n" + "Jörg\n" * 20).encode() + b"Zo\xeb\n", "utf-8"),
        ("name\nJörg\n".encode("utf-16-le"), "utf-16-le"),
        ("name\nJörg\n".encode("utf-16-be"), "utf-16-be"),
        ("name\nJörg\n".encode("utf-16"), "utf-16"),
    ],
)
def test_the_encoding_is_found_and_told(tmp_path: Path, data: bytes, encoding: str) -> None:
    found = _sniff(tmp_path, data)
    assert found.options["encoding"] == encoding
    title = {"utf-8": "UTF-8", "cp1252": "Windows-1252", "mac_roman": "Mac Roman", "latin-1": "Latin-1"}
    assert title.get(encoding, "") in found.notes[0]


def test_late_foreign_bytes_are_found(tmp_path: Path) -> None:
    assert _sniff(tmp_path, b"name\n" + b"Ann\n" * 1_200_000 + b"J\xf6rg\n").options["encoding"] == "cp1252"


def test_what_was_found_is_told(tmp_path: Path) -> None:
    notes = _sniff(tmp_path, "Report\n\nid;Tag;TAG;tag\n1;2;3;4\n").notes
    assert notes == (
        "delimited by semicolon, UTF-8",
        "2 lines before the header left out",
        "a name that stands twice gets a number: TAG_2, tag_3",
    )
    assert "looks like data" in _sniff(tmp_path, "1,ann@x.org,30\n2,bob@x.org,31\n").notes[1]


@pytest.mark.parametrize(("text", "escape"), [('a,b\n1,"x \\"y\\" z"\n', "\\"), ('a,b\n"C:\\dir\\",2\n', '"')])
def test_a_backslash_escapes_where_it_stands_before_a_quote_in_a_value(tmp_path: Path, text: str, escape: str) -> None:
    assert _sniff(tmp_path, text).options["escape"] == escape


@pytest.mark.parametrize(
    ("text", "is_document"),
    [
        ('{"a": 1}\n{"a": 2}\n', "false"),
        ('[{"a": 1}]', "true"),
        ('{"a": 1}', "true"),
        ('{\n"a": 1\n}\n{"a": 2}', "true"),
    ],
)
def test_json_is_a_document_or_lines(tmp_path: Path, text: str, is_document: str) -> None:
    found = _sniff(tmp_path, text)
    assert (found.format, found.options["multiLine"]) == ("json", is_document)
