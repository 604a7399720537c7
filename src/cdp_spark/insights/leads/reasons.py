"""Why a probability is high or low, in words: what each kind of event adds to the log-odds.

Features of the same events (their number in each window, their value, the last time) are one reason: apart, they would
take back what the others say. The five reasons that weigh most are named, the rest is one sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cdp_spark import columns as c

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cdp_spark.insights.leads.features import Feature

    Floats = NDArray[np.float64]

MOST_REASONS = 5
BASE, REST = "the average of those learned from", "everything else"
REASONS = pa.list_(pa.struct([(c.REASON, pa.string()), (c.CONTRIBUTION, pa.float64())]))


@dataclass(frozen=True)
class Grouping:
    """Which features are one reason.

    Args:
        features: of a model.
        columns: of each reason.
    """

    features: tuple[Feature, ...]
    columns: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, features: Sequence[Feature]) -> Grouping:
        """Group by event type and category."""
        groups: dict[tuple[str, str | None], list[int]] = {}
        for column, feature in enumerate(features):
            groups.setdefault((feature.event_type, feature.category), []).append(column)
        return cls(tuple(features), tuple(tuple(columns) for columns in groups.values()))


def explain(grouping: Grouping, figures: Floats, added: Floats, *, base: float) -> pa.Array:
    """Give each person's reasons; their contributions sum to the log-odds.

    Args:
        grouping: of the features.
        figures: one column a feature.
        added: what each feature adds.
        base: log-odds of the average.
    """
    sums = [added[:, list(columns)].sum(axis=1) for columns in grouping.columns]
    by_group = np.stack(sums, axis=1) if sums else np.zeros((len(added), 0))
    order = np.argsort(-np.abs(by_group), axis=1, kind="stable")[:, :MOST_REASONS]
    rows = []
    for row, groups in enumerate(order.tolist()):
        named = [(_worded(grouping, group, figures[row]), float(by_group[row, group])) for group in groups]
        rest = float(by_group[row].sum()) - sum(value for _, value in named)
        rows.append([(BASE, base), *named, (REST, rest)])
    return pa.array([[dict(zip((c.REASON, c.CONTRIBUTION), it, strict=True)) for it in row] for row in rows], REASONS)


def word_reason(features: Sequence[Feature], figures: Sequence[float]) -> str:
    """Say what a person did of one kind: how often in the shortest window that has any, its value, the last time.

    Args:
        features: of one event type and category.
        figures: the person's.
    """
    counts = sorted(
        (it.days, round(value)) for it, value in zip(features, figures, strict=True) if it.measure == "count"
    )
    days, count = next((it for it in counts if it[1]), counts[-1])
    if not count:
        return f"no {_named(features[0], 1)} in {_days(days)}"
    facts = [f"{count:,} {_named(features[0], count)} in {_days(days)}"]
    for feature, value in zip(features, figures, strict=True):
        if feature.measure == "value" and value:
            facts.append(f"worth {value:,.2f} in {_days(feature.days)}")
        elif feature.measure == "recency" and not np.isnan(value):
            facts.append(f"the last {_ago(int(value))}")
    return ", ".join(facts)


def _worded(grouping: Grouping, group: int, figures: Floats) -> str:
    columns = grouping.columns[group]
    return word_reason([grouping.features[it] for it in columns], figures[list(columns)].tolist())


def _named(feature: Feature, count: int) -> str:
    name = feature.event_type.replace("_", " ")
    if count != 1 and not name.endswith("s"):
        name += "es" if name.endswith(("ch", "sh", "x")) else "s"
    return f"{name} ({feature.category})" if feature.category else name


def _ago(days: int) -> str:
    return "less than a day ago" if days == 0 else f"{_days(days)} ago"


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"
