"""Running the stages in order, publishing what they made, and saying what came of it."""

from cdp_spark.pipeline.erasure import ErasureSummary, continue_erasures, erase, preview_erasure
from cdp_spark.pipeline.nightly import nightly, run_stages
from cdp_spark.pipeline.releases.compare import IdDiff, ReleaseDiff, compare_releases, read_changes
from cdp_spark.pipeline.releases.publish import ReleaseRefusedError
from cdp_spark.pipeline.releases.release import Release, current_release, latest_release, read_releases
from cdp_spark.pipeline.releases.rollback import roll_back
from cdp_spark.pipeline.reset import count_source_rows, reset_source
from cdp_spark.pipeline.runs.plan import RunOptions
from cdp_spark.pipeline.runs.state import Run, StageOutcome, read_runs
from cdp_spark.pipeline.runs.summary import Export, RunSummary
from cdp_spark.pipeline.stages import STAGES, Progress, StageEvent, silent, stages_between
from cdp_spark.pipeline.what_if import SegmentDiff, WhatIf, what_if

__all__ = [
    "STAGES",
    "ErasureSummary",
    "Export",
    "IdDiff",
    "Progress",
    "Release",
    "ReleaseDiff",
    "ReleaseRefusedError",
    "Run",
    "RunOptions",
    "RunSummary",
    "SegmentDiff",
    "StageEvent",
    "StageOutcome",
    "WhatIf",
    "compare_releases",
    "continue_erasures",
    "count_source_rows",
    "current_release",
    "erase",
    "latest_release",
    "nightly",
    "preview_erasure",
    "read_changes",
    "read_releases",
    "read_runs",
    "reset_source",
    "roll_back",
    "run_stages",
    "silent",
    "stages_between",
    "what_if",
]
