"""A match model to Splink's settings.

Splink weighs a pair by one prior for two random records and all its comparisons; we by the mean over its rules of the
rule's prior and the comparisons that the rule does not force. What both share are the m and u probabilities.
Source: https://moj-analytical-services.github.io/splink, settings of version 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdp_spark.errors import ConfigError
from cdp_spark.resolution.blocking.slots import all_rules
from cdp_spark.resolution.splink.levels import SqlLevel, sql_levels

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from cdp_spark.config.match import BlockingKey, BlockingRule, Comparison, KeyTransform
    from cdp_spark.resolution.model import MatchModel

DIALECT = "duckdb"


def splink_settings(model: MatchModel, *, random_match_share: float, leave_out: bool = False) -> dict[str, Any]:
    """Write a model as Splink's settings, over columns in match form.

    Args:
        model: what pairs weigh.
        random_match_share: probability that two random records match.
        leave_out: leave out what SQL cannot say, instead of refusing.

    Raises:
        ConfigError: a comparison or rule cannot be said in SQL; names them all.
    """
    unsaid = _unsaid(model)
    if unsaid and not leave_out:
        raise ConfigError(
            "cdp model export --splink",
            got="; ".join(unsaid),
            allowed="comparisons and rules that SQL of DuckDB can say",
            fix="--leave-out writes the model without them; its weights then lack what they say",
        )
    rules = [sql for sql in map(_sql_rule, all_rules(model.match)) if sql is not None]
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "record_key",
        "probability_two_random_records_match": random_match_share,
        "blocking_rules_to_generate_predictions": [{"blocking_rule": sql, "sql_dialect": DIALECT} for sql in rules],
        "comparisons": [
            _comparison(comparison, levels, model.parameters.m[index], model.parameters.u[index])
            for index, comparison in enumerate(model.match.comparisons)
            if (levels := sql_levels(comparison)) is not None
        ],
    }


def _unsaid(model: MatchModel) -> list[str]:
    match = model.match
    related = ["the class of related people"] if model.parameters.related else []
    related += ["weights that comparisons share"] if model.parameters.shares is not None else []
    comparisons = [f"comparison {it.name} ({it.method})" for it in match.comparisons if sql_levels(it) is None]
    unsaid = [rule for rule in all_rules(match) if _sql_rule(rule) is None]
    rules = [(rule, sorted({key.transform for key in rule.keys} - _TRANSFORMS.keys())) for rule in unsaid]
    return related + comparisons + [f"rule {rule.name} ({', '.join(transforms)})" for rule, transforms in rules]


def _comparison(
    comparison: Comparison, levels: tuple[SqlLevel, ...], m: NDArray[np.float64], u: NDArray[np.float64]
) -> dict[str, Any]:
    return {
        "output_column_name": comparison.name,
        "comparison_description": comparison.method,
        "comparison_levels": [_level(level, m, u) for level in levels],
    }


def _level(level: SqlLevel, m: NDArray[np.float64], u: NDArray[np.float64]) -> dict[str, Any]:
    written: dict[str, Any] = {"sql_condition": level.condition, "label_for_charts": level.label}
    if not level.levels:
        return written | {"is_null_level": True}
    shares = {f"{side}_probability": float(sum(of[list(level.levels)])) for side, of in (("m", m), ("u", u))}
    column = level.frequency_column
    frequency = {"tf_adjustment_column": column, "tf_adjustment_weight": 1.0} if column else {}
    return written | shares | frequency


def _sql_rule(rule: BlockingRule) -> str | None:
    """The condition under which two records share a rule's key; None where SQL of DuckDB cannot say it."""
    parts = [_sql_key(key) for key in rule.keys] or ["TRUE"]
    known = [part for part in parts if part is not None]
    return " AND ".join(known) if len(known) == len(parts) else None


def _sql_key(key: BlockingKey) -> str | None:
    coarsen = _TRANSFORMS.get(key.transform)
    if coarsen is None:
        return None
    left, right = (coarsen(f'{side}."{key.column}"', key.length) for side in "lr")
    return f"({left} = {right})"


_TRANSFORMS: dict[KeyTransform, Callable[[str, int], str]] = {
    "exact": lambda value, _: value,
    "prefix": lambda value, length: f"substr({value}, 1, {length})",
    "suffix": lambda value, length: f"(CASE WHEN length({value}) >= {length} THEN right({value}, {length}) END)",
    "initial": lambda value, _: f"substr({value}, 1, 1)",
    "year": lambda value, _: f"substr({value}, 1, 4)",
    "first_word": lambda value, _: f"split_part({value}, ' ', 1)",
    "last_word": lambda value, _: f"split_part({value}, ' ', -1)",
}
