"""What every reader returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame

DELIVERED = (c.ROW, c.RAW_TEXT, c.REASON, c.SOURCE_FILE, c.COLUMNS_SEEN)
"""Columns of delivered rows: the row as text by column name, or the raw text and why it could not be read."""


@dataclass(frozen=True)
class Delivery:
    """A source's rows as read, one row per delivered row.

    Args:
        rows: the columns of `DELIVERED`; `row` is null where `reason` is not.
        columns: column to type, as the header or schema declares them; None where each row names its own (JSON).
        cells: a further column of `rows`, a struct of a row's texts; None where only `row` has them.
    """

    rows: DataFrame
    columns: Mapping[str, str] | None
    cells: str | None = None

    def cell_expr(self, name: str) -> Column:
        """The text that a row has in a column; null where it has none."""
        if self.cells is None:
            return F.try_element_at(c.ROW, F.lit(name))
        return F.when(F.col(c.REASON).isNull(), F.col(f"{self.cells}.{quoted(name)}"))


def without_nulls_expr(row: Column) -> Column:
    """Drop a row's empty entries, so that a column that nobody fills does not change a row's content hash."""
    return F.map_filter(row, lambda _, value: value.isNotNull())


def quoted(name: str) -> str:
    """A column name that may hold dots, spaces or backticks, as Spark parses it."""
    return "`" + name.replace("`", "``") + "`"
