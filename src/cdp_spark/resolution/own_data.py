"""One's own files as records: read, columns recognised, values cleaned."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from cdp_spark import columns as c
from cdp_spark.config.source import ColumnMapping, SourceConfig
from cdp_spark.config.source import Meaning as Attribute
from cdp_spark.discovery.recognise import Recognised, recognise
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.ingest.deliveries import read_deliveries
from cdp_spark.standardise.attributes import with_standard_attributes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import SparkSession

RECORD_ID = "record_id"
_SAMPLE_ROWS = 20_000
_FORMATS = {".csv": "csv", ".gz": "csv", ".tsv": "csv", ".parquet": "parquet", ".json": "json", ".jsonl": "json"}
_PARTS: Mapping[str, tuple[str, ...]] = {
    "full_name": (c.GIVEN_NAME, c.FAMILY_NAME),
    "address": (c.STREET, c.HOUSE_NUMBER, c.CITY, c.POSTCODE),
    "company_name": (c.COMPANY_CORE,),
}
"""What standardising makes of a meaning, where it is not an attribute of the same name."""


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
    deliveries = read_deliveries(spark, sources, folder=str(Path.cwd()))
    rows: dict[str, DataFrame] = {}
    names: dict[str, tuple[str, ...]] = {}
    for source in sources:
        delivery = deliveries[source.name]
        if delivery is None:
            raise DataError(
                str(source.path), got="nothing there", allowed="a file with a header and rows", fix="check the path"
            )
        names[source.name] = tuple(delivery.columns or _columns_of(delivery.rows))
        _require(names[source.name], source, [id_column, *([source_column] if source_column else [])])
        rows[source.name] = _with_keys(delivery.rows, source.name, id_column, source_column).persist()
    record_count, rejected = _count(rows, id_column)
    skip = frozenset({c.RECORD_KEY, RECORD_ID, c.SOURCE, id_column, *([source_column] if source_column else [])})
    frames, recognised = [], {}
    for source in sources:
        flat = _flat(rows[source.name], names[source.name])
        recognised[source.name] = _recognise(flat, str(source.path), skip=skip)
        frames.append(_clean(flat, recognised[source.name], region=region))
    records = reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), frames)
    # All that follows is planned ten times over; a checkpoint leaves it nothing of the cleaning to plan.
    records = records.localCheckpoint(storageLevel=StorageLevel.MEMORY_AND_DISK)
    return OwnData(records, recognised, _features(recognised), record_count, rejected)


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


def _columns_of(rows: DataFrame) -> list[str]:
    keys = rows.select(F.explode(F.map_keys(c.ROW)).alias("name")).distinct().orderBy("name")
    return [row["name"] for row in keys.collect()]


def _require(names: tuple[str, ...], source: SourceConfig, wanted: list[str]) -> None:
    for column in wanted:
        if column not in names:
            raise ConfigError(
                str(source.path), got=f"no column {column}", allowed=", ".join(names), fix="name one of these"
            )


def _with_keys(rows: DataFrame, source: str, id_column: str, source_column: str | None) -> DataFrame:
    """Each row's record key, id and source; a row that could not be read, or has no id, has none and a reason."""
    record_id = F.try_element_at(c.ROW, F.lit(id_column))
    named = F.try_element_at(c.ROW, F.lit(source_column)) if source_column else F.lit(None).cast("string")
    origin = F.coalesce(named, F.lit(source))
    key = F.substring(F.sha2(F.to_json(F.struct(origin.alias(c.SOURCE), record_id.alias(RECORD_ID))), 256), 1, 32)
    reason = F.coalesce(c.REASON, F.when(record_id.isNull(), "null_key"))
    return rows.select(
        F.when(reason.isNull(), key).alias(c.RECORD_KEY),
        F.when(reason.isNull(), record_id).alias(RECORD_ID),
        F.when(reason.isNull(), origin).alias(c.SOURCE),
        c.ROW,
        reason.alias(c.REASON),
    )


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
    """One row per readable row with an id; its columns as text."""
    own = {c.RECORD_KEY, RECORD_ID, c.SOURCE}
    columns = [F.try_element_at(c.ROW, F.lit(name)).alias(name) for name in names if name not in own]
    return rows.where(F.col(c.RECORD_KEY).isNotNull()).select(*sorted(own), *columns)


def _recognise(flat: DataFrame, where: str, *, skip: frozenset[str]) -> tuple[Recognised, ...]:
    sample = flat.orderBy(F.xxhash64(c.RECORD_KEY), c.RECORD_KEY).limit(_SAMPLE_ROWS).toArrow()
    if sample.num_rows == 0:
        raise DataError(where, got="no usable row", allowed="rows below the header, with an id", fix="check the file")
    return recognise(sample, skip=skip)


def _clean(flat: DataFrame, recognised: tuple[Recognised, ...], *, region: str | None) -> DataFrame:
    """Clean what has a standard meaning; keep a birth date that is no date as its digits, an error can be near."""
    meanings = {
        item.meaning: ColumnMapping.model_validate({"from": (item.column,), "formats": _formats(item)})
        for item in recognised
        if item.meaning in get_args(Attribute)
    }
    births = [item.column for item in recognised if item.meaning == c.BIRTH_DATE]
    kept = flat.withColumns({f"{column}__raw": F.col(f"`{column}`") for column in births})
    clean = with_standard_attributes(
        kept,
        meanings,  # type: ignore[arg-type]
        default_region=region,
        as_of=date.today(),  # noqa: DTZ011 - only decides the century of two-digit years
        max_age_years=None,
    )
    for column in births:
        digits = F.regexp_replace(f"`{column}__raw`", r"\D", "")
        readable = F.date_format(c.BIRTH_DATE, "yyyyMMdd")
        clean = clean.withColumn(c.BIRTH_DATE, F.coalesce(readable, F.when(F.length(digits) == 8, digits)))
    return clean.drop(*(f"{column}__raw" for column in births))


def _formats(item: Recognised) -> tuple[str, ...]:
    return (item.profile.date_pattern,) if item.meaning == c.BIRTH_DATE and item.profile.date_pattern else ()


def _features(recognised: dict[str, tuple[Recognised, ...]]) -> tuple[Recognised, ...]:
    """What can be compared, once each, under the names that the clean records have."""
    features: dict[str, Recognised] = {}
    for item in (item for found in recognised.values() for item in found if item.meaning != "ignored"):
        parts = _PARTS.get(item.meaning) or ((item.meaning,) if item.meaning in get_args(Attribute) else (item.column,))
        for part in parts:
            meaning = part if item.meaning in {"full_name", "address"} else item.meaning
            features.setdefault(part, replace(item, column=part, meaning=meaning))  # type: ignore[arg-type]
    return tuple(features.values())
