"""Text as Column expressions, for tests of what ingest reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column


def without_float_tail_expr(text: Column) -> Column:
    """`80331.0` → `80331`: what is left of an integer that passed through a spreadsheet or a data frame."""
    return F.when(text.endswith(".0") & text.rlike(r"^\d+\.0$"), F.substring_index(text, ".", 1)).otherwise(text)
