"""What comparisons are worth before the data is seen: shares of levels among matches, others and related people.

`priors.yaml` beside this file has them by method and column, with where they come from. Here they are laid out for the
levels of a configuration's comparisons; EM adds them, as so many pairs, to the pairs that it counts.

1. Equal values have a level for each bin of frequency. Of matches the equal ones spread over the bins as the records
   do; of others a value's own frequency says how often two of them share it.
2. A rule finds matches, others and related people in the proportion in which these agree on all that it asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files  # the package may lie in a zip
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cdp_spark.resolution.comparing.comparisons import CompiledComparison
    from cdp_spark.resolution.learning.within import Layout

_FILE = "priors.yaml"
_LEAST = 1e-6
_MATCHES_PER_RECORD, _RELATED_PER_RECORD = 0.2, 0.3
"""Pairs of one person, and of relatives, that a file has for each of its records."""
_RULE_STRENGTH = 8.0
"""How many of a rule's pairs its expected shares are worth."""
_LEAST_BIN = 0.02

Share = Annotated[float, Field(gt=0, lt=1)]


class LevelPrior(BaseModel):
    """An entry of `priors.yaml`."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    method: str
    columns: tuple[str, ...] = ()
    about: Literal["people", "companies"] | None = None
    levels: tuple[str, ...]
    by_hand: tuple[str, ...] = ()
    matches: tuple[Share, ...]
    others: tuple[Share, ...]
    related: tuple[Share, ...] | None = None
    own: float | None = None
    against: tuple[float, ...] = ()
    frequency: tuple[Share, ...]
    strength: tuple[float, float, float]


@dataclass(frozen=True)
class Prior:
    """Shares of a comparison's levels, by class: matches, others, related; level 0 is unused.

    Args:
        shares: shape (3, levels).
        strength: pairs that they are worth, by class.
        own: share of related people who agree as one person does; None where they share the value as `shares` says.
        alike: the lowest level of values that are not different.
        equal: the lowest level whose first column is equal.
        times_others: most times as frequent that a level may be among matches as among others, where pairs are few.
    """

    shares: NDArray[np.float64]
    strength: tuple[float, float, float]
    own: float | None
    alike: int
    equal: int
    times_others: NDArray[np.float64]

    @property
    def pull(self) -> NDArray[np.float64]:
        """Pairs of each class and level, shape (3, levels)."""
        return np.asarray(self.shares * np.array(self.strength)[:, np.newaxis])


@cache
def shipped_priors() -> tuple[LevelPrior, ...]:
    """Read `priors.yaml`."""
    entries = yaml.safe_load(files(__package__).joinpath(_FILE).read_text(encoding="utf-8"))
    return TypeAdapter(tuple[LevelPrior, ...]).validate_python(entries, strict=False)


def prior_of(comparison: CompiledComparison, bins: NDArray[np.float64], *, people: bool) -> Prior | None:
    """Find what a comparison is worth beforehand; None where nobody knows.

    Args:
        comparison: compiled.
        bins: share of the records whose value is common, uncommon, rare, and how often such a value is shared as far
            as the data tells; shape (2, bins).
        people: whether the records are of people, otherwise of companies.
    """
    config = comparison.config
    about = "people" if people else "companies"
    entry = next((it for it in shipped_priors() if _fits(it, config.method, config.columns[0], about)), None)
    if entry is None or len(entry.levels) != comparison.equal_level or len(entry.frequency) != comparison.bins:
        return None
    spread = np.maximum(bins[0], _LEAST_BIN) / np.maximum(bins[0], _LEAST_BIN).sum()
    frequency = np.maximum(entry.frequency, bins[1])
    matches = _spread(entry.matches, spread)
    others = _spread((*entry.others[:-1], float(spread @ frequency)), spread * frequency)
    related = (
        (1 - entry.own) * others + entry.own * matches if entry.own is not None else _spread(entry.related, spread)
    )
    return Prior(
        np.stack([matches, others, related]),
        entry.strength,
        entry.own,
        comparison.alike_level,
        comparison.equal_level,
        _limits(entry.against, len(matches)),
    )


def rule_pull(priors: Sequence[Prior | None], layout: Layout, *, records: int) -> NDArray[np.float64]:
    """Pairs of each class that a rule is expected to find, shape (rules, 3).

    Args:
        priors: of the comparisons.
        layout: what each rule asks for.
        records: how many there are.
    """
    pairs = max(records - 1, 1) / 2
    found = np.tile([_MATCHES_PER_RECORD / pairs, 1.0, _RELATED_PER_RECORD / pairs], (len(layout.forced), 1))
    for at, prior in enumerate(priors):
        if prior is not None:
            whole = layout.whole[:, at]
            found[whole] *= prior.shares[:, prior.equal :].sum(axis=1)
            found[layout.forced[:, at] & ~whole] *= prior.shares[:, prior.alike :].sum(axis=1)
    return np.asarray(_RULE_STRENGTH * found / found.sum(axis=1, keepdims=True))


def _limits(against: Sequence[float], levels: int) -> NDArray[np.float64]:
    limits = np.full(levels, np.inf)
    limits[1 : 1 + len(against)] = np.exp2(-np.asarray(against))
    return limits


def _fits(entry: LevelPrior, method: str, column: str, about: str) -> bool:
    return entry.method == method and (not entry.columns or column in entry.columns) and entry.about in {None, about}


def _spread(shares: Sequence[float] | None, bins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of the levels, the last of them spread over the bins; level 0 is unused."""
    assert shares is not None
    levels = np.concatenate([shares[:-1], shares[-1] * bins / bins.sum()])
    levels = np.maximum(levels, _LEAST)
    return np.concatenate([[0.0], levels / levels.sum()])
