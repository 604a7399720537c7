"""The publish stage: measure, pass the gates, append one row to `releases`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cdp_spark.errors import StateError
from cdp_spark.pipeline.releases.gates import closed_gates, measure
from cdp_spark.pipeline.releases.release import Release, append_release
from cdp_spark.pipeline.runs.state import read_finished
from cdp_spark.tables.catalog import CONSENTS, GOLD, RELEASES, SUPPRESSIONS, TABLES, WITHDRAWAL_ISSUES
from cdp_spark.tables.run import RunContext, StageResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.pipeline.runs.state import StageOutcome


class ReleaseRefusedError(StateError):
    """A gate is closed: nothing was published, and the last release stays."""


def run(context: RunContext) -> StageResult:
    """Publish the gold tables of this run.

    Raises:
        ReleaseRefusedError: a figure is out of a gate's bounds.
    """
    finished = read_finished(context.store, context.run_id)
    figures = measure(context, finished)
    closed = closed_gates(figures, context.project.settings.gates)
    if closed:
        raise ReleaseRefusedError(
            f"release {context.ordinal}",
            got="; ".join(closed),
            fix="correct the input or the match settings and run again; or, if the figures are right, widen `gates` in "
            "project.yaml and `cdp run --from publish --to activation`; the last release stays",
        )
    versions = _gold_versions(context, finished)
    _check_files(context, versions)
    release = Release(context.ordinal, context.run_id, datetime.now(UTC), versions)
    return StageResult(
        versions={RELEASES.name: append_release(context.store, release)},
        metrics=figures.metrics,
        detail=f"release {context.ordinal}",
    )


def _check_files(context: RunContext, versions: Mapping[str, int]) -> None:
    """Refuse to publish what readers could not read, or would export without the consents of.

    Raises:
        StateError: a table's log or file is missing or damaged.
    """
    others = [spec for spec in (CONSENTS, WITHDRAWAL_ISSUES, SUPPRESSIONS) if context.store.exists(spec)]
    for spec in (*(TABLES[name] for name in versions), *others):
        table = context.store.open_local(spec, versions.get(spec.name))
        if table is not None:
            table.check_files()


def _gold_versions(context: RunContext, finished: Mapping[str, StageOutcome]) -> dict[str, int]:
    """This run's version of each gold table; the head's for a table that a partial run did not write."""
    written = {name: version for outcome in finished.values() for name, version in outcome.versions.items()}
    store = context.store
    return {
        spec.name: written[spec.name] if spec.name in written else store.version(spec)
        for spec in GOLD
        if spec.name in written or store.exists(spec)
    }
