"""The figures of a report, from tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession

from cdp_spark.errors import StateError
from cdp_spark.report import Accuracy, Attribution, build_report_data, measure_accuracy, measure_attribution
from cdp_spark.report.data import (
    Change,
    Count,
    EntityCount,
    SegmentFact,
    SourceFlow,
    StageFact,
    UnreadValues,
    WeightBin,
)
from cdp_spark.report.flows import add_flows, read_sources, read_unread_values
from cdp_spark.report.gather import read_entities, read_segments, read_weights, with_empty_segments
from cdp_spark.report.histograms import build_weight_bins
from cdp_spark.tables.catalog import RUNS, UNIFIED_IDS
from cdp_spark.tables.store import Store

AS_OF = datetime(2026, 2, 1, 2, tzinfo=UTC)


def test_weights_fall_into_bins_of_two_bits(spark: SparkSession) -> None:
    pairs = spark.createDataFrame([(-99.0,), (-0.1,), (0.0,), (1.99,), (2.0,), (99.0,)], "weight_log2 double")
    expected = spark.createDataFrame([(-40, 1), (-2, 1), (0, 2), (2, 1), (38, 1)], "lowest int, pairs long")
    assert_df_equality(build_weight_bins(pairs), expected, ignore_row_order=True, ignore_nullable=True, transforms=[])
    few = read_weights(pairs.where("weight_log2 between -1 and 2"))
    assert few == (WeightBin(-2, 1), WeightBin(0, 2), WeightBin(2, 1))
    assert read_weights(pairs.limit(0)) == ()


def test_profiles_are_counted_by_size(spark: SparkSession) -> None:
    sizes = {"a": 1, "b": 1, "c": 7, "d": 10, "e": 51}
    rows = [("person", name) for name, size in sizes.items() for _ in range(size)]
    ids = spark.createDataFrame([*rows, ("account", "x")], "entity_type string, unified_id string")
    classes = (Count("1", 2), Count("6–10", 2), Count("51 or more", 1))
    assert read_entities(ids) == (EntityCount("account", 1, 1, (Count("1", 1),)), EntityCount("person", 70, 5, classes))


def test_sources_are_read_from_the_figures_of_ingest() -> None:
    metrics = {
        "crm.rows_delivered": 21.0,
        "crm.rows_new": 4.0,
        "crm.rows_unchanged": 5.0,
        "crm.rows_duplicate": 3.0,
        "crm.rows_rejected": 8.0,
        "crm.rows_suppressed": 1.0,
        "crm.rows_conflicting": 2.0,
        **{f"crm.rejected.reason_{number}": float(number) for number in range(1, 5)},
        "crm_old.rows_delivered": 1.0,
    }
    top = (Count("reason_4", 4), Count("reason_3", 3), Count("reason_2", 2))
    crm = SourceFlow("crm", 21, new=4, unchanged=5, duplicate=3, rejected=8, suppressed=1, conflicting=2, reasons=top)
    assert read_sources(metrics) == (crm, SourceFlow("crm_old", 1))
    assert add_flows((crm, SourceFlow("crm_old", 1, new=1))) == replace(
        crm, source="all sources", delivered=22, new=5, reasons=()
    )


def test_values_that_were_not_read_are_counted_by_source_and_column() -> None:
    ingest = {"crm.times_unusable": 2.0, "web.times_unusable": 0.0, "crm.rows_delivered": 9.0}
    ingest |= {"crm.rejected.null_key": 1.0, "web.rows_delivered": 9.0, "web.value.ambiguous": 5.0}
    standardise = {
        "crm.records": 9.0,
        "crm.email.placeholder": 1.0,
        "crm.email.no_at": 3.0,
        "crm.national_id.too_short": 1.0,
        "identifiers.email": 5.0,
        "identifiers.email.shared": 4.0,
        "web.records": 1.0,
    }
    assert read_unread_values(ingest, standardise) == (
        UnreadValues("crm", "email", 4, (Count("no_at", 3), Count("placeholder", 1))),
        UnreadValues("crm", "national_id", 1, (Count("too_short", 1),)),
        UnreadValues("crm", "observed_at", 2, (Count("missing, unreadable or implausible", 2),)),
        UnreadValues("web", "value", 5, (Count("ambiguous", 5),)),
    )


def test_segments_count_open_spans_and_moves_of_one_release(spark: SparkSession) -> None:
    members = spark.createDataFrame(
        [("gold", None), ("gold", None), ("gold", AS_OF), ("past", AS_OF)], "segment string, exited_at_utc timestamp"
    )
    changes = spark.createDataFrame(
        [(1, "gold", "enter"), (2, "gold", "enter"), (2, "past", "exit")], "release long, segment string, change string"
    )
    assert read_segments(members, changes, release=2) == (SegmentFact("gold", 2, 1, 0), SegmentFact("past", 0, 0, 1))


def test_a_segment_without_members_is_shown() -> None:
    metrics = {"segments.empty": 0.0, "segments.gold": 2.0, "segment_changes.enter": 1.0}
    gold, past = SegmentFact("gold", 2, 1, 0), SegmentFact("past", 0, 0, 1)
    assert with_empty_segments((gold, past), metrics) == (SegmentFact("empty", 0), gold, past)


def test_accuracy_counts_pairs_and_missing_records(spark: SparkSession) -> None:
    # truth: {1, 2, 3} {4} {5}; found: {1, 2, 4} {3}, 5 missing
    truth = spark.createDataFrame(
        [("crm", str(n), "person", entity) for n, entity in enumerate("AAABC", start=1)],
        "source string, source_record_id string, entity_type string, entity_id string",
    )
    records = spark.createDataFrame(
        [(f"k{n}", "crm", str(n)) for n in range(1, 6)], "record_key string, source string, source_record_id string"
    )
    ids = spark.createDataFrame(
        [("k1", "u"), ("k2", "u"), ("k4", "u"), ("k3", "v")], "record_key string, unified_id string"
    )
    (found,) = measure_accuracy(ids, records, truth)
    assert found == Accuracy(
        "person", records=5, missing=1, entities=3, found=2, true_pairs=3, found_pairs=3, correct_pairs=1
    )
    assert (found.precision, found.recall, found.f1) == pytest.approx((1 / 3, 1 / 3, 1 / 3))


def test_nothing_found_is_no_mistake() -> None:
    nothing = Accuracy("person", 0, 0, 0, 0, 0, 0, 0)
    assert (nothing.precision, nothing.recall, nothing.f1) == (1.0, 1.0, 1.0)
    assert Accuracy("person", 2, 0, 2, 1, 1, 1, 0).f1 == 0.0


def test_a_report_is_gathered_from_the_tables(spark: SparkSession, tmp_path: Path) -> None:
    store = Store(spark, str(tmp_path))
    clock = (AS_OF, 1, AS_OF, "h", 2.5)
    before: tuple[object, ...] = (AS_OF, 0, AS_OF, "h", 2.5, None, None, {})
    states: list[tuple[object, ...]] = [
        ("r-0", "profiles", "finished", *before, {"profiles.person": 3.0}),
        ("r-0", "segments", "finished", *before, {"segments.gold": 2.0}),
        ("r-0", "publish", "finished", *before, {}),
        ("r-1", "run", "started", *clock, None, None, {}, {}),
        ("r-1", "ingest", "finished", *clock, "one source", ["look"], {}, {"crm.rows_delivered": 3.0}),
        ("r-1", "run", "finished", *clock, None, None, {}, {}),
    ]
    store.append(RUNS, RUNS.table(states), application=None)
    ids = spark.createDataFrame([("k1", "person", "u"), ("k2", "person", "u")], UNIFIED_IDS.schema)
    version = store.overwrite(UNIFIED_IDS, ids)
    data = build_report_data(store, "r-1", {UNIFIED_IDS.name: version})
    assert (data.run_id, data.release, data.as_of) == ("r-1", 1, AS_OF)
    assert data.stages == (StageFact("ingest", 2.5, "one source"),)
    assert data.sources == (SourceFlow("crm", 3),)
    assert (data.all_sources, data.warnings) == (SourceFlow("all sources", 3), ("look",))
    assert data.entities == (EntityCount("person", 2, 1, (Count("2", 1),)),)
    assert data.changes == (Change("members of gold", 2, 0), Change("profiles: person", 3, 0))
    assert (data.weights, data.segments, data.exports, data.id_changes) == ((), (), (), ())
    with pytest.raises(StateError, match="no such run"):
        build_report_data(store, "r-2", {})


def test_attribution_counts_events_with_their_person_and_with_others(spark: SparkSession) -> None:
    browsers = [
        *(("c1", "one"), ("c1", "two"), ("c1", "other"), ("c1", "visitor"), ("c1", None)),
        *(("c2", "visitor"), ("c2", "one"), ("c3", "one"), ("c4", "one")),
    ]
    events = spark.createDataFrame(
        [(unified_id, {"cookie_id": cookie}) for cookie, unified_id in browsers],
        "unified_id string, properties map<string,string>",
    )
    ids = spark.createDataFrame(
        [("r1", "person", "one"), ("r2", "person", "two"), ("r3", "person", "other"), ("v1", "visitor", "visitor")],
        "record_key string, entity_type string, unified_id string",
    )
    records = spark.createDataFrame(
        [(f"r{number}", "crm", str(number)) for number in (1, 2, 3)],
        "record_key string, source string, source_record_id string",
    )
    truth = spark.createDataFrame(
        [("crm", "1", "P1"), ("crm", "2", "P1"), ("crm", "3", "P2")],
        "source string, source_record_id string, entity_id string",
    )
    visitors = spark.createDataFrame(
        [("c1", "P1", 1), ("c2", None, 0), ("c3", None, 2)], "visitor_id string, entity_id string, people int"
    )
    found = measure_attribution(events, ids, records, truth, visitors)
    assert found == Attribution(told=5, right=2, wrong=1, anonymous=2, misled=1)
    assert found.share == 0.4
