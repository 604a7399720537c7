from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from tests.unit.standardise.conftest import Check, Evaluate
from tests.unit.standardise.test_text import TEXTS

from cdp_spark.standardise.places.addresses import ADDRESS_PARTS, with_addresses
from cdp_spark.standardise.places.countries import country_expr
from cdp_spark.standardise.places.postcodes import postcode_expr, postcode_issue_expr
from cdp_spark.standardise.places.streets import (
    street_and_number_expr,
    street_and_unit_expr,
    street_match_expr,
    unit_case_expr,
)


def test_countries(check: Check) -> None:
    check(
        country_expr,
        {
            "Deutschland": "DE",
            "uk": "GB",
            "USA": "US",
            "fr": "FR",
            "CHE": "CH",
            "Österreich": "AT",
            "ZZ": None,
            "": None,
        },
    )


@pytest.mark.parametrize(
    ("country", "expected"),
    [
        ("GB", {"sw1a1aa": "SW1A 1AA", "M1 1AE": "M1 1AE"}),
        ("NL", {"1012ab": "1012 AB"}),
        ("CA", {"k1a0b1": "K1A 0B1"}),
        ("US", {"2139": "02139", "021391234": "02139-1234", "94105.0": "94105"}),
        ("DE", {"D-80331": "80331", "1067": "01067"}),
        ("SE", {"11455": "114 55"}),
        ("PL", {"00950": "00-950"}),
        (None, {"4350": "4350", "ng9 8py": "NG9 8PY"}),
    ],
)
def test_postcodes(check: Check, country: str | None, expected: dict[str, object]) -> None:
    check(lambda text: postcode_expr(text, F.lit(country).cast("string")), expected)


def test_postcodes_that_cannot_be(check: Check) -> None:
    check(lambda code: postcode_issue_expr(code, F.lit("DE")), {"80331": None, "8033A": "malformed"})
    check(lambda code: postcode_issue_expr(code, F.lit("KE")), {"anything": None})
    check(lambda code: postcode_issue_expr(code, F.lit(None).cast("string")), {"anything": None})


def _shown(expr: Column, text: Column) -> Column:
    return F.translate(F.coalesce(expr, text), "\u0001", "|")


def test_units(check: Check) -> None:
    check(
        lambda street: _shown(street_and_unit_expr(street), street),
        {
            "12 High St, apt 4b": "12 High St|apt 4b",
            "12 High St #7": "12 High St|#7",
            "Flat 2, 12 High St": "12 High St|Flat 2",
            "Unit 5/12 High St": "12 High St|Unit 5",
            "12 High St Suite 200": "12 High St|Suite 200",
            "12 High St": "12 High St",
            "Topstraße 3": "Topstraße 3",
        },
    )
    check(unit_case_expr, {"apt 4b": "Apt 4B", "#7": "#7"})


def test_house_numbers(check: Check) -> None:
    check(
        lambda street: _shown(street_and_number_expr(street), street),
        {
            "12a High Street": "High Street|12a",
            "Hauptstraße 12a": "Hauptstraße|12a",
            "Hauptstr. 12 b": "Hauptstr.|12 b",
            "12-14 High Street": "High Street|12-14",
            "12 bis rue de Rivoli": "rue de Rivoli|12 bis",
            "Straße des 17. Juni 135": "Straße des 17. Juni|135",
            "5th Avenue": "5th Avenue",
            "Highway 61": "Highway 61",
            "PO Box 7": "PO Box 7",
            "12": "12",
        },
    )


def test_streets_compare(check: Check) -> None:
    check(
        street_match_expr,
        {
            "North High Street": "n high st",
            "N. High St.": "n high st",
            "Hauptstraße": "hauptstr",
            "Hauptstr.": "hauptstr",
            "Haupt-Strasse": "haupt str",
        },
    )


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=50, max_size=200))
def test_no_street_is_too_odd(evaluate: Evaluate, texts: list[str]) -> None:
    forms = [str(form) for form in evaluate(street_match_expr, texts) if form is not None]
    assert evaluate(street_match_expr, forms) == forms
    assert len(evaluate(street_and_unit_expr, texts)) == len(evaluate(street_and_number_expr, texts)) == len(texts)


def _addresses(spark: SparkSession, *rows: dict[str, str]) -> list[dict[str, str]]:
    names = (*ADDRESS_PARTS, "address", "default_region")
    schema = ", ".join(f"{name} string" for name in names)
    df = spark.createDataFrame([tuple(row.get(name) for name in names) for row in rows], schema).coalesce(1)
    cleaned = with_addresses(df, default_region="default_region")
    shown = cleaned.select(*ADDRESS_PARTS, *(f"{part}_issue" for part in ADDRESS_PARTS)).collect()
    return [{name: value for name, value in row.asDict().items() if value is not None} for row in shown]


def test_addresses_in_columns(spark: SparkSession) -> None:
    assert _addresses(
        spark,
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
        {"street": "Hauptstr. 5", "house_number": "12", "country": "DE", "postcode_issue": "malformed"},
        {"region": "CA", "street_issue": "placeholder", "city_issue": "placeholder", "country_issue": "unknown"},
        {},
        {},
    ]


def test_addresses_in_one_line(spark: SparkSession) -> None:
    assert _addresses(
        spark,
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
