"""Compare pairs and weigh them by a model, in the one pass over blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.resolution.blocking.slots import deterministic_mask
from cdp_spark.resolution.comparing.measures import DIFFERENT
from cdp_spark.resolution.kernel import Kernel, compare_blocks
from cdp_spark.resolution.patterns import as_texts, unpack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.resolution.model import MatchModel

SCORES = pa.schema(
    [
        (c.RECORD_KEY_L, pa.string()),
        (c.RECORD_KEY_R, pa.string()),
        (c.RULE_MASK, pa.int64()),
        (c.LEVELS, pa.string()),
        (c.WEIGHT_LOG2, pa.float64()),
        (c.DETERMINISTIC, pa.bool_()),
    ]
)
"""Columns of scored pairs."""


def score_blocks_in_memory(blocks: pa.Table, kernel: Kernel, model: MatchModel, *, deterministic_mask: int) -> pa.Table:
    """Compare every two records that share a block, and give every pair its match weight.

    Args:
        blocks: as `expand_blocks` makes them.
        kernel: rules and comparisons.
        model: what the outcomes weigh.
        deterministic_mask: bits of the rules that join a pair whatever its weight.
    """
    patterns = compare_blocks(iter(blocks.combine_chunks().to_batches()), kernel)
    scored = [weigh_patterns(it, model, deterministic_mask=deterministic_mask) for it in patterns]
    return pa.Table.from_batches(scored) if scored else SCORES.empty_table()


def weigh_patterns(patterns: pa.RecordBatch, model: MatchModel, *, deterministic_mask: int) -> pa.RecordBatch:
    """Turn a batch of PATTERNS into one of SCORES; a weight is rounded to a millionth of a bit."""
    masks, packed = (patterns.column(name).to_numpy() for name in (c.RULE_MASK, c.PATTERN))
    levels = unpack(packed, len(model.match.comparisons))
    columns = [
        patterns.column(c.RECORD_KEY_L),
        patterns.column(c.RECORD_KEY_R),
        patterns.column(c.RULE_MASK),
        as_texts(levels),
        pa.array(np.round(model.pattern_weights(masks, packed), 6)),
        pa.array(certain_rules(model.match, masks & deterministic_mask, levels) != 0),
    ]
    return pa.RecordBatch.from_arrays(columns, names=SCORES.names)


_TELLING = (c.GIVEN_NAME, c.BIRTH_DATE)


_METHODS = ("name", "jaro_winkler", "levenshtein", "date")
"""Of these the lowest level means that two values have nothing in common."""


def certain_rules(match: EntityMatch, rule_masks: NDArray[np.int64], levels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keep the bits of the deterministic rules that join each pair, whatever it weighs.

    Args:
        match: rules and comparisons.
        rule_masks: the rules that find each pair, shape (pairs,).
        levels: of each comparison, shape (pairs, comparisons).
    """
    telling = [
        place
        for place, comparison in enumerate(match.comparisons)
        if comparison.columns[0] in _TELLING and comparison.method in _METHODS
    ]
    contradicted = (levels[:, telling] == DIFFERENT).any(axis=1)
    return rule_masks & np.where(contradicted, _regardless(match), deterministic_mask(match))


def _regardless(match: EntityMatch) -> int:
    """Return the bits of the rules that join even who contradicts each other."""
    first = len(match.blocking)
    return sum(1 << (first + place) for place, it in enumerate(match.deterministic) if it.contradictions == "ignore")
