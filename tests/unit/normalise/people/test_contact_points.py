from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from tests.unit.normalise.strategies import TEXTS

from cdp_spark.normalise.hashing import sha256
from cdp_spark.normalise.people.contact_points import ContactPoint, contact_point_hash, read_contact_point, split_cell


@pytest.mark.parametrize(
    ("cell", "values"),
    [
        ("b@web.de", ["b@web.de"]),
        ("b@web.de; c@web.de", ["b@web.de", "c@web.de"]),
        ("a@x.org;b@x.org,c@x.org|d@x.org", ["a@x.org", "b@x.org", "c@x.org", "d@x.org"]),
        ("ada@x.org ::: ada@y.org", ["ada@x.org", "ada@y.org"]),
        ("+49 171 5550101 ::: +49 40 5550101:::030 1", ["+49 171 5550101", "+49 40 5550101", "030 1"]),
        ("a@x.org\r\nb@x.org\n\nc@x.org", ["a@x.org", "b@x.org", "c@x.org"]),
        ('"Lee, Ann" <ann@x.org>', ['"Lee, Ann" <ann@x.org>']),
        ('"Lee, Ann" <ann@x.org>, "Ray; Bo"<bo@x.org>', ['"Lee, Ann" <ann@x.org>', '"Ray; Bo"<bo@x.org>']),
        ('"a@x.org, b@x.org"', ['"a@x.org', 'b@x.org"']),
        ('5" disk, b@x.org', ['5" disk', "b@x.org"]),
        ("\u00a0a@x.org\u200b;;", ["a@x.org"]),
        ('["a@x.org", "b@x.org"]', ["a@x.org", "b@x.org"]),
        ('["+49 40 5550101",  491715550101, null, true]', ["+49 40 5550101", "491715550101"]),
        ('[{"value": "a@x.org", "primary": true}, {"label": "work"}]', ["a@x.org"]),
        ("[a@x.org]", ["[a@x.org]"]),
        ("[]", []),
        ("+1 312 555 0180;ext=101, 555 0181, ext. 7", ["+1 312 555 0180;ext=101", "555 0181, ext. 7"]),
        (" ; ", []),
        ("", []),
    ],
)
def test_a_cell_lists_any_number_of_values(cell: str, values: list[str]) -> None:
    assert split_cell(cell) == values


@given(TEXTS)
def test_no_value_is_blank_or_split_again(cell: str) -> None:
    values = split_cell(cell)
    assert all(values)
    assert [again for value in values if '"' not in value for again in split_cell(value)] == [
        value for value in values if '"' not in value
    ]


@given(TEXTS)
def test_a_cell_without_a_mark_is_split_as_one_that_gets_a_close_look(text: str) -> None:
    cell = "".join(it for it in text if it not in "[;,|\r\n:")
    assert split_cell(cell) == split_cell(f"{cell};")


@pytest.mark.parametrize(
    ("text", "value"),
    {
        " A.B@X.com ": "a.b@x.com",
        "(650) 253-0000": "+16502530000",
        "+49 30 123456": "+4930123456",
        "a@b@c": None,
        "12": None,
        "": None,
    }.items(),
)
def test_contact_points_are_detected_and_normalised(text: str, value: str | None) -> None:
    assert read_contact_point(text, "detect", "US").usable == value


@pytest.mark.parametrize(
    "text",
    [
        "annlee@gmail.com",
        "Ann.Lee+news@googlemail.com",
        "Ann Lee <ann.lee@gmail.com>",
        "mailto:annlee@gmail.com",
        "annlee@gmail.com\u200b",
        "annlee@gmail.com.",
        "annlee＠gmail.com",
    ],
)
@pytest.mark.parametrize("kind", ["email", "detect"])
def test_every_spelling_is_the_same_mailbox(text: str, kind: Literal["email", "detect"]) -> None:
    assert read_contact_point(text, kind, "DE") == ContactPoint("email", "annlee@gmail.com", None)


@pytest.mark.parametrize("text", ["+491515550002", "0151/555 00 02", "'+49 151 5550002", "+49 (0)151 5550002"])
@pytest.mark.parametrize("kind", ["phone", "detect"])
def test_every_spelling_is_the_same_number(text: str, kind: Literal["phone", "detect"]) -> None:
    assert read_contact_point(text, kind, "DE") == ContactPoint("phone", "+491515550002", None)


def test_what_is_no_contact_point_says_why() -> None:
    assert read_contact_point("ann", "email", "DE") == ContactPoint("email", "ann", "no_at_sign")
    assert read_contact_point("noreply@x.org", "detect", "DE") == ContactPoint("email", "noreply@x.org", "placeholder")
    assert read_contact_point("a@x.org", "phone", "DE") == ContactPoint("phone", "a@xorg", "not_a_number")
    assert read_contact_point(" ", "email", "DE") == ContactPoint("email", None, None)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        (" GA1.2.Ab ", "cookie_id", ContactPoint("cookie_id", "ga1.2.ab", None)),
        ("80331.0", "device_id", ContactPoint("device_id", "80331", None)),
        ("00000000-0000-0000", "device_id", ContactPoint("device_id", "00000000-0000-0000", "placeholder")),
        ("", "cookie_id", ContactPoint("cookie_id", None, None)),
    ],
)
def test_consents_know_cookies_and_devices_whatever_their_case(
    text: str, kind: Literal["cookie_id", "device_id"], expected: ContactPoint
) -> None:
    found = read_contact_point(text, kind, "DE")
    assert found == expected
    assert found.value is None or contact_point_hash(found.value.upper()) == sha256(found.value)
