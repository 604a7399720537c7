"""`cdp erase`: people out of every table, and kept from coming back."""

import getpass
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.erasure import print_erasure, print_plan
from cdp_spark.cli.display.progress import show_progress
from cdp_spark.cli.options import Json, options_of
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.normalise.identifiers import Forms
from cdp_spark.privacy.people.requests import Request
from cdp_spark.runs.plan import RunOptions
from cdp_spark.runs.runner import continue_erasures, erase, preview_erasure
from cdp_spark.tables.store import Store
from cdp_spark.view.find import find_ids
from cdp_spark.view.warehouse import ReleasedWarehouse

_COMMAND = "cdp erase"


def erase_people(
    ctx: typer.Context,
    people: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ID|EMAIL",
            help="Unified IDs, records, or e-mails and other identifiers that one profile has; none reads them from "
            "standard input, one a line.",
        ),
    ] = None,
    reason: Annotated[str, typer.Option(help="Reason, such as the request number; not the person's name.")] = "",
    author: Annotated[str, typer.Option(help="Who requested it.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    go_on: Annotated[bool, typer.Option("--continue", help="Finish interrupted erasures.")] = False,
    json: Json = False,
) -> None:
    """Erase people from every table and its older versions, permanently, and keep their identifiers out."""
    given = people or ([] if go_on or sys.stdin.isatty() else [line.strip() for line in sys.stdin if line.strip()])
    _check(given, reason, dry_run=dry_run, yes=yes, go_on=go_on, is_asked=bool(people) and not json)
    project, store = open_project(ctx)
    options = options_of(ctx)
    if go_on:
        with show_progress(quiet=options.quiet or json) as progress:
            finished = continue_erasures(store, project, RunOptions(progress=progress))
        for done in finished:
            print_erasure(done, project, as_json=json)
        return
    request = _request(store, given, forms=project.identifiers.forms, reason=reason.strip(), author=author)
    if dry_run or not yes:
        print_plan(preview_erasure(store, project, request), as_json=json)
        if dry_run:
            return
        typer.confirm(f"\nErase {len(request.ids):,} ids? Nothing brings them back.", abort=True)
    with show_progress(quiet=options.quiet or json) as progress:
        done = erase(store, project, request, RunOptions(progress=progress))
    print_erasure(done, project, as_json=json)


def _check(given: list[str], reason: str, *, dry_run: bool, yes: bool, go_on: bool, is_asked: bool) -> None:
    """Refuse what does not go together, before anything is opened."""
    if go_on:
        if given or dry_run:
            got = "--continue and people" if given else "--continue and --dry-run"
            raise ConfigError(_COMMAND, got=got, allowed="--continue alone", fix="finish the old one first")
        return
    if not given or not (reason.strip() or dry_run):
        got = "no reason" if given else "nobody to erase"
        raise ConfigError(_COMMAND, got=got, allowed="ids or e-mails, and a reason", fix="cdp erase --help")
    if not (dry_run or yes) and not (is_asked and sys.stdin.isatty()):
        fix = "--dry-run shows what goes, --yes erases it"
        raise ConfigError(_COMMAND, got="no terminal to ask on", allowed="--yes or --dry-run", fix=fix)


def _request(store: Store, people: list[str], *, forms: Forms, reason: str, author: str) -> Request:
    """Find the ids; all that cannot be found at once."""
    warehouse, ids, mistakes = ReleasedWarehouse.newest(store), set[str](), list[str]()
    for number, text in enumerate(people, start=1):
        try:
            found = find_ids(warehouse, text, command=f"{_COMMAND}: number {number}", forms=forms)
        except DataError as error:
            mistakes.append(str(error))
            continue
        ids |= {*found}
        if len(found) > 1:
            got = f"an identifier of {len(found)} profiles: {', '.join(found)}"
            mistakes.append(f"{_COMMAND}: number {number}: got {got}. Fix: name the person's unified id")
    if len(mistakes) == 1:
        raise DataError(*mistakes)
    if mistakes:
        raise DataError(_COMMAND, got="".join(f"\n  - {mistake}" for mistake in mistakes))
    return Request(tuple(sorted(ids)), author or getpass.getuser(), reason, datetime.now(UTC))
