"""Tables that only grow between two full nights: which of their rows still count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from cdp_spark import columns as c

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

_MARKED, _SINCE = "marked_key", "marked_since"


def build_in_force(rows: DataFrame, outdated: DataFrame, dated_by: Sequence[str]) -> DataFrame:
    """Leave out the rows about records that a later run marked.

    Taking rows out of a table means to find them first, twice for Delta's MERGE; so they stay, and reading passes over
    them, until a full night writes the table anew.

    Args:
        rows: with `ordinal`, the run that wrote them; without it, as an older cdp-spark left them, all count.
        outdated: record_key, ordinal: the run from which on only its own rows, and later ones, count.
        dated_by: the columns with the records that a row is about.
    """
    if c.ORDINAL not in rows.columns:
        return rows
    marks = outdated.select(F.col(c.RECORD_KEY).alias(_MARKED), F.col(c.ORDINAL).alias(_SINCE))
    for name in dated_by:
        is_older = (F.col(name) == F.col(_MARKED)) & (F.col(c.ORDINAL) < F.col(_SINCE))
        rows = rows.join(marks, on=is_older, how="left_anti")
    return rows


def keep_in_force(rows: pa.Table, outdated: pa.Table, dated_by: Sequence[str]) -> pa.Table:
    """What `build_in_force` builds, of tables in memory.

    Args:
        rows: with `ordinal`, the run that wrote them.
        outdated: record_key, ordinal.
        dated_by: the columns with the records that a row is about.
    """
    if not outdated.num_rows:
        return rows
    marks = outdated.group_by(c.RECORD_KEY).aggregate([(c.ORDINAL, "max")])
    keys, since = marks[c.RECORD_KEY].combine_chunks(), marks[f"{c.ORDINAL}_max"].combine_chunks()
    for name in dated_by:
        marked = since.take(pc.index_in(rows[name], value_set=keys).combine_chunks())
        is_older = pc.fill_null(pc.less(rows[c.ORDINAL], pa.chunked_array([marked])), False)
        rows = rows.filter(pc.invert(is_older))
    return rows
