"""Segments: who belongs, as a tree of conditions."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from cdp_spark.config.base import SafeName, Strict, mistake


class Condition(Strict):
    """A node: exactly one of `where`, `segment`, `all`, `any`, `not`."""

    where: str | None = None
    """An expression of the allow-listed grammar over a profile's columns."""
    segment: str | None = None
    """Membership of another segment."""
    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()
    not_: Condition | None = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = ("where", "segment", "all", "any", "not")
        given = [kind for kind in kinds if getattr(self, "not_" if kind == "not" else kind)]
        if len(given) != 1:
            got = " and ".join(given) or "none of them"
            raise mistake(got=got, allowed=f"exactly one of {', '.join(kinds)}", fix="nest several under all or any")
        return self


class SegmentConfig(Strict):
    """One file of `segments/`."""

    name: SafeName
    description: str = ""
    entity_type: Literal["person", "account", "visitor"] = "person"
    """`visitor`: profiles of which nobody knows whose they are; they have times and sources, and no attributes."""
    members: Condition


def references(condition: Condition) -> tuple[str, ...]:
    """The segments that a condition names, each once, in its order."""
    named = [condition.segment] if condition.segment is not None else []
    inner = (*condition.all, *condition.any, *((condition.not_,) if condition.not_ else ()))
    return tuple(dict.fromkeys([*named, *(name for part in inner for name in references(part))]))
