"""`cdp profile show`: one profile, with everything that is known about it."""

from pathlib import Path
from typing import Annotated

import typer

from cdp_spark.cli.commands.opening import open_released
from cdp_spark.cli.display.output import console, near, print_json
from cdp_spark.cli.display.profile import print_view
from cdp_spark.errors import DataError
from cdp_spark.normalise.times import parse_time
from cdp_spark.view.find import ALLOWED, SHOW
from cdp_spark.view.gather import Gatherer
from cdp_spark.view.model import ProfileView, as_facts

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Look up a profile.")


@app.callback()
def profile() -> None:
    """Look up a profile."""


@app.command("show")
def show(
    ctx: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="ID|RECORD|EMAIL|PHONE", help=f"{ALLOWED}; a household's id.")],
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Show it as of this time (ISO 8601; UTC if no offset is given).")
    ] = None,
    events: Annotated[int, typer.Option(min=0, metavar="N", help="Print the N newest events.")] = 10,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write one page to a file, all events in it.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, all events in it.")] = False,
) -> None:
    """Show all that is known of a person, account, visitor or household: values and their origin, records, events."""
    time = parse_time("--at", at)
    if html is not None:
        _check_writable(html)
    project, warehouse = open_released(ctx)
    found = Gatherer(warehouse, project, time).find(reference)
    if html is not None:
        _write(found, html)
    if json:
        print_json([as_facts(it) for it in found])
    elif html is None:
        for view in found:
            print_view(view, events=events)


def _check_writable(html: Path) -> None:
    from cdp_spark.report.charts import check_writable  # noqa: PLC0415 - draws charts, too

    check_writable("--html", html, ".html")


def _write(found: tuple[ProfileView, ...], html: Path) -> None:
    from cdp_spark.view.page import write_view  # noqa: PLC0415 - no other form needs it

    if len(found) > 1:
        ids = ", ".join(it.unified_id for it in found)
        raise DataError(
            f"{SHOW} --html", got=f"{len(found)} profiles with this e-mail or phone", fix=f"name one: {ids}"
        )
    write_view(found[0], html)
    console().print(f"wrote {near(html)}", soft_wrap=True)
