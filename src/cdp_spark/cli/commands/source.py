"""`cdp source`: describe a source, look at how its rows are read, load it again."""

import getpass
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cdp_spark.cli.display.output import Terminal, print_json, print_rows
from cdp_spark.cli.display.source import added_facts, preview_facts, print_added, print_preview
from cdp_spark.cli.options import Json, options_of
from cdp_spark.config.authoring.starter import example_sources
from cdp_spark.config.base import choose_one
from cdp_spark.errors import ConfigError, InvalidProjectError
from cdp_spark.standalone.describing.add import add_sources
from cdp_spark.standalone.describing.check import readable_parts
from cdp_spark.standalone.describing.reading import read_rows

if TYPE_CHECKING:
    from pathlib import Path

_RESET = "cdp source reset"
_PREVIEWED_ROWS = 1_000
app = typer.Typer(no_args_is_help=True, add_completion=False, help="Add a source, preview its rows, reload it.")


@app.callback()
def group() -> None:
    """Add a source, preview its rows, reload it."""


@app.command()
def add(
    ctx: typer.Context,
    files: Annotated[list[str], typer.Argument(help="CSV, JSON or Parquet files, also packed; each is a source.")],
    name: Annotated[str | None, typer.Option(help="Name of the source; by default the file's.")] = None,
    region: Annotated[str | None, typer.Option(help="Country of phones that name none, such as DE.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding, instead of detecting it.")] = None,
    delimiter: Annotated[str | None, typer.Option(help=r"Delimiter, instead of detecting it (\t: tab).")] = None,
    json: Json = False,
) -> None:
    """Write each file's source YAML into the project: kind, key, times and meanings are recognised.

    The YAML is commented and ready to edit. An existing source is never overwritten; the unchanged example sources of
    `cdp init --template` are removed. Where a setting is a guess, this
    command says so, and so does the YAML (CHECK).
    """
    project = options_of(ctx).project
    told = {"encoding": encoding, "delimiter": delimiter}
    options = {key: value for key, value in told.items() if value is not None}
    examples = example_sources(project)
    added = add_sources(files, project, options=options, name=name, region=region.upper() if region else None)
    if json:
        print_json([added_facts(it) for it in added])
    elif not options_of(ctx).quiet:
        if examples:
            typer.echo(f"Removed the example sources: {', '.join(path.stem for path in examples)}")
        print_added(Terminal(), added, str(project))


@app.command()
def preview(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A source of the project.")],
    rows: Annotated[int, typer.Option(min=0, help="Rows to show.")] = 3,
    json: Json = False,
) -> None:
    """Show how a source's first rows are read: values as delivered and as read, what is not read and why.

    Neither Spark nor a warehouse is needed.
    """
    folder: Path = options_of(ctx).project
    sources, settings, errors = readable_parts(folder)
    source = next((it for it in sources if it.name == name), None)
    if source is None:
        own = next((it for it in errors if f"{name}.yaml" in it.where), None)
        if own is not None:
            raise own
        if not sources and errors:
            raise InvalidProjectError(errors)
        names = [it.name for it in sources]
        raise ConfigError("source", got=f"'{name}'", allowed=", ".join(names), fix=choose_one(name, names))
    region = settings.default_region if settings else "US"
    found = read_rows(source, folder=str(folder), region=region, as_of=datetime.now(UTC), most=_PREVIEWED_ROWS)
    if json:
        print_json(preview_facts(found, rows))
    else:
        print_preview(Terminal(), found, rows)


@app.command()
def reset(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A source of records or events.")],
    reason: Annotated[str, typer.Option(help="Reason; stored with the run.")] = "",
    author: Annotated[str, typer.Option(help="Who requested it.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    json: Json = False,
) -> None:
    """Remove the rows that were loaded from a source; the next run loads what the source delivers then.

    Rows that the source no longer delivers are not loaded again. Profiles change when the next run publishes.
    """
    from cdp_spark.cli.commands.opening import open_project  # noqa: PLC0415 - Spark, which the others do not need
    from cdp_spark.runs.rollback import count_source_rows, reset_source  # noqa: PLC0415 - see above

    if not (dry_run or yes) and (json or not sys.stdin.isatty()):
        fix = "--dry-run shows what would be removed, --yes removes it"
        raise ConfigError(_RESET, got="no terminal to ask on", allowed="--yes or --dry-run", fix=fix)
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
