"""What a run report shows: small aggregates only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from cdp_spark.report.accuracy import Accuracy


@dataclass(frozen=True)
class StageFact:
    """A finished stage.

    Args:
        name: of the stage.
        seconds: that it took.
        detail: its own sentence.
    """

    name: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True)
class SourceFlow:
    """What a source delivered to the run.

    Args:
        source: its name.
        delivered: rows: the sum of the five kinds that follow.
        new: rows that no earlier delivery held.
        unchanged: rows that an earlier delivery held.
        duplicate: rows that are not stored because another row has their identity.
        rejected: rows that were refused.
        suppressed: rows of people who must not come back.
        conflicting: rows of which another row has the identity and a different content.
        reasons: refused rows by reason, most frequent first.
    """

    source: str
    delivered: int
    new: int = 0
    unchanged: int = 0
    duplicate: int = 0
    rejected: int = 0
    suppressed: int = 0
    conflicting: int = 0
    reasons: tuple[Count, ...] = ()


@dataclass(frozen=True)
class UnreadValues:
    """Values of a source's column that could not be read, or that mean nothing.

    Args:
        source: its name.
        column: what the configuration calls it.
        values: how many.
        reasons: values by reason, most frequent first.
    """

    source: str
    column: str
    values: int
    reasons: tuple[Count, ...] = ()


@dataclass(frozen=True)
class Count:
    """A figure and what it counts."""

    label: str
    count: int


@dataclass(frozen=True)
class EntityCount:
    """The profiles of an entity type.

    Args:
        entity_type: person, account or visitor.
        records: of which the profiles are made.
        profiles: how many.
        sizes: profiles by their number of records, in classes such as `6–10`.
    """

    entity_type: str
    records: int
    profiles: int
    sizes: tuple[Count, ...]


@dataclass(frozen=True)
class SegmentFact:
    """A segment in the release.

    Args:
        name: of the segment.
        members: now.
        entered: with this release.
        left: with this release.
    """

    name: str
    members: int
    entered: int = 0
    left: int = 0


@dataclass(frozen=True)
class ExportFact:
    """A segment's delivery to a destination.

    Args:
        destination: its name.
        segment: that was sent.
        status: of the delivery.
        rows: sent.
        withheld: members that were not sent.
        location: where they went; None where nothing was written.
    """

    destination: str
    segment: str
    status: str
    rows: int
    withheld: int
    location: str | None = None


@dataclass(frozen=True)
class WeightBin:
    """Scored pairs of a match weight from `lowest` to below `lowest + 2`, in bits; the outermost bins are open."""

    lowest: int
    pairs: int


@dataclass(frozen=True)
class ReportData:
    """Everything that a report shows.

    Args:
        run_id: of the run.
        release: the number that the run's release bears.
        as_of: the run's clock, in the zone to show it in.
        stages: in the order they were finished.
        warnings: of all stages.
        sources: by name.
        all_sources: their sum.
        unread_values: by source and column.
        weights: ascending, without gaps; empty where no pair was scored.
        entities: by entity type.
        segments: by name.
        exports: by destination.
        id_changes: records whose id changed with this release, by change and cause.
        accuracy: against a truth, by entity type; empty where there is none.
        project: its name.
    """

    run_id: str
    release: int
    as_of: datetime
    stages: tuple[StageFact, ...]
    warnings: tuple[str, ...] = ()
    sources: tuple[SourceFlow, ...] = ()
    all_sources: SourceFlow = SourceFlow("all sources", 0)
    unread_values: tuple[UnreadValues, ...] = ()
    weights: tuple[WeightBin, ...] = ()
    entities: tuple[EntityCount, ...] = ()
    segments: tuple[SegmentFact, ...] = ()
    exports: tuple[ExportFact, ...] = ()
    id_changes: tuple[Count, ...] = ()
    accuracy: tuple[Accuracy, ...] = ()
    project: str = ""

    @property
    def seconds(self) -> float:
        """Of all stages."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def title(self) -> str:
        """Project, time and release: `shop: run of 1 Feb 2026, 02:00 UTC (release 1)`."""
        run = f"run of {self.as_of.day} {self.as_of:%b %Y, %H:%M %Z} (release {self.release})"
        return f"{self.project}: {run}" if self.project else f"R{run[1:]}"

    @property
    def funnel(self) -> tuple[Count, ...]:
        """From delivered rows to profiles."""
        accepted = self.all_sources.delivered - self.all_sources.rejected - self.all_sources.suppressed
        counts = [
            Count("rows delivered", self.all_sources.delivered),
            Count("rows accepted", accepted),
            Count("current source records", sum(it.records for it in self.entities)),
            Count("pairs compared", sum(it.pairs for it in self.weights)),
            *[Count(f"profiles: {it.entity_type}", it.profiles) for it in self.entities],
        ]
        return tuple(counts)
