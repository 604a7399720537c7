"""`cdp model`: fit, list, compare, restore, export and import match models."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.cli.commands.matching.splink import export_model, import_model
from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.output import console, print_json, print_result, print_rows
from cdp_spark.cli.options import Json
from cdp_spark.cli.references import match_section
from cdp_spark.clustering.frames import read_current_labels
from cdp_spark.clustering.labels import MUST_LINK
from cdp_spark.errors import ConfigError, StateError
from cdp_spark.resolution.learning.fitting import IS_MATCH
from cdp_spark.resolution.model import MatchModel, model_from_json
from cdp_spark.resolution.models import FittedBy, fit_next_model, read_model, restore_model
from cdp_spark.resolution.versions.compare import (
    are_comparable,
    compare_levels,
    compare_priors,
    compare_related,
    count_side_changes,
)
from cdp_spark.tables.catalog import MATCH_MODELS, PAIR_SCORES
from cdp_spark.tables.store import Store

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.command(name="export")(export_model)
app.command(name="import")(import_model)


@app.command()
def fit(
    ctx: typer.Context,
    entity: Annotated[str, typer.Argument(help="person or account")] = "person",
    labels: Annotated[
        bool, typer.Option("--labels", help="Take the class of labelled pairs from their labels, not from EM.")
    ] = False,
    json: Json = False,
) -> None:
    """Fit the next version of a match model from the current records; the next run applies it."""
    project, store = open_project(ctx)
    entities = project.match.entities
    if entity not in entities:
        raise ConfigError("cdp model fit", got=entity, allowed=", ".join(entities), fix="name one of these")
    said = _compared_labels(store, entity) if labels else None
    now = datetime.now(UTC)
    by = FittedBy(run_id=f"by-hand-{now:%Y%m%dT%H%M%S%fZ}", at=now)
    version, model, doubts = fit_next_model(store, entity, entities[entity], by=by, labels=said)
    facts = _facts(entity, version, model)
    counted = {"labels": said.count()} if said is not None else {}
    problems = {"doubts": [f"{doubt.problem}: {doubt.fix}" for doubt in doubts]} if doubts else {}
    print_result([facts | counted | problems], as_json=json)


def _compared_labels(store: Store, entity: str) -> DataFrame:
    """The labels in force whose pairs the last run compared; one of another pair says nothing about levels."""
    keys = [c.RECORD_KEY_L, c.RECORD_KEY_R]
    said = read_current_labels(store).select(*keys, (F.col(c.LABEL) == MUST_LINK).alias(IS_MATCH))
    compared = store.read(PAIR_SCORES).where(F.col(c.ENTITY_TYPE) == entity).select(*keys)
    found = said.join(compared, on=keys, how="left_semi")
    if found.isEmpty():
        got = "no label in force on a pair that the last run compared"
        raise StateError("cdp model fit --labels", got=got, fix="`cdp label FILE` writes pairs to answer")
    return found


@app.command()
def restore(
    ctx: typer.Context,
    version: Annotated[int, typer.Argument(metavar="VERSION", help="An older version.")],
    entity: Annotated[str, typer.Option(help="person or account")] = "person",
    json: Json = False,
) -> None:
    """Go back to an older version: it is saved again as the next one, which the next run applies."""
    project, store = open_project(ctx)
    match, now = match_section(project, entity), datetime.now(UTC)
    by = FittedBy(run_id=f"restored-{version}-{now:%Y%m%dT%H%M%S%fZ}", at=now)
    restored = restore_model(store, entity, version, match, by=by)
    print_result([{"entity": entity, "version": restored, "restored": version}], as_json=json)


@app.command(name="list")
def list_models(ctx: typer.Context, json: Json = False) -> None:
    """List the models, the newest of each entity type first; that one is applied."""
    _, store = open_project(ctx)
    rows = store.read(MATCH_MODELS).orderBy(c.ENTITY_TYPE, F.col(c.MODEL_VERSION).desc()).collect()
    facts = [
        _facts(row[c.ENTITY_TYPE], row[c.MODEL_VERSION], _readable(row[c.MODEL_JSON]))
        | {"fitted": row[c.CREATED_AT], "by": row[c.RUN_ID]}
        for row in rows
    ]
    print_result(facts, as_json=json)


@app.command()
def compare(
    ctx: typer.Context,
    first: Annotated[int, typer.Argument(metavar="A", help="A version.")],
    second: Annotated[int, typer.Argument(metavar="B", help="Another version.")],
    entity: Annotated[str, typer.Option(help="person or account")] = "person",
    json: Json = False,
) -> None:
    """Compare two versions: priors, weights, m, u and r, and how many pairs cross the threshold."""
    project, store = open_project(ctx)
    threshold = match_section(project, entity).clustering.threshold_log2
    models = read_model(store, entity, first), read_model(store, entity, second)
    scores = store.read(PAIR_SCORES).where(F.col(c.ENTITY_TYPE) == entity)
    comparable = are_comparable(*models)
    pairs = asdict(count_side_changes(scores, *models, threshold_log2=threshold)) if comparable else None
    facts = {
        "entity": entity,
        "versions": [first, second],
        "threshold": threshold,
        "priors": compare_priors(*models),
        "related": compare_related(*models),
        "levels": [asdict(level) for level in compare_levels(*models)],
        "pairs": pairs,
    }
    print_json(facts) if json else _print_comparison(facts)


def _print_comparison(facts: dict[str, Any]) -> None:
    out, (first, second) = console(), facts["versions"]
    for what, key in (("matches", "priors"), ("related people", "related")):
        shares = [{"rule": name, **_sides("share", two, facts)} for name, two in facts[key].items()]
        if shares:
            print_rows(shares, title=f"models {first} and {second} of {facts['entity']}: share of {what} by rule")
            out.print()
    figures = [("bits", "weight_log2"), ("m", "m"), ("u", "u"), *([("r", "r")] if facts["related"] else [])]
    levels = [
        {"comparison": level["comparison"], "level": level["level"]}
        | {name: shown for title, key in figures for name, shown in _sides(title, level[key], facts).items()}
        for level in facts["levels"]
    ]
    print_rows(levels, title="levels")
    out.print()
    if facts["pairs"] is None:
        out.print("pairs cannot be weighed by both: their rules or comparisons differ")
    else:
        print_rows([facts["pairs"]], title=f"pairs of the last run at {facts['threshold']:+.1f} bits")


def _sides(title: str, two: tuple[float | None, float | None], facts: dict[str, Any]) -> dict[str, str]:
    """A figure under each version, four digits."""
    sides = zip(facts["versions"], two, strict=True)
    return {f"{title} {version}": "" if value is None else f"{value:.4f}" for version, value in sides}


def _readable(text: str) -> MatchModel | None:
    """A saved model; None for one that another release of cdp-spark wrote in a format of its own."""
    try:
        return model_from_json(text)
    except StateError:
        return None


def _facts(entity: str, version: int, model: MatchModel | None) -> dict[str, Any]:
    return {
        "entity": entity,
        "version": version,
        "rules": len(model.rule_names) if model else "another format",
        "comparisons": len(model.match.comparisons) if model else None,
        "iterations": model.parameters.iterations if model else None,
        "converged": model.parameters.converged if model else None,
        "related_people": model.parameters.related is not None if model else None,
    }
