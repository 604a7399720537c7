"""What the driver gathers about a few records is what Spark gathers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from tests.unit.clustering.test_identifier_links import IDENTIFIERS

from cdp_spark.clustering.batch import REFINED_SCHEMA
from cdp_spark.clustering.clusters import build_cuts
from cdp_spark.clustering.figures import cluster_figures
from cdp_spark.clustering.identifiers.links import build_identifier_links, with_unique_values
from cdp_spark.clustering.labels import build_current_labels, keep_current_labels
from cdp_spark.clustering.on_driver.evidence import (
    Rules,
    fetch_members,
    find_identifier_links,
    unite_evidence,
    with_unique_identifiers,
)
from cdp_spark.clustering.on_driver.night import unfold_cuts
from cdp_spark.clustering.records import with_identifier_type
from cdp_spark.tables.catalog import CLUSTERS, LABELS, RECORDS
from cdp_spark.tables.rows import as_frame
from cdp_spark.tables.store import Store

SCHEMA = "record_key string, type string, value_hash string, usable boolean"
PAIR = ("record_key_l", "record_key_r")


def usable_identifiers(spark: SparkSession) -> pa.Table:
    return spark.createDataFrame(IDENTIFIERS, SCHEMA).where("usable").drop("usable").toArrow()


def test_links_and_unique_values(spark: SparkSession) -> None:
    frame = spark.createDataFrame(
        [*IDENTIFIERS, ("r7", "loyalty_id", "M", True), ("r8", "loyalty_id", "M", True)], SCHEMA
    )
    table = frame.where("usable").drop("usable").toArrow()
    links = {
        tuple(row)[:2]: row["identifier_type"]
        for row in build_identifier_links(frame, ["user_id", "loyalty_id"]).collect()
    }
    assert find_identifier_links(table, ["user_id", "loyalty_id"]) == links
    assert links["r7", "r8"] == "loyalty_id"
    assert find_identifier_links(table, []) == {}
    keys = spark.createDataFrame([(f"r{number}",) for number in range(1, 9)], "record_key string")
    found = with_unique_identifiers(keys.toArrow(), table, ["user_id", "cookie_id"])
    expected = with_unique_values(keys, frame, ["user_id", "cookie_id"])
    assert_df_equality(as_frame(spark, found), expected, ignore_row_order=True, ignore_nullable=True, transforms=[])


def test_the_newest_label_is_in_force_unless_it_was_withdrawn(spark: SparkSession) -> None:
    days = [datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2)]
    rows = [
        ("a", "b", days[0], "must_link", "me", None),
        ("a", "b", days[1], "cannot_link", "me", None),
        ("a", "c", days[1], "withdrawn", "me", None),
        ("a", "c", days[0], "must_link", "me", None),
        ("b", "c", days[0], "must_link", "me", None),
        ("b", "c", days[0], "cannot_link", "you", None),
    ]
    expected = [("a", "b", "cannot_link"), ("b", "c", "cannot_link")]
    assert sorted(map(tuple, build_current_labels(spark.createDataFrame(rows, LABELS.schema)).collect())) == expected
    kept = keep_current_labels(LABELS.table(rows))
    assert list(zip(*kept.to_pydict().values(), strict=True)) == expected
    assert keep_current_labels(LABELS.table([])).num_rows == 0


def test_all_evidence_in_one_table() -> None:
    pairs = pa.table({**_pairs("a b"), "weight_log2": [3.5], "deterministic": [False]})
    labels = pa.table({**_pairs("a c", "b d"), "label": ["must_link", "cannot_link"]})
    found = unite_evidence(pairs, labels, [("c", "d")])
    assert found.to_pydict() == {
        **_pairs("a b", "a c", "c d", "b d"),
        "weight_log2": [3.5, 12.0, 12.0, None],
        "deterministic": [False, True, True, False],
        "cannot_link": [False, False, False, True],
    }


def _pairs(*pairs: str) -> dict[str, list[str]]:
    return {name: [pair.split()[side] for pair in pairs] for side, name in enumerate(PAIR)}


def test_members_with_what_keeps_them_apart(spark: SparkSession, tmp_path: Path) -> None:
    store, at = Store(spark, str(tmp_path)), datetime(2026, 11, 1, tzinfo=UTC)
    row = dict.fromkeys(RECORDS.schema.names)
    times = {"observed_at_utc": at, "ingested_at_utc": at, "first_seen_at_utc": at}
    lists: dict[str, list[str]] = {name: [] for name in ("event_sources", "emails", "phones")}
    maps: dict[str, dict[str, str]] = {name: {} for name in ("attributes", "value_issues")}
    fixed = row | times | lists | maps | {"entity_type": "person", "source_record_id": "1", "content_hash": "x"}
    people = [
        fixed | {"record_key": "a", "source": "crm", "birth_date": date(1980, 1, 2), "national_id": "N"},
        fixed | {"record_key": "b", "source": "shop"},
        fixed | {"record_key": "c", "source": "crm"},
        fixed | {"record_key": "v", "source": "web", "entity_type": "visitor"},
    ]
    store.append(RECORDS, RECORDS.table([tuple(it.values()) for it in people]), application=None)
    rules = Rules(("birth_date", "national_id", "source"), ("crm",), (), ())
    found = fetch_members(store, "person", pa.array(["a", "b", "gone", "v"]), rules).sort_by("record_key")
    assert found.to_pydict() == {
        "record_key": ["a", "b"],
        "exclusive_source": ["crm", None],
        "birth_date": ["1980-01-02", None],
        "national_id": ["N", None],
        "source": ["crm", "shop"],
    }


def test_cuts_say_which_identifier_would_have_joined(spark: SparkSession) -> None:
    rows = [
        ("a", "a", "a", [("b", 2.0, "weak"), ("c", None, "unique_value")]),
        ("b", "a", "b", []),
        ("c", "a", "c", []),
    ]
    refined = spark.createDataFrame(rows, REFINED_SCHEMA)
    links = spark.createDataFrame(
        [("a", "c", "email")], "record_key_l string, record_key_r string, identifier_type string"
    )
    expected = with_identifier_type(build_cuts(refined), links)
    found = as_frame(spark, unfold_cuts(refined.toArrow(), {("a", "c"): "email"}))
    assert_df_equality(
        found, expected, ignore_row_order=True, ignore_nullable=True, ignore_column_order=True, transforms=[]
    )


@pytest.mark.parametrize("empty", [False, True])
def test_figures_of_clusters(spark: SparkSession, empty: bool) -> None:
    kinds = {"person": "a a a b", "account": "k", "visitor": "a v w w"}
    rows = [
        (f"{kind}{place}", kind, cluster, cluster)
        for kind, clusters in kinds.items()
        for place, cluster in enumerate(clusters.split())
        if not empty
    ]
    table = CLUSTERS.table(rows)
    expected = [0.0] * 5 if empty else [3.0, 5.0, 3.0, 1.0, 3.0]
    names = ["clusters.count", "clusters.records", "clusters.largest", "visitors.known", "visitors.anonymous"]
    for found in (cluster_figures(table), cluster_figures(spark.createDataFrame(rows, CLUSTERS.schema))):
        assert found == dict(zip(names, expected, strict=True))
