"""The in-process engine: records in Arrow memory are sampled, linked and clustered here, without Spark or Java."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.clustering.linkage.evidence import Constraints
from cdp_spark.clustering.refining import cluster_positions
from cdp_spark.normalise.batches import encode
from cdp_spark.resolution.features import make_features
from cdp_spark.resolution.learning.sample import Sample, take_sample
from cdp_spark.resolution.linkage import LinkedPairs, levels_of, link, prepare, slots_of
from cdp_spark.standalone.engine import CLUSTER_ID, Clustered
from cdp_spark.standalone.keys import RECORD_ID

if TYPE_CHECKING:
    from cdp_spark.config.match import EntityMatch
    from cdp_spark.standalone.records import Described


@dataclass(frozen=True)
class InProcess:
    """Matching in this process.

    Args:
        records: one row per record: record_key, record_id, source and the features.
        described: what is known of them.
    """

    records: pa.Table
    described: Described

    def sample(self, match: EntityMatch) -> Sample:
        """Take a sample of the records, with all that the match compares."""
        few = take_sample(self.records, seed=match.seed)
        return Sample(pa.table({c.RECORD_KEY: few[c.RECORD_KEY], **make_features(few, match)}))

    def score(self, match: EntityMatch, sample: Sample | None) -> LinkedPairs:
        """Compare and weigh the pairs by a model that is fitted from them."""
        return link(prepare(self.records, match, slots_of(match)), match, sample=sample)

    def cluster(self, scored: LinkedPairs, match: EntityMatch, *, unique_within_source: bool) -> Clustered:
        """Cluster the records by the scored pairs."""
        records = self.records.sort_by(c.RECORD_KEY)
        pairs, names = scored.pairs, (c.SOURCE,) if unique_within_source else ()
        cluster = cluster_positions(
            records.num_rows,
            (pairs.left, pairs.right),
            scored.weight_log2,
            scored.deterministic,
            config=match.clustering,
            constraints=Constraints(
                must_agree=tuple(_codes(records[name]) for name in match.clustering.unique),
                must_differ=tuple(_codes(records[name]) for name in names),
            ),
        )
        clusters = records.select([c.SOURCE, RECORD_ID]).append_column(
            CLUSTER_ID, scored.record_key.take(pa.array(cluster))
        )
        sizes = np.bincount(cluster)
        return Clustered(clusters, len(pairs.left), int(np.count_nonzero(sizes)), int(sizes.max(initial=0)))

    def pairs(self, scored: LinkedPairs) -> pa.Table:
        """List the scored pairs: both ends' source and id, weight, and the level of each comparison by name."""
        records = self.records.sort_by(c.RECORD_KEY)
        columns: dict[str, pa.Array] = {}
        for side, at in (("l", scored.pairs.left), ("r", scored.pairs.right)):
            for name in (c.SOURCE, RECORD_ID):
                columns[f"{name}_{side}"] = records[name].take(pa.array(at)).combine_chunks()
        columns[c.WEIGHT_LOG2] = pa.array(scored.weight_log2)
        comparisons = scored.model.match.comparisons
        levels = levels_of(scored.pairs, len(comparisons))
        for place, (comparison, names) in enumerate(zip(comparisons, scored.model.level_names, strict=True)):
            texts = pa.DictionaryArray.from_arrays(pa.array(levels[:, place].astype(np.int32)), pa.array(names))
            columns[comparison.name] = texts
        return pa.table(columns)


def _codes(column: pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.asarray(encode(column).indices.fill_null(-1), dtype=np.int64)
