"""The Spark engine: frames of any size are keyed, cleaned, linked and clustered in Spark's tasks.

The functions are those of the in-process engine: Spark carries them to the rows, brings blocks together and counts. So
both engines give the same clusters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.clustering.records import EXCLUSIVE_SOURCE, cluster_records
from cdp_spark.ingest.reading.typed import text_table
from cdp_spark.matching.patterns import from_texts
from cdp_spark.resolution.frames import read_feature_sample, sampled
from cdp_spark.resolution.scored import ScoredPairs, score_pairs
from cdp_spark.standalone.cleaning import LISTS, compared_columns
from cdp_spark.standalone.engine import CLUSTER_ID, Clustered
from cdp_spark.standalone.records import (
    KEYS,
    RECORD_ID,
    SAMPLE_ROWS,
    Described,
    Texts,
    clean_source,
    key_rows,
    recognise_sources,
    refuse_doubles,
    require_columns,
    safe_columns,
    safe_name,
)
from cdp_spark.tables.actions.held import hold, keep
from cdp_spark.tables.catalog import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.discovery.recognise import Recognised
    from cdp_spark.matching.learning.sample import Sample

_FRAME = "table"


@dataclass(frozen=True)
class OnSpark:
    """Matching in Spark's tasks.

    Args:
        records: one row per record: record_key, record_id, source and the features; kept.
        described: what is known of them.
    """

    records: DataFrame
    described: Described

    def sample(self, match: EntityMatch) -> Sample:
        """Take a sample of the records, with all that the match compares."""
        return read_feature_sample(self.records, match)

    def score(self, match: EntityMatch, sample: Sample | None) -> ScoredPairs:
        """Compare and weigh the pairs by a model that is fitted from them."""
        return score_pairs(self.records, match, sample=sample)

    def cluster(self, scored: ScoredPairs, match: EntityMatch, *, unique_within_source: bool) -> Clustered:
        """Cluster the records by the scored pairs."""
        exclusive = F.col(c.SOURCE) if unique_within_source else F.lit(None).cast("string")
        members = self.records.withColumn(EXCLUSIVE_SOURCE, exclusive)
        labels = self.records.sparkSession.createDataFrame([], LABELS.schema).limit(0)  # the optimiser sees it is empty
        pairs = hold(scored.pair_scores)
        found, _ = cluster_records(members, pairs.rows, labels, config=match.clustering)
        clusters = (
            self.records.select(*KEYS)
            .join(found.clusters, on=c.RECORD_KEY, how="inner")
            .select(c.SOURCE, RECORD_ID, F.col(c.CLUSTER).alias(CLUSTER_ID))
        )
        sizes = found.clusters.groupBy(c.CLUSTER).agg(F.count(F.lit(1)).alias(c.RECORD_COUNT))
        totals = sizes.agg(F.count(F.lit(1)), F.max(c.RECORD_COUNT)).collect()[0]
        return Clustered(clusters, pairs.count, totals[0], totals[1])

    def pairs(self, scored: ScoredPairs) -> DataFrame:
        """List the scored pairs: both ends' source and id, weight, and the level of each comparison by name."""
        names = [item.name for item in scored.model.match.comparisons]
        levels = scored.model.level_names
        ids = self.records.select(*KEYS)
        pairs = scored.pair_scores
        for side in "lr":
            of_side = {name: f"{name}_{side}" for name in KEYS}
            pairs = pairs.join(ids.withColumnsRenamed(of_side), on=f"{c.RECORD_KEY}_{side}", how="inner")
        ends = [f"{name}_{side}" for side in "lr" for name in (c.SOURCE, RECORD_ID)]
        fields = [T.StructField(name, T.StringType()) for name in ends]
        fields += [T.StructField(c.WEIGHT_LOG2, T.DoubleType()), *(T.StructField(it, T.StringType()) for it in names)]

        def name_levels(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                found = from_texts(batch.column(c.LEVELS).to_pylist(), len(names))
                columns = {name: batch.column(name) for name in (*ends, c.WEIGHT_LOG2)}
                for at, name in enumerate(names):
                    columns[name] = pa.array([levels[at][level] for level in found[:, at]], pa.string())
                yield pa.RecordBatch.from_pydict(columns)

        return pairs.select(*ends, c.WEIGHT_LOG2, c.LEVELS).mapInArrow(name_levels, T.StructType(fields))

    def release(self, scored: ScoredPairs) -> None:
        """Free what was held for the scores."""
        scored.release()


def open_frame(rows: DataFrame, *, id_column: str, source_column: str | None, region: str | None) -> OnSpark:
    """Key, recognise and clean the rows of a frame, as `describe` does for tables in memory.

    Raises:
        ConfigError: a column is unknown.
        DataError: an id stands twice, or no row has one.
    """
    return open_frames({_FRAME: rows}, {}, id_column=id_column, source_column=source_column, region=region)


def open_frames(
    inputs: Mapping[str, DataFrame],
    rejected: Mapping[str, int],
    *,
    id_column: str,
    source_column: str | None,
    region: str | None,
) -> OnSpark:
    """Key, recognise and clean the rows of several frames, each a source by its name.

    Args:
        inputs: frames by the name of their source.
        rejected: rows that could not be read, by source and reason.
        id_column: identifies a row within its source.
        source_column: names the source of each row, instead of its input.
        region: ISO country of phones that name none; None leaves national numbers as digits.

    Raises:
        ConfigError: a column is unknown.
        DataError: an id stands twice in a source, or one has no row.
    """
    keyed = {}
    for name, rows in inputs.items():
        require_columns(rows.columns, name, id_column, source_column)
        keyed[name] = hold(_key(rows, name, id_column, source_column))
    without = {f"{name}: null_key": rows.count() - keyed[name].count for name, rows in inputs.items()}
    keys = reduce(DataFrame.unionByName, [it.rows.select(c.RECORD_KEY) for it in keyed.values()])
    doubles = keys.groupBy(c.RECORD_KEY).count().where(F.col("count") > 1)
    refuse_doubles(doubles.count(), id_column)
    skip = frozenset({*KEYS, *map(safe_name, (id_column, *([source_column] if source_column else [])))})
    samples = {name: sampled(it.rows, most=SAMPLE_ROWS).toArrow() for name, it in keyed.items()}
    recognised = recognise_sources(samples, {name: name for name in keyed}, skip=skip)
    features = compared_columns(recognised)
    cleaned = [_clean(it.rows, recognised[name], features, region) for name, it in keyed.items()]
    records = keep(reduce(DataFrame.unionByName, cleaned))
    left_out = {reason: rows for reason, rows in sorted({**rejected, **without}.items()) if rows}
    sources = records.select(c.SOURCE).distinct().count()
    return OnSpark(records, Described(recognised, features, sum(it.count for it in keyed.values()), left_out, sources))


def _key(rows: DataFrame, name: str, id_column: str, source_column: str | None) -> DataFrame:
    texts = [safe for column, safe in safe_columns(rows.columns).items()]
    schema = T.StructType([T.StructField(it, T.StringType()) for it in (*KEYS, *texts)])

    def key(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            given = Texts(name, name, text_table(pa.Table.from_batches([batch])), {})
            yield from key_rows(given, id_column, source_column)[0].to_batches()

    return rows.mapInArrow(key, schema)


def _clean(
    rows: DataFrame, recognised: Sequence[Recognised], features: Sequence[Recognised], region: str | None
) -> DataFrame:
    fields = [T.StructField(name, T.StringType()) for name in KEYS]
    for item in features:
        kind = T.ArrayType(T.StringType()) if item.column in LISTS else T.StringType()
        fields.append(T.StructField(item.column, kind))

    def clean(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            cleaned = clean_source(pa.Table.from_batches([batch]), recognised, features, region=region)
            yield from cleaned.to_batches()

    return rows.mapInArrow(clean, T.StructType(fields))
