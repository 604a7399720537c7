"""`cdp experiments`: who is in which arm, and what the arms came to."""

from collections import Counter
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
import typer

from cdp_spark import columns as c
from cdp_spark.cli.commands.opening import open_released
from cdp_spark.cli.display.experiments import arm_rows, remarks
from cdp_spark.cli.display.output import console, print_json, print_result, print_rows
from cdp_spark.cli.options import Json
from cdp_spark.config.base import choose_one
from cdp_spark.config.experiments import HOLD_OUT, ExperimentsConfig
from cdp_spark.errors import ConfigError, StateError
from cdp_spark.tables.catalog import EXPERIMENT_ASSIGNMENTS, EXPERIMENT_RESULTS

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Show experiments: arms, outcomes, lift.")


@app.command(name="list")
def list_experiments(ctx: typer.Context, json: Json = False) -> None:
    """List the experiments with their people in the newest release."""
    project, warehouse = open_released(ctx)
    results = warehouse.fetch(EXPERIMENT_RESULTS, (c.EXPERIMENT, c.IS_FINAL)).to_pylist()
    words = {row[c.EXPERIMENT]: "final" if row[c.IS_FINAL] else "so far" for row in results}
    assigned = warehouse.fetch(EXPERIMENT_ASSIGNMENTS, (c.EXPERIMENT, c.END_REASON))
    people = Counter(assigned.filter(pc.field(c.END_REASON).is_null())[c.EXPERIMENT].to_pylist())
    rows = [
        {"experiment": name, **facts, "people": people[name], "result": words.get(name, "not measured")}
        for name, facts in _facts_of(project.experiments).items()
    ]
    print_result(rows, as_json=json)


@app.command()
def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="An experiment, or hold_out.")],
    json: Json = False,
) -> None:
    """Show an experiment's arms beside control, with 95 % intervals."""
    project, warehouse = open_released(ctx)
    known = _facts_of(project.experiments)
    if name not in known:
        allowed = ", ".join(known) or "none, as there is none"
        raise ConfigError("cdp experiments", got=f"'{name}'", allowed=allowed, fix=choose_one(name, known))
    rows = warehouse.fetch(EXPERIMENT_RESULTS, only={c.EXPERIMENT: pa.array([name])}).to_pylist()
    if not rows:
        fix = "give it an `outcome` in experiments.yaml, then `cdp run nightly`"
        raise StateError(f"experiment {name}", got="no results in the newest release", fix=fix)
    rows.sort(key=lambda row: (row[c.STATUS] != "control", row[c.ARM]))
    if json:
        print_json(rows)
        return
    print_rows(arm_rows(rows), title=f"{name}: {known[name]['outcome']}")
    for sentence in remarks(rows):
        console().print(sentence, soft_wrap=True)


def _facts_of(config: ExperimentsConfig) -> dict[str, dict[str, Any]]:
    """What is configured, by name."""
    facts = {
        it.name: {
            "who": it.segment or "from a file",
            "arms": ", ".join(f"{arm} {share:g}%" for arm, share in it.arms.items()),
            "from": it.starts,
            "to": it.ends,
            "outcome": it.outcome.sentence,
        }
        for it in config.experiments
    }
    if config.hold_out is not None:
        outcome = config.hold_out.outcome.sentence if config.hold_out.outcome else "none"
        arms = f"control {config.hold_out.percent:g}%"
        facts[HOLD_OUT] = {"who": "everybody", "arms": arms, "from": None, "to": None, "outcome": outcome}
    return facts
