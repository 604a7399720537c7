"""Hand the disputed pieces of a batch out one by one, as parts to agglomerate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cdp_spark.clustering.linkage.agglomerate import Parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from cdp_spark.clustering.linkage.evidence import Constraints, Pairs


def disputed_parts(
    piece: NDArray[np.int64],
    disputed: NDArray[np.bool_],
    inside: Pairs,
    constraints: Constraints,
    *,
    missing: int,
) -> Iterator[tuple[NDArray[np.int64], Parts]]:
    """Renumber the records, pairs and cannot-links of each disputed piece from 0, in the batch's order.

    Args:
        piece: the piece of each record.
        disputed: one flag per label of a piece.
        inside: the pairs with both ends in one piece.
        constraints: of the whole batch; a cannot-link between two pieces has no effect.
        missing: what a pair that was never compared counts, in units.
    Yields: per disputed piece, the positions of its records in the batch, and its parts.
    """
    names = np.flatnonzero(disputed)
    place = _place_in_piece(piece)
    links = np.stack([place[inside.left], place[inside.right], inside.weight - missing], axis=1)
    ends = piece[constraints.cannot_link]
    apart = constraints.cannot_link[ends[:, 0] == ends[:, 1]]
    grouped = zip(
        _rows_per_piece(np.arange(len(piece)), piece, names),
        _rows_per_piece(links, piece[inside.left], names),
        _rows_per_piece(place[apart], piece[apart[:, 0]], names),
        strict=True,
    )
    for records, record_links, record_apart in grouped:
        agree = [codes[records].tolist() for codes in constraints.must_agree]
        differ = [codes[records].tolist() for codes in constraints.must_differ]
        parts = Parts.of_single_records(len(records), record_links.tolist(), record_apart.tolist(), agree, differ)
        yield records, parts


def _place_in_piece(piece: NDArray[np.int64]) -> NDArray[np.int64]:
    order = np.argsort(piece, kind="stable")
    ordered = piece[order]
    place = np.empty_like(piece)
    place[order] = np.arange(len(piece)) - np.searchsorted(ordered, ordered)
    return place


def _rows_per_piece(
    rows: NDArray[np.int64], piece_of_row: NDArray[np.int64], names: NDArray[np.int64]
) -> Iterator[NDArray[np.int64]]:
    order = np.argsort(piece_of_row, kind="stable")
    ordered = piece_of_row[order]
    starts, ends = np.searchsorted(ordered, names), np.searchsorted(ordered, names, side="right")
    return (rows[order[start:end]] for start, end in zip(starts, ends, strict=True))
