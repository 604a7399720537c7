"""Columns beside a profile's own, by the names under which segments and destinations know them.

`trait.NAME`; `score.NAME`, `score.NAME.tier`, `.decile` and other figures of a model; `offer.RANK.FIELD`, from rank 1;
`account.NAME`, of the person's primary account; `identifiers.TYPE`. Segments ask for all but the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.config.insights.scores import CONTRACTS, LIFETIME_VALUE
from cdp_spark.config.traits.definitions import PREFIX as TRAIT
from cdp_spark.config.traits.definitions import trait_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.config.expressions import Kind
    from cdp_spark.config.insights.section import InsightsConfig

SCORE, OFFER, IDENTIFIER = "score.", "offer.", "identifiers."
"""How the names begin; those of traits and accounts are with them."""
INSIGHTS = (TRAIT, SCORE, OFFER)
"""How the names of what insights make begin."""
OFFER_FIELDS: Mapping[str, Kind] = {
    c.PRODUCT_ID: "string",
    c.PRODUCT_NAME: "string",
    c.CATEGORY: "string",
    c.SCORE: "double",
    c.BASIS: "string",
    c.REASON: "string",
}
_FIGURES: Mapping[str, tuple[str, ...]] = {
    LIFETIME_VALUE: (c.PROBABILITY_ALIVE, c.EXPECTED_PURCHASES, c.EXPECTED_VALUE),
    CONTRACTS: ("remaining_periods", "renewal_probability"),
}
"""Other figures of models, beside the score and its ranks."""
IDENTIFIERS = tuple(f"{IDENTIFIER}{kind}" for kind in ("cookie_id", "device_id", "user_id", "loyalty_id"))


def insight_columns(insights: InsightsConfig | None, *, entity_type: str | None = None) -> dict[str, Kind]:
    """The traits, scores and offers that a project makes, as columns, each with its kind.

    Args:
        insights: `insights.yaml`; None where it is not there.
        entity_type: of the profiles that have the traits; None for all traits.
    """
    if insights is None:
        return {}
    found = trait_columns(insights, entity_type=entity_type)
    sections = {LIFETIME_VALUE: insights.lifetime_value, CONTRACTS: insights.contracts}
    models = [name for name, section in sections.items() if section is not None]
    for name in (*models, *(it.name for it in insights.scores)):
        found |= {f"{SCORE}{name}": "double", **{f"{SCORE}{name}.{it}": "long" for it in (c.TIER, c.DECILE)}}
        found |= {f"{SCORE}{name}.{figure}": "double" for figure in _FIGURES.get(name, ())}
    ranks = insights.offers.offers_per_person if insights.offers is not None else 0
    return found | {f"{OFFER}{rank}.{it}": kind for rank in range(1, ranks + 1) for it, kind in OFFER_FIELDS.items()}


def split_score(column: str) -> tuple[str, str]:
    """The model that a score's column is of, and what of it: `score`, `tier`, `decile`, or another figure."""
    model, _, figure = column.removeprefix(SCORE).partition(".")
    return model, figure or c.SCORE


def split_offer(column: str) -> tuple[int, str]:
    """The rank of the offer that a column is of, and what of it."""
    rank, _, name = column.removeprefix(OFFER).partition(".")
    return int(rank), name
