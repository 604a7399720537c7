"""`cdp activation`: hand rows over to drt, and read its results back."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from cdp_spark.activation.drt.project import read_mark
from cdp_spark.activation.handover import hand_over_rows, take_results
from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.output import console, print_json, print_rows
from cdp_spark.cli.options import Json
from cdp_spark.config.base import choose_one
from cdp_spark.config.destination import DrtDestination
from cdp_spark.config.project import Project
from cdp_spark.errors import ConfigError
from cdp_spark.runs.releases import current_release, find_release
from cdp_spark.tables.run import RunContext

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Hand rows over to drt, and read its results back.")
_FATES = ("acknowledged", "refused", "unknown", "unsent")


@app.command()
def export(
    ctx: typer.Context,
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="New or empty folder, or one of an earlier export.")],
    output: Annotated[Literal["drt"], typer.Option("--format", help="Tool that is to send the rows.")] = "drt",
    destination: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this destination.")] = None,
    json: Json = False,
) -> None:
    """Write the rows for destinations of kind drt as a project that `drt run` sends."""
    project, store = open_project(ctx)
    wanted = _chosen(project, destination or [])
    release, now = current_release(store), datetime.now(UTC)
    run_id = f"by-hand-{now:%Y%m%dT%H%M%S%fZ}"
    context = RunContext(store, project, run_id, release.number, now, base_versions=release.versions)
    handed = hand_over_rows(context, wanted, to)
    rows = [{"destination": it.destination, "rows": len(it.rows), "left out": it.left_out} for it in handed]
    if json:
        print_json({"format": output, "folder": str(to), "release": release.number, "destinations": rows})
        return
    print_rows(rows)
    console().print(f"next: cd {to} && HOME=$PWD drt run; then cdp activation read-results {to}", soft_wrap=True)


@app.command("read-results")
def read_results(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the export, in which drt has run.")],
    json: Json = False,
) -> None:
    """Record what became of the rows of an export; the next run sends what was not acknowledged again."""
    project, store = open_project(ctx)
    mark = read_mark(folder)
    release = find_release(store, mark.release)
    context = RunContext(store, project, mark.run_id, release.number, datetime.now(UTC), base_versions=release.versions)
    found = []
    for name, rows in take_results(context, folder):
        counts = Counter(it.fate.status if it.fate else "not run" for it in rows)
        found.append({"destination": name, **{status: counts[status] for status in (*_FATES, "not run")}})
    print_json(found) if json else print_rows(found)


def _chosen(project: Project, names: list[str]) -> list[DrtDestination]:
    """The destinations of these names, or all.

    Raises:
        ConfigError: there is none, or a name is unknown.
    """
    known = {it.name: it for it in project.destinations.of_drt}
    if not known:
        fix = "add one to destinations.yaml; docs/activation.md shows how"
        raise ConfigError("cdp activation export", got="no destination of kind drt", fix=fix)
    for name in names:
        if name not in known:
            raise ConfigError("--destination", got=name, allowed=", ".join(known), fix=choose_one(name, known))
    return [it for name, it in known.items() if not names or name in names]
