"""`cdp source`: what was loaded from a source."""

import getpass
import sys
from typing import Annotated

import typer

from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.output import print_json, print_rows
from cdp_spark.cli.options import options_of
from cdp_spark.errors import ConfigError
from cdp_spark.runs.rollback import count_source_rows, reset_source

_COMMAND = "cdp source reset"
app = typer.Typer(no_args_is_help=True, add_completion=False, help="Load a source anew.")


@app.callback()
def group() -> None:
    """Load a source anew."""


@app.command()
def reset(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A source of records or events.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the run.")] = "",
    author: Annotated[str, typer.Option(help="Who wants it.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Remove the rows that were loaded from a source; the next run loads what the source delivers then.

    Rows that the source no longer delivers are not loaded again. Profiles change when the next run publishes.
    """
    if not (dry_run or yes) and (json or not sys.stdin.isatty()):
        fix = "--dry-run shows what would be removed, --yes removes it"
        raise ConfigError(_COMMAND, got="no terminal to ask on", allowed="--yes or --dry-run", fix=fix)
    project, store = open_project(ctx)
    if dry_run or not yes:
        counts = count_source_rows(store, project, name)
        _print(counts, ctx, as_json=json)
        if dry_run:
            return
        typer.confirm(f"\nRemove these rows of {name}? What it no longer delivers does not come back.", abort=True)
    done = reset_source(store, project, name, reason=reason.strip() or "no reason", author=author or getpass.getuser())
    if yes:
        _print(done, ctx, as_json=json)
    if not (json or options_of(ctx).quiet):
        typer.echo(f"{name} is reset; `cdp run nightly` loads it.")


def _print(counts: dict[str, int], ctx: typer.Context, *, as_json: bool) -> None:
    if as_json:
        print_json(counts)
    elif not options_of(ctx).quiet:
        print_rows([{"table": table, "rows": rows} for table, rows in counts.items()])
