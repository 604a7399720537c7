"""What a view shows, as plain values: the same for the terminal, for programs and for a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    Row = Mapping[str, Any]


@dataclass(frozen=True)
class Attribute:
    """A value of a profile, and where it comes from.

    Args:
        name: of the attribute.
        value: a plain value.
        record: the record that won, as `source:source_record_id`; None where several make up the value.
        rule: of survivorship, that chose it.
    """

    name: str
    value: Any
    record: str | None = None
    rule: str | None = None


@dataclass(frozen=True)
class SourceRecord:
    """A source's record of the profile.

    Args:
        key: `source:source_record_id`.
        values: what it says, without hashes; all records of a view have the same names in the same order.
        wins: the attributes whose value the profile has from this record.
    """

    key: str
    values: Row
    wins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Identity:
    """Of how many records a profile is made, and how sure that is.

    Args:
        records: of sources.
        visitors: sets of identifiers that events bear.
        sureness: a sentence.
        weakest: where the records would come apart first; None for a single record.
        weakest_log2: bits of that link; None where it is certain, or there is none.
    """

    records: int
    visitors: int
    sureness: str
    weakest: tuple[str, str] | None = None
    weakest_log2: float | None = None


@dataclass(frozen=True)
class Event:
    """An event of the timeline.

    Args:
        event_key: its key.
        occurred_at: UTC.
        event_type: such as `purchase`.
        source: that delivered it.
        details: what it was about, in one line.
        who: the person, in a household's timeline.
    """

    event_key: str
    occurred_at: datetime
    event_type: str
    source: str
    details: str = ""
    who: str | None = None


@dataclass(frozen=True)
class Section:
    """A part of a view that is a table.

    Args:
        name: its key in JSON.
        title: above it.
        rows: the columns are the first row's keys, values plain.
        count: rows that there are; `rows` may be the first of them.
        for_programs: columns that only JSON has.
    """

    name: str
    title: str
    rows: tuple[Row, ...] = ()
    count: int = 0
    for_programs: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """The title, with how many rows are shown where some are left out."""
        left_out = self.count > len(self.rows)
        return f"{self.title} ({len(self.rows):,} of {self.count:,})" if left_out else self.title

    @property
    def table(self) -> tuple[Row, ...]:
        """The rows for people: without the columns that no row fills."""
        names = [name for name in (self.rows[0] if self.rows else ()) if name not in self.for_programs]
        filled = [name for name in names if any(row[name] not in (None, "") for row in self.rows)]
        return tuple({name: row[name] for name in filled} for row in self.rows)


@dataclass(frozen=True)
class ProfileView:
    """Everything that a release knows about a person, account, visitor or household.

    Args:
        unified_id: its id; of a household the household's.
        entity_type: person, account, visitor or household.
        name: how people call it.
        release: that is read.
        as_of: UTC; when the release was published, or the time that was asked for.
        is_past: True for a time that was asked for.
        merged_from: the id that was asked for, where it was merged into this one.
        attributes: of the profile, those that have a value.
        identity: how sure it is; None of a household.
        records: of sources, by key; a visitor's identifiers are in a section.
        sections: what else is known, in the order of a page.
        timeline: events, the newest first.
    """

    unified_id: str
    entity_type: str
    name: str
    release: int
    as_of: datetime
    is_past: bool = False
    merged_from: str | None = None
    attributes: tuple[Attribute, ...] = ()
    identity: Identity | None = None
    records: tuple[SourceRecord, ...] = ()
    sections: tuple[Section, ...] = ()
    timeline: tuple[Event, ...] = field(default=())


def as_facts(view: ProfileView) -> dict[str, Any]:
    """Turn a view into plain values for JSON: values under `profile`, where they come from under `values`."""
    head = {
        "unified_id": view.unified_id,
        "entity_type": view.entity_type,
        "name": view.name,
        "release": view.release,
        "at": view.as_of if view.is_past else None,
        "merged_from": view.merged_from,
        "profile": {it.name: it.value for it in view.attributes},
        "values": [_origin(it) for it in view.attributes if it.rule],
        "identity": vars(view.identity) if view.identity else None,
        "records": [{"key": it.key, **it.values} for it in view.records],
    }
    counts = {f"{it.name}_count": it.count for it in view.sections if it.count > len(it.rows)}
    sections = {it.name: [dict(row) for row in it.rows] for it in view.sections}
    return head | sections | counts | {"timeline": [vars(it) for it in view.timeline]}


def _origin(it: Attribute) -> dict[str, Any]:
    return {"attribute": it.name, "value": it.value, "record": it.record, "rule": it.rule}
