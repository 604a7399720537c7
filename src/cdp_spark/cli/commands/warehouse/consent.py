"""`cdp consent`: the withdrawals that cannot be read, and what a person says that they are."""

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from cdp_spark import columns as c
from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.output import print_result
from cdp_spark.cli.options import Json
from cdp_spark.config.project import Project
from cdp_spark.errors import ConfigError, DataError, StateError
from cdp_spark.normalise.people.contact_points import ContactPoint, contact_point_hash, read_contact_point
from cdp_spark.tables.catalog import CONSENTS, WITHDRAWAL_ISSUES
from cdp_spark.tables.consents import IGNORED, SETTLED, OpenWithdrawal, fetch_issues, find_open, holding
from cdp_spark.tables.store import Store

app = typer.Typer(no_args_is_help=True, add_completion=False, help="List and settle unreadable consent withdrawals.")


@app.command("list")
def list_open(ctx: typer.Context, json: Json = False) -> None:
    """List the withdrawals that cannot be read; `rejected_rows` has their text under row_hash."""
    project, store = open_project(ctx)
    found = find_open(fetch_issues(store))
    held = {it.name for it in holding(found, project)}
    rows = [
        {
            "row": it.name,
            "purpose": it.purpose or "unknown",
            "status": it.consent_status,
            "given_at": it.given_at,
            "holds exports": it.name in held,
            "row_hash": it.row_hash,
        }
        for it in found
    ]
    print_result(rows, as_json=json)


@app.command()
def settle(
    ctx: typer.Context,
    row: Annotated[str, typer.Argument(metavar="ROW", help="As `cdp consent list` names it.")],
    contact: Annotated[str | None, typer.Option(help="The e-mail or phone that the withdrawal is about.")] = None,
    ignore: Annotated[bool, typer.Option("--ignore", help="The withdrawal concerns nobody known.")] = False,
    reason: Annotated[str, typer.Option(help="Reason; required with --ignore.")] = "",
    author: Annotated[str, typer.Option(help="Who decided.")] = "",
    json: Json = False,
) -> None:
    """Say whose withdrawal an unreadable row is, or that it is nobody's; the exports that it held go on."""
    _check_choice(contact, ignore=ignore, reason=reason)
    project, store = open_project(ctx)
    withdrawal = _find(find_open(fetch_issues(store)), row)
    point = None if contact is None else _read_contact(project, withdrawal, contact)
    now = datetime.now(UTC)
    if point is not None:
        _write_consents(project, store, withdrawal, point, now)
    facts = {
        c.SOURCE: withdrawal.source,
        c.ROW_HASH: withdrawal.row_hash,
        c.STATUS: SETTLED if point else IGNORED,
        c.AT: now,
        c.CONTACT_POINT_HASH: contact_point_hash(point.value) if point and point.value else None,
        c.AUTHOR: author or getpass.getuser(),
        c.REASON: reason.strip() or None,
    }
    line = tuple(facts.get(name) for name in WITHDRAWAL_ISSUES.schema.names)
    store.append(WITHDRAWAL_ISSUES, WITHDRAWAL_ISSUES.table([line]), application=None)
    print_result([{"row": withdrawal.name, "status": facts[c.STATUS]}], as_json=json)


def _check_choice(contact: str | None, *, ignore: bool, reason: str) -> None:
    if (contact is None) != ignore:
        got = "both --contact and --ignore" if ignore else "neither --contact nor --ignore"
        fix = "name the contact point, or say --ignore with a --reason"
        raise ConfigError("cdp consent settle", got=got, allowed="one of the two", fix=fix)
    if ignore and not reason.strip():
        raise ConfigError("cdp consent settle", got="--ignore without a reason", fix="add --reason TEXT")


def _find(found: list[OpenWithdrawal], row: str) -> OpenWithdrawal:
    source, _, prefix = row.rpartition(":")
    fitting = [it for it in found if it.row_hash.startswith(prefix) and source in ("", it.source) and prefix]
    if len(fitting) != 1:
        got = "no such open withdrawal" if not fitting else f"{len(fitting)} open withdrawals"
        raise StateError(f"cdp consent settle {row}", got=got, fix="`cdp consent list` names them")
    return fitting[0]


def _read_contact(project: Project, withdrawal: OpenWithdrawal, contact: str) -> ContactPoint:
    source = next((it for it in project.sources if it.name == withdrawal.source), None)
    kind = source.consents.contact_type if source and source.consents else "detect"
    region = (source and source.default_region) or project.settings.default_region
    point = read_contact_point(contact, kind, region)
    if point.usable is None:
        got, fix = f"no usable {point.kind} ({point.reason})", "write e-mails with @, phones with country code"
        raise DataError("cdp consent settle --contact", got=got, fix=fix)
    return point


def _write_consents(
    project: Project, store: Store, withdrawal: OpenWithdrawal, point: ContactPoint, now: datetime
) -> None:
    """Append the withdrawal as it was meant; one whose purpose nobody knows is for all of the project's purposes."""
    purposes = project.settings.consent.purposes if withdrawal.purpose is None else (withdrawal.purpose,)
    rows = [
        (
            *(point.kind, contact_point_hash(point.value or ""), purpose, withdrawal.source, withdrawal.given_at),
            *(withdrawal.consent_status, f"settled row {withdrawal.row_hash}", now, "settled"),
        )
        for purpose in purposes
    ]
    store.append(CONSENTS, CONSENTS.table(rows), application=None)
