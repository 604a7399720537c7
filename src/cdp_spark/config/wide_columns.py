"""Columns beside a profile's own, by the names under which segments and destinations know them.

`trait.NAME`; `score.NAME` and `score.NAME.tier`; `offer.RANK.FIELD`, from rank 1; `account.NAME`, of the person's
primary account; `identifiers.TYPE`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.config.scores import CONTRACTS, LIFETIME_VALUE
from cdp_spark.config.traits.definitions import trait_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.config.expressions import Kind
    from cdp_spark.config.insights import InsightsConfig

SCORE, OFFER, ACCOUNT, IDENTIFIER = "score.", "offer.", "account.", "identifiers."
"""How the names begin; that of traits is with them."""
TIER = ".tier"
ACCOUNT_KEY = f"{ACCOUNT}id"
ACCOUNT_OWN = f"{ACCOUNT}attributes."
"""Own attributes of an account, such as `account.attributes.owner`."""
OFFER_FIELDS: Mapping[str, Kind] = {
    c.PRODUCT_ID: "string",
    c.PRODUCT_NAME: "string",
    c.CATEGORY: "string",
    c.SCORE: "double",
    c.REASON: "string",
}
IDENTIFIERS = tuple(f"{IDENTIFIER}{kind}" for kind in ("cookie_id", "device_id", "user_id", "loyalty_id"))


def insight_columns(insights: InsightsConfig | None) -> dict[str, Kind]:
    """The traits, scores and offers that a project makes, as columns, each with its kind."""
    if insights is None:
        return {}
    found = dict(trait_columns(insights))
    sections = {LIFETIME_VALUE: insights.lifetime_value, CONTRACTS: insights.contracts}
    models = [name for name, section in sections.items() if section is not None]
    for name in (*models, *(it.name for it in insights.scores)):
        found |= {f"{SCORE}{name}": "double", f"{SCORE}{name}{TIER}": "long"}
    ranks = insights.offers.offers_per_person if insights.offers is not None else 0
    return found | {f"{OFFER}{rank}.{it}": kind for rank in range(1, ranks + 1) for it, kind in OFFER_FIELDS.items()}
