"""Which touches a conversion is owed to: its credit, shared among the touches before it.

1. A model gives each touch of a conversion a weight: `first`, `last`, `last_non_direct`, `linear`, `position` (40 % the
   first, 40 % the last, the rest between), `time_decay` (halved every `half_life` before the conversion),
   `data_driven` (the channel's removal effect in a Markov chain; several touches of a channel share it).
2. Weights become credits. A credit is a whole number of 2^-30, so the credits of a conversion sum to exactly 1 in any
   order, and those of up to eight million conversions to their number. What rounding leaves goes to the touches that
   lost most by it, the earlier first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.errors import ConfigError
from cdp_spark.groups import group_numbers, group_starts, require_order
from cdp_spark.insights.markov import NO_CHANNEL, OTHER_CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from cdp_spark.config.insights.behaviour import AttributionModel
    from cdp_spark.insights.likelihood import Floats

    Indices = NDArray[np.int64]

_UNITS = 2**30
_ENDS_SHARE = 0.4


@dataclass(frozen=True)
class AttributionRules:
    """How credit is shared.

    Args:
        model: which touches of a path get it.
        half_life: of `time_decay`.
        direct: channels that `last_non_direct` passes over; a touch without a channel is direct, too.
        effects: of `data_driven`, from `removal_effects`; a channel that is not there has the weight
            of OTHER_CHANNELS, or none.
    Raises: ConfigError: the half-life is not above zero, or `data_driven` has no effects.
    """

    model: AttributionModel = "last_non_direct"
    half_life: timedelta = timedelta(days=7)
    direct: frozenset[str] = frozenset({"direct"})
    effects: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.half_life <= timedelta(0):
            raise ConfigError("attribution.half_life", got=str(self.half_life), allowed="more than zero")
        if self.model == "data_driven" and not self.effects:
            raise ConfigError("attribution.effects", got="none", fix="work out removal_effects from all journeys first")


@dataclass(frozen=True)
class _Paths:
    """Touches by conversion: first row of each, group of each row, place of each row, and rows of its group."""

    starts: Indices
    groups: Indices
    places: Indices
    lengths: Indices

    def add(self, values: Floats) -> Floats:
        """Sum of each row's group."""
        return np.asarray(np.add.reduceat(values, self.starts)[self.groups], dtype=np.float64)


def credit_touches(touches: pa.Table, rules: AttributionRules) -> pa.Table:
    """Share each conversion among the touches before it.

    Args:
        touches: `conversion_key`, `converted_at_utc`, `occurred_at_utc`, `channel`, `campaign` and `value` (of the
            conversion), sorted by `conversion_key` and `occurred_at_utc`, ties in an order of the caller's that stays;
            whole conversions. A conversion without a touch has no row here.
        rules: model and its settings.
    Returns: the touches with `credit` and `credited_value`.
    Raises: ContractError: the touches are not sorted.
    """
    require_order(touches, [c.CONVERSION_KEY, c.OCCURRED_AT], where="touches")
    shares = np.empty(0)
    if touches.num_rows:
        paths = _paths(touches)
        shares = _as_credits(_weights(touches, paths, rules), paths)
    values = np.nan_to_num(touches[c.VALUE].cast(pa.float64()).to_numpy())
    return touches.append_column(c.CREDIT, pa.array(shares)).append_column(c.CREDITED_VALUE, pa.array(shares * values))


def _paths(touches: pa.Table) -> _Paths:
    starts = group_starts(touches, [c.CONVERSION_KEY])
    groups = group_numbers(starts, touches.num_rows)
    lengths = np.diff(np.append(starts, touches.num_rows))
    return _Paths(starts, groups, np.arange(touches.num_rows) - starts[groups], lengths[groups])


def _weights(touches: pa.Table, paths: _Paths, rules: AttributionRules) -> Floats:
    """Weight of each touch; a conversion whose touches all have none is shared equally."""
    weights: dict[AttributionModel, Callable[[], NDArray[Any]]] = {
        "first": lambda: paths.places == 0,
        "last": lambda: paths.places == paths.lengths - 1,
        "last_non_direct": lambda: _last_non_direct(touches, paths, rules),
        "linear": lambda: np.ones(touches.num_rows),
        "position": lambda: _by_position(paths),
        "time_decay": lambda: _by_time(touches, paths, rules),
        "data_driven": lambda: _by_effect(touches, paths, rules),
    }
    chosen = np.asarray(weights[rules.model](), dtype=np.float64)
    return np.where(paths.add(chosen) > 0, chosen, 1.0)


def _last_non_direct(touches: pa.Table, paths: _Paths, rules: AttributionRules) -> NDArray[np.bool_]:
    direct = pc.is_in(_channels(touches), pa.array([*rules.direct, NO_CHANNEL], pa.string()))
    rows = np.arange(touches.num_rows)
    named = np.where(direct.to_numpy(zero_copy_only=False), -1, rows)
    last = np.maximum.reduceat(named, paths.starts)[paths.groups]
    return np.asarray(np.where(last >= 0, rows == last, paths.places == paths.lengths - 1), dtype=np.bool_)


def _by_position(paths: _Paths) -> Floats:
    ends = (paths.places == 0) | (paths.places == paths.lengths - 1)
    between = (1 - 2 * _ENDS_SHARE) / np.maximum(paths.lengths - 2, 1)
    return np.where(ends, _ENDS_SHARE, between)


def _by_time(touches: pa.Table, paths: _Paths, rules: AttributionRules) -> Floats:
    """Halved every half-life; counted from the last touch, so that the weights of an old path do not vanish."""
    times = touches[c.OCCURRED_AT].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy()
    last = np.maximum.reduceat(times, paths.starts)[paths.groups]
    return np.asarray(0.5 ** ((last - times) / (rules.half_life / timedelta(microseconds=1))), dtype=np.float64)


def _by_effect(touches: pa.Table, paths: _Paths, rules: AttributionRules) -> Floats:
    channels = _channels(touches).dictionary_encode()
    codes, names = channels.indices.to_numpy().astype(np.int64), channels.dictionary.to_pylist()
    other = rules.effects.get(OTHER_CHANNELS, 0.0)
    effects = np.array([max(rules.effects.get(name, other), 0.0) for name in names])
    _, cells, times = np.unique(paths.groups * len(names) + codes, return_inverse=True, return_counts=True)
    return np.asarray(effects[codes] / times[cells], dtype=np.float64)


def _channels(touches: pa.Table) -> pa.Array:
    return pc.fill_null(touches[c.CHANNEL].cast(pa.string()), NO_CHANNEL).combine_chunks()


def _as_credits(weights: Floats, paths: _Paths) -> Floats:
    """Shares in whole units: rounded down, and the units left over to the largest remainders."""
    shares = weights / paths.add(weights) * _UNITS
    units = np.floor(shares)
    left = _UNITS - paths.add(units)
    order = np.lexsort((paths.places, units - shares, paths.groups))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = paths.places
    return (units + (rank < left)) / _UNITS
