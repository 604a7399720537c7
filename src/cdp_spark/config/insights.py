"""`insights.yaml`: what is made of people's events."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from cdp_spark.config.base import Strict
from cdp_spark.config.offers import OffersConfig
from cdp_spark.config.traits.checks import check_trait_names
from cdp_spark.config.traits.model import RfmConfig, TraitConfig


class InsightsConfig(Strict):
    """`insights.yaml`. What has no section here is not made."""

    offers: OffersConfig | None = None
    """Next best products."""
    traits: Annotated[tuple[TraitConfig, ...], Field(max_length=300)] = ()
    """Values that each person's events come to."""
    rfm: RfmConfig | None = None
    """Recency, frequency and monetary scores."""

    @model_validator(mode="after")
    def _distinct_traits(self) -> Self:
        check_trait_names(self.traits, self.rfm)
        return self
