"""From pairs of each level and class to probabilities, in the order that levels have.

A level that agrees more must not speak less for a match: log2(m/u) never falls from one level to the next. The
likeliest m and u of that kind are known: among the pairs of a level, matches and others together, the share of matches
is made to rise by pooling neighbours (pool adjacent violators), and is parted again. It follows that values which
differ never speak for a match, and equal ones never against it. Related people are ordered against matches in the same
way.
Source: Dykstra, Kochar & Robertson 1995, Inference for likelihood ratio ordering in the two-sample problem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_FLOOR = 1e-6


def level_shares(
    pairs: Sequence[NDArray[np.float64]], *, own: float | None = None, ordered: bool = False
) -> list[NDArray[np.float64]]:
    """Share of each level among known values, by class.

    Args:
        pairs: of each level, by class: matches, others and, where there are some, related people; level 0 has none.
        own: related people are as others in this comparison, but for this share of them; None where they are free.
        ordered: see above.
    """
    matches, others = pairs[0], pairs[1]
    if own is not None and len(pairs) > 2:
        others = others + pairs[2]
    m, u = _in_order(matches, others) if ordered else (_shares(matches), _shares(others))
    if len(pairs) == 2:
        return [m, u]
    if own is not None:
        return [m, u, _mixed(m, u, own)]
    r = _shares(pairs[2])
    return [m, u, _below(r, m) if ordered else r]


def rising(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest values that never fall, by weighted least squares (pool adjacent violators)."""
    blocks: list[list[float]] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        blocks.append([value, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            last = blocks.pop()
            first = blocks[-1]
            total = first[1] + last[1]
            blocks[-1] = [(first[0] * first[1] + last[0] * last[1]) / total, total, first[2] + last[2]]
    return np.repeat([block[0] for block in blocks], [int(block[2]) for block in blocks])


def held_below(m: NDArray[np.float64], most: NDArray[np.float64]) -> NDArray[np.float64]:
    """Matches' shares with none above its limit; what is cut off goes to the levels that are free, by their shares."""
    held, limits = m[1:].copy(), np.maximum(most[1:], _FLOOR)
    full = np.zeros(len(held), dtype=bool)
    while (over := (held > limits) & ~full).any():
        full |= over
        held[full] = limits[full]
        held[~full] *= (1.0 - held[full].sum()) / max(float(held[~full].sum()), _FLOOR)
    return np.concatenate([np.ones(1), np.maximum(held, _FLOOR)])


def _in_order(
    matches: NDArray[np.float64], others: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    m, u = _shares(matches), _shares(others)
    ratio = m[1:] / u[1:]
    if (ratio[1:] >= ratio[:-1]).all():
        return m, u
    both = np.maximum(matches[1:] + others[1:], _FLOOR)
    share = rising(matches[1:] / both, both)
    known = np.zeros(1)
    return _shares(np.concatenate([known, share * both])), _shares(np.concatenate([known, (1 - share) * both]))


def _below(r: NDArray[np.float64], m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Related people's shares, ordered against matches: r/m never rises."""
    ratio = r[1:] / m[1:]
    if (ratio[1:] <= ratio[:-1]).all():
        return r
    return _shares(np.concatenate([np.zeros(1), -rising(-ratio, m[1:]) * m[1:]]))


def _mixed(m: NDArray[np.float64], u: NDArray[np.float64], own: float) -> NDArray[np.float64]:
    mixed = (1 - own) * u + own * m
    mixed[0] = 1.0
    return mixed


def _shares(pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    share = np.clip(pairs / max(float(pairs.sum()), _FLOOR), _FLOOR, 1.0)
    share[0] = 1.0
    return np.asarray(share)
