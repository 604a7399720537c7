"""`cdp validate`, `cdp schema`, `cdp init`: writing a project."""

from pathlib import Path
from typing import Annotated

import typer

from cdp_spark.cli.display.output import print_json
from cdp_spark.cli.display.plain import printable
from cdp_spark.cli.options import options_of
from cdp_spark.config.authoring.schema import json_schemas, write_schemas
from cdp_spark.config.authoring.starter import write_starter
from cdp_spark.config.checks.impossible import find_impossible
from cdp_spark.config.load import load_project


def validate(
    ctx: typer.Context,
    folder: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="The project; by default --project.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check the project's configuration; all mistakes are told at once."""
    options = options_of(ctx)
    checked = folder or options.project
    project = load_project(checked)
    warnings = find_impossible(project)
    facts = {
        "project": project.settings.name,
        "sources": len(project.sources),
        "segments": len(project.segments),
        "destinations": len(project.destinations.destinations),
        "config_hash": project.config_hash,
        "warnings": warnings,
    }
    if json:
        print_json(facts)
    elif not options.quiet:
        counts = ", ".join(f"{facts[name]} {name}" for name in ("sources", "segments", "destinations"))
        for warning in warnings:
            typer.echo(printable(f"Warning: {warning}"), err=True)
        typer.echo(printable(f"{checked}: valid; project {project.settings.name} with {counts}"))


def schema(out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write one file a kind here.")] = None) -> None:
    """Print the JSON Schemas of the configuration files, or write them for an editor to use."""
    if out is None:
        print_json(json_schemas())
        return
    for path in write_schemas(out):
        typer.echo(str(path))


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write a commented starter project that validates and runs as it is."""
    files, following = [str(path) for path in write_starter(folder)], f"cdp --project {folder} run nightly"
    if json:
        print_json({"files": files, "next": following})
    else:
        typer.echo("\n".join([*files, f"next: {following}"]))
