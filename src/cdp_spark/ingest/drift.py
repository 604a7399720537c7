"""How a delivery's columns differ from the configuration and from the last delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cdp_spark.config.source import ColumnMapping, SourceConfig


@dataclass(frozen=True)
class Drift:
    """What changed in a source's columns.

    Args:
        missing: columns that the configuration names or the last delivery had.
        new: columns that the last delivery did not have.
        retyped: a column with its last and its present type.
    """

    missing: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    retyped: tuple[tuple[str, str, str], ...] = ()


def configured_columns(source: SourceConfig) -> frozenset[str]:
    """All of the source's columns that its configuration names."""
    names = set(source.key) | set(source.identifiers.values()) | set(source.attributes.values())
    names |= _mapped(source.columns.values())
    if source.observed_at:
        names.add(source.observed_at.column)
    if source.events:
        names |= {source.events.occurred_at.column, *source.events.identifiers.values()}
        names |= _mapped([source.events.event_type]) | {source.events.event_id or ""}
    if source.consents:
        fields = source.consents
        names |= {fields.contact, fields.purpose, fields.status, fields.given_at.column, fields.evidence or ""}
    return frozenset(names - {""})


def find_drift(source: SourceConfig, present: Mapping[str, str], last: Mapping[str, str] | None) -> Drift:
    """Compare a delivery's columns with the configuration and the last delivery.

    Args:
        source: the source.
        present: column to type; for JSON, the columns that at least one row fills.
        last: the same of the last delivery; None for the first.

    Returns:
        What is missing, new or of another type.
    """
    expected = set(configured_columns(source))
    if source.format != "json":
        expected |= set(last or {})
    if last is None:
        return Drift(missing=_sorted(expected - set(present)))
    return Drift(
        missing=_sorted(expected - set(present)),
        new=_sorted(set(present) - set(last)),
        retyped=tuple(
            (name, last[name], kind) for name, kind in sorted(present.items()) if last.get(name, kind) != kind
        ),
    )


def find_mistakes(source: SourceConfig, drift: Drift, present: Iterable[str]) -> list[DataError]:
    """The differences that the source's setting does not allow; a missing key is never allowed."""
    where, setting = f"source {source.name}", source.drift
    mistakes = []
    missing = (
        drift.missing if setting.missing == "fail" else tuple(name for name in drift.missing if name in source.key)
    )
    if missing:
        mistakes.append(
            DataError(
                where,
                got=f"no column {_named(missing)}",
                allowed=f"the delivery's columns {_named(sorted(present))}",
                fix="correct the delivery or the mapping, or set drift.missing to 'null'",
            )
        )
    if drift.new and setting.new == "fail":
        fix = "map them, or set drift.new to 'keep' or 'ignore'"
        mistakes.append(DataError(where, got=f"new column {_named(drift.new)}", fix=fix))
    if drift.retyped and setting.changed_type == "fail":
        changes = "; ".join(f"'{name}' was {was} and is {now}" for name, was, now in drift.retyped[:5])
        mistakes.append(DataError(where, got=f"changed types: {changes}", fix="set drift.changed_type to 'cast'"))
    return mistakes


def _mapped(mappings: Iterable[ColumnMapping]) -> set[str]:
    return {column for mapping in mappings for column in mapping.from_}


def _sorted(names: set[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def _named(names: Iterable[str]) -> str:
    shown = [f"'{name}'" for name in names]
    return ", ".join(shown[:12]) + (f" and {len(shown) - 12} more" if len(shown) > 12 else "")
