"""`cdp insights`: fit, list and judge the models of people's events."""

import json as json_text
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import pyarrow.csv
import pyarrow.parquet
import typer

from cdp_spark import columns as c
from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.output import console, print_json, print_result, print_rows
from cdp_spark.cli.options import Json
from cdp_spark.config.base import choose_one
from cdp_spark.config.insights.offers import OffersConfig
from cdp_spark.config.project import Project
from cdp_spark.errors import ConfigError, DataError, StateError
from cdp_spark.runs.releases import current_release
from cdp_spark.runs.run_log import read_runs
from cdp_spark.scores.frames import read_people_events
from cdp_spark.scores.frames_hold_out import build_hold_out
from cdp_spark.scores.frames_models import NewModel, find_applied, fit_model, next_version, read_versions, rows_of
from cdp_spark.scores.frames_offers import read_shop
from cdp_spark.scores.models import Clock, Definition, definitions_of, event_types_of
from cdp_spark.scores.stage_offers import fit_offer_weights
from cdp_spark.tables.catalog import SCORE_MODELS
from cdp_spark.tables.store import Store

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Fit, list and judge the models of people's events.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="lifetime_value, contracts, offers, or one of `scores`.")]
_FORMATS = (".csv", ".parquet")


@app.command()
def fit(ctx: typer.Context, name: Name, json: Json = False) -> None:
    """Fit the next version of a model from the events of the last run; the next run applies it."""
    project, store = open_project(ctx)
    definition, clock = _definition(project, name), _clock(project, store)
    model = _fit(store, definition, clock, next_version(read_versions(store), name))
    by_hand = f"by-hand-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
    store.append(SCORE_MODELS, rows_of([model], as_of=clock.as_of, run_id=by_hand), application=None)
    facts = {"model": name, "version": model.model.version, **_figures(model.evaluation)}
    print_json(facts | {"evaluation": model.evaluation}) if json else print_rows([facts])


@app.command(name="list")
def list_models(ctx: typer.Context, json: Json = False) -> None:
    """List the models' versions, the newest of each first, and which of them the next run applies."""
    project, store = open_project(ctx)
    versions = read_versions(store)
    applied = {
        (it.name, found.version) for it in definitions_of(project.insights) if (found := find_applied(versions, it))
    }
    rows = [
        {
            "model": row[c.MODEL],
            "version": row[c.VERSION],
            "applied": (row[c.MODEL], row[c.VERSION]) in applied,
            "events until": row[c.AS_OF],
            "fitted by": row[c.RUN_ID],
            **_figures(json_text.loads(row[c.EVALUATION])),
        }
        for row in versions
    ]
    names = list(dict.fromkeys(name for row in rows for name in row))
    print_result([{name: row.get(name) for name in names} for row in rows], as_json=json)


@app.command()
def evaluate(
    ctx: typer.Context,
    name: Name,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the hold-out, a row a person: .csv or .parquet.")
    ] = None,
    json: Json = False,
) -> None:
    """Show how well the applied version predicts data that it was not fitted on."""
    if out is not None and out.suffix not in _FORMATS:
        raise ConfigError("--out", got=out.name, allowed="a name in .csv or .parquet")
    project, store = open_project(ctx)
    definition, versions = _definition(project, name), read_versions(store)
    model = find_applied(versions, definition)
    if model is None:
        raise StateError(f"model {name}", got="no version of its present definition", fix=f"cdp insights fit {name}")
    row = next(it for it in versions if (it[c.MODEL], it[c.VERSION]) == (name, model.version))
    evaluation = json_text.loads(row[c.EVALUATION])
    if out is not None:
        clock = Clock(row[c.AS_OF], project.settings.time_zone)
        events = read_people_events(store, until=clock.as_of, event_types=event_types_of([definition]))
        rows = build_hold_out(model, events, clock)
        writer = pyarrow.csv.write_csv if out.suffix == ".csv" else pyarrow.parquet.write_table
        writer(rows, out)
    if json:
        print_json({"model": name, "version": model.version, **evaluation})
    else:
        _print(f"{name} {model.version}", evaluation, out)


def _fit(store: Store, definition: Definition, clock: Clock, version: int) -> NewModel:
    settings = definition.settings
    if not isinstance(settings, OffersConfig):
        events = read_people_events(store, until=clock.as_of, event_types=event_types_of([definition]))
        return fit_model(definition, version, events, clock)
    if settings.weights != "auto":
        raise ConfigError("cdp insights fit offers", got="weights of its own", fix="write `weights: auto`")
    shop = read_shop(store, settings, clock)
    if (model := fit_offer_weights(shop, settings, version)) is None:
        got = f"too few people who bought before and in the last {settings.horizon_days} days"
        raise DataError("offers", got=got, fix="load older purchases; until then the default weights hold")
    return model


def _definition(project: Project, name: str) -> Definition:
    known = {it.name: it for it in definitions_of(project.insights)}
    if name not in known:
        allowed = ", ".join(known) or "no model: insights.yaml has no section of one"
        raise ConfigError("cdp insights", got=f"'{name}'", allowed=allowed, fix=choose_one(name, known))
    return known[name]


def _clock(project: Project, store: Store) -> Clock:
    """The clock of the run whose tables are shown."""
    content = current_release(store).content
    run = next(it for it in read_runs(store) if it.ordinal == content)
    return Clock(run.as_of, project.settings.time_zone)


def _figures(evaluation: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """The few figures that tell most."""
    hold_out = evaluation.get("hold_out") or {}
    told = {
        "AUC": evaluation.get("auc"),
        "calibration error": evaluation.get("calibration_error"),
        "people judged": evaluation.get("people") or evaluation.get("judged_people"),
        "customers": evaluation.get("customers"),
        "contracts": evaluation.get("contracts"),
        "purchases against expected": _percent(hold_out.get("error")),
    }
    return {name: f"{it:.4f}" if isinstance(it, float) else it for name, it in told.items() if it is not None}


def _percent(error: float | None) -> str | None:
    return None if error is None else f"{1 / (1 + error) - 1:+.1%}"


def _print(title: str, evaluation: dict[str, Any], out: Path | None) -> None:
    print_rows([_figures(evaluation)], title=title)
    if bins := evaluation.get("bins"):
        rows = [
            {
                "tenth": place,
                "people": it["people"],
                "predicted": f"{it['predicted']:.1%}",
                "observed": f"{it['observed']:.1%}",
                "lift": f"{it['lift']:.2f}",
            }
            for place, it in enumerate(bins, start=1)
        ]
        console().print()
        print_rows(rows, title="hold-out, the most probable first")
    if out is not None:
        console().print(f"hold-out written to {out}")
