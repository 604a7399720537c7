from __future__ import annotations

import pytest
from hypothesis import given
from tests.unit.normalise.strategies import TEXTS

from cdp_spark.normalise.placeholders import (
    is_id_placeholder,
    is_name_placeholder,
    is_number_placeholder,
    is_text_placeholder,
)
from cdp_spark.normalise.text import alphanumeric, clean_text, display_case, without_float_tail


@given(TEXTS)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    {
        "  Ann ": "Ann",
        "\u00a0Ann\u200b  Lee\t": "Ann Lee",
        "Zoe\u0308": "Zoë",
        "Ｊｏｈｎ": "John",
        "a\u00adb\ufeff": "ab",
        "Müller": "Müller",
        "李雷": "李雷",
        "   ": "",
        "\u200b": "",
        "": "",
    }.items(),
)
def test_texts_are_cleaned(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


@pytest.mark.parametrize(
    ("text", "cased"),
    {
        "JEAN-LUC O'BRIEN": "Jean-Luc O'Brien",
        "new york": "New York",
        "PARIS": "Paris",
        "McDonald": "McDonald",
        "12th AVE": "12th AVE",
        "李雷": "李雷",
    }.items(),
)
def test_capitals_where_there_are_none(text: str, cased: str) -> None:
    assert display_case(text) == cased


@given(TEXTS)
def test_capitals_given_twice_change_nothing(text: str) -> None:
    assert display_case(display_case(text)) == display_case(text)


def test_codes() -> None:
    assert [without_float_tail(text) for text in ("80331.0", "1.05", "a.0")] == ["80331", "1.05", "a.0"]
    assert [alphanumeric(text) for text in ("ab-12 / 3", "--")] == ["AB123", None]


def test_placeholders_of_texts_and_names() -> None:
    assert all(map(is_text_placeholder, ("N/A", "-", "nan", "TEST")))
    assert not is_text_placeholder("Ann")
    assert all(map(is_name_placeholder, ("xxxx", "First Name", "AAA")))
    assert not any(map(is_name_placeholder, ("Na", "Bo")))


def test_placeholders_of_numbers_and_ids() -> None:
    assert all(map(is_number_placeholder, ("0000000000", "+491111111111", "1234567890", "0987654321", "000")))
    assert not any(map(is_number_placeholder, ("+493012345678", "5550000")))
    assert all(map(is_id_placeholder, ("00000000-0000-0000-0000-000000000000", "0", "777777")))
    assert not any(map(is_id_placeholder, ("777", "u-1")))


def test_ids_that_mean_nobody_are_placeholders_in_any_case() -> None:
    nobody = (
        "guest", "GUEST", "Guest User", "anonymous", "anonymous_user", "null", "(null)", "undefined", "NaN", "None",
        "true", "False", "0", "0.0", "-1", "[object Object]", "not_authenticated", "notAuthenticated", "Not Logged In",
        "unknown", "(not set)", "{{user_id}}", "${userId}", "%USER_ID%", "<id>", "#N/A", "distinct_id", "gast", "游客",
        "-", "undefined-undefined", "9774d56d682e549c",
    )  # fmt: skip
    assert [it for it in nobody if not is_id_placeholder(it)] == []
    somebody = (
        "guest-4711",
        "u1",
        "user_1",
        "anonymous_9f3a",
        "ann",
        "1",
        "10",
        "truelove",
        "noah",
        "ida",
        "C 1",
        "<a1b2",
    )
    assert [it for it in somebody if is_id_placeholder(it)] == []
