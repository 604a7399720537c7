"""`cdp demo-data`: the demo's source files."""

from pathlib import Path
from typing import Annotated

import typer

from cdp_spark.cli.display.output import print_rows
from cdp_spark.cli.options import options_of
from cdp_spark.demo.generate import generate


def demo_data(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Output folder.")],
    people: Annotated[int, typer.Option(help="Number of people to generate.")] = 5_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same bytes.")] = 1,
    nights: Annotated[int, typer.Option(help="Number of daily deliveries; each later one contains small changes.")] = 1,
) -> None:
    """Generate the demo's source files; the ground truth goes into a folder of its own."""
    summary = generate(out, people=people, seed=seed, nights=nights)
    if options_of(ctx).quiet:
        return
    lines = [
        {"source": name, "rows": count, "malformed": summary.malformed.get(name, 0)}
        for name, count in summary.rows.items()
    ]
    print_rows(lines, title=f"{summary.people:,} people and {summary.accounts:,} companies in {out}")
