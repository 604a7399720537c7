"""Scores: `insights.lifetime_value`, `insights.contracts` and `insights.scores`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cdp_spark.config.base import SafeName, Strict, Strings, mistake
from cdp_spark.config.insights.behaviour import EventTypes

LIFETIME_VALUE, CONTRACTS, OFFERS = "lifetime_value", "contracts", "offers"
RESERVED = (LIFETIME_VALUE, CONTRACTS, OFFERS)
"""Models that have a section of their own."""

Days = Annotated[int, Field(ge=1, le=3650)]


class LifetimeValueConfig(Strict):
    """`insights.lifetime_value`: what a customer's purchases of the time to come are worth."""

    event_types: EventTypes = ("purchase",)
    """Of purchases and returns; a return has a negative value."""
    horizon_weeks: int = Field(default=52, ge=1, le=520)
    yearly_discount: float = Field(default=0.1, ge=0, allow_inf_nan=False)
    """0.1 means that a year from now 1.10 is worth 1 today."""
    margin: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Share of a purchase's value that counts."""
    intervals: bool = False
    """Add the 95 % interval of each value, by refits to resampled customers; a night then works longer."""


class ContractsConfig(Strict):
    """`insights.contracts`: what a running contract will still bring."""

    start: EventTypes
    """Events that begin a contract; their value is that of a period."""
    end: EventTypes
    """Events that end the contract that runs."""
    period_days: Days = 30
    horizon_periods: int = Field(default=12, ge=1, le=120)
    discount: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Of a period."""

    @model_validator(mode="after")
    def _start_is_not_end(self) -> Self:
        if both := sorted(set(self.start) & set(self.end)):
            raise mistake(got=f"'{both[0]}' as start and end", fix="name each event type once", at=("end",))
        return self


class OutcomeConfig(Strict):
    """What the model predicts: that such an event happens, or that none does."""

    event_types: EventTypes
    categories: Strings = ()
    """Without any, the event counts whatever it was about."""
    within_days: Days
    happens: bool = True
    """False predicts that no such event happens, such as churn."""


class PopulationConfig(Strict):
    """Who is scored: profiles with an event of late."""

    entity_types: tuple[Literal["person", "visitor"], ...] = Field(default=("person", "visitor"), min_length=1)
    event_types: Strings = ()
    """Of the event that counts; without any, every event does."""
    active_within_days: Days = 90


class FeaturesConfig(Strict):
    """What is counted of a person's events: how many, what they were worth, how long ago the last one was."""

    event_types: Strings = ()
    """Without any, those that occur most."""
    categories: Strings = ()
    """Without any, those that occur most."""
    windows_days: tuple[Days, ...] = Field(default=(7, 30, 90), min_length=1, max_length=6)


class ScoreConfig(Strict):
    """One of `insights.scores`: the probability of an outcome."""

    name: SafeName
    outcome: OutcomeConfig
    population: PopulationConfig = PopulationConfig()
    features: FeaturesConfig = FeaturesConfig()
    snapshots: int = Field(default=6, ge=3, le=52)
    """Past times, `within_days` apart, at which the model learns from what was known then and what came after."""

    @model_validator(mode="after")
    def _own_name(self) -> Self:
        if self.name in RESERVED:
            raise mistake(got=f"'{self.name}', which is a section's name", fix="choose another name", at=("name",))
        return self
