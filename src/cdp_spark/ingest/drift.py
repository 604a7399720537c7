"""How a delivery's columns differ from the configuration and from the last delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cdp_spark.config.source import SourceConfig


@dataclass(frozen=True)
class Drift:
    """What changed in a source's columns.

    Args:
        missing: columns that the configuration names or the last delivery had.
        new: columns that the last delivery did not have.
        retyped: a column with its last and its present type.
        unseen: of JSON, what the configuration names and no delivery ever had: `'mail'`, or `'cookie' or 'user'`.
    """

    missing: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    retyped: tuple[tuple[str, str, str], ...] = ()
    unseen: tuple[str, ...] = ()


def configured_columns(source: SourceConfig) -> frozenset[str]:
    """All of the source's columns that its configuration names."""
    return frozenset().union(*_alternatives(source))


def _alternatives(source: SourceConfig) -> list[frozenset[str]]:
    """The configured columns, those together of which one is enough: of an attribute, and an event's identifiers."""
    single = [*source.key, *source.identifiers.values(), *source.attributes.values()]
    single += [source.observed_at.column] if source.observed_at else []
    several = [frozenset(mapping.from_) for mapping in source.columns.values()]
    if source.events:
        single += [source.events.occurred_at.column, *source.events.event_id]
        several += [frozenset(source.events.identifiers.values()), frozenset(source.events.event_type.from_)]
    if source.consents:
        fields = source.consents
        single += [fields.contact, fields.purpose, fields.status, fields.given_at.column, fields.evidence or ""]
    return [group for group in [*(frozenset({name}) for name in single if name), *several] if group]


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
    unseen = _unseen(source, {*present, *(last or {})}) if source.format == "json" else ()
    if last is None:
        return Drift(missing=_sorted(expected - set(present)), unseen=unseen)
    return Drift(
        unseen=unseen,
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
    missing = _refused_absences(source, drift)
    if missing:
        mistakes.append(
            DataError(
                where,
                got=f"no column {_listed(missing)}",
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


def _refused_absences(source: SourceConfig, drift: Drift) -> list[str]:
    """What may not be absent, each in quotes: with no setting, of JSON what no delivery ever had."""
    keys = [f"'{name}'" for name in drift.missing if name in source.key]
    if source.drift.missing == "null":
        return keys
    if source.drift.missing is None and source.format == "json":
        return sorted({*keys, *drift.unseen})
    return [f"'{name}'" for name in drift.missing]


def _unseen(source: SourceConfig, known: set[str]) -> tuple[str, ...]:
    groups = [group for group in _alternatives(source) if not group & known]
    return tuple(sorted({" or ".join(f"'{name}'" for name in sorted(group)) for group in groups}))


def _sorted(names: set[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def _named(names: Iterable[str]) -> str:
    return _listed([f"'{name}'" for name in names])


def _listed(shown: Sequence[str]) -> str:
    return ", ".join(shown[:12]) + (f" and {len(shown) - 12} more" if len(shown) > 12 else "")
