from __future__ import annotations

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests.unit.standardise.conftest import Check, Evaluate

from cdp_spark.standardise.lookup import is_listed_expr, lookup_expr
from cdp_spark.standardise.placeholders import (
    is_id_placeholder_expr,
    is_name_placeholder_expr,
    is_number_placeholder_expr,
    is_text_placeholder_expr,
)
from cdp_spark.standardise.text import (
    NOT_PLAIN,
    alphanumeric_expr,
    clean_text,
    cleaned_texts_expr,
    display_case_expr,
    with_clean_texts,
    without_float_tail_expr,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(TEXTS)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)


@given(st.text(st.one_of(st.characters(max_codepoint=0x530), st.characters(exclude_categories=["Cs"])), max_size=12))
def test_plain_text_needs_no_more_than_trimming(text: str) -> None:
    if not re.search(NOT_PLAIN, text):
        assert clean_text(text) == text.strip(" ")


def test_every_plain_character_is_left_alone() -> None:
    plain = [character for code in range(0xD800) if not re.search(NOT_PLAIN, character := chr(code))]
    assert len(plain) > 25_000
    assert [character for character in plain if clean_text(f"a{character}b") != f"a{character}b"] == []


def test_texts_are_cleaned_natively_or_in_python_alike(spark: SparkSession) -> None:
    texts = {
        "  Ann ": "Ann",
        "\u00a0Ann\u200b  Lee\t": "Ann Lee",
        "Zoe\u0308": "Zoë",
        "Ｊｏｈｎ": "John",
        "a\u00adb\ufeff": "ab",
        "Müller": "Müller",
        "李雷": "李雷",
        "   ": None,
        "\u200b": None,
        "": None,
    }
    rows = spark.createDataFrame([(None, "x"), *((text, "x") for text in texts)], "a string, b string").coalesce(1)
    cleaned = rows.withColumn("cleaned", cleaned_texts_expr(["a", "b"]))
    got = with_clean_texts(cleaned, ["a", "b"], cleaned="cleaned").collect()
    assert [row["a"] for row in got] == [None, *texts.values()]
    assert {row["b"] for row in got} == {"x"}


def test_capitals_where_there_are_none(check: Check) -> None:
    check(
        display_case_expr,
        {
            "JEAN-LUC O'BRIEN": "Jean-Luc O'Brien",
            "new york": "New York",
            "McDonald": "McDonald",
            "12th AVE": "12th AVE",
            "李雷": "李雷",
        },
    )


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=50, max_size=200))
def test_capitals_given_twice_change_nothing(evaluate: Evaluate, texts: list[str]) -> None:
    once = evaluate(display_case_expr, texts)
    assert evaluate(display_case_expr, [str(text) for text in once]) == once


def test_codes(check: Check) -> None:
    check(without_float_tail_expr, {"80331.0": "80331", "1.05": "1.05", "a.0": "a.0"})
    check(alphanumeric_expr, {"ab-12 / 3": "AB123", "--": None})


def test_lookup_finds_what_the_table_has(check: Check) -> None:
    table = {f"word{number}": f"value{number}" for number in range(500)}
    check(lambda word: lookup_expr(table, word), {**table, "word500": None, "": None})
    check(lambda word: is_listed_expr(table, word), {"word7": "true", "word-7": "false", "": "false"})
    check(lambda word: is_listed_expr([], word), {"word7": "false"})


def test_placeholders(check: Check) -> None:
    check(is_text_placeholder_expr, {"N/A": "true", "-": "true", "nan": "true", "Ann": "false", "TEST": "true"})
    check(is_name_placeholder_expr, {"Na": "false", "xxxx": "true", "First Name": "true", "AAA": "true", "Bo": "false"})
    check(
        is_number_placeholder_expr,
        {
            "0000000000": "true",
            "+491111111111": "true",
            "1234567890": "true",
            "0987654321": "true",
            "+493012345678": "false",
            "000": "true",
            "5550000": "false",
        },
    )
    check(
        is_id_placeholder_expr,
        {"00000000-0000-0000-0000-000000000000": "true", "0": "true", "777": "false", "777777": "true", "u-1": "false"},
    )


def test_lookups_are_constants(spark: SparkSession) -> None:
    """The table is folded once: no row parses it."""
    rows = spark.createDataFrame([("a",)], "text string")
    plan = (
        rows.select(lookup_expr({"a": "b"}, F.col("text")).alias("found"))
        ._jdf.queryExecution()
        .optimizedPlan()
        .toString()
    )
    assert "from_json" not in plan
