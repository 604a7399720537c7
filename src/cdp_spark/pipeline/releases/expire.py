"""The expire stage of an erasure: its release instead of all earlier ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cdp_spark.pipeline.releases.release import EXPIRED, Release, read_releases, write_releases
from cdp_spark.pipeline.runs.state import ERASURE, read_finished
from cdp_spark.tables.catalog import GOLD, RELEASES
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from cdp_spark.tables.run import RunContext


def run(context: RunContext) -> StageResult:
    """Publish what the erasure left of the last release, and expire all releases before, in one commit.

    No gate is asked: what is published was published before, but for the erased.
    """
    erased = read_finished(context.store, context.run_id)[ERASURE]
    versions = {spec.name: erased.versions[spec.name] for spec in GOLD if spec.name in erased.versions}
    release = Release(context.ordinal, context.run_id, datetime.now(UTC), versions, reason=erased.detail)
    before = [it for it in read_releases(context.store) if it.number != context.ordinal]
    version = write_releases(context.store, [release, *(replace(it, status=EXPIRED) for it in before)])
    detail = f"release {context.ordinal}; {len(before):,} before it expired"
    return StageResult(versions={RELEASES.name: version}, detail=detail)
