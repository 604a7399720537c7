"""`cdp demo`: the whole road once, on made-up data, with the result judged by the truth."""

from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from cdp_spark.cli.display.experiments import arm_rows
from cdp_spark.cli.display.output import console, near, print_json, print_rows
from cdp_spark.cli.display.progress import show_progress
from cdp_spark.cli.display.summary import summary_facts
from cdp_spark.cli.options import options_of
from cdp_spark.columns import EXPERIMENT, NAME, PRODUCT_NAME, REASON
from cdp_spark.config.load import load_project
from cdp_spark.demo.best import Best
from cdp_spark.demo.outgoing import Outgoing
from cdp_spark.demo.run import DemoOutcome, move_project, run_demo
from cdp_spark.report import Accuracy, Attribution
from cdp_spark.session import SMALL_DATA, get_project_session
from cdp_spark.view.scores import offer_rows, score_rows

_FEW_PEOPLE = 20_000
_REASONS = 3
"""Reasons that a line has room for."""


def demo(
    ctx: typer.Context,
    people: Annotated[int, typer.Option(help="Number of people to generate.")] = 5_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same people.")] = 7,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for data, tables, exports and report.")] = Path(
        "demo"
    ),
    json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Generate a retailer's data, resolve who is who, and write profiles, segments, exports and a report."""
    options = options_of(ctx)
    project = move_project(load_project(options.project), out)
    conf = SMALL_DATA if people <= _FEW_PEOPLE else {}
    spark = get_project_session(project.settings, app_name="cdp demo", conf=conf)
    with show_progress(quiet=options.quiet or json) as progress:
        outcome = run_demo(spark, project, people=people, seed=seed, out=out, progress=progress)
    if json:
        print_json(demo_facts(outcome))
    elif not options.quiet:
        print_demo(outcome)


def demo_facts(outcome: DemoOutcome) -> dict[str, Any]:
    """The outcome as plain values."""
    return {
        **summary_facts(outcome.run),
        "people": outcome.data.people,
        "accuracy": [accuracy_facts(each) for each in outcome.accuracy],
        "events": vars(outcome.attribution),
        "best": {name: list(rows) for name, rows in vars(outcome.best).items()},
        "experiments": list(outcome.experiments),
        "outgoing": vars(outcome.outgoing),
        "warehouse": str(outcome.warehouse),
        "exports_to": [str(path) for path in outcome.exports],
    }


def accuracy_facts(accuracy: Accuracy) -> dict[str, Any]:
    """How well one entity type was resolved."""
    return {
        "entity": accuracy.entity_type,
        "records": accuracy.records,
        "in truth": accuracy.entities,
        "found": accuracy.found,
        "precision": round(accuracy.precision, 4),
        "recall": round(accuracy.recall, 4),
        "F1": round(accuracy.f1, 4),
    }


def print_demo(outcome: DemoOutcome) -> None:
    """Print what came in, who was found and how well, who is in the segments, and where it all is."""
    out, run = console(), outcome.run
    seconds = sum(it.seconds or 0.0 for it in run.outcomes)
    out.print(f"\n[bold]run {run.run.run_id}[/] finished in {seconds:.0f} s", markup=True)
    out.print(f"rows in {run.all_sources.delivered:,}, rejected {run.all_sources.rejected:,}\n")
    rows = [{name: _four_digits(value) for name, value in accuracy_facts(it).items()} for it in outcome.accuracy]
    print_rows(rows, title="Accuracy against ground truth")
    out.print(_events_sentence(outcome.attribution))
    out.print()
    print_rows([{"segment": name, "members": size} for name, size in run.segments.items()])
    out.print()
    if outcome.outgoing.overlaps:
        print_rows(outcome.outgoing.overlaps, title="members that segments share")
        out.print()
    sent = [
        {
            "export": it.destination,
            "status": it.status,
            "sent": it.rows,
            "withheld": it.withheld,
            "reasons": it.reasons,
        }
        for it in run.exports
    ]
    print_rows(sent, title="exports")
    out.print()
    _print_best(outcome.best)
    for name, rows_of_one in groupby(outcome.experiments, key=lambda row: str(row[EXPERIMENT])):
        print_rows(arm_rows(list(rows_of_one)), title=f"experiment {name}")
        out.print()
    _print_delivery(outcome.outgoing)
    places = {"tables": outcome.warehouse, "exports": _common(outcome.exports), "report": run.report}
    for name, path in places.items():
        out.print(f"{name:<8} {near(path) if path else 'not written'}", soft_wrap=True)


def _print_best(best: Best) -> None:
    """Print the best customers with their value, the likeliest buyers, and the first offer of each."""
    for title, rows in (("best customers", best.customers), ("likeliest buyers", best.leads)):
        if rows:
            named = [
                {"name": it[NAME], **row} for it, row in zip(rows, score_rows(rows, most_reasons=_REASONS), strict=True)
            ]
            print_rows([{name: value for name, value in row.items() if name != "model"} for row in named], title=title)
            console().print()
    if best.offers:
        offered = zip(best.offers, offer_rows(best.offers), strict=True)
        shown = [{"name": it[NAME], "offer": row[PRODUCT_NAME], "reason": row[REASON]} for it, row in offered]
        print_rows(shown, title="next best offers")
        console().print()
    for sentence in best.missing:
        console().print(sentence)


def _print_delivery(outgoing: Outgoing) -> None:
    """Print what a receiver on this machine answered, and what the ledger says of it."""
    if outgoing.requests:
        out = console()
        print_rows(outgoing.requests, title="requests to a receiver on this machine, which fails once")
        out.print()
        print_rows(outgoing.ledger, title="the ledger of it")
        out.print(f"The receiver has {outgoing.has:,} people, each once.\n")


def _events_sentence(events: Attribution) -> str:
    return (
        f"{events.told:,} events from known people's devices: {events.share:.1%} attributed to that person, "
        f"{_count(events.wrong)} to anyone else.\n"
        f"{events.anonymous:,} anonymous events: {_count(events.misled)} attributed to a person."
    )


def _count(events: int) -> str:
    return f"{events:,}" if events else "none"


def _four_digits(value: object) -> object:
    return f"{value:.4f}" if isinstance(value, float) else value


def _common(paths: tuple[Path, ...]) -> Path:
    """The folder that holds all of them."""
    parents = [set(path.parents) for path in paths]
    shared = set.intersection(*parents) if parents else {Path.cwd()}
    return max(shared, key=lambda path: len(path.parts))
