"""Tables that only grow between two full runs: which of their rows still count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.tables.rows import field_of, look_up, with_largest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdp_spark.tables.rows import Rows

_SINCE = "marked_since"


def keep_in_force(rows: Rows, outdated: Rows, dated_by: Sequence[str]) -> Rows:
    """Leave out the rows about records that a later run marked.

    Taking rows out of a table means to find them first, twice for Delta's MERGE; so they stay, and reading passes over
    them, until a full run writes the table anew.

    Args:
        rows: with `ordinal`, the run that wrote them.
        outdated: record_key, ordinal: the run from which on only its own rows, and later ones, count; where the rows
            are.
        dated_by: the columns with the records that a row is about.
    """
    marks, names = with_largest(outdated, c.RECORD_KEY, c.ORDINAL, _SINCE), rows.schema.names
    for name in dated_by:
        marked = look_up(rows, name, marks, default=0)
        rows = marked.filter(field_of(marked, c.ORDINAL) >= field_of(marked, _SINCE)).select(names)
    return rows
