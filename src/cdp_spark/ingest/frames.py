"""Ingest on Spark: deliveries that are large, or that only Spark reads, staged in its tasks by the same functions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from cdp_spark import columns as c
from cdp_spark.config.source import configured_columns
from cdp_spark.ingest.reading.batch import MAX_ROWS, ReadBatch, rejected_table
from cdp_spark.ingest.reading.delimited import decode_blocks, decode_text, find_dialect, read_header, read_texts
from cdp_spark.ingest.reading.dialect import names_delimiter, read_dialect, read_encoding, refuse_utf16
from cdp_spark.ingest.reading.files import FILE_OPTIONS, UTF8_MARK
from cdp_spark.ingest.reading.json_text import read_document, read_objects
from cdp_spark.ingest.reading.open import is_json_document
from cdp_spark.ingest.reading.typed import text_table
from cdp_spark.ingest.staging.facts import FACTS, Tally, add_facts, count_facts
from cdp_spark.ingest.staging.faults import stage_delivery
from cdp_spark.ingest.staging.repeats import GROUP_CONTENTS, GROUP_ROWS, IDENTITY, repeat_facts
from cdp_spark.ingest.staging.rows import STAGED, SUPPRESSED, Staging
from cdp_spark.ingest.typed import NOTHING_THERE, read_typed
from cdp_spark.normalise.text import is_wide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pyspark.sql import DataFrame, SparkSession

    from cdp_spark.config.source import SourceConfig
    from cdp_spark.ingest.reading import Reading
    from cdp_spark.ingest.staging.bronze import NewRows

    Batches = Iterator[pa.RecordBatch]

STAGED_SCHEMA = from_arrow_schema(STAGED)
_FACTS_SCHEMA = from_arrow_schema(FACTS)
_HEAD_BYTES = 65_536
_HEAD_LINES = 100
_PART, _VALUE, _IS_FIRST, _KNOWN_HASH = "part", "value", "is_first_block", "known_content_hash"


@dataclass(frozen=True)
class SparkReading:
    """A delivery that Spark brings to the readers.

    Args:
        columns: as of `Reading`.
        rows: one row per piece of the delivery: a part, a file, a line or a typed row.
        read: reads the pieces of a task.
    """

    columns: Mapping[str, str] | None
    rows: DataFrame
    read: Callable[[Batches], Iterator[ReadBatch]]


def distribute(spark: SparkSession, reading: Reading) -> SparkReading:
    """Have the parts of files on this machine read by tasks."""
    parts = spark.range(len(reading.parts)).withColumnRenamed("id", _PART)
    spread = parts.repartition(len(reading.parts), _PART) if len(reading.parts) > 1 else parts
    return SparkReading(reading.columns, spread, partial(_read_parts, reading.parts))


def open_in_spark(spark: SparkSession, source: SourceConfig, path: str | None) -> SparkReading | None:
    """Open a delivery with Spark's own readers; None where nothing is there.

    Args:
        spark: the session.
        source: of any format.
        path: file, folder or glob; None for JDBC.

    Raises:
        DataError: the files or the database cannot be read, or a header cannot be used.
        ConfigError: an option that ingest itself sets.
    """
    if source.format in ("csv", "json"):
        return _open_text(spark, source, path or "")
    typed = read_typed(spark, source, path)
    return SparkReading(typed.columns, typed.rows, partial(_read_typed_rows, tuple(typed.columns))) if typed else None


def stage_in_spark(reading: SparkReading, staging: Staging) -> DataFrame:
    """Stage a delivery in tasks; one row per delivered row, the columns of `STAGED`."""
    read = reading.read  # the function of a task must not hold the frame

    def stage(batches: Batches) -> Batches:
        for table in stage_delivery(read(batches), staging):
            yield from table.to_batches(max_chunksize=MAX_ROWS)

    return reading.rows.mapInArrow(stage, STAGED_SCHEMA)


def count_staged(staged: DataFrame) -> dict[str, Tally]:
    """Count staged rows by source (an action)."""

    def count(batches: Batches) -> Batches:
        for batch in batches:
            yield from count_facts(pa.Table.from_batches([batch])).to_batches()

    facts = staged.mapInArrow(count, _FACTS_SCHEMA).toArrow()
    return add_facts([facts, repeat_facts(build_repeats(staged).toArrow())])


def build_repeats(staged: DataFrame) -> DataFrame:
    """The groups of `count_repeats`, counted by source."""
    at = F.when(F.col(c.KIND) != "events", F.col(c.AT)).alias(c.AT)
    identity = [at if name == c.AT else F.col(name) for name in IDENTITY]
    group_rows, contents = F.count(F.lit(1)).alias(GROUP_ROWS), F.count_distinct(c.CONTENT_HASH).alias(GROUP_CONTENTS)
    groups = staged.where(F.col(c.REASON).isNull()).groupBy(*identity).agg(group_rows, contents)
    sums = [F.sum(name).alias(name) for name in (GROUP_ROWS, GROUP_CONTENTS)]
    return groups.groupBy(c.SOURCE, c.KIND).agg(*sums, F.count(F.lit(1)).alias(c.ROWS))


def build_newest(staged: DataFrame, rule: NewRows) -> DataFrame:
    """The last staged row of each key that a rule takes, under the table's names."""
    refused = F.col(c.REASON).isNotNull()
    if rule.kind is None:
        taken = staged.where(refused & (F.col(c.REASON) != SUPPRESSED))
    else:
        taken = staged.where(~refused & (F.col(c.KIND) == rule.kind))
    rows = taken.withColumnsRenamed(dict(rule.names))
    values = [name for name in rows.columns if name not in rule.keys]
    last = F.max_by(F.struct(*values), F.struct(*rule.by)).alias("last")
    return rows.groupBy(*rule.keys).agg(last).select(*rule.keys, "last.*")


def build_without_known(rows: DataFrame, known: DataFrame, rule: NewRows) -> DataFrame:
    """The rows that the table does not hold."""
    return rows.join(known.select(*rule.known_keys), on=list(rule.known_keys), how="left_anti")


def build_changed(rows: DataFrame, known: DataFrame, rule: NewRows) -> DataFrame:
    """The rows that the table holds with another content."""
    held = known.select(*rule.known_keys, F.col(c.CONTENT_HASH).alias(_KNOWN_HASH))
    both = rows.join(held, on=list(rule.known_keys), how="inner")
    return both.where(F.col(c.CONTENT_HASH) != F.col(_KNOWN_HASH)).drop(_KNOWN_HASH)


def _read_parts(parts: tuple[Callable[[], Iterator[ReadBatch]], ...], batches: Batches) -> Iterator[ReadBatch]:
    for batch in batches:
        for number in batch.column(0).to_pylist():
            yield from parts[number]()


def _open_text(spark: SparkSession, source: SourceConfig, path: str) -> SparkReading | None:
    options = {name.lower(): value for name, value in source.options.items()}
    listed = {name: value for name, value in options.items() if name in FILE_OPTIONS}
    try:
        lines = spark.read.options(**listed).text(path)
    except AnalysisException as error:
        if error.getCondition() in NOTHING_THERE:
            return None
        raise
    encoding = read_encoding(f"sources/{source.name}: options", options)
    wide = _whole_files(spark, path, listed) if is_wide(encoding) else None  # its lines cannot be cut by bytes
    heads = _read_heads(_lines(lines) if wide is None else wide)
    refuse_utf16(f"source {source.name}", heads, encoding)
    if source.format == "json":
        is_document = any(is_json_document(options, decode_text(head, encoding)) for head in heads.values())
        rows = _whole_files(spark, path, listed) if is_document or wide is not None else _lines(lines)
        return SparkReading(None, rows, partial(_read_json, encoding, options)) if heads else None
    told = read_dialect(f"sources/{source.name}: options", source.options)
    wanted = configured_columns(source)
    dialects = {
        file: told if names_delimiter(options) else find_dialect(head, told, wanted) for file, head in heads.items()
    }
    named = {
        file: read_header(f"source {source.name}, header of {file}", head, dialects[file])
        for file, head in heads.items()
    }
    headers = {file: header for file, header in named.items() if header}
    is_by_line = wide is None and (not told.multi_line or not told.quote)

    def read(batches: Batches) -> Iterator[ReadBatch]:
        for file, text, has_header in _texts(batches, told.encoding, keep_ends=True):
            if file in headers:
                yield from read_texts([text], headers[file], dialects[file], source_file=file, has_header=has_header)

    columns = {name: "string" for header in headers.values() for name in header}
    rows = _lines(lines) if is_by_line else _whole_files(spark, path, listed)
    return SparkReading(columns, rows, read) if headers else None


def _lines(lines: DataFrame) -> DataFrame:
    """Each line's bytes, its file, and whether it is of the file's first block; blocks are read in order."""
    metadata = F.col("_metadata")
    is_first = (metadata["file_block_start"] == 0).alias(_IS_FIRST)
    return lines.select(
        F.col("value").cast("binary").alias(_VALUE), metadata["file_path"].alias(c.SOURCE_FILE), is_first
    )


def _whole_files(spark: SparkSession, path: str, listed: Mapping[str, str]) -> DataFrame:
    """Each file's bytes: of a file whose records go over several lines, which has less than 2 GB."""
    files = spark.read.format("binaryFile").options(**listed).load(path)
    return files.select(
        F.col("content").alias(_VALUE), F.col("_metadata.file_path").alias(c.SOURCE_FILE), F.lit(True).alias(_IS_FIRST)
    )


def _texts(batches: Batches, encoding: str, *, keep_ends: bool = False) -> Iterator[tuple[str, str, bool]]:
    """Join the lines of each file in each batch: (file, text, whether the text begins the file)."""
    begun = None
    for batch in batches:
        values, files, are_first = (column.to_pylist() for column in batch.columns)
        start = 0
        for end in range(1, len(files) + 1):
            if end < len(files) and (files[end], are_first[end]) == (files[start], are_first[start]):
                continue
            data = b"\n".join(values[start:end]).removeprefix(UTF8_MARK)
            block = (files[start], are_first[start])
            yield (
                files[start],
                "".join(decode_blocks([data], encoding, keep_ends=keep_ends)),
                are_first[start] and block != begun,
            )
            begun, start = block, end


def _read_json(encoding: str, options: Mapping[str, str], batches: Batches) -> Iterator[ReadBatch]:
    for file, text, is_first in _texts(batches, encoding):
        if is_first and is_json_document(options, text[:_HEAD_BYTES]):
            yield from read_document([text], file)
        else:
            yield from read_objects(text.split("\n"), file)


def _read_typed_rows(names: tuple[str, ...], batches: Batches) -> Iterator[ReadBatch]:
    for batch in batches:
        table = pa.Table.from_batches([batch])
        files, rows = table.column(0), text_table(table.remove_column(0)).rename_columns(names)
        for file in files.unique().to_pylist():
            own = rows.filter(pa.compute.equal(files, file)) if file is not None else rows
            yield ReadBatch(own, rejected_table([]), file or "")


def _read_heads(values: DataFrame) -> dict[str, bytes]:
    """Read the first lines of all files in one job; a file without a byte has no head."""
    first = values.where(F.col(_IS_FIRST)).withColumn(_VALUE, F.substring(_VALUE, 1, _HEAD_BYTES))
    heads = first.mapInArrow(_take_heads, f"{c.SOURCE_FILE} string, {_VALUE} binary").toArrow().to_pylist()
    found: dict[str, bytes] = {}
    for row in sorted(heads, key=lambda row: str(row[c.SOURCE_FILE])):
        found.setdefault(row[c.SOURCE_FILE], row[_VALUE].removeprefix(UTF8_MARK))
    return found


def _take_heads(batches: Batches) -> Batches:
    heads: dict[str, list[bytes]] = {}
    for batch in batches:
        values, files, _ = (column.to_pylist() for column in batch.columns)
        for line, file in zip(values, files, strict=True):
            lines = heads.setdefault(file, [])
            if len(lines) < _HEAD_LINES:
                lines.append(line)
    texts: Iterable[bytes] = [b"\n".join(lines) + b"\n" for lines in heads.values()]
    yield pa.RecordBatch.from_pydict({c.SOURCE_FILE: list(heads), _VALUE: pa.array(texts, pa.binary())})
