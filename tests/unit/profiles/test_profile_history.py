from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cdp_spark.profiles.history import NOT_CONTENT, build_profile_history
from cdp_spark.tables.catalog import PROFILE_HISTORY, PROFILES

Rows = Callable[..., DataFrame]


def night(number: int) -> datetime:
    return datetime(2026, 1, number, 2, tzinfo=UTC)


def assert_spans(history: DataFrame, *expected: tuple[str, datetime, datetime | None, bool, str | None, int]) -> None:
    """Compare (unified_id, valid_from, valid_to, is_current, city, record_count)."""
    columns = ["unified_id", "valid_from_utc", "valid_to_utc", "is_current", "city", "record_count"]
    found = history.select(*columns)
    assert_df_equality(found, history.sparkSession.createDataFrame(list(expected), found.schema), ignore_row_order=True)


def assert_same_rows(history: DataFrame, expected: DataFrame) -> None:
    by_key = [lambda rows: rows.sort("unified_id", "valid_from_utc")]
    assert_df_equality(history, expected, transforms=by_key, ignore_nullable=True)


def test_spans_open_stay_close_and_return(spark: SparkSession, make_profiles: Rows) -> None:
    nothing = spark.createDataFrame([], PROFILE_HISTORY.schema)
    first = make_profiles(
        {"unified_id": "stays", "city": "Ulm", "attributes": {"a": "1", "b": "2"}},
        {"unified_id": "moves", "city": "Rome"},
        {"unified_id": "goes", "city": None},
    )
    second = make_profiles(
        {
            "unified_id": "stays",
            "city": "Ulm",
            "attributes": {"b": "2", "a": "1"},
            "record_count": 2,
            "last_seen_at_utc": night(2),
        },
        {"unified_id": "moves", "city": "Bonn"},
        {"unified_id": "comes", "city": "Paris"},
    )
    one = build_profile_history(first, nothing, as_of=night(1)).localCheckpoint()
    two = build_profile_history(second, one, as_of=night(2)).localCheckpoint()
    three = build_profile_history(first, two, as_of=night(3)).localCheckpoint()
    after_two = (
        ("stays", night(1), None, True, "Ulm", 1),
        ("moves", night(1), night(2), False, "Rome", 1),
        ("moves", night(2), None, True, "Bonn", 1),
        ("goes", night(1), night(2), False, None, 1),
        ("comes", night(2), None, True, "Paris", 1),
    )
    assert_spans(two, *after_two)
    assert_spans(
        three,
        ("stays", night(1), None, True, "Ulm", 1),
        ("moves", night(1), night(2), False, "Rome", 1),
        ("moves", night(2), night(3), False, "Bonn", 1),
        ("moves", night(3), None, True, "Rome", 1),
        ("goes", night(1), night(2), False, None, 1),
        ("goes", night(3), None, True, None, 1),
        ("comes", night(2), night(3), False, "Paris", 1),
    )
    again = build_profile_history(second, two, as_of=night(2))
    assert_same_rows(again, two)
    later = build_profile_history(second, two, as_of=night(4))
    assert_same_rows(later, two)


def test_the_same_night_with_other_content_is_written_anew(spark: SparkSession, make_profiles: Rows) -> None:
    nothing = spark.createDataFrame([], PROFILE_HISTORY.schema)
    one = build_profile_history(make_profiles({"unified_id": "u", "city": "Ulm"}), nothing, as_of=night(1))
    two = build_profile_history(make_profiles({"unified_id": "u", "city": "Rome"}), one, as_of=night(2))
    corrected = build_profile_history(
        make_profiles({"unified_id": "u", "city": "Bonn"}), two.localCheckpoint(), as_of=night(2)
    )
    assert_spans(corrected, ("u", night(1), night(2), False, "Ulm", 1), ("u", night(2), None, True, "Bonn", 1))


def profile_at(history: DataFrame, at: datetime) -> DataFrame:
    moment, end = F.lit(at), F.col("valid_to_utc")
    return PROFILES.conform(history.where((F.col("valid_from_utc") <= moment) & (end.isNull() | (end > moment))))


def test_a_profile_at_a_time(spark: SparkSession, make_profiles: Rows) -> None:
    nothing = spark.createDataFrame([], PROFILE_HISTORY.schema)
    ulm, rome = make_profiles({"unified_id": "u", "city": "Ulm"}), make_profiles({"unified_id": "u", "city": "Rome"})
    one = build_profile_history(ulm, nothing, as_of=night(1)).localCheckpoint()
    history = build_profile_history(rome, one, as_of=night(3)).localCheckpoint()
    for at, expected in (
        (datetime(2025, 12, 31, tzinfo=UTC), ulm.limit(0)),
        (night(2), ulm),
        (night(3), rome),
        (night(9), rome),
    ):
        assert_df_equality(profile_at(history, at), expected, ignore_nullable=True)


def test_the_history_of_a_time_and_the_profiles_of_that_night_agree(spark: SparkSession, make_profiles: Rows) -> None:
    """A merge, its end, a changed value and a person who leaves; `NOT_CONTENT` moves without a span of its own."""
    ulm, rome, bonn = ({"unified_id": "u", "city": city} for city in ("Ulm", "Rome", "Bonn"))
    other, late = {"unified_id": "v", "family_name": "Lee"}, {"last_seen_at_utc": night(31)}
    nights = [
        make_profiles(*profiles)
        for profiles in (
            [ulm, other],
            [ulm | {"family_name": "Lee", "record_count": 2}],
            [rome, other],
            [rome, other | late],
            [bonn],
        )
    ]
    history = spark.createDataFrame([], PROFILE_HISTORY.schema)
    for number, profiles in enumerate(nights, start=1):
        history = build_profile_history(profiles, history, as_of=night(number)).localCheckpoint()
    moving = [name for name in NOT_CONTENT if name != "unified_id"]
    for number, profiles in enumerate(nights, start=1):
        for at in (night(number), night(number) + timedelta(hours=23)):
            told, held = (frame.drop(*moving).sort("unified_id") for frame in (profile_at(history, at), profiles))
            assert_df_equality(told, held, ignore_nullable=True)
    assert profile_at(history, night(1) - timedelta(seconds=1)).isEmpty()
