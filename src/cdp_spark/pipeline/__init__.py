"""Running the stages in order, publishing what they made, and saying what came of it."""

from cdp_spark.pipeline.nightly import nightly, run_stages
from cdp_spark.pipeline.plan import RunOptions
from cdp_spark.pipeline.publish import ReleaseRefusedError
from cdp_spark.pipeline.releases import Release, current_release, latest_release, read_releases
from cdp_spark.pipeline.stages import STAGES, Progress, StageEvent, silent, stages_between
from cdp_spark.pipeline.state import Run, StageOutcome, read_runs
from cdp_spark.pipeline.summary import Export, RunSummary

__all__ = [
    "STAGES",
    "Export",
    "Progress",
    "Release",
    "ReleaseRefusedError",
    "Run",
    "RunOptions",
    "RunSummary",
    "StageEvent",
    "StageOutcome",
    "current_release",
    "latest_release",
    "nightly",
    "read_releases",
    "read_runs",
    "run_stages",
    "silent",
    "stages_between",
]
