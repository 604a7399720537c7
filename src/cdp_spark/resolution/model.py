"""A fitted match model: what pairs weigh, frozen and saved as JSON."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cdp_spark.config.match import EntityMatch
from cdp_spark.errors import StateError
from cdp_spark.resolution.blocking.slots import all_rules
from cdp_spark.resolution.comparing.comparisons import compile_comparisons
from cdp_spark.resolution.learning.parameters import Parameters, Related, Within, log_ratios
from cdp_spark.resolution.patterns import pack, unpack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.resolution.learning.parameters import Side

FORMAT = 3
"""Version of the JSON format; 1 knew neither related people nor shares, 2 nothing within keys; both are read."""

_NOTHING_BITS = 2.0
"""Odds of less than four to one are next to nothing."""


@dataclass(frozen=True)
class MatchModel:
    """Everything that turns a rule mask and a pattern into a match weight.

    Args:
        match: the configuration it was fitted under.
        rule_names: blocking rules, then deterministic ones; bit r of a mask is rule r.
        forced: comparisons that a rule forces, shape (rules, comparisons).
        parameters: priors, m and u.
        frequencies: bins of common values, by column.
        purged_keys: blocking keys shared by too many records.
    """

    match: EntityMatch
    rule_names: tuple[str, ...]
    forced: NDArray[np.bool_]
    parameters: Parameters
    frequencies: dict[str, dict[str, int]]
    purged_keys: tuple[int, ...]

    @property
    def level_names(self) -> tuple[tuple[str, ...], ...]:
        """Names of the levels of each comparison."""
        return tuple(comparison.level_names for comparison in compile_comparisons(self.match.comparisons))

    def comparison_weights(self) -> list[tuple[str, str, float, str, float]]:
        """List each comparison with its strongest level for a match and against one, and their bits."""
        bits = log_ratios(self.parameters.m, self.parameters.u)
        found = []
        for comparison, names, of_levels, kept in zip(
            self.match.comparisons, self.level_names, bits, self.kept, strict=True
        ):
            best, worst = int(of_levels[1:].argmax()) + 1, int(of_levels[1:].argmin()) + 1
            weights = float(of_levels[best] * kept), float(of_levels[worst] * kept)
            found.append((comparison.name, names[best], weights[0], names[worst], weights[1]))
        return found

    def contributions(self, rule_mask: NDArray[np.int64], levels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Bits by which each part of the evidence moves a pair, shape (pairs, 2 + comparisons).

        The first column is the prior's part; the last one corrects for related people, far below zero where a pair
        looks like two of them, 0 where the model knows none. A pair's weight is the mean over its rules of the rule's
        prior, its unforced comparisons and this correction, so the columns sum to the match weight.

        Of a pair that was compared because every pair is, and of which nothing is known, the prior's part is no more
        against a match than never having been compared is: else who has left an e-mail and nothing else belongs to
        nobody with several records, for each of them that is silent would count against it.
        """
        masks, inverse = np.unique(rule_mask, return_inverse=True)
        on = ((masks[:, np.newaxis] >> np.arange(len(self.rule_names))) & 1).astype(np.float64)
        share = on / np.maximum(on.sum(axis=1, keepdims=True), 1)
        prior = (share * (np.log2(self.parameters.prior) - np.log2(1 - self.parameters.prior))).sum(axis=1)
        counted = (share[:, :, np.newaxis] * ~self.forced).sum(axis=1)
        bits = _bits(log_ratios(self.parameters.m, self.parameters.u), levels) * self.kept * counted[inverse]
        bits += self._within(levels, share[inverse])
        related = (share[inverse] * self._related(levels)).sum(axis=1)
        silent = self._is_keyless(on)[inverse] & _is_silent(bits)
        least = self.match.clustering.missing_weight - bits.sum(axis=1) - related
        return np.column_stack([np.where(silent, np.maximum(prior[inverse], least), prior[inverse]), bits, related])

    def rules_in(self, rule_mask: int) -> tuple[str, ...]:
        """Name the rules whose bits a mask has."""
        return tuple(name for rule, name in enumerate(self.rule_names) if rule_mask >> rule & 1)

    def _is_keyless(self, on: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell sets of rules that ask for nothing, shape (sets,)."""
        asks = np.array([bool(rule.keys) for rule in all_rules(self.match)], dtype=np.bool_)
        return np.asarray((on[:, asks] == 0).all(axis=1), dtype=np.bool_)

    def _within(self, levels: NDArray[np.int64], share: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bits of comparisons under the rules that ask for their column, by each rule's share, as `levels`."""
        bits = np.zeros(levels.shape)
        within = self.parameters.within
        if within is not None:
            ratios = log_ratios(within.m, within.u)
            for rule, at in zip(*np.nonzero(within.place >= 0), strict=True):
                bits[:, at] += share[:, rule] * ratios[within.place[rule, at]][levels[:, at]] * self.kept[at]
        return bits

    @property
    def kept(self) -> NDArray[np.float64]:
        """Part of its bits that each comparison keeps, shape (comparisons,)."""
        shares = self.parameters.shares
        return np.ones(len(self.parameters.u)) if shares is None else shares

    def _related(self, levels: NDArray[np.int64]) -> NDArray[np.float64]:
        """log2 of u over the mixture of u and r that all non-matches are, shape (pairs, rules)."""
        related = self.parameters.related
        if related is None:
            return np.zeros((len(levels), len(self.rule_names)))
        share = np.clip(related.prior / (1 - self.parameters.prior), 1e-100, 1 - 1e-9)
        bits = _bits(log_ratios(related.r, self.parameters.u), levels) * self.kept
        likelier = bits @ (~self.forced).T.astype(np.float64)
        within = self.parameters.within
        if within is not None and within.r is not None:
            ratios = log_ratios(within.r, within.u)
            for rule, at in zip(*np.nonzero(within.place >= 0), strict=True):
                likelier[:, rule] += ratios[within.place[rule, at]][levels[:, at]] * self.kept[at]
        return -np.logaddexp2(np.log2(share) + likelier, np.log2(1 - share))

    def weights(self, rule_mask: NDArray[np.int64], levels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Match weight of each pair in bits, shape (pairs,)."""
        return self.pattern_weights(rule_mask, pack(levels))

    def pattern_weights(self, rule_mask: NDArray[np.int64], patterns: NDArray[np.int64]) -> NDArray[np.float64]:
        """The same for levels that are packed; equal pairs are weighed once."""
        first, inverse = _distinct(rule_mask, patterns)
        levels = unpack(patterns[first], len(self.match.comparisons))
        return np.asarray(self.contributions(rule_mask[first], levels).sum(axis=1))[inverse]

    def config_hash(self) -> str:
        """SHA-256 of the configuration that it was fitted under."""
        return hashlib.sha256(self.match.model_dump_json().encode()).hexdigest()

    def to_json(self) -> str:
        """The model as JSON with sorted keys: equal models give equal text."""
        parameters = self.parameters
        return json.dumps(
            {
                "format": FORMAT,
                "match": self.match.model_dump(mode="json"),
                "rules": self.rule_names,
                "forced": self.forced.tolist(),
                "prior": parameters.prior.tolist(),
                "m": _lists(parameters.m),
                "u": _lists(parameters.u),
                "log_likelihood": parameters.log_likelihood,
                "iterations": parameters.iterations,
                "converged": parameters.converged,
                "frequencies": self.frequencies,
                "purged_keys": self.purged_keys,
                "shares": None if parameters.shares is None else parameters.shares.tolist(),
                "related": parameters.related and _related_dict(parameters.related),
                "within": parameters.within and _within_dict(parameters.within),
            },
            sort_keys=True,
        )


def model_from_json(text: str, *, where: str = "match model") -> MatchModel:
    """Read what `MatchModel.to_json` wrote.

    Raises:
        StateError: the text is no model, or one of another format.
    """
    try:
        data: dict[str, Any] = json.loads(text)
        if data.get("format") not in range(1, FORMAT + 1):
            allowed = f"format {FORMAT} or an earlier one"
            raise StateError(where, got=f"format {data.get('format')}", allowed=allowed, fix="fit it again")
        return _from_dict(data)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StateError(where, got=f"no readable model ({type(error).__name__})", fix="fit it again") from error


def _is_silent(bits: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell pairs whose comparisons say next to nothing, each by itself and all together, shape (pairs,)."""
    return np.asarray((np.abs(bits) < _NOTHING_BITS).all(axis=1) & (np.abs(bits.sum(axis=1)) < _NOTHING_BITS))


def _bits(ratios: Side, levels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Bits of each pair's levels, shape (pairs, comparisons)."""
    return np.stack([ratio[levels[:, at]] for at, ratio in enumerate(ratios)], axis=1)


def _distinct(rule_mask: NDArray[np.int64], pattern: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each distinct (mask, pattern) stands first, and for each pair which of them it is."""
    (_, mask), (patterns, place) = (np.unique(values, return_inverse=True) for values in (rule_mask, pattern))
    _, first, inverse = np.unique(mask * max(len(patterns), 1) + place, return_index=True, return_inverse=True)
    return first, inverse


def _lists(side: Side) -> list[list[float]]:
    return [probabilities.tolist() for probabilities in side]


def _related_dict(related: Related) -> dict[str, Any]:
    return {"prior": related.prior.tolist(), "r": _lists(related.r)}


def _within_dict(within: Within) -> dict[str, Any]:
    r = None if within.r is None else _lists(within.r)
    return {"place": within.place.tolist(), "m": _lists(within.m), "u": _lists(within.u), "r": r}


def _within_of(data: dict[str, Any]) -> Within:
    r = None if data["r"] is None else _side(data["r"])
    return Within(np.array(data["place"], dtype=np.int64), _side(data["m"]), _side(data["u"]), r)


def _side(probabilities: list[list[float]]) -> Side:
    return tuple(np.array(levels) for levels in probabilities)


def _from_dict(data: dict[str, Any]) -> MatchModel:
    related, shares, within = data.get("related"), data.get("shares"), data.get("within")
    parameters = Parameters(
        prior=np.array(data["prior"]),
        m=_side(data["m"]),
        u=_side(data["u"]),
        log_likelihood=data["log_likelihood"],
        iterations=data["iterations"],
        converged=data["converged"],
        related=related and Related(np.array(related["prior"]), _side(related["r"])),
        shares=shares and np.array(shares),
        within=within and _within_of(within),
    )
    return MatchModel(
        match=EntityMatch.model_validate_json(json.dumps(data["match"])),
        rule_names=tuple(data["rules"]),
        forced=np.array(data["forced"], dtype=bool),
        parameters=parameters,
        frequencies=data["frequencies"],
        purged_keys=tuple(data["purged_keys"]),
    )
