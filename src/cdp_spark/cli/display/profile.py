"""A profile's view on the terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cdp_spark.cli.display.output import console, print_rows
from cdp_spark.view.model import Section
from cdp_spark.view.text import counted, shown, words

if TYPE_CHECKING:
    from cdp_spark.view.model import Attribute, Event, ProfileView, SourceRecord

_NAME_WIDTH, _RECORD_WIDTH = 17, 21
"""Columns of a terminal that an attribute's name, and a record beside others, take."""
_ROWS = 12
"""Rows of a section that a terminal shows, the newest or best; a page and JSON have more."""


def print_view(view: ProfileView, *, events: int) -> None:
    """Print a view: who it is, values with their origin, records side by side, what else is known, the last events.

    Args:
        view: of a profile.
        events: how many of the newest to print.
    """
    _print_head(view)
    _print_attributes(view)
    _print_records(view)
    for section in view.sections:
        if section.rows:
            console().print()
            first = replace(section, rows=section.rows[:_ROWS])
            print_rows([_worded(row) for row in first.table], title=first.heading)
    empty = [section.title.lower() for section in view.sections if not section.rows]
    if empty:
        console().print(f"\nnone: {', '.join(empty)}")
    _print_events(view, events)


def _print_head(view: ProfileView) -> None:
    out = console()
    out.print(f"\n{view.name}", style="bold", end="")
    out.print(f", {view.entity_type} {view.unified_id}", soft_wrap=True)
    if view.merged_from:
        out.print(f"{view.merged_from} was merged into it")
    if view.is_past:
        out.print(f"Values, consents, segments and events as of {shown(view.as_of)}; the rest as of now.")
    if view.identity is not None:
        counts = f"{counted(view.identity.records, 'record')}, {counted(view.identity.visitors, 'visitor')}"
        out.print(f"release {view.release}: {counts}; {view.identity.sureness}")


def _print_attributes(view: ProfileView) -> None:
    rows = tuple({"attribute": words(it.name), "value": shown(it.value), **_origin(it)} for it in view.attributes)
    if rows:
        console().print()
        print_rows(Section("attributes", "", rows).table)


def _origin(it: Attribute) -> dict[str, str]:
    return {"from": it.record or "", "rule": words(it.rule or "")}


def _print_records(view: ProfileView) -> None:
    """Print as many records side by side as the terminal has room for, then the next ones."""
    beside = max(1, (console().width - _NAME_WIDTH) // _RECORD_WIDTH)
    for first in range(0, len(view.records), beside):
        console().print()
        title = "" if first else "records; the profile has the values with a *"
        print_rows(_side_by_side(view.records[first : first + beside]), title=title)


def _side_by_side(records: tuple[SourceRecord, ...]) -> list[dict[str, str]]:
    said = {name: {it.key: _said(it, name) for it in records} for name in records[0].values}
    return [{"": words(name), **values} for name, values in said.items() if any(values.values())]


def _said(record: SourceRecord, name: str) -> str:
    return shown(record.values[name]) + (" *" if name in record.wins else "")


def _print_events(view: ProfileView, count: int) -> None:
    if view.timeline and count:
        console().print()
        title = f"last events ({min(count, len(view.timeline)):,} of {len(view.timeline):,})"
        print_rows([_event(it) for it in view.timeline[:count]], title=title)


def _event(event: Event) -> dict[str, str]:
    who = {} if event.who is None else {"who": event.who}
    time = f"{event.occurred_at:%Y-%m-%d %H:%M}"
    return {"time (UTC)": time, "event": event.event_type, **who, "source": event.source, "about": event.details}


def _worded(row: object) -> dict[str, object]:
    return {words(name): value for name, value in dict(row).items()}  # type: ignore[call-overload]
