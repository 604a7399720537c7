"""What segments can ask of a profile's insights: traits, scores and offers, each as a column with a dot in its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.config.scores import CONTRACTS, LIFETIME_VALUE
from cdp_spark.config.traits.definitions import PREFIX as TRAIT
from cdp_spark.config.traits.definitions import trait_columns
from cdp_spark.limits import SEGMENT_OFFERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cdp_spark.config.expressions import Kind
    from cdp_spark.config.insights import InsightsConfig

SCORE, OFFER = "score.", "offer."
"""How an expression of a segment names a score and an offer."""
PREFIXES = (TRAIT, SCORE, OFFER)

_OFFER_KINDS: dict[str, Kind] = {
    c.PRODUCT_ID: "string",
    c.PRODUCT_NAME: "string",
    c.CATEGORY: "string",
    c.SCORE: "double",
    c.BASIS: "string",
}
_DETAILS: dict[str, tuple[str, ...]] = {
    LIFETIME_VALUE: (c.PROBABILITY_ALIVE, c.EXPECTED_PURCHASES, c.EXPECTED_VALUE),
    CONTRACTS: ("remaining_periods", "renewal_probability"),
}
"""Models' other figures that can be asked for."""


def insight_columns(insights: InsightsConfig | None) -> dict[str, Kind]:
    """The columns that a project's insights give to segments, each with its kind.

    Args:
        insights: `insights.yaml`; None where it is not there.
    Returns: `trait.NAME`; `score.NAME`, `score.NAME.tier` and other figures; `offer.1.product_id` and so on.
    """
    if insights is None:
        return {}
    return {**trait_columns(insights), **_score_columns(insights), **_offer_columns(insights)}


def split_score(column: str) -> tuple[str, str]:
    """The model that a score's column is of, and what of it: `score`, `tier`, or one of its details."""
    model, _, figure = column.removeprefix(SCORE).partition(".")
    return model, figure or c.SCORE


def split_offer(column: str) -> tuple[int, str]:
    """The rank of the offer that a column is of, and what of it."""
    rank, _, name = column.removeprefix(OFFER).partition(".")
    return int(rank), name


def columns_of(kinds: Mapping[str, Kind], prefix: str, asked: Iterable[str]) -> dict[str, Kind]:
    """The columns with a prefix that are asked for, in the order of the project."""
    wanted = set(asked)
    return {name: kind for name, kind in kinds.items() if name.startswith(prefix) and name in wanted}


def _score_columns(insights: InsightsConfig) -> dict[str, Kind]:
    sections = ((LIFETIME_VALUE, insights.lifetime_value), (CONTRACTS, insights.contracts))
    models = [*(name for name, section in sections if section is not None), *(it.name for it in insights.scores)]
    found: dict[str, Kind] = {}
    for name in models:
        found |= {f"{SCORE}{name}": "double", f"{SCORE}{name}.{c.TIER}": "long"}
        found |= {f"{SCORE}{name}.{detail}": "double" for detail in _DETAILS.get(name, ())}
    return found


def _offer_columns(insights: InsightsConfig) -> dict[str, Kind]:
    if insights.offers is None:
        return {}
    ranks = range(1, min(SEGMENT_OFFERS, insights.offers.offers_per_person) + 1)
    return {f"{OFFER}{rank}.{name}": kind for rank in ranks for name, kind in _OFFER_KINDS.items()}
