"""Next best products: `insights.offers`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from cdp_spark.config.base import SafeName, Strict, Strings, check_distinct, mistake


class OfferWeights(Strict):
    """How much each kind of evidence counts, beside the popularity of a product."""

    again: float = Field(default=0.1, ge=0, allow_inf_nan=False)
    """A purchase that the person may repeat, by how often and how recently they made it."""
    together: float = Field(default=0.3, ge=0, allow_inf_nan=False)
    """How far what the person bought says what else they buy: 0 offers everybody the popular products, 1 takes each of
    their products as evidence of its own."""
    category_damping: float | None = Field(default=300, gt=0, allow_inf_nan=False)
    """Products taken to be spread over the categories as everybody's, beside the person's own: fewer make more of the
    categories that they like; null leaves categories out."""
    new: float = Field(default=0.1, ge=0, allow_inf_nan=False)
    """By how much the score of a product that the person does not have is multiplied: 0 offers new ones last."""
    again_half_life_days: float | None = Field(default=60, gt=0, allow_inf_nan=False)
    """After this time a purchase counts half as a habit; null for never."""
    popular_half_life_days: float | None = Field(default=28, gt=0, allow_inf_nan=False)
    """After this time a purchase counts half for the product's popularity; null for never."""


class SpendRange(Strict):
    """Net spend over the last 365 days, in the project's currency; both ends included."""

    min: float | None = Field(default=None, allow_inf_nan=False)
    max: float | None = Field(default=None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.min is None and self.max is None:
            raise mistake(got="no limit", allowed="`min`, `max` or both", fix="name one, or leave the range out")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise mistake(got=f"min {self.min:g} above max {self.max:g}", fix="swap them")
        return self


class ProductChoice(Strict):
    """Products by id, by category, or both: one match is enough."""

    products: Strings = ()
    categories: Strings = ()

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not (self.products or self.categories):
            raise mistake(got="neither products nor categories", allowed="at least one", fix="name one")
        return self


class SignalCondition(Strict):
    """An event other than a purchase, such as an opened e-mail or a page view."""

    event_type: str = Field(min_length=1)
    categories: Strings = ()
    """Without any, the event counts whatever it was about."""
    within_days: int = Field(default=90, ge=1)


class OfferConditions(Strict):
    """Who a rule is for; a person meets all of the conditions that are given."""

    bought: ProductChoice | None = None
    signals: tuple[SignalCondition, ...] = ()
    spend_per_year: SpendRange | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.bought is None and not self.signals and self.spend_per_year is None:
            raise mistake(
                got="no condition", allowed="bought, signals or spend_per_year", fix="name at least one of them"
            )
        return self


class OfferRule(Strict):
    """What the shop knows better than its data."""

    name: SafeName
    offer: ProductChoice
    action: Literal["first", "only", "never"] = "first"
    """`first`: before all else, to these people; `only`: to nobody else; `never`: not to these people."""
    when: OfferConditions
    reason: str | None = Field(default=None, min_length=1)
    """The reason that is shown; without it one made of the conditions."""


class OffersConfig(Strict):
    """`insights.offers`."""

    event_types: Strings = Field(default=("purchase",), min_length=1)
    """Of purchases and returns; a return has a negative value or quantity."""
    weights: OfferWeights | Literal["auto"] = "auto"
    """`auto` chooses those that would have done best over the last `horizon_days`."""
    horizon_days: int = Field(default=28, ge=1)
    """How far ahead an offer looks: over this time the weights are judged."""
    offers_per_person: int = Field(default=10, ge=1, le=100)
    max_per_category: int | None = Field(default=None, ge=1)
    """Offers of one category that a person gets at most."""
    repeatable: Literal["auto", "all", "none"] | tuple[str, ...] = "auto"
    """Categories whose products are offered again to those who bought them. `auto` finds in the purchases which are."""
    exclude: ProductChoice | None = None
    """Products that are never offered."""
    rules: tuple[OfferRule, ...] = Field(default=(), max_length=100)

    @model_validator(mode="after")
    def _distinct_names(self) -> Self:
        check_distinct([rule.name for rule in self.rules], section="rules", what="rule")
        return self
