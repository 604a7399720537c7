from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cdp_spark.config.profile import StewardOverride, SurvivorshipConfig, SurvivorshipRule
from cdp_spark.errors import InvalidProjectError
from cdp_spark.profiles.overrides import follow_merges
from cdp_spark.profiles.profiles import build_profile_values
from cdp_spark.profiles.rules import plan_survivorship, rank_sources
from cdp_spark.profiles.survivors import build_survivors
from cdp_spark.tables.catalog import ID_REGISTRY, PROFILE_VALUES

Rows = Callable[..., DataFrame]

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
PRIORITY = {"crm": 1, "shop": 2, "web": 2}
NO_GROUPS: dict[str, tuple[str, ...]] = {}


def day(number: int) -> datetime:
    return datetime(2026, 1, number, tzinfo=UTC)


def rule(*kinds: Any, sources: tuple[str, ...] = ()) -> SurvivorshipRule:
    return SurvivorshipRule(by=kinds, sources=sources)


def survivors_of(records: DataFrame, ids: DataFrame, config: SurvivorshipConfig) -> DataFrame:
    return build_survivors(records, ids, survivorship=config, source_priority=PRIORITY, as_of=AS_OF)


def assert_values(
    spark: SparkSession, records: DataFrame, ids: DataFrame, config: SurvivorshipConfig, *expected: tuple[Any, ...]
) -> None:
    """Compare all of profile_values with rows (attribute, value, record_key, source, rule) of profile u."""
    rows = spark.createDataFrame([("u", *row) for row in expected], PROFILE_VALUES.schema)
    assert_df_equality(
        build_profile_values(survivors_of(records, ids, config)), rows, ignore_row_order=True, ignore_nullable=True
    )


def test_each_kind_of_rule(spark: SparkSession, make_records: Rows, make_ids: Rows) -> None:
    records = make_records(
        {
            "record_key": "a",
            "source": "web",
            "observed_at_utc": day(3),
            "given_name": "Ann",
            "middle_name": "M",
            "family_name": "Old",
            "gender": "f",
            "company_name": "Beta",
            "job_title": "9",
            "domain": "x.org",
            "industry": "wood",
            "birth_date": date(1980, 5, 1),
            "employees": 7,
            "revenue": 0.1,
        },
        {
            "record_key": "b",
            "source": "crm",
            "observed_at_utc": day(1),
            "given_name": "Anna",
            "middle_name": "",
            "family_name": "New",
            "gender": "f",
            "company_name": "Alpha",
            "job_title": "10",
            "domain": "x.org",
            "industry": "steel",
            "birth_date": date(1980, 4, 1),
            "employees": 5,
            "revenue": 0.2,
            "national_id": "1",
            "postcode": "5",
        },
        {
            "record_key": "c",
            "source": "shop",
            "observed_at_utc": None,
            "given_name": "Anne",
            "middle_name": "   ",
            "gender": "m",
            "company_name": "Beta",
            "industry": "wood",
            "revenue": 0.3,
        },
    )
    config = SurvivorshipConfig(
        default=rule("source_priority"),
        attributes={
            "given_name": rule("most_recent"),
            "family_name": rule("first"),
            "gender": rule("most_frequent"),
            "company_name": rule("most_complete"),
            "job_title": rule("max"),
            "birth_date": rule("min"),
            "industry": rule("collect"),
            "employees": rule("sum"),
            "revenue": rule("sum"),
        },
        groups=NO_GROUPS,
    )
    assert_values(
        spark,
        records,
        make_ids(a="u", b="u", c="u"),
        config,
        ("given_name", "Ann", "a", "web", "most_recent"),
        ("middle_name", "M", "a", "web", "unanimous"),
        ("family_name", "New", "b", "crm", "first"),
        ("birth_date", "1980-04-01", "b", "crm", "min"),
        ("gender", "f", "a", "web", "most_frequent"),
        ("national_id", "1", "b", "crm", "unanimous"),
        ("postcode", "5", "b", "crm", "unanimous"),
        ("company_name", "Alpha", "b", "crm", "most_complete"),
        ("job_title", "10", "b", "crm", "max"),
        ("domain", "x.org", "b", "crm", "unanimous"),
        ("industry", "steel;wood", None, None, "collect"),
        ("employees", "12", None, None, "sum"),
        ("revenue", "0.6000000000000001", None, None, "sum"),
    )


def test_rules_are_tried_in_order_and_ties_end_on_the_record_key(
    spark: SparkSession, make_records: Rows, make_ids: Rows
) -> None:
    later = datetime(2026, 6, 1, tzinfo=UTC)
    records = make_records(
        {"record_key": "d", "source": "web", "observed_at_utc": day(2), "given_name": "Di", "family_name": "X"},
        {"record_key": "c", "source": "shop", "observed_at_utc": day(2), "given_name": "Dee", "family_name": "X"},
        {"record_key": "e", "source": "crm", "observed_at_utc": later, "given_name": None, "city": "Ulm"},
        {"record_key": "f", "source": "crm", "observed_at_utc": day(1), "given_name": None, "city": "Bonn"},
        {"record_key": "z", "source": "new", "observed_at_utc": day(9), "given_name": "Zoe", "family_name": "Y"},
    )
    config = SurvivorshipConfig(
        default=rule("source_priority", "most_recent"),
        attributes={"family_name": rule("source_priority", sources=("new",))},
        groups=NO_GROUPS,
    )
    assert_values(
        spark,
        records,
        make_ids(c="u", d="u", e="u", f="u", z="u"),
        config,
        ("given_name", "Dee", "c", "shop", "record_key"),
        ("family_name", "Y", "z", "new", "source_priority"),
        ("city", "Bonn", "f", "crm", "most_recent"),
    )


def test_a_group_is_won_by_the_record_that_wins_most_parts(
    spark: SparkSession, make_records: Rows, make_ids: Rows
) -> None:
    records = make_records(
        {"record_key": "a", "source": "crm", "city": "Ulm", "country": "DE"},
        {"record_key": "b", "source": "shop", "street": "Elm", "house_number": "1", "postcode": "2", "city": "Bonn"},
        {"record_key": "c", "source": "web", "observed_at_utc": day(5), "street": "Oak", "unit": "3"},
    )
    assert_values(
        spark,
        records,
        make_ids(a="u", b="u", c="u"),
        SurvivorshipConfig(default=rule("source_priority")),
        ("street", "Elm", "b", "shop", "record_key"),
        ("house_number", "1", "b", "shop", "unanimous"),
        ("postcode", "2", "b", "shop", "unanimous"),
        ("city", "Bonn", "b", "shop", "group"),
    )


def test_a_custom_attribute_wins_with_its_group_and_what_the_group_s_record_lacks_is_null(
    spark: SparkSession, make_records: Rows, make_ids: Rows
) -> None:
    records = make_records(
        {"record_key": "a", "job_title": "CTO", "company_name": "Acme", "attributes": {"team": "IT", "tier": "gold"}},
        {"record_key": "b", "source": "web", "job_title": "CEO", "attributes": {"team": "HR", "floor": "3"}},
    )
    config = SurvivorshipConfig(
        default=rule("source_priority"),
        attributes={"attributes.team": rule("most_recent", "source_priority")},
        groups={"work": ("job_title", "company_name", "attributes.team", "attributes.floor")},
    )
    values = (
        ("job_title", "CTO", "a", "crm", "source_priority"),
        ("company_name", "Acme", "a", "crm", "unanimous"),
        ("attributes.team", "IT", "a", "crm", "source_priority"),
        ("attributes.tier", "gold", "a", "crm", "unanimous"),
    )
    assert_values(spark, records, make_ids(a="u", b="u"), config, *values)


def test_custom_attributes_survive_per_key_and_stewards_win(
    spark: SparkSession, make_records: Rows, make_ids: Rows
) -> None:
    records = make_records(
        {"record_key": "a", "attributes": {"tier": "gold", "visits": "2.50", "hair": " "}, "street": "Elm"},
        {"record_key": "b", "source": "web", "attributes": {"tier": "tin", "visits": "1", "eyes": "9", "note": "old"}},
        {"record_key": "c", "source": "shop", "attributes": {"visits": "many", "eyes": "10"}, "street": "Oak"},
    )
    steward = {"unified_id": "u", "author": "kim", "reason": "letter"}
    config = SurvivorshipConfig(
        default=rule("source_priority"),
        attributes={"attributes.visits": rule("sum"), "attributes.eyes": rule("max")},
        overrides=(
            StewardOverride(attribute="birth_date", value="1990-12-31", **steward),
            StewardOverride(attribute="attributes.note", value="new", **steward),
            StewardOverride(attribute="attributes.fan", value="yes", **steward),
            StewardOverride(attribute="city", value="Rome", **{**steward, "unified_id": "nobody"}),
        ),
    )
    assert_values(
        spark,
        records,
        make_ids(a="u", b="u", c="u"),
        config,
        ("birth_date", "1990-12-31", None, None, "override"),
        ("street", "Elm", "a", "crm", "source_priority"),
        ("attributes.eyes", "10", "c", "shop", "max"),
        ("attributes.fan", "yes", None, None, "override"),
        ("attributes.note", "new", None, None, "override"),
        ("attributes.tier", "gold", "a", "crm", "source_priority"),
        ("attributes.visits", "3.5", None, None, "sum"),
    )


def test_an_override_follows_its_id_through_merges(spark: SparkSession) -> None:
    registry = spark.createDataFrame(
        [
            ("a", "person", "merged", "b", None, 1, 2, "model"),
            ("b", "person", "merged", "c", None, 1, 3, "model"),
            ("c", "person", "live", None, None, 1, None, "new_record"),
        ],
        ID_REGISTRY.schema,
    )
    steward = {"attribute": "city", "value": "Rome", "author": "kim", "reason": "letter"}
    overrides = tuple(StewardOverride(unified_id=unified_id, **steward) for unified_id in ("a", "c", "elsewhere"))
    assert [each.unified_id for each in follow_merges(overrides, registry)] == ["c", "c", "elsewhere"]


def test_neither_row_order_nor_partitions_change_the_survivors(
    spark: SparkSession, make_records: Rows, make_ids: Rows
) -> None:
    rows: list[dict[str, Any]] = [
        {
            "record_key": f"r{number}",
            "source": ("crm", "shop", "web")[number % 3],
            "observed_at_utc": day(1 + number % 5),
            "given_name": f"g{number % 4}",
            "gender": f"x{number % 3}",
            "revenue": number / 7,
            "street": f"s{number % 2}" if number % 3 else None,
            "city": f"c{number % 5}",
            "emails": [f"{number % 6}@x.org"],
            "attributes": {"tier": str(number % 4)},
        }
        for number in range(40)
    ]
    ids = make_ids(**{row["record_key"]: f"u{index % 7}" for index, row in enumerate(rows)})
    config = SurvivorshipConfig(attributes={"gender": rule("most_frequent"), "revenue": rule("sum")})
    one = survivors_of(make_records(*rows).coalesce(1), ids, config)
    other = survivors_of(make_records(*reversed(rows)).repartition(5, F.rand(seed=7)), ids, config)
    assert_df_equality(one, other, transforms=[lambda rows: rows.sort("unified_id")])


def test_all_mistakes_of_the_rules_are_reported_at_once() -> None:
    config = SurvivorshipConfig(
        default=rule("collect"),
        attributes={
            "shoe_size": rule("first"),
            "revenue": rule("collect"),
            "gender": rule("sum"),
            "email": rule("first", "collect"),
            "city": rule("collect"),
        },
        groups={"address": ("city", "street"), "home": ("street", "planet")},
        overrides=(
            StewardOverride(unified_id="u", attribute="birth_date", value="31.12.1990", author="kim", reason="letter"),
            StewardOverride(unified_id="u", attribute="employees", value="1_000", author="kim", reason="letter"),
        ),
    )
    with pytest.raises(InvalidProjectError) as caught:
        plan_survivorship(config, source_priority={})
    message = str(caught.value)
    assert len(caught.value.errors) == 10
    assert "31.12.1990" not in message
    for path in ("default.by", "attributes.shoe_size", "attributes.revenue.by", "groups.home", "overrides.0.value"):
        assert path in message


def test_sources_of_equal_trust_share_a_rank() -> None:
    ranks = dict(rank_sources(("web",), source_priority={"crm": 1, "shop": 5, "erp": 5, "web": 9}))
    assert ranks == {"web": 0, "crm": 1, "shop": 2, "erp": 2}


def test_visitors_add_times_and_sources_and_take_nothing_away(
    spark: SparkSession, make_records: Rows, make_ids: Rows
) -> None:
    visitor = {"entity_type": "visitor", "source": "events", "event_sources": ["app", "web"]}
    records = make_records(
        {"record_key": "a", "observed_at_utc": day(5), "given_name": "Ann", "emails": ["ann@x.org"]},
        {"record_key": "v", "first_seen_at_utc": day(2), "observed_at_utc": day(9), **visitor},
        {"record_key": "w", "first_seen_at_utc": day(1), "observed_at_utc": day(3), **visitor},
    )
    config = SurvivorshipConfig(default=rule("most_recent"), groups={"name": ("given_name", "family_name")})
    found = survivors_of(records, make_ids(a="person", v="person", w="alone"), config)
    kept = ("unified_id", "entity_type", "emails", "sources", "record_count", "first_seen_at_utc", "last_seen_at_utc")
    shown = found.select(*kept, F.col("winner_given_name.value").alias("given_name"))
    expected = [
        ("person", "person", ["ann@x.org"], ["app", "crm", "web"], 2, day(2), day(9), "Ann"),
        ("alone", "visitor", [], ["app", "web"], 1, day(1), day(3), None),
    ]
    frame = spark.createDataFrame(expected, shown.schema)
    assert_df_equality(shown, frame, ignore_row_order=True, ignore_nullable=True)


def test_an_initial_stands_back_behind_a_name_and_wins_where_there_is_none(
    spark: SparkSession, make_records: Rows, make_ids: Rows
) -> None:
    records = make_records(
        {"record_key": "a", "source": "crm", "given_name": "J.", "middle_name": "K", "family_name": "Lee"},
        {"record_key": "b", "source": "web", "given_name": "Jo", "family_name": "Lee"},
        {"record_key": "c", "source": "shop", "given_name": "J. R.", "family_name": "L."},
    )
    config = SurvivorshipConfig(default=rule("source_priority"), groups=NO_GROUPS)
    assert_values(
        spark,
        records,
        make_ids(a="u", b="u", c="u"),
        config,
        ("given_name", "Jo", "b", "web", "unanimous"),
        ("middle_name", "K", "a", "crm", "unanimous"),
        ("family_name", "Lee", "a", "crm", "unanimous"),
    )
