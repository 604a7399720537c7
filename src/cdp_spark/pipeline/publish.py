"""The publish stage: measure, pass the gates, append one row to `releases`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.errors import StateError
from cdp_spark.pipeline.releases import Release, append_release
from cdp_spark.pipeline.state import read_runs
from cdp_spark.tables.catalog import GOLD, PROFILES, RELEASES, UNIFIED_IDS
from cdp_spark.tables.run import RunContext, StageResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.config.project import Gates
    from cdp_spark.pipeline.state import StageOutcome


_VISITOR = "visitor"


@dataclass(frozen=True)
class Figures:
    """What the gates judge; visitors, who come and go and join people every night, do not count.

    Args:
        largest_cluster_records: records of the largest person or account.
        rejected_share: refused rows among the delivered ones; None when this run read no source.
        id_churn: share of the last release's records that have another id now.
        profiles: persons and accounts.
    """

    largest_cluster_records: int
    rejected_share: float | None
    id_churn: float
    profiles: int


class ReleaseRefusedError(StateError):
    """A gate is closed: nothing was published, and the last release stays."""


def run(context: RunContext) -> StageResult:
    """Publish the gold tables of this run.

    Raises:
        ReleaseRefusedError: a figure is out of a gate's bounds.
    """
    finished = _finished_stages(context)
    figures = measure(context, finished)
    closed = closed_gates(figures, context.project.settings.gates)
    if closed:
        raise ReleaseRefusedError(
            f"release {context.ordinal}",
            got="; ".join(closed),
            fix="correct the input or the match settings, or widen `gates` in project.yaml; the last release stays",
        )
    versions = _gold_versions(context, finished)
    release = Release(context.ordinal, context.run_id, datetime.now(UTC), versions)
    return StageResult(
        versions={RELEASES.name: append_release(context.store, release)},
        metrics={f"gates.{name}": float(value) for name, value in vars(figures).items() if value is not None},
        detail=f"release {context.ordinal}",
    )


def measure(context: RunContext, finished: Mapping[str, StageOutcome]) -> Figures:
    """Compute what the gates judge from the tables about to be published."""
    unified_ids = context.store.read(UNIFIED_IDS).where(F.col(c.ENTITY_TYPE) != _VISITOR)
    sizes = unified_ids.groupBy(c.UNIFIED_ID).count().agg(F.max("count")).collect()
    return Figures(
        largest_cluster_records=int(sizes[0][0] or 0),
        rejected_share=_rejected_share(finished),
        id_churn=_id_churn(context),
        profiles=context.store.read(PROFILES).where(F.col(c.ENTITY_TYPE) != _VISITOR).count(),
    )


def closed_gates(figures: Figures, gates: Gates) -> list[str]:
    """The gates that a release may not pass: each with its figure and its bound."""
    share = figures.rejected_share or 0.0
    bounds = [
        ("max_cluster_records", f"{figures.largest_cluster_records:,}", f"at most {gates.max_cluster_records:,}"),
        ("max_rejected_share", f"{share:.2%}", f"at most {gates.max_rejected_share:.2%}"),
        ("max_id_churn", f"{figures.id_churn:.2%}", f"at most {gates.max_id_churn:.2%}"),
        ("min_profiles", figures.profiles, f"at least {gates.min_profiles:,}"),
    ]
    passed = (
        figures.largest_cluster_records <= gates.max_cluster_records,
        share <= gates.max_rejected_share,
        figures.id_churn <= gates.max_id_churn,
        figures.profiles >= gates.min_profiles,
    )
    return [f"gate {name} {got}, {bound}" for (name, got, bound), ok in zip(bounds, passed, strict=True) if not ok]


def _id_churn(context: RunContext) -> float:
    source_records = context.read_released(UNIFIED_IDS).where(F.col(c.ENTITY_TYPE) != _VISITOR)
    before = source_records.select(c.RECORD_KEY, F.col(c.UNIFIED_ID).alias(c.PREVIOUS_ID))
    now = context.store.read(UNIFIED_IDS).select(c.RECORD_KEY, c.UNIFIED_ID)
    joined = before.join(now, on=c.RECORD_KEY, how="left")
    changed = F.count_if(F.col(c.UNIFIED_ID) != F.col(c.PREVIOUS_ID))
    counts = joined.agg(changed, F.count(F.lit(1))).collect()[0]
    return float(counts[0] / counts[1]) if counts[1] else 0.0


def _rejected_share(finished: Mapping[str, StageOutcome]) -> float | None:
    if "ingest" not in finished:
        return None
    metrics = finished["ingest"].metrics
    delivered = sum(value for name, value in metrics.items() if name.endswith(".rows_delivered"))
    rejected = sum(value for name, value in metrics.items() if name.endswith(".rows_rejected"))
    return rejected / delivered if delivered else 0.0


def _gold_versions(context: RunContext, finished: Mapping[str, StageOutcome]) -> dict[str, int]:
    """This run's version of each gold table; the head's for a table that a partial run did not write."""
    written = {name: version for outcome in finished.values() for name, version in outcome.versions.items()}
    store = context.store
    return {
        spec.name: written[spec.name] if spec.name in written else store.version(spec)
        for spec in GOLD
        if spec.name in written or store.exists(spec)
    }


def _finished_stages(context: RunContext) -> dict[str, StageOutcome]:
    runs = read_runs(context.store, run_id=context.run_id)
    return runs[0].finished if runs else {}
