"""Cut a batch into pieces that can be clustered apart; those where nothing is disputed are clusters already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cdp_spark.clustering.engines.labels import smallest_members
from cdp_spark.clustering.linkage.agglomerate import Parts
from cdp_spark.clustering.linkage.evidence import CLIP_BITS, UNITS_PER_BIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from cdp_spark.clustering.linkage.evidence import Constraints, Pairs


def label_pieces(size: int, pairs: Pairs, *, max_records: int) -> NDArray[np.int64]:
    """Label each record with the smallest record that it reaches over positive pairs.

    Two parts join on a positive mean, which takes a positive pair, so pieces can be clustered apart and the result is
    exact. A piece of more than `max_records` is not: there the weakest pairs are left out, one bit more at a time,
    until its pieces are small enough or only pairs of nearly the largest weight hold it together.
    """
    used = pairs.weight > 0
    piece = smallest_members(size, pairs.left[used], pairs.right[used])
    for bits in range(1, int(CLIP_BITS)):
        large = np.bincount(piece, minlength=size)[piece] > max_records
        if not large.any():
            break
        used &= ~large[pairs.left] | (pairs.weight > bits * UNITS_PER_BIT)
        piece = smallest_members(size, pairs.left[used], pairs.right[used])
    return piece


def undisputed_pieces(
    piece: NDArray[np.int64], inside: Pairs, constraints: Constraints, *, missing: int
) -> NDArray[np.bool_]:
    """Find the pieces that surely become one cluster, most of all pieces, without clustering them.

    In a piece of s records two parts make at most s*s/4 pairs. If even one pair of the smallest weight outweighs all
    others missing (or none is missing), every join has a positive mean, in whatever order.

    Args:
        piece: the piece of each record.
        inside: the pairs with both ends in one piece.
        constraints: a piece in which one of them bites is disputed.
        missing: what a pair that was never compared counts, in units; negative.
    Returns: one flag per label of a piece.
    """
    size = len(piece)
    records = np.bincount(piece, minlength=size)
    known = np.bincount(piece[inside.left], minlength=size)
    weakest = np.full(size, np.iinfo(np.int64).max)
    np.minimum.at(weakest, piece[inside.left], inside.weight)
    absent = np.where(known == records * (records - 1) // 2, 0, records * records // 4 - 1)
    return (weakest > -missing * absent) & ~_constrained_pieces(piece, constraints)


def _constrained_pieces(piece: NDArray[np.int64], constraints: Constraints) -> NDArray[np.bool_]:
    constrained = np.zeros(len(piece), dtype=np.bool_)
    ends = piece[constraints.cannot_link]
    constrained[ends[ends[:, 0] == ends[:, 1], 0]] = True
    for codes in constraints.must_agree:
        values = np.unique(_coded(piece, codes), axis=0)
        constrained[np.bincount(values[:, 0], minlength=len(piece)) > 1] = True
    for codes in constraints.must_differ:
        values, times = np.unique(_coded(piece, codes), axis=0, return_counts=True)
        constrained[values[times > 1, 0]] = True
    return constrained


def _coded(piece: NDArray[np.int64], codes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.stack([piece, codes], axis=1)[codes >= 0]


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
