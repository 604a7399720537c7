from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.normalise.strategies import TEXTS

from cdp_spark.normalise.outcome import Normal
from cdp_spark.normalise.people.countries import country_code
from cdp_spark.normalise.people.places import read_city, read_country, read_postcode, read_region


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Deutschland", "DE"),
        ("uk", "GB"),
        ("USA", "US"),
        ("fr", "FR"),
        ("CHE", "CH"),
        ("Österreich", "AT"),
        ("ZZ", None),
        ("", None),
    ],
)
def test_countries_have_codes(text: str, code: str | None) -> None:
    assert country_code(text) == code


def test_a_country_that_cannot_be_used_says_why() -> None:
    assert read_country("Schweiz") == Normal("CH")
    assert read_country("n/a") == Normal(None, "placeholder")
    assert read_country("NA") == Normal("NA")
    assert read_country("Atlantis") == Normal(None, "unknown")


@pytest.mark.parametrize(
    ("country", "text", "postcode"),
    [
        ("GB", "sw1a1aa", "SW1A 1AA"),
        ("GB", "M1 1AE", "M1 1AE"),
        ("NL", "1012ab", "1012 AB"),
        ("CA", "k1a0b1", "K1A 0B1"),
        ("US", "2139", "02139"),
        ("US", "021391234", "02139-1234"),
        ("US", "94105.0", "94105"),
        ("US", "94105-0001", "94105-0001"),
        ("DE", "D-80331", "80331"),
        ("DE", "1067", "01067"),
        ("SE", "11455", "114 55"),
        ("PL", "00950", "00-950"),
        ("PT", "1000", "1000"),
        ("IE", "d02af30", "D02 AF30"),
        ("KE", "anything", "ANYTHING"),
        (None, "4350", "4350"),
        (None, "ng9 8py", "NG9 8PY"),
    ],
)
def test_postcodes_are_written_as_their_country_writes_them(country: str | None, text: str, postcode: str) -> None:
    assert read_postcode(text, country, None) == Normal(postcode)
    assert read_postcode(text, None, country) == Normal(postcode)


def test_only_the_records_own_country_calls_a_postcode_malformed() -> None:
    assert read_postcode("8033A", "DE", None) == Normal(None, "malformed")
    assert read_postcode("8033a", None, "DE") == Normal("8033A")
    assert read_postcode("1067", "AT", "DE") == Normal("1067")
    assert read_postcode("n/a", "DE", "DE") == Normal(None, "placeholder")


def test_regions_and_cities_get_capitals() -> None:
    assert [read_region(text).value for text in ("ca", "NSW", "BAYERN", "New York", "nsw1")] == [
        *("CA", "NSW", "Bayern", "New York", "Nsw1")
    ]
    assert [read_city(text).value for text in ("LONDON", "frankfurt am main", "s-Hertogenbosch")] == [
        *("London", "Frankfurt Am Main", "s-Hertogenbosch")
    ]
    assert read_city("-") == read_region("unknown") == Normal(None, "placeholder")


@given(TEXTS, st.sampled_from(["GB", "US", "DE", "IE", "KE", None]))
def test_no_postcode_is_too_odd(text: str, country: str | None) -> None:
    once = read_postcode(text, country, "US").usable
    assert once is None or read_postcode(once, country, "US").usable in (once, once.strip())
