"""Which of the recognised columns take part in matching, and why the others do not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cdp_spark.standalone.cleaning import features_of, several_of
from cdp_spark.standalone.discovery.proof import find_unproven
from cdp_spark.standalone.discovery.recognise import UNUSED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.standalone.discovery.recognise import Recognised


@dataclass(frozen=True)
class ColumnUse:
    """What a column is to the matching.

    Args:
        item: what it was taken for.
        used: whether records are compared or blocked by it.
        why_not: why it is not used; None where it is.
    """

    item: Recognised
    used: bool
    why_not: str | None


def prove_features(
    sample: pa.Table, recognised: Mapping[str, tuple[Recognised, ...]], features: Sequence[Recognised]
) -> tuple[dict[str, tuple[Recognised, ...]], tuple[Recognised, ...]]:
    """Keep the features that speak of the person, and note at the columns of the others why they do not take part.

    Args:
        sample: of the clean records.
        recognised: what each column was taken for, by source.
        features: made of them.
    """
    unproven = find_unproven(sample, features)
    several = several_of(recognised)

    def noted(item: Recognised) -> Recognised:
        made = features_of(item, several)
        problem = unproven.get(made[0]) if made and set(made) <= unproven.keys() else None
        return replace(item, unused=problem) if problem else item

    marked = {name: tuple(map(noted, found)) for name, found in recognised.items()}
    return marked, tuple(item for item in features if item.column not in unproven)


def column_uses(
    recognised: Mapping[str, tuple[Recognised, ...]], match: EntityMatch
) -> dict[str, tuple[ColumnUse, ...]]:
    """Tell of each column whether a match uses it.

    Args:
        recognised: what each column was taken for, by source.
        match: rules and comparisons that were used.
    """
    compared = {column for comparison in match.comparisons for column in comparison.columns}
    blocked = {key.column for rule in match.blocking for key in rule.keys}
    several = several_of(recognised)

    def use(item: Recognised) -> ColumnUse:
        if compared.union(blocked).intersection(features_of(item, several)) or (
            item.meaning in _OF_BIRTH_DATE and "birth_date" in compared
        ):
            return ColumnUse(item, used=True, why_not=None)
        if item.meaning in UNUSED:
            return ColumnUse(item, used=False, why_not=_SAYS_NOTHING.get(item.meaning, item.reason))
        return ColumnUse(item, used=False, why_not=item.unused or "left out of the comparisons")

    return {name: tuple(map(use, found)) for name, found in recognised.items()}


_OF_BIRTH_DATE = frozenset({"birth_year", "birth_month", "birth_day"})
_SAYS_NOTHING = {
    "ip_address": "a machine, not a person",
    "coordinate": "a place, not a person",
    "flag": "half of all people agree on it",
}
