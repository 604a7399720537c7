"""`cdp suppress`: the identifiers that must not come back."""

import getpass
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from cdp_spark import columns as c
from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.output import print_result
from cdp_spark.cli.options import Json, options_of
from cdp_spark.config.load import load_project
from cdp_spark.config.mapping import BUILT_IN_TYPES
from cdp_spark.errors import ConfigError
from cdp_spark.ingest.suppression.register import Entry, add_suppressions, check_type
from cdp_spark.tables.catalog import SUPPRESSIONS

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Block identifiers at ingest.")
KINDS = ", ".join((*BUILT_IN_TYPES, c.NATIONAL_ID, "or a type of project.yaml"))


@app.command()
def add(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option(help="Reason; not the person's name.")],
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="VALUE", help="Without arguments, read from standard input, one per line."),
    ] = None,
    kind: Annotated[str, typer.Option("--type", help=KINDS)] = "email",
    author: Annotated[str, typer.Option(help="Who requested it.")] = "",
    json: Json = False,
) -> None:
    """Add identifiers as keyed hashes; rows that hold one are left out from the next run on, and only counted."""
    given = values or [line.strip() for line in sys.stdin if line.strip()]
    if not given or not reason.strip():
        what = "no reason" if given else "no values"
        raise ConfigError("cdp suppress add", got=what, allowed="values, and a reason", fix="cdp suppress add --help")
    check_type(load_project(options_of(ctx).project), kind)  # before Spark starts
    project, store = open_project(ctx)
    entry = Entry(author or getpass.getuser(), reason.strip(), datetime.now(UTC))
    added = add_suppressions(store, project, kind, given, entry)
    print_result([{"values": len(given), "entries added": added}], as_json=json)


@app.command("list")
def list_entries(ctx: typer.Context, json: Json = False) -> None:
    """List the entries, newest first: type, hash, author and reason; nobody can read the values back."""
    _, store = open_project(ctx)
    names = (c.AT, c.SCOPE, c.TYPE, c.VALUE_HASH, c.KEY_ID, c.AUTHOR, c.REASON)
    rows = store.read(SUPPRESSIONS).select(*names).orderBy(c.AT, c.VALUE_HASH, ascending=[False, True]).collect()
    print_result([row.asDict() for row in rows], as_json=json)
