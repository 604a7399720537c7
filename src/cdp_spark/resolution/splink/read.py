"""Splink's settings to a match model under the project's own comparisons and rules."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from cdp_spark.errors import ConfigError
from cdp_spark.resolution.blocking.slots import all_rules
from cdp_spark.resolution.comparing.comparisons import compile_comparisons
from cdp_spark.resolution.learning.fitting import forced_comparisons
from cdp_spark.resolution.learning.parameters import Parameters
from cdp_spark.resolution.model import MatchModel
from cdp_spark.resolution.splink.levels import SqlLevel, sql_levels

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from cdp_spark.config.match import BlockingRule, Comparison, EntityMatch

_FLOOR = 1e-6
_NEEDED = "the settings of a trained Splink model"
Sides = tuple["NDArray[np.float64]", "NDArray[np.float64]"]


def read_splink(path: Path) -> dict[str, Any]:
    """Read a file of settings, as `linker.misc.save_model_to_json` writes it.

    Raises:
        ConfigError: there is no such file, or no settings in it.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(str(path), got=(error.strerror or "nothing").lower(), allowed=_NEEDED) from None
    except ValueError:
        raise ConfigError(str(path), got="no JSON", allowed=_NEEDED) from None
    if not isinstance(data, dict) or not isinstance(data.get("comparisons"), list):
        raise ConfigError(str(path), got="JSON without `comparisons`", allowed=_NEEDED)
    return data


def model_from_splink(
    settings: dict[str, Any], match: EntityMatch, *, current: MatchModel | None, where: str
) -> MatchModel:
    """Take m, u and the prior from Splink's settings.

    A rule's prior follows from Splink's, for two random records, by what the rule asks for: the odds times m/u of the
    comparisons that it forces, of equal values where it asks for equal ones, of all but different ones where not.

    Args:
        settings: from `read_splink`.
        match: the project's comparisons and rules, which the model will be applied under.
        current: the newest model; tells how equal values part into common and rare ones, which Splink does not say.
        where: the file, for messages.

    Raises:
        ConfigError: a comparison or level of one has no counterpart in the other, or is not trained; all at once.
    """
    theirs = {_name(each): each for each in settings["comparisons"]}
    mistakes = [f"comparison {name}, which match.yaml lacks" for name in theirs if name not in _names(match)]
    sides: list[Sides] = []
    for index, comparison in enumerate(match.comparisons):
        found = _probabilities(comparison, theirs.get(comparison.name), _bins(current, match, index))
        mistakes += found if isinstance(found, list) else []
        sides += [found] if isinstance(found, tuple) else []
    prior = settings.get("probability_two_random_records_match")
    if not isinstance(prior, float) or not 0 < prior < 1:
        mistakes.append("no probability_two_random_records_match between 0 and 1")
    if mistakes:
        fix = (
            "make match.yaml's comparisons those of the Splink model; `cdp model export --splink` shows how levels read"
        )
        raise ConfigError(where, got="; ".join(mistakes), allowed="the comparisons of match.yaml, trained", fix=fix)
    return _model(match, sides, float(prior or 0.0), current)


def _model(match: EntityMatch, sides: list[Sides], prior: float, current: MatchModel | None) -> MatchModel:
    rules = all_rules(match)
    forced = forced_comparisons(rules, match.comparisons)
    m, u = tuple(side[0] for side in sides), tuple(side[1] for side in sides)
    priors = [_rule_prior(rule, forced[index], match, (m, u), prior) for index, rule in enumerate(rules)]
    parameters = Parameters(np.array(priors), m, u, log_likelihood=0.0, iterations=0, converged=True)
    same = current is not None and current.match.comparisons == match.comparisons
    return MatchModel(
        match=match,
        rule_names=tuple(rule.name for rule in rules),
        forced=forced,
        parameters=parameters,
        frequencies=current.frequencies if current and same else {},
        purged_keys=current.purged_keys if current and current.match.blocking == match.blocking else (),
    )


def _rule_prior(
    rule: BlockingRule,
    forced: NDArray[np.bool_],
    match: EntityMatch,
    sides: tuple[tuple[NDArray[np.float64], ...], tuple[NDArray[np.float64], ...]],
    prior: float,
) -> float:
    odds = prior / (1 - prior)
    whole = {key.column for key in rule.keys if key.transform == "exact"}
    for index, compiled in enumerate(compile_comparisons(match.comparisons)):
        if forced[index]:
            first = compiled.equal_level if set(compiled.config.columns[:1]) <= whole else compiled.alike_level
            odds *= float(sides[0][index][first:].sum() / sides[1][index][first:].sum())
    return float(np.clip(odds / (1 + odds), _FLOOR, 1 - _FLOOR))


def _name(comparison: dict[str, Any]) -> str:
    return str(comparison.get("output_column_name", "without a name"))


def _names(match: EntityMatch) -> set[str]:
    return {comparison.name for comparison in match.comparisons}


def _bins(current: MatchModel | None, match: EntityMatch, index: int) -> Sides | None:
    """Both probabilities of a comparison in the current model, where that compares the same."""
    if current is None or current.match.comparisons != match.comparisons:
        return None
    return current.parameters.m[index], current.parameters.u[index]


def _probabilities(comparison: Comparison, theirs: dict[str, Any] | None, bins: Sides | None) -> Sides | list[str]:
    """Both probabilities by our levels; or what is wrong."""
    ours = sql_levels(comparison)
    if ours is None:
        return [f"comparison {comparison.name}: method {comparison.method}, which Splink cannot have"]
    if theirs is None:
        return [f"no comparison {comparison.name}"]
    given = {_plain(str(level.get("sql_condition"))): level for level in theirs.get("comparison_levels", [])}
    graded = [level for level in ours if level.levels]
    wanted = {_plain(level.condition) for level in ours}
    mistakes = [
        f"comparison {comparison.name}: the level {text}"
        for text, level in given.items()
        if text not in wanted and not level.get("is_null_level")
    ]
    mistakes += [
        f"comparison {comparison.name}: no level {it.condition}" for it in graded if _plain(it.condition) not in given
    ]
    if any(len(level.levels) > 1 for level in graded) and bins is None:
        mistakes.append(
            f"comparison {comparison.name}: how common values part is unknown without a fitted model (fit one, or set "
            "term_frequency: false)"
        )
    if mistakes:
        return mistakes
    return _filled(comparison, graded, given, bins)


def _filled(
    comparison: Comparison, graded: list[SqlLevel], given: dict[str, dict[str, Any]], bins: Sides | None
) -> Sides | list[str]:
    [compiled] = compile_comparisons((comparison,))
    found: list[NDArray[np.float64]] = []
    for place, side in enumerate(("m_probability", "u_probability")):
        share = np.zeros(len(compiled.level_names))
        for level in graded:
            value = given[_plain(level.condition)].get(side)
            if not isinstance(value, float | int):
                return [f"comparison {comparison.name}: no {side} of the level {level.condition}"]
            share[list(level.levels)] = float(value) * _parts(level, None if bins is None else bins[place])
        share = np.clip(share / share.sum(), _FLOOR, 1.0)
        share[0] = 1.0
        found.append(share)
    return found[0], found[1]


def _parts(level: SqlLevel, of_current: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """How a level of Splink's parts into ours."""
    if of_current is None or len(level.levels) == 1:
        return np.ones(len(level.levels))
    shares = of_current[list(level.levels)]
    return np.asarray(shares / shares.sum())


def _plain(condition: str) -> str:
    """A condition without what does not matter: white space, case, and which of the edit distances it is."""
    text = re.sub(r"\s+", "", condition.lower())
    return text.replace("damerau_levenshtein(", "levenshtein(")
