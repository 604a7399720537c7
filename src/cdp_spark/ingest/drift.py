"""How a delivery's columns differ from the configuration and from the last delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark.config.source import column_alternatives, configured_columns
from cdp_spark.errors import DataError
from cdp_spark.ingest.staging.paths import column_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cdp_spark.config.source import SourceConfig


@dataclass(frozen=True)
class Drift:
    """What changed in a source's columns.

    Args:
        missing: columns that the configuration names or the last delivery had; a path that leads into a column that is
            there is missing only from JSON, whose rows tell what they hold.
        new: columns that the last delivery did not have.
        retyped: a column with its last and its present type.
        unseen: of JSON, what the configuration names and no delivery ever had: `'mail'`, or `'cookie' or 'user'`.
    """

    missing: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    retyped: tuple[tuple[str, str, str], ...] = ()
    unseen: tuple[str, ...] = ()


def find_drift(source: SourceConfig, present: Mapping[str, str], last: Mapping[str, str] | None) -> Drift:
    """Compare a delivery's columns with the configuration and the last delivery.

    Args:
        source: the source.
        present: column to type; for JSON, the columns that at least one row fills.
        last: the same of the last delivery; None for the first.

    Returns:
        What is missing, new or of another type.
    """
    is_declared = source.format != "json"
    expected = {it for it in configured_columns(source) if not (is_declared and column_of(it, present))}
    if is_declared:
        expected |= set(last or {})
    unseen = () if is_declared else _unseen(source, {*present, *(last or {})})
    if last is None:
        return Drift(missing=_sorted(expected - set(present)), unseen=unseen)
    return Drift(
        unseen=unseen,
        missing=_sorted(expected - set(present)),
        new=_sorted({name for name in present if name not in last and not column_of(name, present)}),
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
        mistakes.append(_missing_columns(source, drift, missing, _named(sorted(present))))
    if drift.new and setting.new == "fail":
        fix = "map them, or set drift.new to 'keep' or 'ignore'"
        mistakes.append(DataError(where, got=f"new column {_named(drift.new)}", fix=fix))
    if drift.retyped and setting.changed_type == "fail":
        changes = "; ".join(f"'{name}' was {was} and is {now}" for name, was, now in drift.retyped[:5])
        mistakes.append(DataError(where, got=f"changed types: {changes}", fix="set drift.changed_type to 'cast'"))
    return mistakes


def _missing_columns(source: SourceConfig, drift: Drift, missing: Sequence[str], present: str) -> DataError:
    types = set(source.events.event_type.from_) if source.events else set()
    constant = next((name for name in drift.missing if name in types), None)
    fix = "correct the delivery or the mapping, or set drift.missing to 'null'"
    several = "s" if len(missing) > 1 else ""
    said = f"Column{several} {_listed(missing)} not found. The file has: {present}. {fix[0].upper()}{fix[1:]}."
    said += f" For a constant, write event_type: {{value: {constant}}}." if constant else ""
    got, allowed = f"no column {_listed(missing)}", f"the delivery's columns {present}"
    return DataError(f"source {source.name}", got=got, allowed=allowed, fix=fix, said=said)


def _refused_absences(source: SourceConfig, drift: Drift) -> list[str]:
    """What may not be absent, each in quotes: with no setting, of JSON what no delivery ever had."""
    keys = [f"'{name}'" for name in drift.missing if name in source.key]
    if source.drift.missing == "null":
        return keys
    if source.drift.missing is None and source.format == "json":
        return sorted({*keys, *drift.unseen})
    return [f"'{name}'" for name in drift.missing]


def _unseen(source: SourceConfig, known: set[str]) -> tuple[str, ...]:
    groups = [group for group in column_alternatives(source) if not group & known]
    return tuple(sorted({" or ".join(f"'{name}'" for name in sorted(group)) for group in groups}))


def _sorted(names: set[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def _named(names: Iterable[str]) -> str:
    return _listed([f"'{name}'" for name in names])


def _listed(shown: Sequence[str]) -> str:
    return ", ".join(shown[:12]) + (f" and {len(shown) - 12} more" if len(shown) > 12 else "")
