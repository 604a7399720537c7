"""Groups of sorted rows: where each begins, and whether the rows are sorted as promised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def group_starts(rows: pa.Table, keys: Sequence[str]) -> NDArray[np.int64]:
    """Return the row that each group of equal neighbours begins with.

    Args:
        rows: sorted by the keys.
        keys: columns of a group; null equals null.
    """
    return np.flatnonzero(np.append(rows.num_rows > 0, changes(rows, keys)))[: rows.num_rows]


def changes(rows: pa.Table, keys: Sequence[str]) -> NDArray[np.bool_]:
    """Return for each row but the first whether a key differs from the row before.

    Args:
        rows: any.
        keys: columns; null equals null.
    """
    changed = np.zeros(max(rows.num_rows - 1, 0), dtype=np.bool_)
    for key in keys:
        changed |= ~_equal(*_neighbours(rows, key))
    return changed


def group_numbers(starts: NDArray[np.int64], rows: int) -> NDArray[np.int64]:
    """Return for each row the number of its group, from 0.

    Args:
        starts: first rows of the groups.
        rows: how many there are.
    """
    return np.repeat(np.arange(len(starts)), np.diff(np.append(starts, rows)))


def require_order(rows: pa.Table, keys: Sequence[str], *, where: str) -> None:
    """Refuse rows that are not sorted.

    Args:
        rows: any.
        keys: sorted ascending by these, as Arrow orders them; texts by their bytes.
        where: what the error says the rows are.
    Raises: ContractError: a row is out of order, or a key is null.
    """
    if any(rows[key].null_count for key in keys):
        raise ContractError(where, got="a null key", allowed=f"rows sorted by {', '.join(keys)}, none of them null")
    undecided = np.ones(max(rows.num_rows - 1, 0), dtype=np.bool_)
    for key in keys:
        before, after = _neighbours(rows, key)
        if np.any(undecided & _as_bools(pc.greater(before, after))):
            raise ContractError(where, got="rows out of order", allowed=f"rows sorted by {', '.join(keys)}")
        undecided &= _as_bools(pc.equal(before, after))


def _neighbours(rows: pa.Table, key: str) -> tuple[pa.Array, pa.Array]:
    values = rows[key].combine_chunks()
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return values.slice(0, max(len(values) - 1, 0)), values.slice(1)


def _equal(before: pa.Array, after: pa.Array) -> NDArray[np.bool_]:
    equal = _as_bools(pc.fill_null(pc.equal(before, after), False))
    return equal | _as_bools(pc.and_(pc.is_null(before), pc.is_null(after)))


def _as_bools(values: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.bool_)
