"""`cdp labels`: what people said about pairs, and taking it back."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.output import print_result, printable
from cdp_spark.cli.options import Json
from cdp_spark.cli.references import ALLOWED, find_pair, record_titles
from cdp_spark.clustering.labels import WITHDRAWN
from cdp_spark.labelling.links import withdraw_label
from cdp_spark.tables.catalog import LABELS

app = typer.Typer(invoke_without_command=True, add_completion=False, help="List labels, or withdraw one.")
Record = Annotated[str, typer.Argument(metavar="RECORD", help=ALLOWED)]


@app.callback()
def labels(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="Number of entries, newest first.")] = 50,
    json: Json = False,
) -> None:
    """List the labels, newest first; of a pair the newest is in force, unless it was withdrawn."""
    if ctx.invoked_subcommand is not None:
        return
    _, store = open_project(ctx)
    newest = (F.col(c.AT) == F.col("newest")) & (F.col(c.LABEL) != WITHDRAWN)
    last = store.read(LABELS).groupBy(c.RECORD_KEY_L, c.RECORD_KEY_R).agg(F.max(c.AT).alias("newest"))
    rows = store.read(LABELS).join(last, on=[c.RECORD_KEY_L, c.RECORD_KEY_R], how="inner")
    shown = rows.withColumn("in_force", newest).orderBy(F.desc(c.AT), c.RECORD_KEY_L, c.RECORD_KEY_R).limit(limit)
    found = shown.collect()
    names = record_titles(store, [row[side] for row in found for side in (c.RECORD_KEY_L, c.RECORD_KEY_R)])
    facts = [
        {
            "record": names.get(row[c.RECORD_KEY_L], row[c.RECORD_KEY_L]),
            "other record": names.get(row[c.RECORD_KEY_R], row[c.RECORD_KEY_R]),
            "label": row[c.LABEL],
            "in force": row["in_force"],
            "author": row[c.AUTHOR],
            "reason": row[c.REASON],
            "at": row[c.AT].astimezone(UTC),
        }
        for row in found
    ]
    print_result(facts, as_json=json)


@app.command()
def withdraw(
    ctx: typer.Context,
    left: Record,
    right: Record,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Reason; stored with the label.")],
    author: Annotated[str, typer.Option(metavar="NAME", help="Who decided.", show_default=False)] = "",
) -> None:
    """Withdraw a pair's label: from the next run on, rules and weights decide again."""
    _, store = open_project(ctx)
    names = find_pair(store, left, right)
    taken = withdraw_label(store, names.pair, author=author, reason=reason, at=datetime.now(UTC))
    typer.echo(printable(f"{names}: the {taken.replace('_', '-')} is withdrawn, from the next run on"))
