"""The stages: their order, how each is found when it is its turn, and what a run tells of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from cdp_spark.errors import ConfigError
from cdp_spark.pipeline.runs.state import ERASURE
from cdp_spark.tables.run import RunContext, StageResult

Stage = Callable[[RunContext], StageResult]

IDENTITY = "identity"
PUBLISH = "publish"
ACTIVATION = "activation"
EXPIRE, VACUUM, NOTICE = "expire", "vacuum", "notice"
AFTER_IDENTITY = ("events", "profiles", "relations", "segments")
"""The stages that make the other gold tables."""
STAGES: tuple[str, ...] = (
    "ingest",
    "standardise",
    "matching",
    "clustering",
    IDENTITY,
    *AFTER_IDENTITY,
    PUBLISH,
    ACTIVATION,
)


ERASURE_STAGES = (ERASURE, EXPIRE, VACUUM, NOTICE, ACTIVATION)
"""What an erasure runs instead."""

_ELSEWHERE = {
    PUBLISH: "cdp_spark.pipeline.releases.publish",
    "matching": "cdp_spark.resolution.stage",
    ERASURE: "cdp_spark.privacy.stage",
    EXPIRE: "cdp_spark.pipeline.releases.expire",
    VACUUM: "cdp_spark.privacy.vacuum",
    NOTICE: "cdp_spark.privacy.notice",
}
"""Stages whose module does not bear their name."""


def load_stage(name: str) -> Stage:
    """The stage's `run` function."""
    run: Stage = import_module(_ELSEWHERE.get(name, f"cdp_spark.{name}.stage")).run
    return run


def stages_between(first: str | None, last: str | None) -> tuple[str, ...]:
    """The stages from `first` to `last`, both included; None means the road's own end.

    Raises:
        ConfigError: a stage is unknown, or `first` comes after `last`.
    """
    for option, name in (("--from", first), ("--to", last)):
        if name is not None and name not in STAGES:
            raise ConfigError(option, got=repr(name), allowed=", ".join(STAGES), fix="name one of these stages")
    start = STAGES.index(first) if first else 0
    stop = STAGES.index(last) if last else len(STAGES) - 1
    if start > stop:
        raise ConfigError("--from, --to", got=f"{first} to {last}", allowed=" → ".join(STAGES), fix="swap the two")
    return STAGES[start : stop + 1]


@dataclass(frozen=True)
class StageEvent:
    """A stage's new state.

    Args:
        stage: its name.
        state: `skipped` when an earlier start of the same run had finished it.
        rows: that it delivered, read or wrote; None where it did not say.
        seconds: since the stage began.
        detail: one sentence of the stage.
    """

    stage: str
    state: Literal["started", "finished", "skipped", "failed", "refused"]
    rows: int | None = None
    seconds: float = 0.0
    detail: str = ""


Progress = Callable[[StageEvent], None]


def silent(event: StageEvent) -> None:
    """Say nothing."""
