"""What identifiers say about people, and how far they are believed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from cdp_spark.config.base import Strict, Strings, mistake, one_or_several
from cdp_spark.normalise.identifiers import BUILT_IN_FORMS, Forms, IdentifierForm, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEVICE_TYPES = ("device_id", "cookie_id")
"""Identifiers of things that people share and lend; all others identify a person or an account."""

_STEP = {"enum": [*get_args(Step)]}
Limit = Annotated[int, Field(ge=1, le=100_000)]


class IdentifierRule(Strict):
    """How far one type of identifier is believed."""

    priority: Annotated[int, Field(ge=0)] = 100
    """Where two identifiers of a visitor point at two people, the lower number wins."""
    links: bool = False
    """Records of people that share a value are one person, whatever the model says."""
    contradictions: Literal["respect", "ignore"] = "respect"
    """With `links`, `respect`: a value is not used that records bear of which names, birth dates and national ids say
    that they are several people."""
    unique_per_person: bool = False
    """A person has one value: records with two values are never one person."""
    max_records: Limit | None = None
    """Records that may share a value; one that more share is a default, not a person's, and is not used."""
    max_people: Annotated[int, Field(ge=1, le=20)] = 1
    """People who may share a value. Where more do, it leads a visitor to none of them; up to that, to the newest."""
    max_per_person: Limit | None = None
    """Values that lead visitors to one person; of more, the newest do."""
    window_days: Limit | None = None
    """A person who was seen with a value this many days before another one was does not share it any more."""
    blocked: Strings = ()
    """Values that are never used; `*` stands for any text."""

    @model_validator(mode="after")
    def _one_value(self) -> Self:
        if self.unique_per_person and (self.max_per_person or 1) > 1:
            got = f"`unique_per_person` with max_per_person {self.max_per_person}"
            raise mistake(
                got=got, allowed="one of the two", fix="remove `max_per_person`, or set `unique_per_person: false`"
            )
        return self


_DEFAULTS: dict[str, dict[str, Any]] = {
    "user_id": {"priority": 10, "links": True, "unique_per_person": True, "max_records": 50},
    "customer_id": {"priority": 20},
    "loyalty_id": {"priority": 30, "links": True, "max_records": 50, "max_per_person": 10},
    "email_sha256": {"priority": 40, "max_per_person": 20},
    "email": {"priority": 50, "max_per_person": 20},
    "phone": {"priority": 60, "max_per_person": 20},
    "device_id": {"priority": 70, "max_per_person": 30, "window_days": 365},
    "cookie_id": {"priority": 80, "max_per_person": 200, "window_days": 180},
}


def _default(kind: str) -> Callable[[], IdentifierRule]:
    return lambda: IdentifierRule(**_DEFAULTS[kind])


class IdentifiersConfig(Strict):
    """The section `identifiers` of `match.yaml`: a rule a type; what it does not say is as by default."""

    user_id: IdentifierRule = Field(default_factory=_default("user_id"))
    customer_id: IdentifierRule = Field(default_factory=_default("customer_id"))
    loyalty_id: IdentifierRule = Field(default_factory=_default("loyalty_id"))
    email_sha256: IdentifierRule = Field(default_factory=_default("email_sha256"))
    email: IdentifierRule = Field(default_factory=_default("email"))
    phone: IdentifierRule = Field(default_factory=_default("phone"))
    device_id: IdentifierRule = Field(default_factory=_default("device_id"))
    cookie_id: IdentifierRule = Field(default_factory=_default("cookie_id"))

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, value: object) -> object:
        """Let a rule that names some settings keep the others' defaults of its type."""
        if not isinstance(value, dict):
            return value
        return {
            kind: {**_DEFAULTS[kind], **rule} if kind in _DEFAULTS and isinstance(rule, dict) else rule
            for kind, rule in value.items()
        }

    @model_validator(mode="after")
    def _people_are_no_devices(self) -> Self:
        for kind in DEVICE_TYPES:
            for setting in ("links", "unique_per_person"):
                if getattr(self.rules[kind], setting):
                    raise mistake(
                        got=f"{setting}: true",
                        allowed="false: people share browsers and devices",
                        fix=f"remove `{setting}`",
                        at=(kind, setting),
                    )
        return self

    @property
    def rules(self) -> dict[str, IdentifierRule]:
        """Type to its rule, in order of priority."""
        found: dict[str, IdentifierRule] = {kind: getattr(self, kind) for kind in _DEFAULTS}
        return dict(sorted(found.items(), key=lambda item: (item[1].priority, item[0])))


Steps = Annotated[
    tuple[Step, ...],
    BeforeValidator(one_or_several),
    WithJsonSchema(
        {"anyOf": [_STEP, {"type": "array", "items": _STEP}]},
    ),
]


class OwnIdentifier(IdentifierRule):
    """A type of identifier of the project's own: how it is written, and how far it is believed."""

    priority: Annotated[int, Field(ge=0)] = 35
    """Where two identifiers of a visitor point at two people, the lower number wins; 35 is after a loyalty card."""
    max_records: Limit | None = 50
    """Records that may share a value; one that more share is a default, not a person's, and is not used."""
    format: str | None = None
    """Regular expression that the whole of a value matches after `normalise`; any other value is not used."""
    normalise: Steps = ()
    """What brings its spellings to one form, in order: `upper`, `lower`, `no_separators` (without blanks and dashes),
    `digits` (nothing else). Never change it once somebody was suppressed or erased by one."""

    @model_validator(mode="after")
    def _readable(self) -> Self:
        try:
            re.compile(self.format or "")
        except re.error as error:
            fix = "correct it; in YAML, write it in single quotes"
            raise mistake(got=f"no regular expression ({error})", fix=fix, at=("format",)) from None
        return self


@dataclass(frozen=True)
class IdentifierRules:
    """The rules of all types of identifiers.

    Args:
        rules: type to its rule, in order of priority.
        forms: type to how it is written, where it is not as received.
    """

    rules: Mapping[str, IdentifierRule]
    forms: Forms = field(default_factory=lambda: BUILT_IN_FORMS)

    @classmethod
    def of(cls, built_in: IdentifiersConfig, own: Mapping[str, OwnIdentifier]) -> Self:
        """Put the project's own types beside those that every project has."""
        rules = sorted([*built_in.rules.items(), *own.items()], key=lambda item: (item[1].priority, item[0]))
        forms = {kind: IdentifierForm(rule.normalise, rule.format) for kind, rule in own.items()}
        return cls(dict(rules), {**BUILT_IN_FORMS, **forms})

    @property
    def linking(self) -> list[str]:
        """The types that join people's records."""
        return [kind for kind, rule in self.rules.items() if rule.links]

    @property
    def unique(self) -> list[str]:
        """The types of which a person has one value."""
        return [kind for kind, rule in self.rules.items() if rule.unique_per_person]

    @property
    def blocked(self) -> dict[str, tuple[str, ...]]:
        """Type to the values that are never used."""
        return {kind: rule.blocked for kind, rule in self.rules.items() if rule.blocked}

    @property
    def max_records(self) -> dict[str, int]:
        """Type to the records that may share a value, where there is a limit."""
        return {kind: rule.max_records for kind, rule in self.rules.items() if rule.max_records is not None}
