"""A fitted match model: what pairs weigh, frozen and saved as JSON."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cdp_spark.config.match import EntityMatch
from cdp_spark.errors import StateError
from cdp_spark.matching.comparing.comparisons import compile_comparisons
from cdp_spark.matching.learning.em import Parameters, log_ratios

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = 1
"""Version of the JSON format."""


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

    def contributions(self, rule_mask: NDArray[np.int64], levels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Bits by which each part of the evidence moves a pair, shape (pairs, 1 + comparisons).

        The first column is the prior's part. A pair's weight is the mean over its rules of the rule's prior and its
        unforced comparisons, so the columns sum to the match weight.
        """
        masks, inverse = np.unique(rule_mask, return_inverse=True)
        on = ((masks[:, np.newaxis] >> np.arange(len(self.rule_names))) & 1).astype(np.float64)
        share = on / np.maximum(on.sum(axis=1, keepdims=True), 1)
        prior = (share * (np.log2(self.parameters.prior) - np.log2(1 - self.parameters.prior))).sum(axis=1)
        counted = (share[:, :, np.newaxis] * ~self.forced).sum(axis=1)
        ratios = log_ratios(self.parameters.m, self.parameters.u)
        bits = np.stack([ratio[levels[:, i]] for i, ratio in enumerate(ratios)], axis=1)
        return np.column_stack([prior[inverse], bits * counted[inverse]])

    def weights(self, rule_mask: NDArray[np.int64], levels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Match weight of each pair in bits, shape (pairs,)."""
        return np.asarray(self.contributions(rule_mask, levels).sum(axis=1))

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
                "m": [side.tolist() for side in parameters.m],
                "u": [side.tolist() for side in parameters.u],
                "log_likelihood": parameters.log_likelihood,
                "iterations": parameters.iterations,
                "converged": parameters.converged,
                "frequencies": self.frequencies,
                "purged_keys": self.purged_keys,
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
        if data.get("format") != FORMAT:
            raise StateError(where, got=f"format {data.get('format')}", allowed=f"format {FORMAT}", fix="fit it again")
        return _from_dict(data)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StateError(where, got=f"no readable model ({type(error).__name__})", fix="fit it again") from error


def _from_dict(data: dict[str, Any]) -> MatchModel:
    parameters = Parameters(
        prior=np.array(data["prior"]),
        m=tuple(np.array(side) for side in data["m"]),
        u=tuple(np.array(side) for side in data["u"]),
        log_likelihood=data["log_likelihood"],
        iterations=data["iterations"],
        converged=data["converged"],
    )
    return MatchModel(
        match=EntityMatch.model_validate_json(json.dumps(data["match"])),
        rule_names=tuple(data["rules"]),
        forced=np.array(data["forced"], dtype=bool),
        parameters=parameters,
        frequencies=data["frequencies"],
        purged_keys=tuple(data["purged_keys"]),
    )
