"""`cdp manifest`: whether all is there that was written to a warehouse."""

from typing import Annotated

import typer

from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.output import print_result
from cdp_spark.cli.options import Json
from cdp_spark.errors import ConfigError
from cdp_spark.runs.manifest import check_tables, rebuild_manifest
from cdp_spark.tables.catalog import TABLES
from cdp_spark.tables.manifest.manifest import Manifest

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Check a warehouse for lost tables, or rebuild its manifest."
)


@app.command()
def check(ctx: typer.Context, json: Json = False) -> None:
    """Look for every table, commit and file that was written, and list the tables."""
    _, store = open_project(ctx)
    _print(check_tables(store), as_json=json)


@app.command()
def rebuild(
    ctx: typer.Context,
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="TABLE", help="Accept the loss of this table or of its latest versions; repeatable."),
    ] = None,
    json: Json = False,
) -> None:
    """Make a lost or damaged manifest from what is there; refused where a table that was written is lost."""
    unknown = sorted({*(without or ())} - TABLES.keys())
    if unknown:
        raise ConfigError("--without", got=", ".join(unknown), allowed=", ".join(TABLES), fix="`cdp tables` lists them")
    _, store = open_project(ctx)
    _print(rebuild_manifest(store, without=without or ()), as_json=json)


def _print(manifest: Manifest, *, as_json: bool) -> None:
    rows = [{"table": name, "version at least": version} for name, version in sorted(manifest.tables.items())]
    title = f"{len(rows)} tables; last release: {manifest.release or 'none yet'}"
    print_result(rows, as_json=as_json, title=title)
