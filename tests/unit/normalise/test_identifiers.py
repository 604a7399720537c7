from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.normalise.strategies import TEXTS

from cdp_spark.normalise.hashing import sha256
from cdp_spark.normalise.identifiers import (
    IdentifierForm,
    Step,
    email_identifiers,
    read_identifier,
    searched_identifiers,
)
from cdp_spark.normalise.outcome import Normal
from cdp_spark.normalise.people.contact_points import split_cell
from cdp_spark.normalise.people.email import read_email

HASH = sha256("ann@x.org")
GUESTS = {"user_id": "Guest", "device_id": "guest", "cookie_id": "Guest", "loyalty_id": "GUEST", "customer_id": "Guest"}
KINDS = ("user_id", "device_id", "cookie_id", "loyalty_id", "customer_id", "email_sha256")


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("user_id", " U7 ", Normal("U7")),
        ("user_id", "77.0", Normal("77")),
        ("user_id", "0", Normal("0", "placeholder")),
        ("device_id", "A-1b", Normal("a-1b")),
        (
            "device_id",
            "00000000-0000-0000-0000-000000000000",
            Normal("0" * 8 + "-0000" * 3 + "-" + "0" * 12, "placeholder"),
        ),
        ("cookie_id", "C 1", Normal("C 1")),
        ("loyalty_id", "ab-12 3", Normal("AB123")),
        ("loyalty_id", "-", Normal(None, "placeholder")),
        ("customer_id", "unknown", Normal("unknown", "placeholder")),
        ("customer_id", "a-1", Normal("a-1")),
        *((kind, "Guest", Normal(written, "placeholder")) for kind, written in GUESTS.items()),
        ("email_sha256", HASH.upper(), Normal(HASH)),
        ("email_sha256", sha256(""), Normal(sha256(""), "placeholder")),
        ("email_sha256", "AB", Normal("ab", "malformed")),
        ("user_id", "", Normal(None)),
    ],
)
def test_identifiers(kind: str, text: str, expected: Normal) -> None:
    assert read_identifier(kind, text) == expected


@pytest.mark.parametrize(
    ("steps", "text", "expected"),
    [
        (("upper",), "mg123456", Normal("MG123456")),
        (("upper",), "MG12", Normal("MG12", "malformed")),
        (("no_separators", "upper"), "mg-12 34 56", Normal("MG123456")),
        (("digits",), "Nr. 123456", Normal("123456", "malformed")),
        (("digits",), "none given", Normal(None, "malformed")),
        ((), "unknown", Normal("unknown", "placeholder")),
    ],
)
def test_an_own_type_is_brought_to_its_form(steps: tuple[Step, ...], text: str, expected: Normal) -> None:
    forms = {"membership_no": IdentifierForm(steps, "[A-Z]{2}[0-9]{6}")}
    assert read_identifier("membership_no", text, forms=forms) == expected
    searched = [] if expected.value is None or expected.reason == "placeholder" else [("membership_no", expected.value)]
    assert searched_identifiers("membership_no", text, region="US", forms=forms) == searched


@given(st.sampled_from(KINDS), TEXTS)
def test_an_identifier_read_twice_is_the_same(kind: str, text: str) -> None:
    once = read_identifier(kind, text)
    if once.usable is not None:
        assert read_identifier(kind, once.usable) == once


def test_an_email_is_known_by_its_mailbox_and_two_hashes() -> None:
    assert email_identifiers(Normal("ann.lee+shop@gmail.com")) == [
        ("email", "annlee@gmail.com", None),
        ("email_sha256", sha256("ann.lee+shop@gmail.com"), None),
        ("email_sha256", sha256("annlee@gmail.com"), None),
    ]
    assert email_identifiers(Normal("ann@x.org")) == [("email", "ann@x.org", None), ("email_sha256", HASH, None)]
    assert email_identifiers(Normal("none@none.com", "placeholder")) == [("email", "none@none.com", "placeholder")]
    assert email_identifiers(Normal(None)) == []


@pytest.mark.parametrize(
    ("kind", "text", "searched"),
    [
        ("phone", "(202) 555-0123", [("phone", "+12025550123")]),
        ("phone", "202 555 0123; +49 30 123456", [("phone", "+12025550123"), ("phone", "+4930123456")]),
        ("phone", "none", []),
        ("phone", "0000000000", []),
        ("user_id", " U7 ", [("user_id", "U7")]),
        ("user_id", "77.0", [("user_id", "77")]),
        ("user_id", "unknown", []),
        ("email", "nobody", []),
        ("email", "none@none.com", []),
        ("email", "ann@x.org", [("email", "ann@x.org"), ("email_sha256", HASH)]),
        ("email", "Mail: ann@x.org.", [("email", "ann@x.org"), ("email_sha256", HASH)]),
        ("email", "ann@x", [("email", "ann@x"), ("email_sha256", sha256("ann@x"))]),
        ("email_sha256", "AB", [("email_sha256", "ab")]),
        ("loyalty_id", "ab-1 2", [("loyalty_id", "AB12")]),
        ("device_id", "A-B", [("device_id", "a-b")]),
        ("national_id", "ab-12 34", [("national_id", "AB1234")]),
        ("national_id", "000-00-0000", []),
        ("source_record", "0f" * 16, [("source_record", "0f" * 16)]),
    ],
)
def test_what_is_searched_for(kind: str, text: str, searched: list[tuple[str, str]]) -> None:
    assert searched_identifiers(kind, text, region="US") == searched


def test_every_email_in_a_text_is_searched_for_once() -> None:
    found = searched_identifiers("email", "Ann@X.org; b@x.org <o'brien@x.org> ANN@x.org", region="US")
    assert [value for kind, value in found if kind == "email"] == ["ann@x.org", "b@x.org", "o'brien@x.org"]
    assert [kind for kind, _ in found] == ["email", "email_sha256"] * 3


@pytest.mark.parametrize(
    "text",
    [
        "Ann.Lee+news@googlemail.com",
        '"Lee, Ann" <ann.lee@gmail.com>',
        "mailto:annlee@gmail.com?subject=hi",
        "annlee@gmail.com.",
        "annlee＠gmail.com",
        "ann\u200blee@gmail.com",
    ],
)
def test_every_spelling_of_a_mailbox_is_found(text: str) -> None:
    found = searched_identifiers("email", text, region="US")
    assert {("email", "annlee@gmail.com"), ("email_sha256", sha256("annlee@gmail.com"))} <= set(found)


@given(st.lists(TEXTS, min_size=1, max_size=3), st.sampled_from(["@gmail.com", "@Gmail.com>", "@x.org;", "@x.org."]))
def test_what_a_record_is_matched_by_is_searched_for(texts: list[str], ending: str) -> None:
    """Every e-mail that a record has from a cell is found in the same cell when it is searched."""
    cell = "".join(text + ending for text in texts)
    emails = [email for part in split_cell(cell) if (email := read_email(part)).reason is None]
    wanted = {(kind, value) for email in emails for kind, value, _ in email_identifiers(email)}
    assert wanted <= set(searched_identifiers("email", cell, region="US"))
