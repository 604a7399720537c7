"""`cdp segments`: what segments have, what their definitions would make of the last release, and why."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cdp_spark.cli.commands.opening import open_released
from cdp_spark.cli.display.output import console, print_json, print_result, printable
from cdp_spark.cli.display.segments.explanation import print_explanation
from cdp_spark.cli.display.segments.tables import (
    overlap_facts,
    print_differences,
    print_list,
    print_members,
    print_overlap,
    size_row,
)
from cdp_spark.cli.options import Json
from cdp_spark.config.load import load_project
from cdp_spark.normalise.times import parse_time
from cdp_spark.view.find import ALLOWED
from cdp_spark.view.segments.asked import AskedSegments
from cdp_spark.view.segments.released import ReleasedSegments

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="List segments, try their definitions, explain who is in them."
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="A segment of the project.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these segments.")]
AsOf = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Ask as of this time (ISO 8601; UTC if no offset is given); else the release's."),
]


@app.command("list")
def list_segments(ctx: typer.Context, json: Json = False) -> None:
    """List the segments with their members in the last release and the destinations that use them."""
    project, warehouse = open_released(ctx)
    found = ReleasedSegments(warehouse, project).list_all()
    print_json([asdict(it) for it in found]) if json else print_list(found)


@app.command()
def size(ctx: typer.Context, names: Names = None, as_of: AsOf = None, json: Json = False) -> None:
    """Count the members that each definition would have now, beside those in the last release; writes nothing."""
    asked = _ask(ctx, as_of)
    found = asked.sizes(names or ())
    print_result([size_row(it) for it in found], as_json=json)
    _warn(asked, names or ())


@app.command()
def preview(
    ctx: typer.Context,
    name: Name,
    limit: Annotated[int, typer.Option(min=1, help="Members to show.")] = 20,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Show some members that a definition would have now, with the values that its conditions read."""
    asked = _ask(ctx, as_of)
    found = asked.preview(name, limit)
    print_json(asdict(found)) if json else print_members(found)
    _warn(asked, [name])


@app.command()
def overlap(
    ctx: typer.Context,
    names: Names = None,
    draft: Annotated[
        bool, typer.Option("--draft", help="Ask the definitions as they are now instead of the release's members.")
    ] = False,
    json: Json = False,
) -> None:
    """Count the members that every two segments have in common."""
    project, warehouse = open_released(ctx)
    segments = AskedSegments(warehouse, project) if draft else ReleasedSegments(warehouse, project)
    found = segments.overlap(names or ())
    print_json(overlap_facts(found)) if json else print_overlap(found)


@app.command()
def explain(
    ctx: typer.Context,
    name: Name,
    reference: Annotated[str, typer.Argument(metavar="ID|RECORD|EMAIL|PHONE", help=f"{ALLOWED}.")],
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Say why a person is or is not in a segment: each condition with its truth and the values that it reads."""
    asked = _ask(ctx, as_of)
    found = asked.explain(name, reference)
    _warn(asked, [name])
    if json:
        print_json([asdict(it) for it in found])
        return
    for place, it in enumerate(found):
        if place:
            console().print()
        print_explanation(it)


@app.command()
def diff(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only this segment.")] = None,
    before: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The project as the release was made with it, to name conditions now gone."),
    ] = None,
    json: Json = False,
) -> None:
    """Say whom the definitions would bring in and take out of the last release's members, and what decides."""
    earlier = load_project(before) if before is not None else None
    asked, names = _ask(ctx, None), [name] if name else []
    found = asked.differences(names, earlier=earlier)
    print_json([asdict(it) for it in found]) if json else print_differences(found)
    _warn(asked, names)


def _ask(ctx: typer.Context, as_of: str | None) -> AskedSegments:
    time = parse_time("--as-of", as_of)
    project, warehouse = open_released(ctx)
    return AskedSegments(warehouse, project, time)


def _warn(asked: AskedSegments, names: Sequence[str]) -> None:
    """Name what segments ask for that no run has computed: it counts as missing, conditions on events as 0."""
    for name, missing in asked.uncomputed(names).items():
        sentence = f"Warning: segment {name} asks for {missing}, which no run has computed. Run `cdp run nightly`."
        typer.echo(printable(sentence), err=True)
