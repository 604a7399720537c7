"""Segments: who belongs, as a tree of conditions."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cdp_spark.config.base import SafeName, Strict


class Condition(Strict):
    """A node: exactly one of `where`, `segment`, `all`, `any`, `not`."""

    where: str | None = None
    """An expression of the allow-listed grammar over a profile's columns."""
    segment: str | None = None
    """Membership of another segment."""
    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()
    not_: Condition | None = Field(default=None, alias="not")


class SegmentConfig(Strict):
    """One file of `segments/`."""

    name: SafeName
    description: str = ""
    entity_type: Literal["person", "account"] = "person"
    members: Condition
