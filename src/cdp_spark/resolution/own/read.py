"""One's own files as records: read, columns recognised, values cleaned."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from cdp_spark import columns as c
from cdp_spark.config.source import SourceConfig
from cdp_spark.discovery.recognise import Recognised, recognise
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.ingest.reading import open_source
from cdp_spark.resolution.own.clean import clean_own, compared_columns
from cdp_spark.session import start_worker_meanwhile
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.rows import as_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyspark.sql import Column, SparkSession

    _Counted = tuple[int, dict[str, int]]
    _Recognised = dict[str, tuple[Recognised, ...]]

RECORD_ID = "record_id"
_SAMPLE_ROWS = 20_000
_FORMATS = {".csv": "csv", ".gz": "csv", ".tsv": "csv", ".parquet": "parquet", ".json": "json", ".jsonl": "json"}
WORKER_MODULES = ("cdp_spark.standardise.text", "cdp_spark.standardise.contacts.phone", "cdp_spark.matching.kernel")
"""What cleaning and comparing import in Python workers."""
_OWN = frozenset({c.RECORD_KEY, RECORD_ID, c.SOURCE})
_WHOLE_WITH_POINT = r"^(-?\d+)\.0$"
"""How spreadsheets and data frames write whole numbers once one of them is missing."""


@dataclass(frozen=True)
class OwnData:
    """Several files as one set of records.

    Args:
        records: one row per record: record_key, record_id, source, clean attributes and the other columns as text.
        recognised: what each column was taken for, by source.
        features: the columns that can be compared, under the names that `records` gives them.
        record_count: how many records there are.
        rejected: rows that could not be used, by reason.
    """

    records: DataFrame
    recognised: dict[str, tuple[Recognised, ...]]
    features: tuple[Recognised, ...]
    record_count: int
    rejected: dict[str, int]


def read_own_data(
    spark: SparkSession, inputs: tuple[str, ...], *, id_column: str, source_column: str | None, region: str | None
) -> OwnData:
    """Read files whose columns nobody has described.

    Args:
        spark: the session.
        inputs: CSV, JSON lines or Parquet by suffix; each file is a source.
        id_column: identifies a row within its source.
        source_column: names the source of each row, instead of the file.
        region: ISO country of phones that name none; None leaves national numbers as digits.

    Raises:
        ConfigError: a suffix or column is unknown.
        DataError: a file is empty or missing, or an id stands twice in a source.
    """
    sources = _sources(inputs, id_column)
    rows: dict[str, DataFrame] = {}
    names: dict[str, tuple[str, ...]] = {}
    for source in sources:
        delivery = _read(spark, source)
        if delivery is None:
            raise DataError(
                str(source.path), got="nothing there", allowed="a file with a header and rows", fix="check the path"
            )
        names[source.name] = delivery.names
        _require(names[source.name], source, [id_column, *([source_column] if source_column else [])])
        rows[source.name] = _keyed_texts(delivery, source.name, names[source.name], id_column, source_column)
    # A checkpoint, for what is persisted stays in all plans, and is read by code that has to be compiled.
    rows = run_together(spark, {name: partial(_checkpoint, df) for name, df in rows.items()})
    flat = {name: _flat(rows[name], names[name]) for name in rows}
    skip = frozenset({*_OWN, *map(_safe_name, (id_column, *([source_column] if source_column else [])))})
    where = {source.name: str(source.path) for source in sources}
    actions: dict[str, Callable[[], _Counted | _Recognised]] = {
        "counted": partial(_count, rows, id_column),
        "recognised": partial(_recognise, flat, where, skip=skip),
    }
    done = run_together(spark, actions)
    record_count, rejected = cast("_Counted", done["counted"])
    recognised = cast("_Recognised", done["recognised"])
    start_worker_meanwhile(spark, *WORKER_MODULES)
    frames = [clean_own(flat[name], found, region=region) for name, found in recognised.items()]
    # All that follows is planned ten times over; a checkpoint leaves it nothing of the cleaning to plan.
    records = _checkpoint(reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), frames))
    return OwnData(records, recognised, compared_columns(recognised), record_count, rejected)


def _checkpoint(df: DataFrame) -> DataFrame:
    return df.localCheckpoint(storageLevel=StorageLevel.MEMORY_AND_DISK)


def _sources(inputs: tuple[str, ...], id_column: str) -> tuple[SourceConfig, ...]:
    names: dict[str, SourceConfig] = {}
    for path in inputs:
        suffix = Path(path).suffix.lower()
        if suffix not in _FORMATS:
            raise ConfigError(
                f"input {path}", got=f"suffix {suffix!r}", allowed=", ".join(_FORMATS), fix="rename or convert it"
            )
        stem = re.sub(r"[^a-z0-9]+", "_", Path(path).name.split(".")[0].lower()).strip("_")
        name = _unused(stem if stem[:1].isalpha() else f"file_{stem}", names)
        options = {"delimiter": "\t"} if suffix == ".tsv" else {}
        names[name] = SourceConfig.model_validate(
            {
                "name": name,
                "kind": "records",
                "format": _FORMATS[suffix],
                "path": str(Path(path).absolute()),
                "key": (id_column,),
                "attributes": {RECORD_ID: id_column},
                "options": options,
            }
        )
    return tuple(names.values())


def _unused(name: str, taken: Mapping[str, SourceConfig]) -> str:
    candidates = [name, *(f"{name}_{number}" for number in range(2, len(taken) + 3))]
    return next(candidate for candidate in candidates if candidate not in taken)


@dataclass(frozen=True)
class _Delivery:
    """A file's rows: the cells by the place of their column, and the reason of a row that could not be read."""

    rows: DataFrame
    names: tuple[str, ...]

    def cell_expr(self, name: str) -> Column:
        return F.col(f"cell_{self.names.index(name)}")


def _read(spark: SparkSession, source: SourceConfig) -> _Delivery | None:
    reading = open_source(source, folder=str(Path.cwd()))
    if reading is None:
        return None
    batches = list(reading.batches())
    names = tuple(reading.columns or sorted({name for batch in batches for name in batch.rows.column_names}))
    schema = pa.schema([*((f"cell_{at}", pa.string()) for at in range(len(names))), (c.REASON, pa.string())])
    tables = [schema.empty_table()]
    for batch in batches:
        count, missing = batch.rows.num_rows, pa.nulls(batch.rows.num_rows, pa.string())
        cells = [batch.rows[name] if name in batch.rows.column_names else missing for name in names]
        tables.append(pa.Table.from_arrays([*cells, pa.nulls(count, pa.string())], schema=schema))
        nothing = pa.nulls(batch.rejected.num_rows, pa.string())
        tables.append(pa.Table.from_arrays([*[nothing] * len(names), batch.rejected[c.REASON]], schema=schema))
    return _Delivery(as_frame(spark, pa.concat_tables(tables)), names)


def _require(names: tuple[str, ...], source: SourceConfig, wanted: list[str]) -> None:
    for column in wanted:
        if column not in names:
            raise ConfigError(
                str(source.path), got=f"no column {column}", allowed=", ".join(names), fix="name one of these"
            )


def _keyed_texts(
    delivery: _Delivery, source: str, names: tuple[str, ...], id_column: str, source_column: str | None
) -> DataFrame:
    """Each row's record key, id, source and texts; one that could not be read, or has no id, has a reason instead."""
    record_id = delivery.cell_expr(id_column)
    named = delivery.cell_expr(source_column) if source_column else F.lit(None).cast("string")
    origin = F.coalesce(named, F.lit(source))
    key = F.substring(F.sha2(F.to_json(F.struct(origin.alias(c.SOURCE), record_id.alias(RECORD_ID))), 256), 1, 32)
    reason = F.coalesce(c.REASON, F.when(record_id.isNull(), "null_key"))
    texts = [F.regexp_replace(delivery.cell_expr(name), _WHOLE_WITH_POINT, "$1") for name in names]
    return delivery.rows.select(
        F.when(reason.isNull(), key).alias(c.RECORD_KEY),
        F.when(reason.isNull(), record_id).alias(RECORD_ID),
        F.when(reason.isNull(), origin).alias(c.SOURCE),
        reason.alias(c.REASON),
        *[text.alias(_text_name(at)) for at, text in enumerate(texts)],
    )


def _text_name(at: int) -> str:
    """A name of our own, for a file may have a column of any name."""
    return f"text_{at}"


def _count(rows: Mapping[str, DataFrame], id_column: str) -> tuple[int, dict[str, int]]:
    """Records, and rejected rows by file and reason, in one job over all files.

    Raises:
        DataError: an id stands twice in a source.
    """
    file = F.when(F.col(c.REASON).isNotNull(), F.col("file")).alias("file")  # a record counts wherever it stands
    each = [df.select(F.lit(name).alias("file"), c.REASON, c.RECORD_KEY) for name, df in rows.items()]
    keys = reduce(DataFrame.unionByName, each).groupBy(file, c.REASON, c.RECORD_KEY).count()
    doubles = F.count_if((F.col("count") > 1) & F.col(c.RECORD_KEY).isNotNull())
    found = keys.groupBy("file", c.REASON).agg(
        F.sum("count").alias("rows"), F.count(c.RECORD_KEY).alias("records"), doubles.alias("doubles")
    )
    counts = found.orderBy("file", c.REASON).collect()
    _refuse_duplicates(sum(row["doubles"] for row in counts), id_column)
    rejected = {f"{row['file']}: {row[c.REASON]}": row["rows"] for row in counts if row[c.REASON] is not None}
    return sum(row["records"] for row in counts), rejected


def _refuse_duplicates(doubles: int, id_column: str) -> None:
    if doubles:
        raise DataError(
            f"column {id_column}",
            got=f"{doubles} ids that stand on more than one row of a source",
            allowed="an id that identifies a row",
            fix="name another column with --id",
        )


def _flat(rows: DataFrame, names: tuple[str, ...]) -> DataFrame:
    """One row per readable row with an id; its columns as text, of two that differ in capitals only the first."""
    first = {_safe_name(name).lower(): at for at, name in reversed(list(enumerate(names)))}
    columns = [
        F.col(_text_name(at)).alias(_safe_name(names[at])) for name, at in sorted(first.items()) if name not in _OWN
    ]
    return rows.where(F.col(c.RECORD_KEY).isNotNull()).select(*sorted(_OWN), *columns)


def _safe_name(name: str) -> str:
    """A column's name without what Spark reads as a path: `Tel. Nr.` becomes `Tel_ Nr_`."""
    return re.sub(r"[.`]", "_", name)


def _recognise(
    flat: Mapping[str, DataFrame], where: Mapping[str, str], *, skip: frozenset[str]
) -> dict[str, tuple[Recognised, ...]]:
    """What each source's columns mean; a name that several sources have means the same in all of them."""
    samples = {}
    for name, rows in flat.items():
        samples[name] = rows.orderBy(F.xxhash64(c.RECORD_KEY), c.RECORD_KEY).limit(_SAMPLE_ROWS).toArrow()
        if samples[name].num_rows == 0:
            raise DataError(
                where[name], got="no usable row", allowed="rows below the header, with an id", fix="check the file"
            )
    return {
        name: recognise(sample, skip=skip, beside=[other for of, other in samples.items() if of != name])
        for name, sample in samples.items()
    }
