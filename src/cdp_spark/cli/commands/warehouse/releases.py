"""`cdp diff`, `cdp changes`, `cdp rollback`: from one release to another."""

import csv
import getpass
import json as json_text
import sys
from typing import Annotated, Any

import typer
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.output import console, print_json, print_result, print_rows
from cdp_spark.cli.options import Json
from cdp_spark.errors import ConfigError
from cdp_spark.runs.comparison.compare import IdDiff, compare_releases, read_changes
from cdp_spark.runs.rollback import roll_back


def diff(
    ctx: typer.Context,
    before: Annotated[int, typer.Argument(metavar="BEFORE", help="A release.")],
    now: Annotated[int, typer.Argument(metavar="NOW", help="Another release, older or newer.")],
    json: Json = False,
) -> None:
    """Compare the IDs of two releases: records and IDs that stayed, merged, split, moved, came and went."""
    _, store = open_project(ctx)
    found = compare_releases(store, before, now)
    if json:
        print_json(vars(found))
    else:
        print_id_diff(found, title=f"release {found.before} → {found.now}")


def print_id_diff(found: IdDiff, *, title: str) -> None:
    """Print how ids differ: records and ids by change, and examples."""
    kinds = list(dict.fromkeys([*found.records, *found.ids]))
    rows = [{"change": kind, "records": found.records.get(kind), "ids": found.ids.get(kind)} for kind in kinds]
    print_rows(rows, title=title)
    for kind, examples in found.examples.items():
        console().print()
        print_rows(examples, title=f"{kind}, for example")


def changes(
    ctx: typer.Context,
    since: Annotated[int, typer.Option(metavar="RELEASE", help="Release that the reader already has; 0 for none.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print every change as CSV.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print every change as JSON lines.")] = False,
) -> None:
    """Count the ID changes since a release by kind and cause, or print each one for other tools to replay."""
    if as_csv and json:
        raise ConfigError("cdp changes", got="--csv and --json", allowed="one of them", fix="omit one")
    _, store = open_project(ctx)
    found = read_changes(store, since=since)
    if not (as_csv or json):
        counts = found.groupBy(c.RELEASE, c.CHANGE, c.CAUSE).agg(F.count(F.lit(1)).alias("records"))
        rows = counts.orderBy(c.RELEASE, c.CHANGE, c.CAUSE).collect()
        print_result([row.asDict() for row in rows], as_json=False, title=f"changes since release {since}")
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if as_csv:
        writer.writerow(found.columns)
    for row in found.toLocalIterator():
        if as_csv:
            writer.writerow(row)
        else:
            sys.stdout.write(json_text.dumps(row.asDict()) + "\n")


def rollback(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option(help="Reason; stored with the release.")],
    to: Annotated[int | None, typer.Option(metavar="RELEASE", help="Defaults to the one before the current.")] = None,
    author: Annotated[str, typer.Option(help="Who requested it.")] = "",
    json: Json = False,
) -> None:
    """Publish the tables of an older release again, as a new release; the next run starts from them."""
    if not reason.strip():
        raise ConfigError("--reason", got="nothing", allowed="a sentence", fix="say why")
    project, store = open_project(ctx)
    release = roll_back(store, project, to=to, reason=reason.strip(), author=author or getpass.getuser())
    facts: dict[str, Any] = {"release": release.number, "restored": release.restored, "reason": release.reason}
    print_json(facts) if json else print_rows([facts])
