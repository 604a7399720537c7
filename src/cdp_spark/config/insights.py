"""`insights.yaml`: what is made of people's events."""

from __future__ import annotations

from cdp_spark.config.base import Strict
from cdp_spark.config.offers import OffersConfig


class InsightsConfig(Strict):
    """`insights.yaml`. What has no section here is not made."""

    offers: OffersConfig | None = None
    """Next best products."""
