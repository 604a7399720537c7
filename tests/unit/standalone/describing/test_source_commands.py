"""`cdp source add`, `cdp source preview` and `cdp validate --data` on the files of a newcomer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.standalone.describing.newcomer import write_files
from typer.testing import CliRunner

from cdp_spark.cli.main import app
from cdp_spark.config.authoring.starter import write_starter
from cdp_spark.errors import CdpError, ConfigError, InvalidProjectError

CRM = """\
# Delimited by semicolon, Windows-1252.
# `cdp source preview crm_export` shows how the rows are read with these settings.
# CHECK default_region: phones are read as DE; as GB most could not be read.
name: crm_export
kind: records # records, events or consents
format: csv
path: ../files/crm_export.csv # file, folder or glob; relative to the project folder
options: {delimiter: ";", encoding: windows-1252}
key: Kundennr # what identifies a row; several: [shop, customer_id]
observed_at: {column: Geändert am, formats: 'dd.MM.yyyy HH:mm', time_zone: Europe/London} # when the row was true; \
the newer version wins
columns: # meaning: your column; several: [first, second]
  given_name: Vorname
  family_name: Nachname
  birth_date: {from: Geburtsdatum, formats: dmy}
  email: E-Mail
  phone: Telefon
  street: Straße
  postcode: PLZ
  city: Ort
default_region: DE # country of phones and postcodes that name none

# Columns that are not used:
#   Kundenbetreuer: not the person's own (kundenbetreuer)
"""


def _call(project: Path, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["--project", str(project), *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("newcomer")
    _call(folder / "conf", "init", str(folder / "conf"), "--template", "webshop")
    _call(folder / "conf", "source", "add", *write_files(folder / "files"))
    return folder / "conf"


def _source(project: Path, name: str) -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load((project / "sources" / f"{name}.yaml").read_text(encoding="utf-8"))
    return settings


def test_an_export_with_semicolons_and_umlauts_is_described(project: Path) -> None:
    assert (project / "sources" / "crm_export.yaml").read_text(encoding="utf-8") == CRM


def test_json_lines_and_parquet_are_records_of_people(project: Path) -> None:
    newsletter, shop = _source(project, "newsletter"), _source(project, "shop_customers")
    assert newsletter["key"] == "subscriber_id"
    assert newsletter["columns"] == {"email": "email", "full_name": "name", "country": "profile.country"}
    assert shop["identifiers"] == {"user_id": "customer_id"}
    assert shop["columns"] == {
        "given_name": "first_name",
        "family_name": "last_name",
        "email": "email",
        "birth_date": "dob",
    }


def test_orders_clicks_and_consents_are_told_apart(project: Path) -> None:
    assert _source(project, "orders")["events"] == {
        "event_type": {"value": "purchase"},
        "occurred_at": {"column": "order_date", "formats": "dd/MM/yyyy HH:mm", "time_zone": "Europe/London"},
        "event_id": ["order_no", "line_no"],
        "order_id": "order_no",
        "price": "price",
        "currency": "currency",
        "quantity": "quantity",
        "product_id": "product",
        "identifiers": {"user_id": "customer_id", "email": "email"},
    }
    assert _source(project, "web_events")["events"] == {
        "event_type": "event",
        "occurred_at": {"column": "ts", "formats": "epoch_millis"},
        "url": "url",
        "identifiers": {"cookie_id": "cookie_id", "user_id": "user_id"},
    }
    assert _source(project, "consents")["consents"] == {
        "contact": "email",
        "purpose": "purpose",
        "status": "status",
        "given_at": {"column": "date", "formats": "dd.MM.yyyy", "time_zone": "Europe/London"},
        "evidence": "source",
        "statuses": {"erteilt": "granted", "widerrufen": "withdrawn"},
    }


def test_the_files_of_a_newcomer_are_valid_as_described(project: Path) -> None:
    checked = json.loads(_call(project, "validate", "--data", "--json"))
    assert checked["data"] == [
        {"source": "consents", "rows read": 60, "refused": 0},
        {"source": "crm_export", "rows read": 60, "refused": 0},
        {"source": "newsletter", "rows read": 30, "refused": 0},
        {"source": "orders", "rows read": 180, "refused": 0},
        {"source": "shop_customers", "rows read": 30, "refused": 0},
        {"source": "web_events", "rows read": 120, "refused": 0},
    ]
    assert checked["warnings"] == []


def test_what_is_a_guess_is_told(tmp_path: Path) -> None:
    write_starter(tmp_path / "conf")
    (tmp_path / "orders.csv").write_text("order_no,customer_id,date,total\nA1,7,03/04/2025,9.50\nA2,8,05/06/2025,7\n")
    added = json.loads(_call(tmp_path / "conf", "source", "add", str(tmp_path / "orders.csv"), "--json"))
    assert added[0]["unsure"] == [
        "event_type: no column says what happened; every row is taken for a purchase.",
        "occurred_at: date may be day/month or month/day; check `formats`.",
        "identifiers: no source of records has the numbers in customer_id yet; there, write `user_id: COLUMN`.",
    ]


def test_another_systems_customer_number_joins_nobody_unasked(tmp_path: Path) -> None:
    write_starter(tmp_path / "conf")
    (tmp_path / "tickets.csv").write_text(
        "ticket_id,name,email,customer_no,card_no,opened_at\n"
        "T1,Ann Lee,ann@example.org,7,900,2025-04-02\nT2,Bob Ray,bob@example.org,8,901,2025-04-03\n"
    )
    added = json.loads(_call(tmp_path / "conf", "source", "add", str(tmp_path / "tickets.csv"), "--json"))
    assert added[0]["unsure"][-1] == (
        "identifiers: customer_no is kept as an attribute; if it is the customer number of your events, "
        "write `identifiers: {user_id: customer_no}`."
    )
    tickets = _source(tmp_path / "conf", "tickets")
    assert tickets["identifiers"] == {"loyalty_id": "card_no"}
    assert tickets["attributes"] == {"customer_no": "customer_no", "opened_at": "opened_at"}


def test_the_examples_of_a_template_go_when_own_files_come(tmp_path: Path) -> None:
    conf = tmp_path / "conf"
    write_starter(conf, "webshop")
    changed = conf / "sources" / "newsletter.yaml"
    changed.write_text(changed.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    (tmp_path / "orders.csv").write_text("order_no,customer_id,date,total\nA1,7,2025-04-03,9.50\nA2,8,2025-06-05,7\n")
    told = _call(conf, "source", "add", str(tmp_path / "orders.csv"))
    assert told.splitlines()[0] == ("Removed the example sources: consents, customers, order_lines, orders, web_events")
    assert sorted(path.name for path in (conf / "sources").iterdir()) == ["newsletter.yaml", "orders.yaml"]
    assert _source(conf, "orders")["events"]["value"] == "total"
    with pytest.raises(ConfigError, match=r"newsletter\.yaml: got a source that is there already"):
        _call(conf, "source", "add", str(tmp_path / "orders.csv"), "--name", "newsletter")


def test_the_total_of_an_order_or_the_price_of_a_line_is_what_it_is_worth(tmp_path: Path) -> None:
    write_starter(tmp_path / "conf", "webshop")
    header = "Bestellnr;Pos;Kundennr;Bestelldatum;Artikelnr;Warengruppe;Menge;Einzelpreis;Gesamtbetrag;Währung"
    lines = [
        f"B{at // 2};{1 + at % 2};{70 + at};0{1 + at}.03.2025;A{at};Garten;{1 + at};{3 + at},50;{20 + at},75;EUR"
        for at in range(6)
    ]
    (tmp_path / "lines.csv").write_text("\n".join([header, *lines]), encoding="utf-8")
    once = [line.split(";") for line in [header, *lines[::2]]]
    whole = "\n".join(";".join([it[0], *it[2:4], it[8]]) for it in once)
    (tmp_path / "bestellungen.csv").write_text(whole, encoding="utf-8")
    _call(tmp_path / "conf", "source", "add", str(tmp_path / "lines.csv"), str(tmp_path / "bestellungen.csv"))
    of_lines, of_orders = (_source(tmp_path / "conf", name)["events"] for name in ("lines", "bestellungen"))
    assert of_lines["event_id"] == ["Bestellnr", "Pos"]
    assert {name: of_lines[name] for name in ("price", "currency", "quantity", "product_id", "category")} == {
        "price": "Einzelpreis",
        "currency": "Währung",
        "quantity": "Menge",
        "product_id": "Artikelnr",
        "category": "Warengruppe",
    }
    assert (of_orders["event_id"], of_orders["value"], "value" in of_lines) == ("Bestellnr", "Gesamtbetrag", False)


def test_an_order_on_several_rows_is_one_purchase(tmp_path: Path) -> None:
    write_starter(tmp_path / "conf", "webshop")
    lines = ["order_no,customer_id,date,sku,total", *(f"A{at // 2},{at // 2},2025-04-03,P{at},9.50" for at in range(6))]
    (tmp_path / "tills.csv").write_text("\n".join(lines), encoding="utf-8")
    added = json.loads(_call(tmp_path / "conf", "source", "add", str(tmp_path / "tills.csv"), "--json"))
    events = _source(tmp_path / "conf", "tills")["events"]
    assert (events["order_id"], events["value"], "event_id" in events) == ("order_no", "total", False)
    assert added[0]["unsure"] == [
        "event_type: no column says what happened; every row is taken for a purchase.",
        "event_id: order_no is repeated on 3 rows, and no column numbers an order's lines; rows that are the same in "
        "all columns count once.",
        "value: total is the same on all rows of an order. If it is the order's total, name the line's value or price "
        "instead: the rows are added up.",
        "identifiers: no source of records has the numbers in customer_id yet; there, write `user_id: COLUMN`.",
    ]


def test_a_source_that_is_there_is_never_overwritten(project: Path) -> None:
    before = (project / "sources" / "crm_export.yaml").read_bytes()
    with pytest.raises(ConfigError, match="a source that is there already"):
        _call(project, "source", "add", str(project.parent / "files" / "crm_export.csv"))
    assert (project / "sources" / "crm_export.yaml").read_bytes() == before


def test_a_preview_shows_values_as_delivered_and_as_read(tmp_path: Path) -> None:
    write_starter(tmp_path / "conf")
    (tmp_path / "people.csv").write_text(
        "id,first_name,last_name,birth_date,email\n"
        "1,Ann,Lee,1980-02-30,ANN@example.org\n"
        ",Bob,Ray,1981-03-04,bob@example.org\n"
        "3,Cy,N/A,1982-05-06,\n4,Too,Many,Cells,here,now\n"
    )
    _call(tmp_path / "conf", "source", "add", str(tmp_path / "people.csv"))
    shown = json.loads(_call(tmp_path / "conf", "source", "preview", "people", "--rows", "1", "--json"))
    assert {it["meaning"]: (it["filled"], it["read"], it["unread"]) for it in shown["fields"]} == {
        "key": (2, 2, {}),
        "given_name": (3, 3, {}),
        "family_name": (3, 2, {"placeholder": 1}),
        "birth_date": (3, 2, {"malformed": 1}),
        "email": (2, 2, {}),
    }
    assert shown["examples"][0]["email"] == {"delivered": "ANN@example.org", "read": "ann@example.org", "why": None}
    assert [it["reason"] for it in shown["refused"]] == ["null_key", "column_count"]
    table = _call(tmp_path / "conf", "source", "preview", "people", "--rows", "1")
    assert "not read: malformed" in table


def test_a_preview_shows_what_orders_lines_products_and_rates_say(tmp_path: Path) -> None:
    conf = tmp_path / "conf"
    write_starter(conf, "webshop")
    (conf / "data" / "order_lines.csv").write_text(
        "order_no,line_no,sku,category,quantity,price\no1,1,MUG,kitchen,2,12.25\no1,2,LAMP,living,one,78.00\n"
    )
    (conf / "sources" / "products.yaml").write_text(
        "name: products\nkind: products\nformat: csv\npath: data/products.csv\n"
        "products: {product_id: sku, price: price, in_stock: there}\n"
    )
    (conf / "data" / "products.csv").write_text("sku,price,there\nMUG,12.25,yes\nLAMP,7x,perhaps\n")
    (conf / "sources" / "rates.yaml").write_text(
        "name: rates\nkind: rates\nformat: csv\npath: data/rates.csv\n"
        "rates: {currency: currency, day: day, rate: rate}\n"
    )
    (conf / "data" / "rates.csv").write_text("currency,day,rate\nEUR,2026-01-02,0.85\n")
    found = {
        name: {
            it["meaning"]: (it["read"], it["unread"])
            for it in json.loads(_call(conf, "source", "preview", name, "--json"))["fields"]
        }
        for name in ("orders", "order_lines", "products", "rates")
    }
    assert found["orders"]["value"] == (9, {})
    assert found["order_lines"] == {
        "order_id": (2, {}),
        "line_id": (2, {}),
        "product_id": (2, {}),
        "category": (2, {}),
        "quantity": (1, {"quantity_malformed": 1}),
        "price": (1, {"quantity_malformed": 1}),
    }
    assert found["products"] == {
        "product_id": (2, {}),
        "price": (1, {"malformed": 1}),
        "in_stock": (2, {}),
    }
    assert found["rates"] == {"currency": (1, {}), "day": (1, {}), "rate": (1, {})}


def test_an_identifier_that_cannot_be_used_is_shown_with_the_reason(tmp_path: Path) -> None:
    write_starter(tmp_path / "conf")
    (tmp_path / "cards.csv").write_text("id,first_name,last_name,card_no\n1,Ann,Lee,AB-77\n2,Bob,Ray,unknown\n")
    _call(tmp_path / "conf", "source", "add", str(tmp_path / "cards.csv"))
    shown = json.loads(_call(tmp_path / "conf", "source", "preview", "cards", "--json"))
    of_card = next(it for it in shown["fields"] if it["meaning"] == "identifiers.loyalty_id")
    assert (of_card["read"], of_card["unread"]) == (1, {"placeholder": 1})


def test_all_mistakes_of_all_sources_are_one_list(tmp_path: Path) -> None:
    conf = tmp_path / "conf"
    write_starter(conf)
    _call(conf, "source", "add", *write_files(tmp_path / "files"))
    crm, web = conf / "sources" / "crm_export.yaml", conf / "sources" / "web_events.yaml"
    crm.write_text(crm.read_text(encoding="utf-8").replace("email: E-Mail", "email: Mail"), encoding="utf-8")
    web.write_text(web.read_text(encoding="utf-8").replace("epoch_millis", "epoch_seconds"), encoding="utf-8")
    orders = conf / "sources" / "orders.yaml"
    orders.write_text(orders.read_text(encoding="utf-8").replace("kind: events", "kind: event"), encoding="utf-8")
    (tmp_path / "files" / "consents.csv").unlink()
    with pytest.raises(InvalidProjectError) as raised:
        _call(conf, "validate", "--data")
    assert {error.where.split(":")[0].removeprefix(f"{conf}/") for error in raised.value.errors} == {
        "sources/orders.yaml",
        "source consents",
        "source crm_export",
        "source web_events",
    }
    done = CliRunner().invoke(app, ["--project", str(conf), "validate", "--data", "--json"])
    assert done.exit_code == 2
    told = json.loads(done.stdout)
    assert told["valid"] is False
    assert [error["where"] for error in told["errors"]] == [error.where for error in raised.value.errors]


def test_cells_that_cannot_be_read_are_a_mistake(tmp_path: Path) -> None:
    conf = tmp_path / "conf"
    write_starter(conf)
    _call(conf, "source", "add", *write_files(tmp_path / "files"))
    crm = conf / "sources" / "crm_export.yaml"
    crm.write_text(
        crm.read_text(encoding="utf-8").replace("default_region: DE", "default_region: US"), encoding="utf-8"
    )
    with pytest.raises(CdpError, match="source crm_export, phone: got 60 of 60 values in Telefon that cannot be read"):
        _call(conf, "validate", "--data")


@pytest.mark.parametrize(
    "header",
    [
        "Account ID;Company;Website;Industry;Employees;Annual revenue;Legal form;Account owner;Parent account",
        "Firmen-Nr;Firma;Webseite;Branche;Mitarbeiterzahl;Jahresumsatz;Rechtsform;Kundenbetreuer;Muttergesellschaft",
        "Compte ID;Société;Site web;Secteur d'activité;Effectif;Chiffre d'affaires;Forme juridique;Chargé de compte;"
        "Société mère",
        "Cuenta ID;Empresa;Sitio web;Sector;Número de empleados;Facturación;Forma jurídica;Gestor de cuenta;"
        "Empresa matriz",
    ],
    ids=["en", "de", "fr", "es"],
)
def test_companies_are_accounts_whose_columns_are_known_in_four_languages(tmp_path: Path, header: str) -> None:
    write_starter(tmp_path / "conf")
    rows = [
        f"A{n};Acme {n} GmbH;www.acme{n}.example;Steel;{n}1-{n}99;{n},5 Mio. €;GmbH;rep{n % 3}@vendor.example;A{n // 2}"
        for n in range(1, 31)
    ]
    (tmp_path / "firms.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    _call(tmp_path / "conf", "source", "add", str(tmp_path / "firms.csv"))
    source, names = _source(tmp_path / "conf", "firms"), header.split(";")
    assert (source["entity_type"], source["key"]) == ("account", names[0])
    meanings = ("company_name", "domain", "industry", "employees", "revenue", "legal_form", "owner", "parent_account")
    assert source["columns"] == dict(zip(meanings, names[1:], strict=True))
