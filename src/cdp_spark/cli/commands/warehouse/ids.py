"""`cdp id resolve`: what became of a unified id."""

from typing import Annotated, Any

import typer

from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.output import print_json, print_rows
from cdp_spark.cli.options import Json
from cdp_spark.errors import StateError
from cdp_spark.identity.frames_tables import ResolvedId, resolve_id
from cdp_spark.runs.releases import Release, current_release, read_releases
from cdp_spark.tables.catalog import ID_REGISTRY
from cdp_spark.tables.store import Store
from cdp_spark.view.warehouse import ReleasedWarehouse

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Show what a unified ID resolves to now.")


@app.callback()
def ids() -> None:
    """Show what a unified ID resolves to now."""


@app.command()
def resolve(
    ctx: typer.Context,
    unified_id: Annotated[str, typer.Argument(metavar="ID", help="A unified ID, such as one stored by another tool.")],
    json: Json = False,
) -> None:
    """Show the current ID: itself, the one it was merged into, or none if closed."""
    _, store = open_project(ctx)
    resolved = find_id(store, unified_id.strip())
    facts: dict[str, Any] = {
        "unified_id": resolved.unified_id,
        "resolved_id": resolved.resolved_id if resolved.status == "live" else None,
        "status": resolved.status,
        "cause": resolved.cause,
        "path": list(resolved.path),
    }
    print_json(facts) if json else print_rows([{**facts, "path": " → ".join(resolved.path)}])


def find_id(store: Store, unified_id: str) -> ResolvedId:
    """Resolve an id in the current release.

    Raises:
        StateError: it was never issued, or by a release that was rolled back.
    """
    current = current_release(store)
    try:
        return resolve_id(ReleasedWarehouse(store, current).read(ID_REGISTRY), unified_id)
    except StateError:
        undone = _undone_release(store, unified_id)
        if undone is None:
            raise
        got = f"an id of release {undone.number}, from which release {current.number} went back"
        raise StateError(f"id {unified_id}", got=got, fix="`cdp changes` says what its records bear now") from None


def _undone_release(store: Store, unified_id: str) -> Release | None:
    """The newest release that issued an id and is no longer on the way to the current one."""
    releases = [it for it in read_releases(store) if it.is_published]
    if all(it.restored is None for it in releases):
        return None
    for release in releases:
        registry = release.read(store, ID_REGISTRY)
        if not registry.where(registry["unified_id"] == unified_id).isEmpty():
            return release
    return None
