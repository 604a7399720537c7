"""Which staged rows are new to a bronze table: of several with one key the last, if the table lacks it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.ingest.staging.rows import SUPPRESSED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PLACE = "place_in_staged"


@dataclass(frozen=True)
class NewRows:
    """What a table takes of staged rows.

    Args:
        kind: kind of source whose accepted rows it takes; None takes the refused rows of all.
        keys: columns of which the table holds each combination once.
        by: of several staged rows with one key, the greatest by these columns is taken; nulls come first.
        names: staged column to the table's, where they differ.
        known_by: the key column by which known rows are looked up.
        further_key: columns in which a known row must agree, too.
    """

    kind: str | None
    keys: tuple[str, ...]
    by: tuple[str, ...]
    known_by: str
    names: Mapping[str, str] = field(default_factory=dict)
    further_key: tuple[str, ...] = ()

    @property
    def known_keys(self) -> tuple[str, ...]:
        """Columns in which a staged row agrees with the row of the table that makes it known."""
        return (*self.keys, *self.further_key)


RECORDS = NewRows(
    "records",
    keys=(c.SOURCE, c.SOURCE_RECORD_ID, c.CONTENT_HASH),
    by=(c.SOURCE_FILE,),
    known_by=c.CONTENT_HASH,
    names={c.KEY: c.SOURCE_RECORD_ID, c.AT: c.OBSERVED_AT},
)
EVENTS = NewRows(
    "events",
    keys=(c.EVENT_KEY,),
    by=(c.OCCURRED_AT, c.CONTENT_HASH, c.SOURCE_FILE),
    known_by=c.EVENT_KEY,
    names={c.KEY: c.EVENT_KEY, c.AT: c.OCCURRED_AT, c.ROW: c.PROPERTIES},
)
"""Of an event delivered twice the latest."""
ORDER_LINES = NewRows(
    "order_lines",
    keys=(c.LINE_KEY,),
    by=(c.SOURCE_FILE, c.CONTENT_HASH),
    known_by=c.LINE_KEY,
    names={c.KEY: c.LINE_KEY},
)
PRODUCTS = NewRows(
    "products",
    keys=(c.SOURCE, c.KEY, c.AT),
    by=(c.SOURCE_FILE, c.CONTENT_HASH),
    known_by=c.KEY,
)
RATES = NewRows(
    "rates",
    keys=(c.SOURCE, c.KEY, c.AT),
    by=(c.SOURCE_FILE, c.CONTENT_HASH),
    known_by=c.KEY,
)
"""Of products and rates, the row of the file whose name comes last."""
CONSENTS = NewRows(
    "consents",
    keys=(c.CONTACT_POINT_HASH, c.PURPOSE, c.SOURCE, c.GIVEN_AT, c.STATUS),
    by=(c.EVIDENCE, c.CONTENT_HASH),
    known_by=c.CONTACT_POINT_HASH,
    names={c.KEY: c.CONTACT_POINT_HASH, c.AT: c.GIVEN_AT},
)
"""Two statuses given at the same moment are both kept: a reader takes the more restrictive."""
REJECTIONS = NewRows(
    None,
    keys=(c.SOURCE, c.ROW_HASH),
    by=(c.REASON, c.SOURCE_FILE),
    known_by=c.ROW_HASH,
    further_key=(c.REASON,),
)
"""A row that is refused again, for another reason, is told again."""
SNAPSHOT = NewRows(
    "records",
    keys=(c.SOURCE, c.SOURCE_RECORD_ID),
    by=(c.OBSERVED_AT, c.CONTENT_HASH),
    known_by=c.SOURCE_RECORD_ID,
    names={c.KEY: c.SOURCE_RECORD_ID, c.AT: c.OBSERVED_AT},
)
"""The records of a delivery that is a whole source; of several versions the last observed."""


def newest_rows(staged: pa.Table, rule: NewRows) -> pa.Table:
    """Return the last staged row of each key that a rule takes, under the table's names."""
    if rule.kind is None:
        taken = pc.and_(pc.is_valid(staged[c.REASON]), pc.not_equal(staged[c.REASON], SUPPRESSED))
    else:
        taken = pc.and_(pc.equal(staged[c.KIND], rule.kind), pc.is_null(staged[c.REASON]))
    places = np.flatnonzero(taken.combine_chunks())
    names = [_staged_name(rule, name) for name in rule.keys]
    if _has_repetition(staged[_staged_name(rule, rule.known_by)].take(pa.array(places))):
        order = _order(staged.select([_staged_name(rule, name) for name in rule.by]).take(pa.array(places)))
        places = places[np.asarray(order)]
        places = places[_last_places(staged.select(names).take(pa.array(places)), names)]
    rows = staged if len(places) == staged.num_rows else staged.take(pa.array(places))
    return rows.rename_columns([rule.names.get(name, name) for name in rows.column_names])


def without_known(rows: pa.Table, known: pa.Table, rule: NewRows) -> pa.Table:
    """Leave out rows that the table holds.

    Args:
        rows: no two of one key.
        known: rows of the table, at least the columns of `known_keys`.
        rule: names them.
    """
    keys = rule.known_keys
    if not rows.num_rows or not known.num_rows:
        return rows
    own = rows.select(keys).append_column(_PLACE, pa.array(np.arange(rows.num_rows)))
    new = own.join(known.select(keys), list(keys), join_type="left anti")
    return rows if new.num_rows == rows.num_rows else rows.take(new[_PLACE].sort())


def changed_rows(rows: pa.Table, known: pa.Table, rule: NewRows) -> pa.Table:
    """Return the rows that the table holds with another content.

    Args:
        rows: no two of one key.
        known: rows of the table, at least the columns of `known_keys` and `content_hash`.
        rule: names them.
    """
    keys = list(rule.known_keys)
    own = rows.select([*keys, c.CONTENT_HASH]).append_column(_PLACE, pa.array(np.arange(rows.num_rows)))
    both = own.join(known.select([*keys, c.CONTENT_HASH]), keys, join_type="inner", right_suffix="_known")
    is_changed = pc.not_equal(both[c.CONTENT_HASH], both[f"{c.CONTENT_HASH}_known"])
    return rows.take(both.filter(is_changed)[_PLACE].sort())


def _staged_name(rule: NewRows, name: str) -> str:
    return next((staged for staged, own in rule.names.items() if own == name), name)


def _has_repetition(values: pa.ChunkedArray) -> bool:
    return bool(pc.count_distinct(values, mode="all").as_py() < len(values))


def _order(rows: pa.Table) -> pa.Array:
    """Return the places of rows in order, nulls before values."""
    columns: dict[str, pa.ChunkedArray] = {}
    for number, column in enumerate(rows.columns):
        columns |= {f"filled_{number}": pc.is_valid(column), f"value_{number}": column}
    return pc.sort_indices(pa.table(columns), sort_keys=[(name, "ascending") for name in columns])


def _last_places(keys: pa.Table, names: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the place of the last row of each key, in order."""
    placed = keys.append_column(_PLACE, pa.array(np.arange(keys.num_rows)))
    last = placed.group_by(names).aggregate([(_PLACE, "max")])[f"{_PLACE}_max"]
    return np.sort(np.asarray(last, dtype=np.int64))
