"""`cdp tables`, `cdp runs`, `cdp releases`: what the warehouse holds and how it came there."""

from typing import Annotated, Any

import typer

from cdp_spark.cli.commands.opening import open_project, open_released
from cdp_spark.cli.display.catalogue import write_catalogue
from cdp_spark.cli.display.output import print_result
from cdp_spark.cli.options import Json
from cdp_spark.errors import StateError
from cdp_spark.exchange.dbt import write_sources
from cdp_spark.runs.releases import Release, latest_release, read_releases
from cdp_spark.runs.run_log import Run, read_runs
from cdp_spark.tables.catalog import TABLES
from cdp_spark.tables.spec import TableKind, TableSpec
from cdp_spark.tables.store import Store


def tables(
    ctx: typer.Context,
    json: Json = False,
    catalogue: Annotated[
        bool,
        typer.Option("--catalogue", help="Print what all tables and columns mean, as Markdown; opens no warehouse."),
    ] = False,
    dbt: Annotated[
        bool, typer.Option("--dbt", help="Print a `sources.yml` for dbt: the gold tables of the newest release.")
    ] = False,
) -> None:
    """List the tables; gold tables as the newest release shows them, others at their head."""
    if catalogue:
        typer.echo(write_catalogue())
        return
    if dbt:
        _, warehouse = open_released(ctx)
        shown = warehouse.release
        typer.echo(write_sources(warehouse.store, shown.versions, release=shown.number), nl=False)
        return
    _, store = open_project(ctx)
    release = latest_release(store)
    print_result([table_facts(store, spec, release) for spec in TABLES.values()], as_json=json)


def runs(
    ctx: typer.Context,
    run_id: Annotated[str | None, typer.Argument(help="Show this run's stages.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Number of entries, newest first.")] = 20,
    json: Json = False,
) -> None:
    """List the runs, or one run's stages; a run that recorded no end is interrupted, or is running now."""
    _, store = open_project(ctx)
    found = read_runs(store, run_id=run_id)
    if run_id is not None and not found:
        raise StateError(f"run {run_id}", got="no such run", fix="`cdp runs` lists them")
    rows = [run_facts(run) for run in found[:limit]] if run_id is None else stage_facts(found[0])
    print_result(rows, as_json=json)


def releases(ctx: typer.Context, json: Json = False) -> None:
    """List what was published, newest first; readers see the first that is not expired."""
    _, store = open_project(ctx)
    found = read_releases(store)
    print_result([release_facts(release, as_json=json) for release in found], as_json=json)


def table_facts(store: Store, spec: TableSpec, release: Release | None) -> dict[str, Any]:
    """A table's line: its rows and version are null where it was never written or never published."""
    version = None
    if spec.kind is TableKind.GOLD:
        version = release.versions.get(spec.name) if release else None
    elif store.exists(spec):
        version = store.version(spec)
    rows = store.read(spec, version=version).count() if version is not None else None
    return {"table": spec.name, "kind": spec.kind.value, "rows": rows, "version": version, "one row is": spec.grain}


def run_facts(run: Run) -> dict[str, Any]:
    """A run's line."""
    return {
        "run_id": run.run_id,
        "as_of": run.as_of,
        "status": run.status,
        "seconds": round(sum(it.seconds or 0.0 for it in run.finished.values()), 1),
        "stages": len(run.finished),
        "detail": run.outcomes[-1].detail if run.status in ("failed", "refused") else "",
    }


def stage_facts(run: Run) -> list[dict[str, Any]]:
    """A run's states in the order that it reached them."""
    names = ("stage", "status", "at", "seconds", "rows", "detail")
    return [{name: getattr(outcome, name) for name in names} for outcome in run.outcomes]


def release_facts(release: Release, *, as_json: bool) -> dict[str, Any]:
    """A release's line; its tables' versions in JSON only."""
    tables_of_it: Any = dict(release.versions) if as_json else len(release.versions)
    return {
        "release": release.number,
        "run_id": release.run_id,
        "published_at": release.published_at,
        "status": release.status,
        "restored": release.restored,
        "reason": release.reason,
        "tables": tables_of_it,
    }
