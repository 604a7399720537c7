"""`insights.yaml`: what is made of people's events."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from cdp_spark.config.base import Strict, mistake
from cdp_spark.config.offers import OffersConfig
from cdp_spark.config.scores import ContractsConfig, LifetimeValueConfig, ScoreConfig


class InsightsConfig(Strict):
    """`insights.yaml`. What has no section here is not made."""

    lifetime_value: LifetimeValueConfig | None = None
    """What customers will be worth."""
    contracts: ContractsConfig | None = None
    """What running contracts will be worth."""
    scores: tuple[ScoreConfig, ...] = Field(default=(), max_length=20)
    """Probabilities of outcomes, such as a purchase or churn."""
    offers: OffersConfig | None = None
    """Next best products."""

    @model_validator(mode="after")
    def _distinct_scores(self) -> Self:
        names = [score.name for score in self.scores]
        for position, name in enumerate(names):
            if name in names[:position]:
                fix = "give each score its own name"
                raise mistake(got=f"a second score '{name}'", fix=fix, at=("scores", position, "name"))
        return self
