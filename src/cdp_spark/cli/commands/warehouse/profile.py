"""`cdp profile show`: one profile, with all that it is made of."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.output import console, print_json, print_rows, shown
from cdp_spark.cli.lookup import ReleasedWarehouse, describe_profile, find_ids
from cdp_spark.normalise.times import parse_time

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Look up a profile.")
_LISTS = ("accounts", "household", "people", "consents", "values", "events")
_HASHES = frozenset({"record_key", "account_record_key", "contact_point_hash", "source_record_id"})
"""What JSON has and people do not read."""


@app.callback()
def profile() -> None:
    """Look up a profile."""


@app.command("show")
def show(
    ctx: typer.Context,
    id_or_email: Annotated[
        str, typer.Argument(metavar="ID|RECORD|EMAIL", help="A unified ID, a record (crm:K2001), an e-mail or a phone.")
    ],
    at: Annotated[str | None, typer.Option(metavar="TIME", help="Show it as of this time (ISO 8601).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a profile, its segments, consents and relations, its source records, and which of them won each value."""
    time = parse_time("--at", at)
    _, store = open_project(ctx)
    warehouse = ReleasedWarehouse.newest(store)
    found = [describe_profile(warehouse, it, at=time) for it in find_ids(warehouse, id_or_email, at=time)]
    if json:
        print_json(found)
        return
    for facts in found:
        _print(facts, asked=id_or_email)


def _print(facts: dict[str, Any], *, asked: str) -> None:
    out = console()
    merged = f" (asked for {asked}, merged into it)" if "@" not in asked and asked != facts["unified_id"] else ""
    time = f" at {shown(facts['at'])}" if facts["at"] else ""
    out.print(f"\n[bold]{facts['unified_id']}[/]{escape(merged)}, release {facts['release']}{time}", markup=True)
    print_rows([{"attribute": name, "value": shown(value)} for name, value in facts["profile"].items()])
    out.print(f"\nsegments: {', '.join(facts['segments']) or 'none'}")
    if facts["at"]:
        out.print("The following shows the current state, not the past one.", style="italic")
    out.print()
    print_rows(_side_by_side(facts["records"]), title="records")
    for name in (name for name in _LISTS if name in facts):
        count = f" ({facts['people_count']:,})" if name == "people" else ""
        out.print()
        print_rows(_filled(facts[name]), title=name + count, empty="none")


def _filled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows without hashes, and without the columns that none of them fills."""
    names = [name for name in (rows[0] if rows else ()) if name not in _HASHES]
    filled = [name for name in names if any(row[name] not in (None, "") for row in rows)]
    return [{name: row[name] for name in filled} for row in rows]


def _side_by_side(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records as columns, headed `crm:K2001`, and a row for each attribute that one of them has."""
    titles = [f"{it['source']}:{it['source_record_id']}" for it in records]
    names = [name for name in (records[0] if records else ()) if name not in _HASHES | {"source"}]
    return [
        {"attribute": name, **{title: it[name] for title, it in zip(titles, records, strict=True)}}
        for name in names
        if any(it[name] not in (None, "") for it in records)
    ]
