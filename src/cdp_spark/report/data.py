"""What a run report shows: small aggregates only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from cdp_spark.report.accuracy import Accuracy
    from cdp_spark.report.behaviour import FunnelFact, RetentionFact
    from cdp_spark.report.experiments import ExperimentFact


VISITOR = "visitor"
"""The entity type of profiles of which no source has a record."""


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
        reasons: why members were not sent, and how many for each.
    """

    destination: str
    segment: str
    status: str
    rows: int
    withheld: int
    location: str | None = None
    reasons: str = ""


@dataclass(frozen=True)
class SourceQuality:
    """How large and fresh a source is; None for what the run did not measure.

    Args:
        source: its name.
        rows: current records or events.
        freshness_days: age of the newest one.
        delivered: rows of this run's delivery.
        volume_ratio: `delivered` by what is usual.
        rejected_share: refused rows among the delivered ones.
    """

    source: str
    rows: float | None
    freshness_days: float | None
    delivered: float | None
    volume_ratio: float | None
    rejected_share: float | None


@dataclass(frozen=True)
class FieldQuality:
    """How full, readable and distinct a field of a source's current rows is; None where no value was given.

    Args:
        source: its name.
        field: a column, an own attribute or an identifier type.
        completeness: share of the rows that have a value.
        validity: share of the given values that could be read.
        uniqueness: share of the values that are different ones, about.
        completeness_before: in the run before; None where there was none.
    """

    source: str
    field: str
    completeness: float
    validity: float | None
    uniqueness: float | None
    completeness_before: float | None

    @property
    def change(self) -> float | None:
        """Completeness now less that before, in percentage points; None where it shows as 0."""
        points = 100 * (self.completeness - (self.completeness_before or 0.0))
        return points if self.completeness_before is not None and abs(points) >= 0.05 else None


@dataclass(frozen=True)
class Change:
    """A figure now, and in the release before.

    Args:
        label: what it counts.
        before: in the previous release.
        now: in this one.
    """

    label: str
    before: int
    now: int


@dataclass(frozen=True)
class ComparisonWeight:
    """What a comparison of the match model says for a match and against one, in bits.

    Args:
        entity_type: person or account.
        version: of the model.
        comparison: its name.
        agreed: its strongest level for a match.
        for_match: what that level weighs.
        differs: its strongest level against one.
        against: what that level weighs.
    """

    entity_type: str
    version: int
    comparison: str
    agreed: str
    for_match: float
    differs: str
    against: float


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
        source_quality: by source.
        field_quality: by source and field.
        weights: ascending, without gaps; empty where no pair was scored.
        entities: by entity type.
        segments: by name.
        exports: by destination.
        id_changes: records whose id changed with this release, by change and cause.
        accuracy: against a truth, by entity type; empty where there is none.
        funnels: by name.
        retention: by name.
        experiments: by name.
        project: its name.
        changes: since the previous release; empty where there is none.
        comparisons: of the match models that the run applied.
    """

    run_id: str
    release: int
    as_of: datetime
    stages: tuple[StageFact, ...]
    warnings: tuple[str, ...] = ()
    sources: tuple[SourceFlow, ...] = ()
    all_sources: SourceFlow = SourceFlow("all sources", 0)
    unread_values: tuple[UnreadValues, ...] = ()
    source_quality: tuple[SourceQuality, ...] = ()
    field_quality: tuple[FieldQuality, ...] = ()
    weights: tuple[WeightBin, ...] = ()
    entities: tuple[EntityCount, ...] = ()
    segments: tuple[SegmentFact, ...] = ()
    exports: tuple[ExportFact, ...] = ()
    id_changes: tuple[Count, ...] = ()
    accuracy: tuple[Accuracy, ...] = ()
    funnels: tuple[FunnelFact, ...] = ()
    retention: tuple[RetentionFact, ...] = ()
    experiments: tuple[ExperimentFact, ...] = ()
    project: str = ""
    changes: tuple[Change, ...] = ()
    comparisons: tuple[ComparisonWeight, ...] = ()

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
            Count("current source records", sum(it.records for it in self.entities if it.entity_type != VISITOR)),
            Count("pairs compared", sum(it.pairs for it in self.weights)),
            *[Count(f"profiles: {it.entity_type}", it.profiles) for it in self.entities],
        ]
        return tuple(counts)
