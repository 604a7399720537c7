"""`cdp stages`: the stage table."""

from typing import Annotated, Any

import typer

from cdp_spark.cli.display.output import print_result
from cdp_spark.cli.options import Json
from cdp_spark.runs.stages import ERASING, NIGHTLY, Stage

Erasure = Annotated[bool, typer.Option("--erasure", help="List the stages of an erasure instead.")]


def stages(erasure: Erasure = False, json: Json = False) -> None:
    """List the stages in the order that they run: what each does, reads and writes."""
    print_result([stage_facts(stage) for stage in (ERASING if erasure else NIGHTLY)], as_json=json)


def stage_facts(stage: Stage) -> dict[str, Any]:
    """A stage's line."""
    return {
        "stage": stage.name,
        "what it does": stage.does,
        "reads": [it.name for it in stage.reads],
        "reads from earlier runs": [it.name for it in stage.earlier],
        "writes": [it.name for it in (*stage.writes, *stage.logs)],
    }
