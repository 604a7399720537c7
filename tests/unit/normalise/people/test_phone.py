from __future__ import annotations

import re
import subprocess
import sys

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.normalise.strategies import TEXTS

from cdp_spark.normalise.outcome import Normal
from cdp_spark.normalise.people.phone import COUNTRY_CODES, SUBSCRIBERS, parse_phone, plain_phone, read_phone


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("(650) 253-0000", "US", "+16502530000"),
        ("650 253 0000 ext. 12", "US", "+16502530000"),
        ("+44 (0)20 7946 0958", "DE", "+442079460958"),
        ("0171 1234567", "DE", "+491711234567"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("12", "US", "too_short"),
        ("12", "DE", "too_short"),
        ("0005897997", "DE", "malformed"),
        ("27265549475", "US", "too_long"),
        ("650253000000000000", "US", "too_long"),
        ("253 0000", "US", "no_area_code"),
        ("030 1234567", None, "no_country"),
        ("call me", "US", "not_a_number"),
    ],
)
def test_the_library_reads_phones(text: str, region: str | None, expected: str) -> None:
    assert parse_phone(text, region) == expected


@given(TEXTS, st.sampled_from([*COUNTRY_CODES, "JP", None]))
def test_the_library_never_fails(text: str, region: str | None) -> None:
    parsed = parse_phone(text, region)
    assert not parsed.startswith("+") or parse_phone(parsed, None) == parsed


@pytest.mark.parametrize(
    ("dialled", "region", "phone"),
    [
        ("01711234567", "DE", "+491711234567"),
        ("00491711234567", "DE", "+491711234567"),
        ("+16502530000", "DE", "+16502530000"),
        ("16502530000", "US", "+16502530000"),
        ("6502530000", "CA", "+16502530000"),
        ("612345678", "ES", "+34612345678"),
        ("00491711234567", "AU", None),
        ("+4402079460958", "DE", "+442079460958"),
        ("1711234567", "DE", None),
        ("x", "DE", None),
        ("0301234567", None, "0301234567"),
        ("+49301234567", None, "+49301234567"),
        ("12", None, None),
        ("٣٠١٢٣٤٥٦٧", None, None),
    ],
)
def test_plain_phones(dialled: str, region: str | None, phone: str | None) -> None:
    assert plain_phone(dialled, region) == phone


@st.composite
def _phones(draw: st.DrawFn) -> tuple[str, str]:
    """A number of a common plan as one might write it in any region, and the region."""
    region = draw(st.sampled_from(sorted(COUNTRY_CODES)))
    code = draw(st.one_of(st.just(COUNTRY_CODES[region]), st.sampled_from(sorted(SUBSCRIBERS))))
    subscriber = draw(st.from_regex(re.compile(SUBSCRIBERS[code], re.ASCII), fullmatch=True))
    return draw(st.sampled_from([f"+{code}", f"+{code}0", f"00{code}", code, "0", ""])) + subscriber, region


@settings(max_examples=400)
@given(_phones())
def test_patterns_and_library_agree(number: tuple[str, str]) -> None:
    """Wherever the patterns give a number, the library gives the same one."""
    plain = plain_phone(*number)
    assert plain is None or parse_phone(*number) == plain


@pytest.mark.parametrize("code", SUBSCRIBERS)
def test_every_common_plan_is_read_without_the_library(code: str) -> None:
    region = phonenumbers.region_code_for_country_code(int(code))
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    assert example is not None
    number = f"+{code}{example.national_number}"
    assert plain_phone(number, "DE") == number


@pytest.mark.parametrize(
    "text",
    [
        "+49 151 5550002",
        "0151/555 00 02",
        "'+49 151 5550002",
        "+49 (0)151 5550002",
        "0049-151-5550002",
        "0151\u2011555\u20130002",
        "０１５１　５５５０００２",
        "\u202a+49 151 5550002\u202c",
        "0151 5550002\u200b",
        "tel:+49-151-5550002",
        "٠١٥١ ٥٥٥٠٠٠٢",
        " 1515550002.0 ",
    ],
)
def test_every_spelling_leads_to_the_same_number(text: str) -> None:
    assert read_phone(text, "DE") == Normal("+491515550002")


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("030-1234567", None, Normal("0301234567")),
        ("030/1234567", None, Normal("030/1234567", "no_country")),
        ("/", "DE", Normal("/", "placeholder")),
        ("1/2", "DE", Normal("1/2", "not_a_number")),
        ("0000000000", "DE", Normal("0000000000", "placeholder")),
        ("+49 30 1111111", "DE", Normal("+49301111111", "placeholder")),
        ("234 567 8901", "US", Normal("2345678901", "placeholder")),
        ("n/a", "DE", Normal("n/a", "placeholder")),
        ("call me", "US", Normal("callme", "not_a_number")),
        ("4.47701E+11", "GB", Normal("447701E+11", "not_a_number")),
        ("253 0000", "US", Normal("2530000", "no_area_code")),
        ("12", None, Normal("12", "no_country")),
        (" - ", "US", Normal(None)),
        ("", "US", Normal(None)),
    ],
)
def test_what_cannot_be_used_is_shown_as_dialled(text: str, region: str | None, expected: Normal) -> None:
    assert read_phone(text, region) == expected


def test_plain_numbers_do_not_import_the_library() -> None:
    code = (
        "import sys; from cdp_spark.normalise.people.phone import read_phone; "
        "assert read_phone('0171 1234567', 'DE').value == '+491711234567'; "
        "assert not {'phonenumbers', 'pyspark', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
