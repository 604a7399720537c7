"""Evidence in, clusters and cuts out: one component per behaviour, without Spark."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark import columns as c
from cdp_spark.clustering.linkage.evidence import Constraints
from cdp_spark.clustering.refining import (
    EVIDENCE,
    cluster_components,
    cluster_positions,
    refine_batch,
    unfold_cuts,
)
from cdp_spark.clustering.settings import ClusteringRules
from cdp_spark.config.match import ClusteringConfig
from cdp_spark.errors import DataError

RULES = ClusteringRules(ClusteringConfig(unique=("national_id",)), ("crm",), ("email", "user_id"), ("user_id",))

MEMBERS = {
    **dict.fromkeys(
        ("a1", "a2", "a3", "b1", "b2", "d2", "f1", "f2", "f3", "g1", "h1", "h2", "h3", "i1", "i2"), ("", "")
    ),
    "d1": ("X", ""),
    "d3": ("Y", ""),
    "e1": ("", "crm"),
    "e2": ("", "crm"),
    "e3": ("", "shop"),
    "e4": ("", "shop"),
}
"""Record to its national id and its source, of which one has no duplicates."""
PAIRS = [
    ("a1", "a2", 8.0, False),
    ("a2", "a3", 5.0, False),
    ("a1", "a3", -12.0, False),
    ("b1", "b2", 30.0, True),
    ("d1", "d2", 9.0, False),
    ("d2", "d3", 8.0, False),
    ("e1", "e3", 7.0, False),
    ("e2", "e3", 6.0, False),
    ("e1", "e2", 5.0, False),
    ("e3", "e4", 9.0, False),
    ("f1", "f2", None, True),
    ("f2", "f3", 3.0, True),
    ("f1", "f3", -12.0, False),
    ("a1", "b1", -1.0, False),
    ("g1", "unknown", 11.0, False),
    ("unknown", "g1", 11.0, False),
    ("h1", "h2", -5.0, False),
]
LABELS = [("b1", "b2", "cannot_link"), ("a1", "b2", "cannot_link"), ("i1", "i2", "must_link")]
LINKS = [("h1", "h2", "email"), ("h1", "h3", "user_id"), ("h1", "h3", "email")]
VALUES = [("h1", "user_id", "one"), ("h3", "user_id", "two"), ("h3", "user_id", "another")]
CLUSTERS = {
    **{key: key for key in MEMBERS},
    "a2": "a1",
    "d2": "d1",
    "e3": "e1",
    "e4": "e1",
    "f2": "f1",
    "f3": "f1",
    "h2": "h1",
    "i2": "i1",
}
CUTS = [
    ("a2", "a3", 5.0, "average_linkage", None),
    ("b1", "b2", 30.0, "cannot_link", None),
    ("d2", "d3", 8.0, "unique_value", None),
    ("e1", "e2", 5.0, "unique_source", None),
    ("e2", "e3", 6.0, "unique_source", None),
    ("h1", "h3", 12.0, "unique_value", "email"),
]


def members_table(keys: list[str]) -> pa.Table:
    national_ids, sources = zip(*[MEMBERS[key] for key in keys], strict=True) if keys else ((), ())
    ids = pa.array([it or None for it in national_ids], pa.string())
    return pa.table(
        {c.RECORD_KEY: pa.array(keys, pa.string()), c.SOURCE: pa.array(sources, pa.string()), "national_id": ids}
    )


def evidence_table() -> pa.Table:
    rows: list[dict[str, object]] = []
    pair = (c.RECORD_KEY_L, c.RECORD_KEY_R)
    rows += [dict(zip((*pair, c.WEIGHT_LOG2, c.DETERMINISTIC), it, strict=True)) for it in PAIRS]
    rows += [dict(zip((*pair, c.LABEL), it, strict=True)) for it in LABELS]
    rows += [dict(zip((*pair, c.IDENTIFIER_TYPE), it, strict=True)) for it in LINKS]
    rows += [dict(zip((*pair, c.IDENTIFIER_TYPE, c.VALUE_HASH), (it[0], *it), strict=True)) for it in VALUES]
    return pa.Table.from_pylist(rows, schema=EVIDENCE)


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_every_behaviour_in_any_order(seed: int | None) -> None:
    keys, evidence = list(MEMBERS), evidence_table()
    order = list(range(evidence.num_rows))
    if seed is not None:
        random.Random(seed).shuffle(keys)
        random.Random(seed).shuffle(order)
    refined = cluster_components(members_table(keys), evidence.take(order), rules=RULES)
    assert dict(zip(*refined.select([c.RECORD_KEY, c.CLUSTER]).to_pydict().values(), strict=True)) == CLUSTERS
    cuts = unfold_cuts(refined)
    assert cuts.column_names == ["record_key_l", "record_key_r", "weight_log2", "reason", "identifier_type"]
    assert sorted(zip(*cuts.to_pydict().values(), strict=True)) == CUTS
    components = dict(zip(*refined.select([c.RECORD_KEY, c.COMPONENT]).to_pydict().values(), strict=True))
    assert [components[key] for key in ("a3", "b2", "d3", "h3", "i2", "g1")] == ["a1", "b1", "d1", "h1", "i1", "g1"]


def test_batches_of_whole_components_give_what_all_at_once_gives() -> None:
    whole = cluster_components(members_table(list(MEMBERS)), evidence_table(), rules=RULES)
    members = members_table(whole[c.RECORD_KEY].to_pylist()).append_column(c.COMPONENT, whole[c.COMPONENT])
    first = pa.array([it < "e" for it in whole[c.COMPONENT].to_pylist()])
    rest = pa.array([not it.as_py() for it in first])
    parts = [refine_batch(members.filter(some), evidence_table(), rules=RULES) for some in (first, rest)]
    assert pa.concat_tables(parts).to_pylist() == whole.to_pylist()


def test_no_source_or_every_source_may_be_exclusive() -> None:
    keys, evidence = ["e1", "e2", "e3", "e4"], evidence_table()
    found = [
        cluster_components(members_table(keys), evidence, rules=ClusteringRules(RULES.config, exclusive))[c.CLUSTER]
        for exclusive in ((), None)
    ]
    assert [it.to_pylist() for it in found] == [["e1", "e1", "e1", "e1"], ["e1", "e2", "e1", "e4"]]


def test_no_records_no_clusters() -> None:
    refined = cluster_components(members_table([]), EVIDENCE.empty_table(), rules=RULES)
    assert (refined.num_rows, unfold_cuts(refined).num_rows) == (0, 0)


def test_a_pair_without_weight_is_refused() -> None:
    row = {c.RECORD_KEY_L: "a1", c.RECORD_KEY_R: "a2", c.DETERMINISTIC: False}
    with pytest.raises(DataError, match="weight"):
        refine_batch(
            members_table(["a1", "a2"]).append_column(c.COMPONENT, pa.array(["a1", "a1"])),
            pa.Table.from_pylist([row], schema=EVIDENCE),
            rules=RULES,
        )


SIZE = 8
DRAWN = st.dictionaries(
    st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)).filter(lambda pair: pair[0] < pair[1]),
    st.tuples(st.integers(-8, 12), st.booleans()),
    max_size=12,
)


@given(DRAWN, st.lists(st.sampled_from("ab"), min_size=SIZE, max_size=SIZE))
def test_positions_and_keys_give_the_same_clusters(
    pairs: dict[tuple[int, int], tuple[int, bool]], sources: list[str]
) -> None:
    config = ClusteringConfig()
    left, right = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    weight = np.array([weight for weight, _ in pairs.values()], dtype=np.float64)
    certain = np.array([joined for _, joined in pairs.values()], dtype=bool)
    codes = np.array([0 if it == "a" else 1 for it in sources], dtype=np.int64)
    constraints = Constraints(must_differ=(codes,))
    found = cluster_positions(SIZE, (left, right), weight, certain, config=config, constraints=constraints)
    rows = [
        {c.RECORD_KEY_L: f"r{one}", c.RECORD_KEY_R: f"r{two}", c.WEIGHT_LOG2: float(bits), c.DETERMINISTIC: joined}
        for (one, two), (bits, joined) in pairs.items()
    ]
    members = pa.table({c.RECORD_KEY: [f"r{at}" for at in range(SIZE)], c.SOURCE: sources})
    evidence = pa.Table.from_pylist(rows, schema=EVIDENCE)
    refined = cluster_components(members, evidence, rules=ClusteringRules(config, None))
    assert [f"r{at}" for at in found] == refined[c.CLUSTER].to_pylist()
