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
from cdp_spark.clustering.frames import EvidenceRows, cluster_records
from cdp_spark.clustering.labels import keep_current_labels
from cdp_spark.clustering.settings import ClusteringRules
from cdp_spark.errors import ConfigError
from cdp_spark.ingest.frames import distribute
from cdp_spark.ingest.reading.batch import ReadBatch, rejected_table
from cdp_spark.ingest.reading.typed import text_table
from cdp_spark.resolution.frames import read_feature_sample, sampled
from cdp_spark.resolution.patterns import from_texts
from cdp_spark.resolution.scored import ScoredPairs, score_pairs
from cdp_spark.session import SessionSettings, get_session
from cdp_spark.session.remote import is_remote_session, send_package
from cdp_spark.standalone.cleaning import LISTS, compared_columns
from cdp_spark.standalone.engine import CLUSTER_ID, Clustered
from cdp_spark.standalone.files import open_input
from cdp_spark.standalone.keys import (
    KEYS,
    RECORD_ID,
    Texts,
    compared_ids,
    find_ids,
    key_rows,
    refuse_doubles,
    require_columns,
    safe_columns,
    safe_name,
)
from cdp_spark.standalone.records import SAMPLE_ROWS, Described, clean_source, recognise_sources
from cdp_spark.standalone.usage import prove_features
from cdp_spark.tables.catalog import LABELS
from cdp_spark.tables.checkpoint import checkpoint_and_count
from cdp_spark.tables.rows import as_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.ingest.frames import SparkReading
    from cdp_spark.normalise.dates import DateOrder
    from cdp_spark.resolution.learning.sample import Sample
    from cdp_spark.standalone.discovery.recognise import Recognised
    from cdp_spark.standalone.files import Input

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
        pairs = checkpoint_and_count(scored.pair_scores)
        evidence = EvidenceRows(self.records, pairs.rows, keep_current_labels(LABELS.table([])))
        rules = ClusteringRules(match.clustering, None if unique_within_source else ())
        spark = self.records.sparkSession
        made, _ = cluster_records(spark, evidence, rules)
        found = as_frame(spark, made.clusters)
        clusters = (
            self.records.select(*KEYS)
            .join(found, on=c.RECORD_KEY, how="inner")
            .select(c.SOURCE, RECORD_ID, F.col(c.CLUSTER).alias(CLUSTER_ID))
        )
        sizes = found.groupBy(c.CLUSTER).agg(F.count(F.lit(1)).alias(c.RECORD_COUNT))
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


def open_on_spark(
    inputs: Sequence[Input],
    *,
    id_column: str | None,
    source_column: str | None,
    region: str | None,
    date_order: DateOrder | None = None,
) -> OnSpark:
    """Start Spark and open files there, as `describe` does for tables in memory.

    Raises:
        ConfigError: a column is unknown.
        DataError: nothing is there, an id stands twice in a source, or one has no row.
    """
    spark = get_session(SessionSettings(app_name="cdp resolve"))
    keyed, where, notes = {}, {}, []
    identified: dict[str, tuple[str, ...]] = {}
    for given in inputs:
        opened = open_input(given)
        reading = distribute(spark, opened)
        names = _field_names(reading) if reading.columns is None else list(reading.columns)
        ids = identified[given.name] = _ids(names, str(given.path), id_column)
        require_columns(names, str(given.path), source_column)
        keyed[given.name] = _key(reading.rows, reading.read, given.name, names, (ids, source_column))
        where[given.name] = str(given.path)
        notes += [f"{given.name}: {note}" for note in opened.notes]
    return _open(keyed, where, (identified, source_column), (region, date_order), tuple(notes))


def open_frame(
    rows: DataFrame,
    *,
    id_column: str | None,
    source_column: str | None,
    region: str | None,
    date_order: DateOrder | None = None,
) -> OnSpark:
    """Open a frame of any columns, as `describe` does for tables in memory.

    Raises:
        ConfigError: a column is unknown.
        DataError: an id stands twice, or no row has one.
    """
    if is_remote_session(rows.sparkSession):
        send_package(rows.sparkSession)
    ids = _ids(rows.columns, _FRAME, id_column)
    require_columns(rows.columns, _FRAME, source_column)
    keyed = _key(rows, _read_frame, _FRAME, rows.columns, (ids, source_column))
    return _open({_FRAME: keyed}, {_FRAME: _FRAME}, ({_FRAME: ids}, source_column), (region, date_order))


def _ids(names: Sequence[str], where: str, id_column: str | None) -> tuple[str, ...]:
    """Return the columns that identify a row; rows of many tasks have no numbers.

    Raises:
        ConfigError: none is named, or a column is unknown.
    """
    if id_column is None:
        raise ConfigError(
            "--id", got="none", allowed="with Spark: " + ", ".join(names), fix="name one, or several (a,b)"
        )
    return find_ids(names, where, id_column)


def _open(
    keyed: Mapping[str, DataFrame],
    where: Mapping[str, str],
    given: tuple[Mapping[str, tuple[str, ...]], str | None],
    read_by: tuple[str | None, DateOrder | None],
    notes: tuple[str, ...] = (),
) -> OnSpark:
    """Recognise and clean keyed rows, by the name of their source; they are read by a region and an order of dates."""
    region, date_order = read_by
    held = {name: checkpoint_and_count(rows) for name, rows in keyed.items()}
    reasons = [it.rows.groupBy(F.lit(name).alias("input"), c.REASON).count() for name, it in held.items()]
    counts = reduce(DataFrame.unionByName, reasons).orderBy("input", c.REASON).collect()
    rejected = {f"{row['input']}: {row[c.REASON]}": row["count"] for row in counts if row[c.REASON] is not None}
    sound = {name: it.rows.where(F.col(c.REASON).isNull()).drop(c.REASON) for name, it in held.items()}
    keys = reduce(DataFrame.unionByName, [rows.select(c.RECORD_KEY) for rows in sound.values()])
    named = next(iter(given[0].values()))
    refuse_doubles(keys.groupBy(c.RECORD_KEY).count().where(F.col("count") > 1).count(), ", ".join(named))
    samples = {name: sampled(rows, most=SAMPLE_ROWS).toArrow() for name, rows in sound.items()}
    skip = frozenset({*KEYS, *([safe_name(given[1])] if given[1] else [])}).union(
        *({safe_name(name) for name in ids} - compared_ids(ids) for ids in given[0].values())
    )
    recognised = recognise_sources(samples, where, skip=skip, date_order=date_order)
    features = compared_columns(recognised)
    cleaned = [_clean(rows, recognised[name], features, region) for name, rows in sound.items()]
    records = checkpoint_and_count(reduce(DataFrame.unionByName, cleaned))
    sources = records.rows.select(c.SOURCE).distinct().count()
    recognised, features = prove_features(sampled(records.rows, most=SAMPLE_ROWS).toArrow(), recognised, features)
    return OnSpark(records.rows, Described(recognised, features, records.count, rejected, sources, notes))


def _field_names(reading: SparkReading) -> list[str]:
    """The fields that rows of JSON name (an action)."""
    read = reading.read

    def name(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in read(batches):
            yield pa.RecordBatch.from_pydict({c.NAME: pa.array(batch.rows.column_names, pa.string())})

    rows = reading.rows.mapInArrow(name, f"{c.NAME} string").distinct().orderBy(c.NAME).collect()
    return [row[c.NAME] for row in rows]


def _read_frame(batches: Iterator[pa.RecordBatch]) -> Iterator[ReadBatch]:
    for batch in batches:
        yield ReadBatch(text_table(pa.Table.from_batches([batch])), rejected_table([]), "")


def _key(
    rows: DataFrame,
    read: Callable[[Iterator[pa.RecordBatch]], Iterator[ReadBatch]],
    name: str,
    names: Sequence[str],
    given: tuple[tuple[str, ...], str | None],
) -> DataFrame:
    """Each row's keys and texts; of one that could not be read, or has no id, the reason alone."""
    texts = list(safe_columns(names).values())
    schema = pa.schema([(it, pa.string()) for it in (*KEYS, *texts, c.REASON)])

    def key(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in read(batches):
            nothing = pa.nulls(batch.rows.num_rows, pa.string())
            there = {it: batch.rows[it] if it in batch.rows.column_names else nothing for it in names}
            keyed, without_id = key_rows(Texts(name, name, pa.table(there), {}), *given)
            reasons = pa.chunked_array(batch.rejected[c.REASON]).combine_chunks().to_pylist()
            left_out = pa.table({c.REASON: pa.array([*reasons, *without_id.elements()], pa.string())})
            for table in (keyed, left_out):
                yield from pa.concat_tables([schema.empty_table(), table], promote_options="default").to_batches()

    return rows.mapInArrow(key, T.StructType([T.StructField(it, T.StringType()) for it in schema.names]))


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
