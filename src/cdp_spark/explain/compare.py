"""Compare a few records by a model, in memory, as a run would compare them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.resolution.blocking.blocks import active_keys, split_slots
from cdp_spark.resolution.blocking.key_arrays import pack_keys, unpack_keys
from cdp_spark.resolution.blocking.keys import make_keys
from cdp_spark.resolution.comparing.comparisons import compile_comparisons
from cdp_spark.resolution.features import columns_read, make_features
from cdp_spark.resolution.kernel import compare_pairs
from cdp_spark.resolution.linkage import slots_of
from cdp_spark.resolution.pairs import shared_slots

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    from cdp_spark.resolution.model import MatchModel


@dataclass(frozen=True)
class Weighed:
    """Pairs of records, compared and weighed.

    Args:
        rule_mask: bit r is set where rule r finds the pair, shape (pairs,).
        purged_mask: bit r is set where the pair shares a key of rule r that too many records share, shape (pairs,).
        levels: of each comparison, shape (pairs, comparisons).
        contributions: bits of the prior, each comparison and related people, shape (pairs, 2 + comparisons).
    """

    rule_mask: NDArray[np.int64]
    purged_mask: NDArray[np.int64]
    levels: NDArray[np.int64]
    contributions: NDArray[np.float64]

    @property
    def weight_log2(self) -> NDArray[np.float64]:
        """Match weight in bits, shape (pairs,)."""
        return np.asarray(self.contributions.sum(axis=1))


def read_comparable(records: DataFrame, model: MatchModel) -> pa.Table:
    """Bring a few records to the driver, in match form and with their keys, ordered by record_key (an action).

    Args:
        records: one row per record_key, as the model's run read them; a handful.
        model: names what is compared.
    """
    wanted = (c.RECORD_KEY, *columns_read(model.match, records.columns))
    few = records.select(*(F.col(f"`{name}`") for name in wanted)).toArrow().sort_by(c.RECORD_KEY)
    features = make_features(few, model.match)
    keys = pack_keys(make_keys(features, slots_of(model.match)))
    return pa.table({c.RECORD_KEY: few[c.RECORD_KEY], **features, c.BLOCK_KEYS: keys})


def weigh_pairs(comparable: pa.Table, model: MatchModel, left: NDArray[np.int64], right: NDArray[np.int64]) -> Weighed:
    """Compare and weigh pairs, also those that no rule finds.

    Args:
        comparable: as `read_comparable` gives it.
        model: what the comparisons weigh.
        left: position of one record of each pair.
        right: position of the other.
    """
    levels = compare_pairs(comparable, left, right, compile_comparisons(model.match.comparisons), model.frequencies)
    found, purged = _masks(comparable, model, left, right)
    return Weighed(found, purged, levels, contributions(model, found, levels))


def contributions(model: MatchModel, rule_mask: NDArray[np.int64], levels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Bits of the prior, each comparison and related people, shape (pairs, 2 + comparisons); they sum to the weight.

    A pair that no rule finds has no prior of its own. It is given the lowest of the rules' priors, with every
    comparison counted: as pairs that no rule finds match more rarely still, this is an upper bound of its weight.
    """
    bits = model.contributions(rule_mask, levels)
    return np.where((rule_mask == 0)[:, np.newaxis], _unfound(model, levels), bits)


def _unfound(model: MatchModel, levels: NDArray[np.int64]) -> NDArray[np.float64]:
    plain = replace(model.parameters, within=None)
    free = replace(model, forced=np.zeros_like(model.forced), parameters=plain)
    rules = np.left_shift(np.int64(1), np.arange(len(model.rule_names), dtype=np.int64))
    nothing = np.zeros((len(rules), levels.shape[1]), dtype=np.int64)
    rarest = rules[int(free.contributions(rules, nothing)[:, 0].argmin())]
    return free.contributions(np.full(len(levels), rarest), levels)


def _masks(
    comparable: pa.Table, model: MatchModel, left: NDArray[np.int64], right: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    slots = slots_of(model.match)
    rules = np.array([slot.rule for slot in slots], dtype=np.int64)
    keys = unpack_keys(comparable[c.BLOCK_KEYS].combine_chunks(), len(slots))
    purged = np.array(model.purged_keys, dtype=np.int64)
    masks = [
        _mask(shared_slots(active_keys(keys, gone, split_slots(slots)), rules, left, right), rules)
        for gone in (purged, purged[:0])
    ]
    return masks[0], masks[1] & ~masks[0]


def _mask(shared: NDArray[np.bool_], rules: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(np.bitwise_or.reduce(np.where(shared, np.left_shift(np.int64(1), rules), 0), axis=1))
