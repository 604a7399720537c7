"""Segments: who belongs, as a tree of conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from cdp_spark.config.base import SafeName, Strict, mistake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdp_spark.config.documents.document import Location


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


def conditions_of(condition: Condition, location: Location = ()) -> Iterator[tuple[Location, Condition]]:
    """Yield a condition and all below it, each with its place."""
    yield location, condition
    for name in ("all", "any"):
        for index, part in enumerate(getattr(condition, name)):
            yield from conditions_of(part, (*location, name, index))
    if condition.not_ is not None:
        yield from conditions_of(condition.not_, (*location, "not"))


def references(condition: Condition) -> tuple[str, ...]:
    """The segments that a condition names, each once, in its order."""
    named = (part.segment for _, part in conditions_of(condition))
    return tuple(dict.fromkeys(name for name in named if name is not None))
