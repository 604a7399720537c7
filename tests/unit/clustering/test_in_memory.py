"""Clustering by positions gives what clustering by keys gives."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark import columns as c
from cdp_spark.clustering.batch import CANNOT_LINK
from cdp_spark.clustering.in_memory import cluster_positions
from cdp_spark.clustering.linkage.evidence import Constraints
from cdp_spark.clustering.on_driver.cluster import refine_all
from cdp_spark.config.match import ClusteringConfig

CONFIG = ClusteringConfig()
SIZE = 8
PAIRS = st.dictionaries(
    st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)).filter(lambda pair: pair[0] < pair[1]),
    st.tuples(st.integers(-8, 12), st.booleans()),
    max_size=12,
)


@given(PAIRS, st.lists(st.sampled_from("ab"), min_size=SIZE, max_size=SIZE))
def test_positions_and_keys_agree(pairs: dict[tuple[int, int], tuple[int, bool]], sources: list[str]) -> None:
    left, right = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    weight = np.array([weight for weight, _ in pairs.values()], dtype=np.float64)
    certain = np.array([joined for _, joined in pairs.values()], dtype=bool)
    codes = np.array([0 if it == "a" else 1 for it in sources], dtype=np.int64)
    found = cluster_positions(
        SIZE, (left, right), weight, certain, config=CONFIG, constraints=Constraints(must_differ=(codes,))
    )
    keys = pa.array([f"r{at}" for at in range(SIZE)])
    evidence = pa.table(
        {
            c.RECORD_KEY_L: keys.take(pa.array(left)),
            c.RECORD_KEY_R: keys.take(pa.array(right)),
            c.WEIGHT_LOG2: weight,
            c.DETERMINISTIC: certain,
            CANNOT_LINK: np.zeros(len(left), dtype=bool),
        }
    )
    members = pa.table({c.RECORD_KEY: keys, c.SOURCE: sources})
    refined = refine_all(members, evidence, config=CONFIG, unique_within=(c.SOURCE,))
    assert [f"r{at}" for at in found] == refined.sort_by(c.RECORD_KEY)[c.CLUSTER].to_pylist()
