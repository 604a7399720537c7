"""The sections `insights.traits` and `insights.rfm` as they are written.

A trait is one value that the events of a person, or of an account's people, come to: a number, a text, a list, or a
time. Of accounts it may also be how many people they have, or the scores of these. A plain trait says `of`; a
preset says `kind` and stands for one or several plain ones. Which keys go with which is one table, `_KEYS`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cdp_spark import columns as c
from cdp_spark.config.base import SafeName, Strict, Strings, choose_one, mistake
from cdp_spark.normalise.people.job_titles import Role

Of = Literal[
    "count",
    "sum",
    "average",
    "min",
    "max",
    "first",
    "last",
    "most_frequent",
    "distinct",
    "recent",
    "days_since_first",
    "days_since_last",
    "ratio",
    "trend",
    "members",
    "score",
]
RollUp = Literal["max", "mean", "sum"]
Preset = Literal["engagement", "category_affinity", "preferred_channel", "preferred_hour"]

PROPERTY = "properties."
LINES = "lines."
TEXT_COLUMNS = (c.EVENT_TYPE, c.SOURCE, c.CHANNEL, c.CAMPAIGN, c.PRODUCT_ID, c.CATEGORY, c.CURRENCY, c.URL)
NUMBER_COLUMNS = (c.VALUE, c.QUANTITY)
LINE_TEXTS = (f"{LINES}{c.PRODUCT_ID}", f"{LINES}{c.CATEGORY}")
LINE_NUMBERS = (f"{LINES}{c.QUANTITY}", f"{LINES}{c.VALUE}")

_OF_TEXTS = ("most_frequent", "distinct", "recent", "category_affinity")
_OF_NUMBERS = ("sum", "average", "min", "max", "trend")
_EVENTS = ("events", "where", "expression")
_WINDOW = "window_days"
_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "count": ((), (*_EVENTS, _WINDOW)),
    "sum": (("value_of",), (*_EVENTS, _WINDOW)),
    "average": (("value_of",), (*_EVENTS, _WINDOW)),
    "min": (("value_of",), (*_EVENTS, _WINDOW)),
    "max": (("value_of",), (*_EVENTS, _WINDOW)),
    "first": (("value_of",), (*_EVENTS, _WINDOW)),
    "last": (("value_of",), (*_EVENTS, _WINDOW)),
    "most_frequent": (("value_of",), (*_EVENTS, _WINDOW)),
    "distinct": (("value_of",), (*_EVENTS, _WINDOW)),
    "recent": (("value_of",), (*_EVENTS, _WINDOW, "top")),
    "days_since_first": ((), (*_EVENTS, _WINDOW)),
    "days_since_last": ((), (*_EVENTS, _WINDOW)),
    "ratio": (("numerator", "denominator"), ()),
    "trend": ((_WINDOW,), (*_EVENTS, "value_of", "previous_days")),
    "engagement": (("weights",), ("where", "expression", "recency", "full_points")),
    "category_affinity": ((), (*_EVENTS, "value_of", _WINDOW, "weights", "top")),
    "preferred_channel": ((), (*_EVENTS, _WINDOW)),
    "preferred_hour": ((), (*_EVENTS, _WINDOW, "zone_attribute")),
    "members": ((), ("role",)),
    "score": (("score", "roll_up"), ()),
}
"""Keys that each calculation needs, and those that it may have."""
_ALWAYS = ("name", "of", "kind", "entity")

Days = Annotated[int, Field(ge=1, le=36_500)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class EventCondition(Strict):
    """What an event's column must be; an event without a value there meets no condition."""

    column: str
    """A column of events or of their lines, one of which then meets it; or `properties.NAME`, which a comparison reads
    as a number."""
    any_of: Strings = ()
    none_of: Strings = ()
    above: Number | None = None
    at_least: Number | None = None
    below: Number | None = None
    at_most: Number | None = None

    @property
    def bounds(self) -> tuple[tuple[str, float], ...]:
        """The comparisons, each with its number."""
        given = (("above", self.above), ("at_least", self.at_least), ("below", self.below), ("at_most", self.at_most))
        return tuple((name, bound) for name, bound in given if bound is not None)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _check_column(self.column, (*TEXT_COLUMNS, *NUMBER_COLUMNS, *LINE_TEXTS, *LINE_NUMBERS), "column")
        if not (self.any_of or self.none_of or self.bounds):
            allowed = "any_of, none_of, above, at_least, below, at_most"
            raise mistake(got="no condition", allowed=allowed, fix="name at least one of them")
        if self.column in (*NUMBER_COLUMNS, *LINE_NUMBERS) and (self.any_of or self.none_of):
            raise mistake(got=f"texts for {self.column}", allowed="above, at_least, below, at_most")
        if self.column in (*TEXT_COLUMNS, *LINE_TEXTS) and self.bounds:
            raise mistake(got=f"a comparison of {self.column} with a number", allowed="any_of, none_of")
        return self


class RecencyStep(Strict):
    """How much an event counts up to an age; the first step that takes an event in counts."""

    within_days: Days
    weight: Number


class TraitConfig(Strict):
    """An entry of `insights.traits`."""

    name: SafeName
    entity: Literal["person", "account"] = "person"
    """Whose value it is. An account's is made of the events of its people: of everyone whose primary account it is."""
    include_subsidiaries: bool = False
    """Of accounts: whether the people of the accounts below count, too."""
    of: Of | None = None
    kind: Preset | None = None
    """A preset, in place of `of`."""
    events: Strings = ()
    """Event types that count; all where there are none."""
    where: Annotated[tuple[EventCondition, ...], Field(max_length=20)] = ()
    """Conditions that an event meets, all of them."""
    expression: str | None = None
    """A condition on an event in the grammar of segments; `attribute('x')` reads the property x."""
    value_of: str | None = None
    """The column that is summed, listed and so on."""
    window_days: Days | None = None
    """Age up to which events count; without it all count."""
    previous_days: Days | None = None
    """Of a trend: days before the window to which it is compared; as many as the window has where it is left out."""
    top: Annotated[int, Field(ge=1, le=100)] | None = None
    """Entries of the list at most."""
    numerator: str | None = None
    denominator: str | None = None
    weights: dict[str, Number] = {}
    """Event type to how much one event counts."""
    recency: Annotated[tuple[RecencyStep, ...], Field(max_length=20)] = ()
    """How much older events count, youngest step first."""
    full_points: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Points at which engagement is 100."""
    role: Role | None = None
    """Of members: the role that they have; all count where it is left out."""
    roll_up: RollUp | None = None
    """How the members' scores become one."""
    score: str | None = None
    """The model whose scores are rolled up: the name of one of `scores`, `lifetime_value` or `contracts`."""
    zone_attribute: str | None = None
    """The profile's own attribute with its time zone, such as `Europe/Berlin`."""

    @property
    def calculation(self) -> str:
        """`of`, or the preset."""
        return self.of or self.kind or ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.of is None) == (self.kind is None):
            got = "neither `of` nor `kind`" if self.of is None else "both `of` and `kind`"
            raise mistake(got=got, allowed="one of them", fix="write `of` for a calculation, `kind` for a preset")
        needed, optional = _KEYS[self.calculation]
        for key in needed:
            if not getattr(self, key):
                raise mistake(got=f"{self.calculation} without {key}", fix=f"add the key `{key}`")
        for key in sorted(self.model_fields_set - {*_ALWAYS, *needed, *optional, *self._of_account}):
            allowed = ", ".join((*needed, *optional))
            raise mistake(got=f"{key} beside {self.calculation}", allowed=allowed, fix=f"drop `{key}`", at=(key,))
        self._check_values()
        return self

    @property
    def _of_account(self) -> tuple[str, ...]:
        return ("include_subsidiaries",) if self.entity == "account" else ()

    def _check_values(self) -> None:
        if self.calculation in ("members", "score") and self.entity != "account":
            fix = "write `entity: account`"
            raise mistake(got=f"{self.of} of a person", allowed="of an account", fix=fix, at=("entity",))
        if self.kind == "preferred_hour" and self.entity == "account":
            fix = "leave `entity` out: people of an account may be in several time zones"
            raise mistake(got="preferred_hour of an account", allowed="of a person", fix=fix, at=("entity",))
        if self.value_of is not None:
            _check_column(self.value_of, _columns_for(self.calculation), "value_of")
        days = [step.within_days for step in self.recency]
        if days != sorted(set(days)):
            raise mistake(got="steps out of order", allowed="rising within_days", fix="sort them", at=("recency",))
        if self.weights and self.events:
            raise mistake(got="events beside weights", fix="name the event types in weights alone", at=("events",))


def _columns_for(calculation: str) -> tuple[str, ...]:
    texts, numbers = (*TEXT_COLUMNS, *LINE_TEXTS), (*NUMBER_COLUMNS, *LINE_NUMBERS)
    if calculation in _OF_TEXTS:
        return texts
    return numbers if calculation in _OF_NUMBERS else (*texts, *numbers)


def _check_column(name: str, allowed: tuple[str, ...], key: str) -> None:
    if name in allowed or (name.startswith(PROPERTY) and len(name) > len(PROPERTY)):
        return
    listed = ", ".join((*allowed, f"{PROPERTY}NAME"))
    raise mistake(got=f"'{name}'", allowed=listed, fix=choose_one(name, allowed), at=(key,))


def check_number_column(name: str, key: str) -> None:
    """Refuse a column of events that has no numbers.

    Raises: PydanticCustomError: for the validator that calls this.
    """
    _check_column(name, (*NUMBER_COLUMNS, *LINE_NUMBERS), key)


class RfmConfig(Strict):
    """`insights.rfm`: recency, frequency and monetary scores of customers."""

    purchases: Annotated[Strings, Field(min_length=1)]
    """Event types that are purchases."""
    returns: Strings = ()
    """Event types whose value, which is negative, is part of what a customer spent."""
    window_days: Days | None = None
    """Age up to which events count; without it all count."""
