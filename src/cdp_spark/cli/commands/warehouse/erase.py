"""`cdp erase`: people out of every table, and kept from coming back."""

import getpass
import sys
from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.output import console, print_json, print_rows
from cdp_spark.cli.display.progress import show_progress
from cdp_spark.cli.lookup import ReleasedWarehouse, find_ids
from cdp_spark.cli.options import options_of
from cdp_spark.config.project import Project
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.pipeline import ErasureSummary, RunOptions, continue_erasure, erase, preview_erasure
from cdp_spark.privacy.requests import Request
from cdp_spark.privacy.stage import Plan
from cdp_spark.tables.store import Store

_COMMAND = "cdp erase"


def erase_people(
    ctx: typer.Context,
    people: Annotated[
        list[str] | None, typer.Argument(metavar="ID|EMAIL", help="Unified ids, or e-mails that one profile has.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, such as the request's number; not the person's name.")] = "",
    author: Annotated[str, typer.Option(help="Who asked for it.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    go_on: Annotated[bool, typer.Option("--continue", help="Finish an erasure that was stopped.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Erase people: from every table and its older versions, for good. Their identifiers are kept out from then on."""
    _check(people, reason, go_on=go_on)
    project, store = open_project(ctx)
    if not go_on:
        request = _request(store, people or [], reason=reason.strip(), author=author)
        if dry_run or not yes:
            plan = preview_erasure(store, project, request)
            _print_plan(plan, as_json=json and dry_run)
            if dry_run or not _is_confirmed(len(request.ids)):
                return
    options = options_of(ctx)
    with show_progress(quiet=options.quiet or json) as progress:
        told = RunOptions(progress=progress)
        done = continue_erasure(store, project, told) if go_on else erase(store, project, request, told)
    print_json(_facts(done)) if json else _print_summary(done, project)


def _check(people: list[str] | None, reason: str, *, go_on: bool) -> None:
    if go_on and people:
        raise ConfigError(_COMMAND, got="--continue and people", allowed="one of both", fix="finish the old one first")
    if not go_on and not (people and reason.strip()):
        got = "no reason" if people else "nobody to erase"
        raise ConfigError(_COMMAND, got=got, allowed="ids or e-mails, and a reason", fix="cdp erase --help")


def _request(store: Store, people: list[str], *, reason: str, author: str) -> Request:
    warehouse = ReleasedWarehouse.newest(store)
    ids = {_one(find_ids(warehouse, it, command=_COMMAND)) for it in people}
    return Request(tuple(sorted(ids)), author or getpass.getuser(), reason, datetime.now(UTC))


def _one(ids: list[str]) -> str:
    if len(ids) > 1:
        got = f"an e-mail of {len(ids)} profiles: {', '.join(ids)}"
        raise DataError(_COMMAND, got=got, allowed="one of theirs", fix="name the person's unified id")
    return ids[0]


def _is_confirmed(count: int) -> bool:
    if not sys.stdin.isatty():
        fix = "--dry-run shows what goes, --yes erases it"
        raise ConfigError(_COMMAND, got="no terminal to ask on", allowed="--yes or --dry-run", fix=fix)
    return typer.confirm(f"\nErase {count:,} {'id' if count == 1 else 'ids'}? Nothing brings them back.")


def _print_plan(plan: Plan, *, as_json: bool) -> None:
    rows = {name: count for name, count in plan.counts.items() if count}
    own = Counter(kind for kind, _ in plan.known.listed)
    facts: dict[str, Any] = {
        "ids": list(plan.people.ids),
        "merged_ids": list(plan.people.merged_ids),
        "rows": rows,
        "suppressed": dict(sorted(own.items())),
        "shared": dict(sorted(plan.known.shared.items())),
    }
    if as_json:
        print_json(facts)
        return
    merged = f", to which {len(plan.people.merged_ids)} others lead" if plan.people.merged_ids else ""
    console().print(f"\n{', '.join(plan.people.ids)}{merged}", markup=False)
    print_rows([{"table": name, "rows to erase": count} for name, count in rows.items()], title="what goes")
    listed = [{"identifiers": kind, "kept out": count} for kind, count in facts["suppressed"].items()]
    print_rows(listed, title="\nwhat must not come back")
    if facts["shared"]:
        rows_shared = [{"identifiers": kind, "others have, too": count} for kind, count in facts["shared"].items()]
        print_rows(rows_shared, title="\nwhat may, as it would keep others out")


def _facts(done: ErasureSummary) -> dict[str, Any]:
    metrics = {name: value for it in done.run.finished.values() for name, value in it.metrics.items()}
    rows = {name.removeprefix("erased."): int(it) for name, it in metrics.items() if name.startswith("erased.")}
    return {
        "run_id": done.run.run_id,
        "release": done.release.number,
        "ids": rows.pop("ids", 0),
        "rows": rows,
        "suppressed": int(metrics.get("suppressed.new", 0)),
        "shared": {name.removeprefix("shared."): int(it) for name, it in metrics.items() if name.startswith("shared.")},
        "details": {name: it.detail for name, it in done.run.finished.items()},
    }


def _print_summary(done: ErasureSummary, project: Project) -> None:
    facts, out = _facts(done), console()
    total = sum(facts["rows"].values())
    out.print(
        f"\nerased {facts['ids']:,} ids: {total:,} rows of {len(facts['rows'])} tables; "
        f"{facts['suppressed']:,} identifiers kept out; release {facts['release']}, those before it expired"
    )
    for each in project.destinations.destinations:
        out.print(f"told {each.name}: {each.path}/_erased/release={facts['release']}", markup=False)
