"""What is told of segments: plain values that the terminal, JSON and Python share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True)
class SegmentFacts:
    """A segment of the project, as the last release has it.

    Args:
        segment: its name.
        entity_type: of its members.
        members: in the release; None where it was not asked yet.
        computed_at: UTC; the clock of the run that asked.
        destinations: that take its members, or leave them out.
        description: of the project.
    """

    segment: str
    entity_type: str
    members: int | None
    computed_at: datetime
    destinations: tuple[str, ...]
    description: str


@dataclass(frozen=True)
class SegmentSize:
    """How many members a segment would have.

    Args:
        segment: its name.
        now: by its definition as it is.
        released: in the last release; None where it was not asked yet.
    """

    segment: str
    now: int
    released: int | None

    @property
    def difference(self) -> int | None:
        """How many more there would be."""
        return None if self.released is None else self.now - self.released


@dataclass(frozen=True)
class Preview:
    """Some members that a segment would have.

    Args:
        segment: its name.
        size: all that it would have.
        members: the first by unified_id: id, name, records, and what its conditions read.
    """

    segment: str
    size: int
    members: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Overlap:
    """How many members segments have in common.

    Args:
        segments: their names.
        shared: members that the segment of a row shares with the segment of a column; its own size on the diagonal.
    """

    segments: tuple[str, ...]
    shared: tuple[tuple[int, ...], ...]

    def share(self, row: int, column: int) -> float | None:
        """The part of a row's members who are in the column's segment, too; None where it has no members."""
        size = self.shared[row][row]
        return self.shared[row][column] / size if size else None


@dataclass(frozen=True)
class Membership:
    """A span of membership.

    Args:
        entered_at: UTC.
        entered_because: the reason that `segment_changes` gives; None where it gives none.
        exited_at: UTC; None for a member.
        exited_because: as above.
    """

    entered_at: datetime
    entered_because: str | None
    exited_at: datetime | None = None
    exited_because: str | None = None


@dataclass(frozen=True)
class Judged:
    """A condition, and what it comes to for a person.

    Args:
        condition: its text.
        truth: None where it is unknown.
        values: that it reads, by name; of a condition without others below it.
        parts: the conditions below it.
    """

    condition: str
    truth: bool | None
    values: Mapping[str, Any]
    parts: tuple[Judged, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """Why somebody is or is not in a segment.

    Args:
        segment: its name.
        unified_id: of the person, or account.
        name: as people call them.
        entity_type: of theirs.
        release: that was read.
        as_of: UTC; the clock that conditions on time were asked with.
        is_member: by the definition as it is.
        was_member: in the release.
        segment_type: entity type of the segment; where it is another one no condition counts.
        decided_by: the conditions that make them a member or keep them out.
        memberships: of the release, newest first.
        conditions: of the segment as it is defined now.
    """

    segment: str
    unified_id: str
    name: str
    entity_type: str
    release: int
    as_of: datetime
    is_member: bool
    was_member: bool
    segment_type: str
    decided_by: tuple[str, ...]
    memberships: tuple[Membership, ...]
    conditions: Judged


@dataclass(frozen=True)
class DecidingCondition:
    """How many people a condition moves; a person whom several of them move counts for each.

    Args:
        change: enter or exit.
        condition: its text.
        definition: `now`, or `before` for a condition that the definition no longer has.
        people: whom it moves.
    """

    change: str
    condition: str
    definition: str
    people: int


@dataclass(frozen=True)
class SegmentDifference:
    """What publishing a definition would change in a segment.

    Args:
        segment: its name.
        released: members in the last release; None where it was not asked yet.
        now: members by the definition as it is; None where the project no longer has the segment.
        enters: who would enter.
        exits: who would leave.
        decided_by: the conditions that decide, those that move most people first.
        examples: change to some of those who would enter or leave: id, name, records.
    """

    segment: str
    released: int | None
    now: int | None
    enters: int
    exits: int
    decided_by: tuple[DecidingCondition, ...] = ()
    examples: Mapping[str, tuple[Mapping[str, Any], ...]] | None = None
