"""`cdp what-if`: what another configuration would do, before it is run."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.commands.warehouse.releases import print_id_diff
from cdp_spark.cli.display.output import console, print_json, print_rows
from cdp_spark.cli.display.progress import show_progress
from cdp_spark.cli.options import Json, options_of
from cdp_spark.config.load import load_project
from cdp_spark.errors import ConfigError
from cdp_spark.runs.comparison.what_if import WhatIf
from cdp_spark.runs.comparison.what_if import what_if as try_configuration
from cdp_spark.runs.plan import RunOptions
from cdp_spark.runs.stages import STAGES, stages_between
from cdp_spark.tables.store import Store

_FIRST, _LAST = "matching", "segments"


def what_if(
    ctx: typer.Context,
    conf: Annotated[Path, typer.Option(metavar="DIR", help="Project folder of the other configuration.")],
    first: Annotated[
        str, typer.Option("--from", metavar="STAGE", help="First stage to run; earlier results are kept.")
    ] = _FIRST,
    scratch: Annotated[str, typer.Option(metavar="DIR|URI", help="Empty folder for the tables; they are kept.")] = "",
    json: Json = False,
) -> None:
    """Run another configuration on the current records beside the warehouse, and compare ids and segments."""
    options = options_of(ctx)
    tried_stages = STAGES[STAGES.index(_FIRST) : STAGES.index(_LAST) + 1]
    if first not in tried_stages:
        raise ConfigError("--from", got=repr(first), allowed=", ".join(tried_stages), fix="name one of these stages")
    stages_between(first, _LAST)
    other = load_project(conf)
    project, store = open_project(ctx)
    with _place(store, scratch) as place, show_progress(quiet=options.quiet or json) as progress:
        found = try_configuration(store, project, other, place, RunOptions(progress=progress), first=first)
    print_json(asdict(found)) if json else _print(found)


@contextmanager
def _place(store: Store, scratch: str) -> Iterator[Store]:
    """The place that was named, or a temporary folder where the warehouse is one of this machine, too."""
    if scratch:
        yield Store(store.spark, scratch if ":" in scratch else str(Path(scratch).absolute()))
        return
    if store.kind != "path" or not Path(store.location).is_dir():
        got = "no place, for a warehouse that is no folder of this machine"
        raise ConfigError("--scratch", got=got, allowed="an empty folder or URI", fix="name one that all executors see")
    with tempfile.TemporaryDirectory(prefix="cdp-what-if-") as folder:
        yield Store(store.spark, folder)


def _print(found: WhatIf) -> None:
    out = console()
    print_id_diff(found.ids, title=f"ids, against release {found.release}")
    out.print()
    print_rows(
        [{"profiles": kind, "before": before, "now": now} for kind, (before, now) in found.profiles.items()],
        title="profiles",
    )
    out.print()
    segments = [
        {"segment": name, "before": it.before, "now": it.now, "enters": it.enters, "exits": it.exits}
        for name, it in found.segments.items()
    ]
    print_rows(segments, title="segments")
    fitted = [
        f"a model of {kind} was fitted: rules or comparisons differ from the pinned one's" for kind in found.fitted
    ]
    for note in (*fitted, *found.notes):
        out.print(f"note: {note}", markup=False)
