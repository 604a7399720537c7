"""The sections of `insights.yaml` about what people do: sessions, attribution, funnels, retention, abandonment."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from cdp_spark.config.base import SafeName, Shorthand, Strict, Strings, choose_one, mistake

Preset = Literal["ga4", "ua"]
AttributionModel = Literal["first", "last", "last_non_direct", "linear", "position", "time_decay", "data_driven"]
Period = Literal["week", "month"]
EventTypes = Annotated[Strings, Field(min_length=1)]
Minutes = Annotated[float, Field(gt=0, allow_inf_nan=False)]

PROPERTY_PREFIX, ATTRIBUTE_PREFIX = "properties.", "attributes."
EVENT_GROUPS = ("source", "event_type", "channel", "campaign", "category", "product_id", "currency")
"""Columns of an event that a funnel can be split by."""
PROFILE_GROUPS = ("entity_type", "gender", "city", "region", "country", "industry", "job_title")
"""Columns of a profile that a funnel can be split by: none that names a person."""


class SessionsConfig(Strict):
    """`insights.sessions`: when a visit ends."""

    preset: Preset = "ga4"
    """`ua` also ends a session at midnight and where another campaign begins."""
    timeout_minutes: Minutes = 30
    """Longest pause within a session."""
    timeouts: dict[SafeName, Minutes] = {}
    """Minutes for sources that have their own."""


class AttributionConfig(Strict):
    """`insights.attribution`: which sessions a conversion is credited to."""

    conversions: EventTypes = ("purchase",)
    """Event types."""
    touches: Strings = ()
    """Event types that a session begins with to count; without any, all but the conversions."""
    lookback_days: float = Field(default=30, gt=0, le=365)
    models: tuple[AttributionModel, ...] = Field(default=("last_non_direct",), min_length=1)
    direct: Strings = ("direct",)
    """Channels that `last_non_direct` passes over, beside sessions without one."""
    half_life_days: float = Field(default=7, gt=0, allow_inf_nan=False)
    """Of `time_decay`."""

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        if len(set(self.models)) < len(self.models):
            twice = next(name for name in self.models if self.models.count(name) > 1)
            raise mistake(got=f"'{twice}' twice", allowed="each model once", fix="remove one", at=("models",))
        return self


class FunnelStep(Shorthand):
    """A step: event types, and a condition over the event's columns."""

    main_key: ClassVar[str] = "event"
    event: EventTypes
    where: str | None = None
    """Such as `url LIKE '%/cart%'` or `property('device') = 'phone'`."""
    name: str | None = Field(default=None, min_length=1)
    """Shown in reports; without it the event types."""

    @property
    def label(self) -> str:
        """The step's name."""
        return self.name or " or ".join(self.event)


def _known_group(name: str) -> str:
    known = (*EVENT_GROUPS, *PROFILE_GROUPS)
    prefixed = name.startswith((PROPERTY_PREFIX, ATTRIBUTE_PREFIX)) and not name.endswith(".")
    if name not in known and not prefixed:
        allowed = f"{', '.join(known)}, {PROPERTY_PREFIX}NAME of the event, {ATTRIBUTE_PREFIX}NAME of the profile"
        raise mistake(got=f"'{name}'", allowed=allowed, fix=choose_one(name, known))
    return name


class FunnelConfig(Strict):
    """One of `insights.funnels`: steps that a profile takes in this order, within a time."""

    name: SafeName
    steps: tuple[FunnelStep, ...] = Field(min_length=2, max_length=20)
    within_days: float = Field(default=7, gt=0, le=3660)
    """From the first step to the last."""
    by: Annotated[str, AfterValidator(_known_group)] | None = None
    """A column of the first step's event, or of the profile, whose values are counted apart."""


class RetentionConfig(Strict):
    """One of `insights.retention`: who comes back, by the period of their first event."""

    name: SafeName
    events: EventTypes = ("purchase",)
    every: Period = "month"
    periods: int = Field(default=12, ge=1, le=520)
    """How many periods after the first are followed."""


class BrowseConfig(Strict):
    """`insights.abandonment.browse`."""

    events: EventTypes = ("product_view",)
    times: int = Field(default=3, ge=1)
    """Looks at a product that count as interest."""
    days: int = Field(default=14, ge=1, le=365)


class CartConfig(Strict):
    """`insights.abandonment.cart`."""

    events: EventTypes = ("add_to_cart",)
    removed: Strings = ("remove_from_cart",)
    """Event types that take a product out again."""
    days: int = Field(default=14, ge=1, le=365)


class AbandonmentConfig(Strict):
    """`insights.abandonment`: what people looked at or put into the cart, and did not buy since."""

    by: Literal["product", "category"] = "product"
    browse: BrowseConfig | None = None
    cart: CartConfig | None = None
    purchases: EventTypes = ("purchase",)

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.browse is None and self.cart is None:
            raise mistake(got="neither `browse` nor `cart`", allowed="at least one", fix="write `cart: {}`")
        return self
