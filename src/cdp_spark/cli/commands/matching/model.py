"""`cdp model`: fit and list match models."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.output import print_result
from cdp_spark.errors import ConfigError
from cdp_spark.matching.model import MatchModel, model_from_json
from cdp_spark.resolution.models import FittedBy, fit_next_model
from cdp_spark.tables.catalog import MATCH_MODELS

app = typer.Typer(no_args_is_help=True, add_completion=False)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def fit(
    ctx: typer.Context,
    entity: Annotated[str, typer.Argument(help="person or account")] = "person",
    json: Json = False,
) -> None:
    """Fit the next version of a match model from the current records; the next run applies it."""
    project, store = open_project(ctx)
    entities = project.match.entities
    if entity not in entities:
        raise ConfigError("cdp model fit", got=entity, allowed=", ".join(entities), fix="name one of these")
    now = datetime.now(UTC)
    by = FittedBy(run_id=f"by-hand-{now:%Y%m%dT%H%M%S%fZ}", at=now)
    version, model, doubts = fit_next_model(store, entity, entities[entity], by=by)
    problems = {"doubts": [f"{doubt.problem}: {doubt.fix}" for doubt in doubts]} if doubts else {}
    print_result([_facts(entity, version, model) | problems], as_json=json)


@app.command(name="list")
def list_models(ctx: typer.Context, json: Json = False) -> None:
    """List the models, the newest of each entity type first; that one is applied."""
    _, store = open_project(ctx)
    rows = store.read(MATCH_MODELS).orderBy(c.ENTITY_TYPE, F.col(c.MODEL_VERSION).desc()).collect()
    facts = [
        _facts(row[c.ENTITY_TYPE], row[c.MODEL_VERSION], model_from_json(row[c.MODEL_JSON]))
        | {"fitted": row[c.CREATED_AT]}
        for row in rows
    ]
    print_result(facts, as_json=json)


def _facts(entity: str, version: int, model: MatchModel) -> dict[str, Any]:
    return {
        "entity": entity,
        "version": version,
        "rules": len(model.rule_names),
        "comparisons": len(model.match.comparisons),
        "iterations": model.parameters.iterations,
        "converged": model.parameters.converged,
    }
