"""The one pass over blocks: make pairs, compare them, keep a pattern a pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.resolution.blocking.key_arrays import block_spans, unpack_keys
from cdp_spark.resolution.comparing.comparisons import CompiledComparison, Frequencies, compile_comparisons
from cdp_spark.resolution.comparing.namesakes import weaken_mailboxes_of_namesakes
from cdp_spark.resolution.comparing.organisations import part_organisations_from_people
from cdp_spark.resolution.comparing.similarity import Coded
from cdp_spark.resolution.pairs import Pairs, build_pairs
from cdp_spark.resolution.patterns import pack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from cdp_spark.config.match import Comparison

_ROWS_AT_ONCE = 100_000
_PAIRS_AT_ONCE = 1_000_000

PATTERNS = (c.RECORD_KEY_L, c.RECORD_KEY_R, c.RULE_MASK, c.PATTERN)
"""Columns of compared pairs: both ends, rule mask and packed comparison levels."""


@dataclass(frozen=True)
class Kernel:
    """What a task needs to compare pairs; travels to the workers.

    Args:
        comparisons: as configured.
        frequencies: bins of common values, by column.
        slot_rules: the blocking rule of each key slot.
    """

    comparisons: tuple[Comparison, ...]
    frequencies: Frequencies
    slot_rules: tuple[int, ...]

    def compiled(self) -> tuple[CompiledComparison, ...]:
        """The comparisons, ready to run."""
        return compile_comparisons(self.comparisons)


def compare_blocks(batches: Iterator[pa.RecordBatch], kernel: Kernel) -> Iterator[pa.RecordBatch]:
    """Compare the records of sorted blocks: batches of PATTERNS, each pair once over all tasks."""
    compiled = kernel.compiled()
    for chunk in _whole_blocks(batches):
        yield from _compare_chunk(chunk, kernel, compiled)


def compare_pairs(
    features: pa.Table,
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    compiled: tuple[CompiledComparison, ...],
    frequencies: Frequencies,
) -> NDArray[np.int64]:
    """Levels of each comparison, shape (pairs, comparisons)."""
    columns = {name: Coded(features.column(name)) for name in _columns_of(compiled)}
    return _levels(columns, left, right, compiled, frequencies)


def _columns_of(compiled: tuple[CompiledComparison, ...]) -> list[str]:
    return sorted({column for comparison in compiled for column in comparison.config.columns})


def _levels(
    columns: Mapping[str, Coded],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    compiled: tuple[CompiledComparison, ...],
    frequencies: Frequencies,
) -> NDArray[np.int64]:
    levels = [comparison.levels(columns, left, right, frequencies) for comparison in compiled]
    apart = part_organisations_from_people(np.stack(levels, axis=1), columns, left, right, compiled)
    return weaken_mailboxes_of_namesakes(apart, columns, left, right, compiled)


def _whole_blocks(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Gather batches into chunks that never cut a block in two."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows < _ROWS_AT_ONCE:
            continue
        table = pa.Table.from_batches(held)
        starts, _ = block_spans(table[c.BLOCK_KEY].to_numpy())
        last = int(starts[-1])
        if last:
            yield table.slice(0, last)
        held, rows = table.slice(last).to_batches(), table.num_rows - last
    if rows:
        yield pa.Table.from_batches(held)


def _compare_chunk(
    chunk: pa.Table, kernel: Kernel, compiled: tuple[CompiledComparison, ...]
) -> Iterator[pa.RecordBatch]:
    chunk = chunk.combine_chunks()
    record_keys = chunk[c.RECORD_KEY].combine_chunks()
    columns = {name: Coded(chunk.column(name)) for name in _columns_of(compiled)}
    for pairs in _pairs_of(chunk, np.array(kernel.slot_rules, dtype=np.int64)):
        ends = [record_keys.take(pa.array(side)) for side in (pairs.left, pairs.right)]
        swapped = pc.greater(*ends)
        left, right = _swap(pairs, swapped.to_numpy(zero_copy_only=False))
        patterns = pack(_levels(columns, left, right, compiled, kernel.frequencies))
        ends = [pc.if_else(swapped, ends[1], ends[0]), pc.if_else(swapped, ends[0], ends[1])]
        yield pa.RecordBatch.from_arrays([*ends, pa.array(pairs.rule_mask), pa.array(patterns)], names=list(PATTERNS))


def _swap(pairs: Pairs, swapped: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The ends of pairs, those of the chosen ones exchanged."""
    return np.where(swapped, pairs.right, pairs.left), np.where(swapped, pairs.left, pairs.right)


def _pairs_of(chunk: pa.Table, slot_rules: NDArray[np.int64]) -> Iterator[Pairs]:
    """Pairs of a chunk, about `_PAIRS_AT_ONCE` at once."""
    block_keys = chunk[c.BLOCK_KEY].to_numpy()
    keys = unpack_keys(chunk[c.BLOCK_KEYS].combine_chunks(), len(slot_rules))
    fresh = chunk[c.IS_FRESH].to_numpy() if c.IS_FRESH in chunk.column_names else None
    starts, sizes = block_spans(block_keys)
    portion = np.cumsum(sizes * (sizes - 1) // 2) // _PAIRS_AT_ONCE
    for number in np.unique(portion):
        spans = np.flatnonzero(portion == number)
        first, end = int(starts[spans[0]]), int(starts[spans[-1]] + sizes[spans[-1]])
        of_portion = slice(first, end)
        pairs = build_pairs(
            block_keys[of_portion], keys[of_portion], slot_rules, fresh=None if fresh is None else fresh[of_portion]
        )
        if len(pairs.left):
            yield Pairs(pairs.left + first, pairs.right + first, pairs.rule_mask)
