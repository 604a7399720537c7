"""`cdp validate`, `cdp schema`, `cdp init`: writing a project."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from cdp_spark.cli.display.configuration import write_configuration, write_functions
from cdp_spark.cli.display.output import print_json, print_rows, printable
from cdp_spark.cli.display.source import check_facts, error_facts
from cdp_spark.cli.options import Json, options_of
from cdp_spark.config.authoring.schema import json_schemas, write_schemas
from cdp_spark.config.authoring.starter import Template, write_starter
from cdp_spark.config.checks.impossible import find_impossible
from cdp_spark.config.load import load_project
from cdp_spark.errors import InvalidProjectError
from cdp_spark.normalise.text import plural
from cdp_spark.standalone.describing.check import check_source, readable_parts


def validate(
    ctx: typer.Context,
    folder: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="The project; by default --project.")] = None,
    data: Annotated[bool, typer.Option("--data", help="Also check each source's files: columns, rows, cells.")] = False,
    json: Json = False,
) -> None:
    """Check the project's configuration, and its sources' files with --data; all errors are listed at once."""
    options = options_of(ctx)
    checked = folder or options.project
    sources, settings, errors = readable_parts(checked)
    as_of = datetime.now(UTC)
    checks = [check_source(it, folder=checked, settings=settings, as_of=as_of) for it in sources] if data else []
    errors = [*errors, *(error for check in checks for error in check.errors)]
    if errors and not json:
        raise InvalidProjectError(errors)
    if errors:
        print_json(
            {"project": settings.name if settings else None, "valid": False, "errors": [*map(error_facts, errors)]}
        )
        raise typer.Exit(InvalidProjectError.exit_code)
    project = load_project(checked)
    warnings = [*find_impossible(project), *(warning for check in checks for warning in check.warnings)]
    facts = {
        "project": project.settings.name,
        "valid": True,
        "sources": len(project.sources),
        "segments": len(project.segments),
        "destinations": len(project.destinations.destinations),
        "config_hash": project.config_hash,
        "warnings": warnings,
    }
    if json:
        print_json(facts | ({"data": [check_facts(it) for it in checks]} if data else {}))
    elif not options.quiet:
        if checks:
            print_rows([check_facts(it) for it in checks])
        counts = ", ".join(plural(int(str(facts[name])), name.removesuffix("s")) for name in _COUNTED)
        for warning in warnings:
            typer.echo(printable(f"Warning: {warning}"), err=True)
        typer.echo(printable(f"{checked}: valid; project {project.settings.name} with {counts}"))


_COUNTED = ("sources", "segments", "destinations")


def schema(
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write one file per kind into this folder.")] = None,
    markdown: Annotated[
        Literal["keys", "functions"] | None,
        typer.Option(metavar="keys|functions", help="Print all keys, or the functions of expressions, as Markdown."),
    ] = None,
) -> None:
    """Print the configuration's JSON Schemas, or write them for an editor to use."""
    if markdown is not None:
        typer.echo(write_configuration() if markdown == "keys" else write_functions())
        return
    if out is None:
        print_json(json_schemas())
        return
    for path in write_schemas(out):
        typer.echo(str(path))


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New or empty folder.")],
    template: Annotated[
        Template,
        typer.Option(help="webshop: orders, web events, consents. b2b: companies, contacts, invoices, web events."),
    ] = "starter",
    without_data: Annotated[
        bool, typer.Option("--without-data", help="Leave the example files out; sources say what they would hold.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a commented project that validates and runs as it is, on invented example files."""
    written = write_starter(folder, template, with_data=not without_data, today=datetime.now(UTC).date())
    files = [str(path) for path in written]
    following = f"cdp --project {folder} {'source add FILE…' if without_data else 'run nightly'}"
    if json:
        print_json({"files": files, "next": following})
        return
    typer.echo("\n".join([*files, f"next: {following}"]))
    if template != "starter" and not without_data:
        typer.echo(f"with your own files: cdp --project {folder} source add FILE…")
