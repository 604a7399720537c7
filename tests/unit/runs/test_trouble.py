"""Whatever the machine or an engine does to a stage is told as one sentence; only a defect is unexpected."""

from __future__ import annotations

import errno
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn, cast

import deltalake.exceptions
import pyarrow as pa
import pytest
from py4j.protocol import Py4JNetworkError
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from cdp_spark.cli import main as cli
from cdp_spark.config.authoring.starter import write_starter
from cdp_spark.config.load import load_project
from cdp_spark.errors import DataError, StateError
from cdp_spark.runs import execution
from cdp_spark.runs.execution import Execution
from cdp_spark.runs.plan import RunOptions
from cdp_spark.runs.run_log import FAILED, RUN_STAGE, Run, StageOutcome
from cdp_spark.runs.stages import ERASURE_STAGES, STAGES
from cdp_spark.tables.catalog import PROFILES
from cdp_spark.tables.run import RunContext
from cdp_spark.tables.store import Store
from cdp_spark.tables.trouble import explain

NOW = datetime(2026, 11, 23, tzinfo=UTC)
VALUE = "someone@example.org"


def of_system(number: int) -> OSError:
    return OSError(number, os.strerror(number), "/data/warehouse/_x")


def of_java(text: str) -> Exception:
    kind = type("Py4JJavaError", (Exception,), {"__module__": "py4j.protocol"})
    return cast("Exception", kind(f"An error occurred while calling o1.save.\n: {text} {VALUE}"))


TROUBLE: dict[str, tuple[Exception, str]] = {
    "full disk": (of_system(errno.ENOSPC), "a full disk (/data/warehouse/_x)"),
    "quota": (of_system(errno.EDQUOT), "a full disk (/data/warehouse/_x)"),
    "no right": (of_system(errno.EACCES), "no right to use a file (/data/warehouse/_x)"),
    "read-only": (of_system(errno.EROFS), "no right to use a file (/data/warehouse/_x)"),
    "broken disk": (of_system(errno.EIO), "an error of the file system: Input/output error (/data/warehouse/_x)"),
    "vanished": (
        of_system(errno.ENOENT),
        "an error of the file system: No such file or directory (/data/warehouse/_x)",
    ),
    "memory": (MemoryError(), "too little memory"),
    "java's disk": (of_java("java.io.IOException: No space left on device"), "a full disk (IOException)"),
    "java's memory": (of_java("java.lang.OutOfMemoryError: Java heap space"), "too little memory (OutOfMemoryError)"),
    "java's file": (
        of_java("java.io.FileNotFoundException: part"),
        "a file that is missing or broken (FileNotFoundException)",
    ),
    "java's right": (
        of_java("org.apache.hadoop.security.AccessControlException: Permission denied"),
        "no right to use a file (AccessControlException)",
    ),
    "java's end": (Py4JNetworkError("Answer from Java side is empty"), "a Java process that ended (Py4JNetworkError)"),
    "spark": (
        AnalysisException(f"[CAST_INVALID_INPUT] {VALUE}"),
        "an engine that could not do it (CAST_INVALID_INPUT)",
    ),
    "delta-rs": (
        deltalake.exceptions.DeltaError(f"{VALUE}: No space left on device (os error 28)"),
        "a full disk (DeltaError)",
    ),
    "arrow": (
        pa.ArrowInvalid(f"Parquet magic bytes not found in footer. {VALUE}"),
        "a file that is missing or broken (ArrowInvalid)",
    ),
}


@pytest.mark.parametrize("kind", TROUBLE)
def test_trouble_is_one_sentence_without_a_value(kind: str) -> None:
    error, got = TROUBLE[kind]
    told = explain(error, "stage ingest")
    assert isinstance(told, StateError)
    assert (told.where, told.got, bool(told.fix)) == ("stage ingest", got, True)
    assert VALUE not in str(told)


def test_a_cause_within_an_engines_error_is_told_and_a_known_one_kept() -> None:
    known = DataError("source crm", got="nothing")
    around = of_java("org.apache.spark.SparkException: a task failed")
    around.__cause__ = known
    assert explain(around, "stage ingest") is known
    around.__cause__ = of_system(errno.ENOSPC)
    assert "a full disk" in str(explain(around, "stage ingest"))


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("x"), TypeError("x"), ZeroDivisionError()])
def test_a_mistake_of_this_program_stays_a_defect(error: Exception) -> None:
    assert explain(error, "stage ingest") is None


class Faulty:
    """A warehouse that fails at whatever is asked of it."""

    kind, location, shown, direct = "path", "/nowhere", "/nowhere", False

    def __init__(self, spark: SparkSession, error: Exception) -> None:
        self.spark, self.error = spark, error

    def __getattr__(self, name: str) -> NoReturn:
        raise self.error


@pytest.mark.parametrize("kind", ["full disk", "java's file"])
@pytest.mark.parametrize("stage", [*STAGES, *ERASURE_STAGES[:-1]])
def test_a_stage_whose_tables_fail_ends_with_a_sentence_and_its_record(
    spark: SparkSession, stage: str, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    error, got = TROUBLE[kind]
    recorded: list[StageOutcome] = []
    store = cast("Store", Faulty(spark, error))
    write_starter(tmp_path / "conf")
    context = RunContext(store, load_project(tmp_path / "conf"), "run-1", 1, NOW, {PROFILES.name: 1})
    monkeypatch.setattr(execution, "newest_spark_stage", lambda _spark: None)
    monkeypatch.setattr(execution, "record", lambda _store, _run, *outcomes: recorded.extend(outcomes))
    monkeypatch.setattr(execution, "_context", lambda *_: context)
    held = Execution(store, context.project, RunOptions(), Held(), None, ())
    with pytest.raises(StateError) as caught:
        execution._advance(held, Run("run-1", 1, NOW, "-"), stage)
    assert (caught.value.where, caught.value.got) == (f"stage {stage}", got)
    assert [(it.stage, it.status, it.detail) for it in recorded] == [
        (stage, FAILED, str(caught.value)),
        (RUN_STAGE, FAILED, str(caught.value)),
    ]


class Held:
    """A lock that is held."""

    def announce(self, run_id: str) -> None:
        """Tell nobody."""

    def check(self) -> None:
        """Find it held."""


@pytest.mark.parametrize("kind", ["full disk", "spark", "java's end"])
def test_a_command_ends_with_exit_code_5(
    kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error, got = TROUBLE[kind]

    def broken(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "app", broken)
    monkeypatch.setattr(sys, "argv", ["cdp", "tables"])
    with pytest.raises(SystemExit, match="5"):
        cli.main()
    assert capsys.readouterr().err.startswith(f"cdp: this command: got {got}. Fix: ")
