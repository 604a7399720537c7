from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import get_args

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql.pandas.types import to_arrow_schema
from tests.unit.normalise.strategies import TEXTS

from cdp_spark import columns as c
from cdp_spark.config.mapping import ColumnMapping
from cdp_spark.config.source import Meaning
from cdp_spark.normalise.identifiers import BUILT_IN_FORMS, Forms, IdentifierForm
from cdp_spark.standardise.cells import Memo
from cdp_spark.standardise.cleaning import ATTRIBUTE_TYPES, clean_rows
from cdp_spark.standardise.mapping import RawMapping, from_column
from cdp_spark.tables.catalog import RECORDS

TODAY = date(2026, 1, 31)
Row = Mapping[str, str | None]


def from_columns(*columns: str, **settings: object) -> ColumnMapping:
    return ColumnMapping.model_validate({"from": columns, **settings})


MEANINGS: dict[Meaning, ColumnMapping] = {
    "full_name": from_columns("Name"),
    "birth_date": from_columns("born", formats=("dd/MM/yyyy",)),
    "email": from_columns("email", "second mail"),
    "phone": from_columns("tel"),
    "street": from_columns("street", "no", join=" "),
    "city": from_columns("place.name"),
    "country": ColumnMapping(value="Germany"),
    "company_name": from_columns("firm"),
}
NAMES = ("Name", "born", "email", "second mail", "tel", "street", "no", "place.name", "firm")
GOOD = (
    *("Frau Dr. ANNA VON BERG", "12/03/1980", "Anna@Acme.de", "a.b+x@gmail.com", "030 1234567"),
    *("Hauptstr.", "5", "BERLIN", None),
)
BAD = (
    *("n/a", "30/02/1980", "none@none.com", "b@web.de; c@web.de", "0000000000"),
    *("n/a", None, "Ulm", "Acme GmbH"),
)
ROWS: list[Row] = [dict(zip(NAMES, values, strict=True)) for values in (GOOD, BAD, (None,) * len(NAMES))]


def _clean(
    rows: Sequence[Row],
    meanings: Mapping[Meaning, ColumnMapping] = MEANINGS,
    *,
    region: str | None = "US",
    memo: Memo | None = None,
    identifiers: Mapping[str, str] | None = None,
    attributes: Mapping[str, str] | None = None,
    forms: Forms = BUILT_IN_FORMS,
) -> list[dict[str, object]]:
    def cell(name: str) -> pa.Array | None:
        return pa.array([row[name] for row in rows], pa.string()) if rows and name in rows[0] else None

    mapping = RawMapping(meanings, identifiers or {}, attributes or {}, default_region=region, forms=forms)
    cleaned: list[dict[str, object]] = clean_rows(cell, len(rows), mapping, as_of=TODAY, memo=memo).to_pylist()
    return cleaned


def _said(row: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if value not in (None, []) and name != c.IDENTIFIERS}


def _found(row: Mapping[str, object]) -> list[tuple[str, str, str | None]]:
    items = row[c.IDENTIFIERS]
    assert isinstance(items, list)
    return [(item["type"], item["value"], item["reason"]) for item in items]


def test_a_good_row() -> None:
    assert _said(_clean(ROWS)[0]) == {
        "given_name": "Anna",
        "family_name": "von Berg",
        "full_name": "Anna von Berg",
        "birth_date": date(1980, 3, 12),
        "email": "anna@acme.de",
        "phone": "+49301234567",
        "domain": "acme.de",
        "street": "Hauptstr.",
        "house_number": "5",
        "city": "Berlin",
        "country": "DE",
        "emails": ["anna@acme.de", "a.b+x@gmail.com"],
        "phones": ["+49301234567"],
    }


def test_a_bad_row() -> None:
    assert _said(_clean(ROWS)[1]) == {
        "email": "b@web.de",
        "emails": ["b@web.de", "c@web.de"],
        "city": "Ulm",
        "country": "DE",
        "company_name": "Acme GmbH",
        "company_core": "acme",
        "legal_form": "gmbh",
        "value_issues": ["full_name:placeholder", "birth_date:malformed", "email:placeholder", "phone:placeholder"],
    }


def test_a_row_without_values() -> None:
    assert _said(_clean(ROWS)[2]) == {"country": "DE"}


def test_identifiers_of_a_row() -> None:
    good, bad, empty = map(_found, _clean(ROWS))
    kinds = [kind for kind, _, _ in good]
    assert kinds == ["email", "email_sha256", "email", "email_sha256", "email_sha256", "phone"]
    assert [value for kind, value, _ in good if kind == "email"] == ["anna@acme.de", "ab@gmail.com"]
    unusable = {item for item in bad if item[2]}
    assert unusable == {("email", "none@none.com", "placeholder"), ("phone", "0000000000", "placeholder")}
    assert empty == []


def test_the_columns_are_the_tables() -> None:
    table = clean_rows(lambda _: None, 0, RawMapping(MEANINGS), as_of=TODAY)
    assert table.column_names == [*ATTRIBUTE_TYPES, c.IDENTIFIERS]
    names = RECORDS.schema.names
    assert list(ATTRIBUTE_TYPES) == names[names.index(c.GIVEN_NAME) :]
    schema = to_arrow_schema(RECORDS.schema, timezone="UTC")
    assert {name: schema.field(name).type for name in ATTRIBUTE_TYPES} == ATTRIBUTE_TYPES
    assert {name: table.schema.field(name).type for name in ATTRIBUTE_TYPES} == ATTRIBUTE_TYPES


def test_no_meaning_at_all() -> None:
    assert _said(_clean([{"id": "1"}], {}, region=None)[0]) == {}


def test_a_column_that_the_delivery_lacks_is_null() -> None:
    assert _said(_clean([{"Name": "Ann Lee"}])[0]) == {
        "given_name": "Ann",
        "family_name": "Lee",
        "full_name": "Ann Lee",
        "country": "DE",
    }


def test_a_cell_may_list_any_number_of_contacts() -> None:
    rows: list[Row] = [{"mail": "A@x.org; b@x.org, a@x.org | x", "tel": "0171 1234567; 0172 1234567; 0173 1234567"}]
    meanings: dict[Meaning, ColumnMapping] = {"email": from_columns("mail"), "phone": from_columns("tel")}
    row = _said(_clean(rows, meanings, region="DE")[0])
    assert row["emails"] == ["a@x.org", "b@x.org"]
    assert row["phones"] == ["+491711234567", "+491721234567", "+491731234567"]
    assert row["value_issues"] == ["email:no_at_sign"]


def test_phones_are_read_by_the_rows_country() -> None:
    rows: list[Row] = [
        {"tel": "0171 1234567", "land": "Deutschland"},
        {"tel": "020 7946 0958", "land": "UK"},
        {"tel": "(650) 253-0000", "land": None},
        {"tel": "650 253 0001", "land": "Atlantis"},
    ]
    meanings: dict[Meaning, ColumnMapping] = {"phone": from_columns("tel"), "country": from_columns("land")}
    assert [row["phone"] for row in _clean(rows, meanings)] == [
        *("+491711234567", "+442079460958", "+16502530000", "+16502530001")
    ]


def test_without_a_region_phones_keep_their_national_digits() -> None:
    row = _clean([{"tel": "030-1234567"}], {"phone": from_columns("tel")}, region=None)[0]
    assert row["phones"] == ["0301234567"]


def test_further_identifiers_and_own_attributes() -> None:
    hashed = sha256(b"ann@x.org").hexdigest()
    rows: list[Row] = [
        {"mail": "ann@x.org", "card": "lc-12 34", "cookie": "n/a", "hash": hashed.upper(), "size": " 38 ", "hue": "?"},
        {"mail": None, "card": None, "cookie": "Abc", "hash": "f00", "size": None, "hue": "red"},
    ]
    kinds = {"loyalty_id": "card", "cookie_id": "cookie", "email_sha256": "hash", "email": "mail"}
    first, second = _clean(rows, {}, identifiers=kinds, attributes={"shoe": "size", "colour": "hue"})
    assert _found(first) == [
        ("email", "ann@x.org", None),
        ("email_sha256", hashed, None),
        ("cookie_id", "n/a", "placeholder"),
        ("loyalty_id", "LC1234", None),
    ]
    assert _found(second) == [("email_sha256", "f00", "malformed"), ("cookie_id", "Abc", None)]
    assert (first["emails"], first["attributes"], second["attributes"]) == (
        *(["ann@x.org"], [("shoe", "38")], [("colour", "red")]),
    )


def test_an_own_type_of_identifier_is_an_attribute_too_where_it_is_well_written() -> None:
    forms = {"membership_no": IdentifierForm(("no_separators", "upper"), "[A-Z]{2}[0-9]{4}")}
    rows: list[Row] = [{"no": "mg-12 34", "size": "38"}, {"no": "MG12", "size": None}, {"no": "n/a", "size": "40"}]
    found = _clean(rows, {}, identifiers={"membership_no": "no"}, attributes={"shoe": "size"}, forms=forms)
    assert [(_found(row), row["attributes"]) for row in found] == [
        ([("membership_no", "MG1234", None)], [("membership_no", "MG1234"), ("shoe", "38")]),
        ([("membership_no", "MG12", "malformed")], []),
        ([("membership_no", "N/A", "placeholder")], [("shoe", "40")]),
    ]


def test_an_unusable_national_id_is_an_identifier_still() -> None:
    row = _clean([{"id": "12"}], {"national_id": from_columns("id")})[0]
    assert _said(row) == {"value_issues": ["national_id:too_short"]}
    assert _found(row) == [("national_id", "12", "too_short")]


ADDRESS_MEANINGS: dict[Meaning, ColumnMapping] = {
    meaning: from_columns(meaning)
    for meaning in ("street", "house_number", "unit", "city", "postcode", "region", "country", "address")
}


def _addresses(*rows: Row, region: str | None = None) -> list[dict[str, object]]:
    whole = [{str(meaning): row.get(meaning) for meaning in ADDRESS_MEANINGS} for row in rows]
    return [_said(row) for row in _clean(whole, ADDRESS_MEANINGS, region=region)]


def test_addresses_in_columns() -> None:
    assert _addresses(
        {"street": "12 HIGH STREET, APT 4B", "city": "LONDON", "postcode": "sw1a1aa", "country": "UK"},
        {"street": "Hauptstr. 5", "house_number": "12.0", "postcode": "1o115", "country": "Deutschland"},
        {"street": "n/a", "city": "-", "country": "Atlantis", "region": "ca"},
        {"street": ","},
        {},
    ) == [
        {
            "street": "High Street",
            "house_number": "12",
            "unit": "Apt 4B",
            "city": "London",
            "postcode": "SW1A 1AA",
            "country": "GB",
        },
        {
            "street": "Hauptstr. 5",
            "house_number": "12",
            "country": "DE",
            "value_issues": ["postcode:malformed"],
        },
        {"region": "CA", "value_issues": ["street:placeholder", "city:placeholder", "country:unknown"]},
        {},
        {},
    ]


def test_addresses_in_one_line() -> None:
    assert _addresses(
        {"address": "5 High St, Leeds LS1 4AP, UK"},
        {"address": "123 Main St, Springfield, IL 62704"},
        {"address": "Hauptstr. 5, 10115 Berlin, Deutschland", "city": "Potsdam"},
        {"address": "just a street"},
        {"address": ", Leeds LS1 4AP"},
    ) == [
        {"street": "High St", "house_number": "5", "city": "Leeds", "postcode": "LS1 4AP", "country": "GB"},
        {"street": "Main St", "house_number": "123", "city": "Springfield", "postcode": "62704", "region": "IL"},
        {"street": "Hauptstr.", "house_number": "5", "city": "Potsdam", "postcode": "10115", "country": "DE"},
        {"street": "Just A Street"},
        {"city": "Leeds", "postcode": "LS1 4AP"},
    ]


def test_name_and_revenue_of_a_company_tell_its_legal_form_and_currency() -> None:
    names: tuple[Meaning, ...] = (
        *("company_name", "legal_form", "revenue", "revenue_currency", "employees", "owner", "parent_account"),
    )
    meanings = {name: from_column(name) for name in names}
    rows = [
        ("Acme GmbH", None, "1,2 Mio. €", None, "51-200", "Ann@Vendor.example", "K 7"),
        ("Acme GmbH", "G.m.b.H. & Co. KG", "$5M", "usd", "n/a", "n/a", None),
        (None, None, None, "EUR", None, None, None),
    ]
    cleaned = _clean([dict(zip(names, row, strict=True)) for row in rows], meanings)
    known = {"company_name": "Acme GmbH", "company_core": "acme"}
    assert [_said(row) for row in cleaned] == [
        {
            **known,
            "legal_form": "gmbh",
            "revenue": 1_200_000.0,
            "revenue_currency": "EUR",
            "employees": 51,
            "owner": "ann@vendor.example",
            "parent_account": "K 7",
        },
        {
            **known,
            "legal_form": "gmbh co kg",
            "revenue": 5_000_000.0,
            "revenue_currency": "USD",
            "value_issues": ["employees:placeholder", "owner:placeholder"],
        },
        {},
    ]


def test_a_full_name_fills_what_is_missing() -> None:
    meanings: dict[Meaning, ColumnMapping] = {
        "given_name": from_columns("given_name"),
        "family_name": from_columns("family_name"),
        "name_suffix": from_columns("name_suffix"),
        "full_name": from_columns("full_name"),
    }
    rows: list[Row] = [
        {"given_name": None, "family_name": "LEE JR.", "name_suffix": None, "full_name": "LEE, Ann Marie"},
        {"given_name": "Bo", "family_name": "Lee", "name_suffix": "PhD", "full_name": "Robert Ray, Sr"},
    ]
    assert list(map(_said, _clean(rows, meanings))) == [
        {
            "given_name": "Ann",
            "middle_name": "Marie",
            "family_name": "Lee",
            "name_suffix": "Jr",
            "full_name": "Ann Marie Lee",
        },
        {"given_name": "Bo", "family_name": "Lee", "name_suffix": "PhD", "full_name": "Robert Ray"},
    ]


ONE_OF_EACH: dict[Meaning, str] = {
    "family_name": "VON BERG jr.",
    "name_suffix": "PhD",
    "full_name": "Dr. ANNA BERG",
    "birth_date": "1980-02-30",
    "gender": "Frau",
    "email": "Anna@Acme.de",
    "phone": "030 1234567",
    "unit": "apt 4b",
    "postcode": "sw1a1aa",
    "address": "5 High St, Leeds LS1 4AP, UK",
    "national_id": "12",
    "domain": "https://www.acme.de/shop",
    "employees": "51-200",
}


@pytest.mark.parametrize(
    "known",
    [
        ("full_name",),
        ("family_name", "national_id", "address"),
        ("name_suffix", "postcode", "employees"),
        ("email", "gender", "unit"),
        ("birth_date", "phone", "domain"),
    ],
    ids="-".join,
)
def test_a_meaning_without_a_column_is_one_that_is_always_null(known: tuple[Meaning, ...]) -> None:
    of_all: dict[Meaning, ColumnMapping] = {meaning: from_columns(meaning) for meaning in get_args(Meaning)}
    row: Row = {str(meaning): ONE_OF_EACH[meaning] if meaning in known else None for meaning in of_all}
    narrow, wide = (
        _clean([row], meanings, region="DE") for meanings in ({meaning: of_all[meaning] for meaning in known}, of_all)
    )
    assert narrow == wide
    assert _said(narrow[0])


TEXT_MEANINGS: tuple[Meaning, ...] = (
    *("given_name", "family_name", "gender", "email", "phone", "street", "city", "postcode", "country", "company_name"),
)


@settings(max_examples=30)
@given(texts=st.lists(st.tuples(*[TEXTS] * len(TEXT_MEANINGS)), min_size=1, max_size=40))
def test_cleaning_twice_changes_nothing(texts: list[tuple[str, ...]]) -> None:
    meanings: dict[Meaning, ColumnMapping] = {meaning: from_columns(meaning) for meaning in TEXT_MEANINGS}
    rows: list[Row] = [dict(zip(TEXT_MEANINGS, row, strict=True)) for row in texts]

    def attributes(rows: Sequence[Mapping[str, object]]) -> list[dict[str, str | None]]:
        return [{name: row[name] for name in TEXT_MEANINGS} for row in rows]  # type: ignore[misc] # of texts

    once = attributes(_clean(rows, meanings, region="DE"))
    assert attributes(_clean(once, meanings, region="DE")) == once


def test_batches_and_memos_do_not_matter() -> None:
    memo: Memo = {}
    one_by_one = [row for given in ROWS for row in _clean([given], memo=memo)]
    assert one_by_one == [row for given in ROWS for row in _clean([given], memo=memo)] == _clean(ROWS)
