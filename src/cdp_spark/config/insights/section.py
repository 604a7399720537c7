"""`insights.yaml`: what is made of people's events."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from cdp_spark.config.base import Strict, check_distinct, mistake
from cdp_spark.config.insights.behaviour import (
    AbandonmentConfig,
    AttributionConfig,
    FunnelConfig,
    RetentionConfig,
    SessionsConfig,
)
from cdp_spark.config.insights.offers import OffersConfig
from cdp_spark.config.insights.scores import (
    CONTRACTS,
    LIFETIME_VALUE,
    ContractsConfig,
    LifetimeValueConfig,
    ScoreConfig,
)
from cdp_spark.config.traits.checks import check_scores, check_trait_names
from cdp_spark.config.traits.model import RfmConfig, TraitConfig


class InsightsConfig(Strict):
    """`insights.yaml`. What has no section here is not made."""

    sessions: SessionsConfig | None = None
    """Visits."""
    attribution: AttributionConfig | None = None
    """Credit of sessions for conversions; needs `sessions`."""
    funnels: tuple[FunnelConfig, ...] = Field(default=(), max_length=20)
    """How far people get, step by step."""
    retention: tuple[RetentionConfig, ...] = Field(default=(), max_length=20)
    """Who comes back."""
    abandonment: AbandonmentConfig | None = None
    """What was looked at or put into a cart and not bought."""
    lifetime_value: LifetimeValueConfig | None = None
    """What customers will be worth."""
    contracts: ContractsConfig | None = None
    """What running contracts will be worth."""
    scores: tuple[ScoreConfig, ...] = Field(default=(), max_length=20)
    """Probabilities of outcomes, such as a purchase or churn."""
    offers: OffersConfig | None = None
    """Next best products."""
    traits: Annotated[tuple[TraitConfig, ...], Field(max_length=300)] = ()
    """Values that each person's events come to."""
    rfm: RfmConfig | None = None
    """Recency, frequency and monetary scores."""

    @model_validator(mode="after")
    def _distinct_traits(self) -> Self:
        check_trait_names(self.traits, self.rfm)
        own = {LIFETIME_VALUE: self.lifetime_value, CONTRACTS: self.contracts}
        check_scores(self.traits, [*(name for name, it in own.items() if it), *(it.name for it in self.scores)])
        return self

    @model_validator(mode="after")
    def _attribution_has_sessions(self) -> Self:
        if self.attribution is not None and self.sessions is None:
            fix = "add `sessions: {}`"
            raise mistake(got="no section `sessions`", allowed="attribution of sessions", fix=fix, at=("attribution",))
        return self

    @model_validator(mode="after")
    def _distinct_names(self) -> Self:
        for section in ("funnels", "retention", "scores"):
            check_distinct([it.name for it in getattr(self, section)], section=section)
        return self
