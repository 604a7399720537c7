"""What an incremental stage builds on."""

from datetime import UTC, datetime, timedelta

from cdp_spark.runs.run_log import (
    ERASURE,
    FAILED,
    FINISHED,
    RUN_STAGE,
    STARTED,
    Run,
    StageOutcome,
    carry_over_erasures,
    last_finish,
)
from cdp_spark.tables.run import LastFinish

MONDAY = datetime(2026, 11, 23, 2, tzinfo=UTC)


def _run(ordinal: int, *stages: tuple[str, str, int]) -> Run:
    outcomes = [
        StageOutcome(stage, status, 1.0, {stage: version}, {"version": float(version)}, at=MONDAY + timedelta(hours=at))
        for at, (stage, status, version) in enumerate(stages)
    ]
    return Run(f"run-{ordinal}", ordinal, MONDAY, "0", tuple(outcomes))


RUNS = (
    _run(3, ("matching", FINISHED, 7), ("clustering", FAILED, 5)),
    _run(2, ("matching", FINISHED, 4), ("clustering", FINISHED, 3), ("identity", FINISHED, 2)),
    _run(1, ("matching", FINISHED, 1), ("clustering", FINISHED, 1), ("identity", FINISHED, 1)),
)


def test_versions_are_those_when_it_finished_and_those_written_since() -> None:
    assert last_finish(RUNS, "clustering") == LastFinish(
        2,
        {"matching": 4, "clustering": 3, "identity": 1},
        {"matching": 7, "clustering": 3, "identity": 2},
        {"version": 3.0},
    )


def test_until_an_ordinal() -> None:
    found = last_finish(RUNS, "identity", until=1)
    assert found is not None
    assert (found.ordinal, found.versions) == (1, {"matching": 1, "clustering": 1, "identity": 1})


def test_none_before_the_first() -> None:
    assert last_finish(RUNS, "profiles") is None


def test_none_where_the_last_one_is_too_old() -> None:
    assert last_finish(RUNS, "clustering", after=MONDAY + timedelta(hours=1)) is not None
    assert last_finish(RUNS, "clustering", after=MONDAY + timedelta(hours=2)) is None


def _erasure(ordinal: int, begun: dict[str, int], left: dict[str, int]) -> Run:
    outcomes = (StageOutcome(RUN_STAGE, STARTED, versions=begun), StageOutcome(ERASURE, FINISHED, versions=left))
    return Run(f"run-{ordinal}", ordinal, MONDAY, "0", outcomes)


def test_an_erasure_leaves_other_versions_of_the_same_rows() -> None:
    first = _erasure(4, {"records": 7, "profiles": 3}, {"records": 8, "profiles": 3})
    second = _erasure(5, {"records": 8, "profiles": 3}, {"records": 9, "profiles": 5})
    known = {"records": 7, "profiles": 3, "events": -1}
    assert carry_over_erasures((second, *RUNS, first), known, 3) == {"records": 9, "profiles": 5, "events": -1}
    assert carry_over_erasures((second, *RUNS, first), {"records": 8}, 4) == {"records": 9}


def test_nothing_is_known_of_a_table_that_had_moved_on_before_an_erasure() -> None:
    erasure = _erasure(4, {"records": 8}, {"records": 9})
    assert carry_over_erasures((erasure,), {"records": 7}, 3) is None
