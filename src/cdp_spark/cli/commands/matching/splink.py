"""`cdp model export --splink`, `cdp model import --splink`: match models from and to Splink."""

import json as json_text
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.output import print_result
from cdp_spark.cli.options import Json
from cdp_spark.cli.references import match_section
from cdp_spark.errors import ConfigError, StateError
from cdp_spark.resolution.frames import build_features
from cdp_spark.resolution.models import FittedBy, newest_model, read_model, write_model
from cdp_spark.resolution.splink.export import splink_settings
from cdp_spark.resolution.splink.read import model_from_splink, read_splink
from cdp_spark.resolution.versions.compare import random_match_share
from cdp_spark.tables.catalog import PAIR_SCORES, RECORDS

Entity = Annotated[str, typer.Argument(help="person or account")]


def export_model(
    ctx: typer.Context,
    splink: Annotated[Path, typer.Option(metavar="FILE", help="Output file for Splink's settings (JSON).")],
    entity: Entity = "person",
    version: Annotated[int | None, typer.Option(help="Defaults to the newest.")] = None,
    records: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write the records as the model compares them, as Parquet.")
    ] = None,
    leave_out: Annotated[bool, typer.Option("--leave-out", help="Leave out what SQL cannot express.")] = False,
    json: Json = False,
) -> None:
    """Write a model as the settings of a Splink model: m and u of each level, blocking rules, for DuckDB."""
    project, store = open_project(ctx)
    match_section(project, entity)
    number = newest_model(store, entity)[0] if version is None else version
    if not number:
        raise StateError("cdp model export", got=f"no model of {entity} yet", fix="run `cdp run nightly` first")
    model = read_model(store, entity, number)
    of_type = F.col(c.ENTITY_TYPE) == entity
    people, scores = store.read(RECORDS).where(of_type), store.read(PAIR_SCORES).where(of_type)
    share = random_match_share(scores, records=people.count())
    settings = splink_settings(model, random_match_share=share, leave_out=leave_out)
    try:
        splink.write_text(json_text.dumps(settings, indent=2), encoding="utf-8")
    except OSError as error:
        got = (error.strerror or "an unwritable file").lower()
        raise ConfigError(f"--splink {splink}", got=got, allowed="a file that can be written") from None
    if records is not None:
        build_features(people, model.match).write.mode("overwrite").parquet(str(records))
    facts = {"entity": entity, "version": number, "file": str(splink), "comparisons": len(settings["comparisons"])}
    rules = len(settings["blocking_rules_to_generate_predictions"])
    print_result([{**facts, "rules": rules, "records": str(records) if records else None}], as_json=json)


def import_model(
    ctx: typer.Context,
    splink: Annotated[Path, typer.Option(metavar="FILE", help="Settings of a trained Splink model, as JSON.")],
    entity: Entity = "person",
    json: Json = False,
) -> None:
    """Save m, u and the prior of a Splink model as the next version; the next run applies it."""
    project, store = open_project(ctx)
    match = match_section(project, entity)
    version, current = newest_model(store, entity)
    model = model_from_splink(read_splink(splink), match, current=current, where=str(splink))
    now = datetime.now(UTC)
    by = FittedBy(run_id=f"splink-{now:%Y%m%dT%H%M%S%fZ}", at=now)
    write_model(store, entity, model, version=version + 1, by=by)
    priors = dict(zip(model.rule_names, (round(it, 6) for it in model.parameters.prior.tolist()), strict=True))
    print_result([{"entity": entity, "version": version + 1, "priors": priors}], as_json=json)
