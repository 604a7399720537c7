"""`cdp run`: the nightly job, or some of its stages."""

from dataclasses import replace
from typing import Annotated

import typer

from cdp_spark.cli.commands.opening import open_for_run
from cdp_spark.cli.display.output import print_json
from cdp_spark.cli.display.progress import show_progress
from cdp_spark.cli.display.summary import print_summary, summary_facts
from cdp_spark.cli.options import options_of
from cdp_spark.errors import ConfigError
from cdp_spark.normalise.times import parse_time
from cdp_spark.runs.plan import RunOptions
from cdp_spark.runs.runner import nightly, run_stages
from cdp_spark.runs.stages import STAGES, stages_between

app = typer.Typer(invoke_without_command=True, add_completion=False, help="Run the nightly job, or some of its stages.")

AsOf = Annotated[
    str | None, typer.Option(metavar="TIME", help="Run as of this time (ISO 8601; UTC if no offset is given).")
]
Force = Annotated[
    bool,
    typer.Option("--force", help="Accept far fewer rows than last time, or an --as-of far in the future."),
]
Full = Annotated[bool, typer.Option("--full", help="Re-compare all records, not only changed ones.")]
NoReport = Annotated[bool, typer.Option("--no-report", help="Write no HTML report.")]
Json = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
_STAGES = " → ".join(STAGES)


@app.callback()
def stages(
    ctx: typer.Context,
    first: Annotated[str | None, typer.Option("--from", metavar="STAGE", help=_STAGES)] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="STAGE", help="Last stage to run.")] = None,
    as_of: AsOf = None,
    force: Force = False,
    full: Full = False,
    json: Json = False,
) -> None:
    """Run the stages --from one --to another on what the tables hold; `cdp run nightly` runs all and resumes."""
    if ctx.invoked_subcommand is not None:
        if first or last:
            raise ConfigError("cdp run", got="--from or --to with nightly", allowed="one of both", fix="drop nightly")
        return
    if first is None and last is None:
        raise ConfigError("cdp run", got="no stages", allowed="nightly, or --from and --to", fix="cdp run nightly")
    stages_between(first, last)
    _run(
        ctx, RunOptions(as_of=parse_time("--as-of", as_of), force=force, full=full), between=(first, last), as_json=json
    )


@app.command("nightly")
def nightly_command(
    ctx: typer.Context,
    as_of: AsOf = None,
    force: Force = False,
    full: Full = False,
    no_report: NoReport = False,
    json: Json = False,
) -> None:
    """Run all stages, publish, export, report; continue a run that was killed."""
    wanted = RunOptions(as_of=parse_time("--as-of", as_of), force=force, full=full, report=not no_report)
    _run(ctx, wanted, between=None, as_json=json)


def _run(
    ctx: typer.Context, run_options: RunOptions, *, between: tuple[str | None, str | None] | None, as_json: bool
) -> None:
    options = options_of(ctx)
    project, store, size = open_for_run(ctx)
    with show_progress(quiet=options.quiet or as_json) as progress:
        told = replace(run_options, progress=progress, figures=size.figures)
        if between is None:
            summary = nightly(store, project, told)
        else:
            summary = run_stages(store, project, told, first=between[0], last=between[1])
    if as_json:
        print_json(summary_facts(summary))
    elif not options.quiet:
        print_summary(summary)
