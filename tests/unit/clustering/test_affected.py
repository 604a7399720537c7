"""What an incremental run looks at, and what of it changed."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from cdp_spark.clustering.affected import find_changed_values, find_reclustered
from cdp_spark.clustering.figures import cluster_figures, count_clusters
from cdp_spark.clustering.frames_affected import find_affected
from cdp_spark.clustering.identifiers.links import find_statements
from cdp_spark.clustering.labels import keep_current_labels
from cdp_spark.tables.catalog import CLUSTERS, LABELS


def rows_of(table: pa.Table) -> list[tuple[object, ...]]:
    return sorted(zip(*table.to_pydict().values(), strict=True), key=str)


def values_table(*rows: str) -> pa.Table:
    split = [row.split() for row in rows]
    names = ("record_key", "type", "value_hash")
    return pa.table({name: pa.array([row[at] for row in split], pa.string()) for at, name in enumerate(names)})


def test_affected_are_whole_components_and_new_records() -> None:
    rows = [("a", "a", "a"), ("b", "a", "b"), ("c", "c", "c"), ("d", "c", "c"), ("e", "e", "e"), ("gone", "e", "e")]
    names = ("record_key", "component", "cluster")
    clusters = pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    found = find_affected(pa.array(["b", "gone", "new"]), clusters)
    assert rows_of(found) == [("a", "a"), ("b", "b"), ("e", "e"), ("gone", "e"), ("new", None)]
    nobody = find_affected(pa.array([], pa.string()), clusters)
    assert (nobody.num_rows, nobody.column_names) == (0, ["record_key", "previous_cluster"])


def test_reclustered_are_the_records_of_clusters_with_other_members() -> None:
    runs = {
        "stay": ("stay", "stay"),
        "stay2": ("stay", "stay"),
        "lost": ("lost", "lost"),
        "lost2": ("lost2", "lost"),
        "merged": ("merged", "merged"),
        "merged2": ("merged", "merged2"),
        "merged3": ("merged", "merged2"),
        "old": ("old", "old"),
        "new": ("old", None),
        "left": (None, "left"),
        "renamed": ("renamed", "left"),
        "alone": ("alone", None),
    }
    there = {key: cluster for key, (cluster, _) in runs.items() if cluster}
    now = pa.table({"record_key": list(there), "cluster": list(there.values())})
    before = pa.table({"record_key": list(runs), "previous_cluster": [last for _, last in runs.values()]})
    assert find_reclustered(now, before).to_pydict() == {"record_key": [key for key in runs if "stay" not in key]}


def test_a_value_that_one_record_gains_or_loses_touches_all_its_holders() -> None:
    before = values_table("a card 1", "b card 1", "c card 2", "c card 2", "d email 2")
    now = values_table("a card 1", "c card 2", "d email 2")
    assert rows_of(find_changed_values(now, before)) == [("a",), ("b",)]
    assert find_changed_values(now, now).num_rows == 0


def test_a_shared_value_links_to_its_first_holder_and_a_unique_one_is_told() -> None:
    identifiers = values_table(
        *("r1 loyalty_id L", "r3 loyalty_id L", "r2 loyalty_id L", "r1 user_id one", "r3 user_id two"),
        *(
            "r2 cookie_id c",
            "r4 cookie_id c",
            "r7 user_id three",
            "r8 user_id three",
            "r7 loyalty_id M",
            "r8 loyalty_id M",
        ),
    )
    found = find_statements(identifiers, linking=["user_id", "loyalty_id"], unique=["user_id"])
    links = [("r1", "r2", "loyalty_id", None), ("r1", "r3", "loyalty_id", None), ("r7", "r8", "loyalty_id", None)]
    held = [("r1", "one"), ("r3", "two"), ("r7", "three"), ("r8", "three")]
    expected = [*links, *((key, key, "user_id", value) for key, value in held)]
    assert rows_of(found) == sorted(expected, key=str)
    assert find_statements(identifiers, linking=[], unique=[]).num_rows == 0


def test_the_newest_label_is_in_force_unless_it_was_withdrawn() -> None:
    days = [datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2)]
    rows = [
        ("a", "b", days[0], "must_link", "me", None),
        ("a", "b", days[1], "cannot_link", "me", None),
        ("a", "c", days[1], "withdrawn", "me", None),
        ("a", "c", days[0], "must_link", "me", None),
        ("b", "c", days[0], "must_link", "me", None),
        ("b", "c", days[0], "cannot_link", "you", None),
    ]
    assert rows_of(keep_current_labels(LABELS.table(rows))) == [("a", "b", "cannot_link"), ("b", "c", "cannot_link")]
    nothing = keep_current_labels(LABELS.table([]))
    assert (nothing.num_rows, nothing.column_names) == (0, ["record_key_l", "record_key_r", "label"])


@pytest.mark.parametrize("parts", [1, 2])
def test_figures_of_clusters_add_up_over_parts(parts: int) -> None:
    kinds = {"person": "a a a b", "account": "k", "visitor": "a v w w"}
    rows = [
        (f"{kind}{place}", kind, cluster, cluster)
        for kind, clusters in kinds.items()
        for place, cluster in enumerate(clusters.split())
    ]
    whole = [CLUSTERS.table([row for row in rows if (row[2] < "b") == first or parts == 1]) for first in (True, False)]
    found = cluster_figures(pa.concat_tables([count_clusters(it) for it in whole[:parts]]))
    names = ["clusters.count", "clusters.records", "clusters.largest", "visitors.known", "visitors.anonymous"]
    assert found == dict(zip(names, [3.0, 5.0, 3.0, 1.0, 3.0], strict=True))


def test_figures_of_no_clusters_are_zero() -> None:
    counts = count_clusters(CLUSTERS.table([]))
    assert set(cluster_figures(counts).values()) == set(cluster_figures(counts.slice(0, 0)).values()) == {0.0}
