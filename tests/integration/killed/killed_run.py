"""A nightly run that kills itself with SIGKILL in a stage, after a number of that stage's table writes.

Usage: python -m tests.integration.killed.killed_run PROJECT WAREHOUSE STAGE WRITES
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame
from tests.integration.small_project import open_small_store

from cdp_spark.config.load import load_project
from cdp_spark.runs.plan import RunOptions
from cdp_spark.runs.runner import nightly
from cdp_spark.runs.stages import Work, work_of
from cdp_spark.tables.direct.write import Write
from cdp_spark.tables.run import RunContext, StageResult
from cdp_spark.tables.spec import TableSpec
from cdp_spark.tables.store import Store

AS_OF = datetime(2026, 11, 23, 2, tzinfo=UTC)


@dataclass(frozen=True)
class MortalStore(Store):
    """Kills the process once a number of writes were made."""

    writes_left: int = 1

    def _write(self, spec: TableSpec, rows: DataFrame | pa.Table, write: Write) -> int:
        version = super()._write(spec, rows, write)
        object.__setattr__(self, "writes_left", self.writes_left - 1)
        if self.writes_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return version


def load_mortal(name: str, *, stage: str, writes: int) -> Work:
    """The stage; the one named gets a store that kills."""
    run = work_of(name)

    def die(context: RunContext) -> StageResult:
        mortal = MortalStore(context.store.spark, context.store.location, writes_left=writes)
        return run(RunContext(**{**vars(context), "store": mortal}))

    return die if name == stage else run


def main(folder: str, warehouse: str, stage: str, writes: str) -> None:
    """Run until killed."""
    store = open_small_store(warehouse)
    project = load_project(Path(folder))
    options = RunOptions(as_of=AS_OF, find_work=lambda name: load_mortal(name, stage=stage, writes=int(writes)))
    nightly(store, project, options)


if __name__ == "__main__":
    main(*sys.argv[1:])
