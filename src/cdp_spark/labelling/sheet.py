"""A sheet of pairs for people to answer: both records side by side, without weight or verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.csv
import pyarrow.parquet
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.activation.audiences.cells import spreadsheet_safe_expr
from cdp_spark.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.match import EntityMatch

ANSWER, COMMENT = "answer", "comment"
FILES = (".csv", ".parquet")
ALLOWED_FILES = "a name in .csv or .parquet, or a name without suffix for a Delta table"


def build_sheet(pairs: DataFrame, records: DataFrame, match: EntityMatch, *, seed: int) -> DataFrame:
    """Put both records of each pair side by side.

    Args:
        pairs: record_key_l, record_key_r, model_version.
        records: one row per record_key, cleaned.
        match: names the columns that are compared.
        seed: of the order, which tells nothing about the weights.
    Returns: one row per pair: record_key_l, record_key_r, source_l, source_r, each compared column of both, answer and
        comment (empty), model_version.
    """
    names = list(dict.fromkeys(name for it in match.comparisons for name in it.columns))
    values = {c.SOURCE: F.col(c.SOURCE), **{name: _text_expr(records, name) for name in names}}
    sheet = pairs
    for side in "lr":
        shown = [value.alias(f"{name}_{side}") for name, value in values.items()]
        one = records.select(F.col(c.RECORD_KEY).alias(f"record_key_{side}"), *shown)
        sheet = sheet.join(one, on=f"record_key_{side}", how="inner")
    columns = [f"{name}_{side}" for name in values for side in "lr"]
    order = F.xxhash64(F.lit(seed), c.RECORD_KEY_R, c.RECORD_KEY_L)
    empty = [F.lit("").alias(name) for name in (ANSWER, COMMENT)]
    return sheet.orderBy(order, c.RECORD_KEY_L, c.RECORD_KEY_R).select(
        c.RECORD_KEY_L, c.RECORD_KEY_R, *columns, *empty, c.MODEL_VERSION
    )


def check_sheet(path: Path) -> None:
    """Refuse a file that cannot be written, or that would overwrite answers, before anything is read.

    Raises:
        ConfigError: the suffix is unknown, the folder is not there, or the file is.
    """
    if path.suffix.lower() not in {*FILES, ""}:
        raise ConfigError("cdp label", got=path.name, allowed=ALLOWED_FILES, fix="rename it")
    if not path.absolute().parent.is_dir():
        raise ConfigError(
            "cdp label", got=f"no folder {path.parent}", fix="create it, or name a file in one that exists"
        )
    if path.exists():
        raise ConfigError("cdp label", got=f"{path}, which exists", fix="`cdp label --read` it, or choose another name")


def write_sheet(sheet: DataFrame, path: Path) -> int:
    """Write a sheet; returns its pairs. In CSV, cells that a spreadsheet would run get an apostrophe (an action)."""
    suffix = path.suffix.lower()
    if suffix == "":
        sheet.coalesce(1).write.format("delta").save(str(path.absolute()))
        return sheet.sparkSession.read.format("delta").load(str(path.absolute())).count()
    if suffix == ".parquet":
        table = sheet.toArrow()
        pyarrow.parquet.write_table(table, path)
        return int(table.num_rows)
    safe = [spreadsheet_safe_expr(F.col(it)).alias(it) if _is_text(sheet, it) else F.col(it) for it in sheet.columns]
    table = sheet.select(*safe).toArrow()
    pyarrow.csv.write_csv(table, path)
    return int(table.num_rows)


def _is_text(sheet: DataFrame, name: str) -> bool:
    return isinstance(sheet.schema[name].dataType, T.StringType)


def _text_expr(records: DataFrame, name: str) -> Column:
    if name not in records.columns:
        return F.try_element_at(c.ATTRIBUTES, F.lit(name))
    if isinstance(records.schema[name].dataType, T.ArrayType):
        return F.array_join(name, ", ")
    return F.col(name).cast("string")
