"""Every source's newest delivery, by the reader of its format."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pyspark.errors import AnalysisException
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.ingest.readers.delimited import read_delimited
from cdp_spark.ingest.readers.header import group_by_header, read_dialect
from cdp_spark.ingest.readers.heads import FileHead, read_heads, refuse_utf16
from cdp_spark.ingest.readers.json_lines import read_json
from cdp_spark.ingest.readers.local_heads import read_local_heads
from cdp_spark.ingest.readers.typed import NOTHING_THERE, read_typed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame, SparkSession

    from cdp_spark.config.source import SourceConfig
    from cdp_spark.ingest.readers.delivery import Delivery

_FILE_OPTIONS = ("pathglobfilter", "recursivefilelookup", "modifiedbefore", "modifiedafter")


def read_deliveries(spark: SparkSession, sources: Sequence[SourceConfig], *, folder: str) -> dict[str, Delivery | None]:
    """Read the newest delivery of every source; None where nothing is there.

    The first lines of all text files are read here, or by one small job; everything else is read when the rows are.

    Args:
        spark: the session.
        sources: what to read.
        folder: relative paths of sources are below it.

    Raises:
        DataError: UTF-16, a header that names a column twice, files that are not of the source's format.
        ConfigError: an option that ingest itself sets.
    """
    texts = {source.name: _open_text(spark, source, folder) for source in sources if _is_text(source)}
    heads = _heads({name: text for name, text in texts.items() if text is not None})
    return {source.name: _read(spark, source, folder, heads.get(source.name, ())) for source in sources}


def source_path(source: SourceConfig, folder: str) -> str | None:
    """A source's path; a relative one is below the folder."""
    if source.path is None or "://" in source.path or source.path.startswith("/"):
        return source.path
    return f"{folder.rstrip('/')}/{source.path}"


def keep_columns(delivery: Delivery, known: frozenset[str]) -> Delivery:
    """Drop all columns but the known ones from a delivery's rows."""
    names = F.array(*[F.lit(name) for name in sorted(known)])
    row = F.map_filter(c.ROW, lambda name, _: F.array_contains(names, name))
    return replace(delivery, rows=delivery.rows.withColumn(c.ROW, row))


def _read(spark: SparkSession, source: SourceConfig, folder: str, heads: tuple[FileHead, ...]) -> Delivery | None:
    path = source_path(source, folder)
    if not _is_text(source):
        return read_typed(spark, source, path)
    if path is None or not heads:
        return None
    refuse_utf16(source.name, heads)
    if source.format == "json":
        return read_json(spark, source, path)
    dialect = read_dialect(source)
    groups = group_by_header(source.name, heads, dialect)
    return read_delimited(spark, source, path, dialect=dialect, groups=groups) if groups else None


def _heads(texts: Mapping[str, DataFrame]) -> dict[str, tuple[FileHead, ...]]:
    found = {name: read_local_heads(text) for name, text in texts.items()}
    read = read_heads({name: texts[name] for name, heads in found.items() if heads is None})
    return {name: read[name] if heads is None else heads for name, heads in found.items()}


def _is_text(source: SourceConfig) -> bool:
    return source.format in ("csv", "json")


def _open_text(spark: SparkSession, source: SourceConfig, folder: str) -> DataFrame | None:
    options = {name: value for name, value in source.options.items() if name.lower() in _FILE_OPTIONS}
    try:
        return spark.read.options(**options).text(source_path(source, folder) or "")
    except AnalysisException as error:
        if error.getCondition() in NOTHING_THERE:
            return None
        raise
