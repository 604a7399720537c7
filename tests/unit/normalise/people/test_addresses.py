from __future__ import annotations

import pytest
from hypothesis import given
from tests.unit.normalise.strategies import TEXTS

from cdp_spark.normalise.people.addresses import (
    AddressLine,
    Street,
    read_street,
    split_address,
    split_house_number,
    split_unit,
    street_match_form,
)
from cdp_spark.normalise.text import clean_text


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("5 High St, Leeds LS1 4AP, UK", AddressLine("5 High St", "LS1 4AP", "Leeds", None, "GB")),
        (";;33 Oak St;Portland;OR;97201;US", AddressLine("33 Oak St", "97201", "Portland", "OR", "US")),
        (";;Lindenallee 5;Köln;;50667;", AddressLine("Lindenallee 5", "50667", "Köln", None, None)),
        ("123 Main St, Springfield, IL 62704", AddressLine("123 Main St", "62704", "Springfield", "IL", None)),
        ("1 Main St, Springfield, IL", AddressLine("1 Main St", None, "Springfield", "IL", None)),
        ("Hauptstr. 5, 10115 Berlin, Deutschland", AddressLine("Hauptstr. 5", "10115", "Berlin", None, "DE")),
        ("1 Dam, 1012 AB Amsterdam", AddressLine("1 Dam", "1012 AB", "Amsterdam", None, None)),
        ("just a street", AddressLine("just a street", None, None, None, None)),
        (", Leeds LS1 4AP", AddressLine(None, "LS1 4AP", "Leeds", None, None)),
        ("", AddressLine(None, None, None, None, None)),
    ],
)
def test_a_line_is_taken_apart(line: str, parts: AddressLine) -> None:
    assert split_address(line) == parts


@pytest.mark.parametrize(
    ("street", "parts"),
    [
        ("12 High St, apt 4b", ("12 High St", "apt 4b")),
        ("12 High St #7", ("12 High St", "#7")),
        ("12 High St # 7", ("12 High St", "# 7")),
        ("Flat 2, 12 High St", ("12 High St", "Flat 2")),
        ("Unit 5/12 High St", ("12 High St", "Unit 5")),
        ("12 High St Suite 200", ("12 High St", "Suite 200")),
        ("12 High St", ("12 High St", None)),
        ("Topstraße 3", ("Topstraße 3", None)),
    ],
)
def test_units_are_found(street: str, parts: tuple[str, str | None]) -> None:
    assert split_unit(street) == parts


@pytest.mark.parametrize(
    ("street", "parts"),
    [
        ("12a High Street", ("High Street", "12a")),
        ("Hauptstraße 12a", ("Hauptstraße", "12a")),
        ("Hauptstr. 12 b", ("Hauptstr.", "12 b")),
        ("12-14 High Street", ("High Street", "12-14")),
        ("12 bis rue de Rivoli", ("rue de Rivoli", "12 bis")),
        ("Straße des 17. Juni 135", ("Straße des 17. Juni", "135")),
        ("5th Avenue", ("5th Avenue", None)),
        ("Highway 61", ("Highway 61", None)),
        ("PO Box 7", ("PO Box 7", None)),
        ("12", ("12", None)),
    ],
)
def test_house_numbers_are_found(street: str, parts: tuple[str, str | None]) -> None:
    assert split_house_number(street) == parts


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        (("12 HIGH STREET, APT 4B", None, None), Street("High Street", "12", "Apt 4B")),
        (("Hauptstr. 5", "12.0", None), Street("Hauptstr. 5", "12", None)),
        (("Hauptstr. 5a", None, "top 3"), Street("Hauptstr.", "5A", "Top 3")),
        ((",", None, None), Street(None, None, None)),
        ((None, "7b", "2"), Street(None, "7B", "2")),
        (("just a street", None, None), Street("Just A Street", None, None)),
    ],
)
def test_streets_come_in_parts(given: tuple[str | None, str | None, str | None], parts: Street) -> None:
    assert read_street(*given) == parts


@pytest.mark.parametrize(
    ("street", "form"),
    [
        ("North High Street", "n high st"),
        ("N. High St.", "n high st"),
        ("Hauptstraße", "hauptstr"),
        ("Hauptstr.", "hauptstr"),
        ("Haupt-Strasse", "haupt str"),
        ("Kalverstraat", "kalverstr"),
        ("?", None),
    ],
)
def test_streets_compare(street: str, form: str | None) -> None:
    assert street_match_form(street) == form


@given(TEXTS)
def test_no_street_is_too_odd(text: str) -> None:
    street = clean_text(text)
    form = street_match_form(street)
    assert form is None or street_match_form(form) == form
    read_street(street, None, None)
    split_address(street)
