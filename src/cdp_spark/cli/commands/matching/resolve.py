"""`cdp resolve`: who is who in one's own files."""

import json as json_module
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cdp_spark.cli.options import options_of
from cdp_spark.config.load import load_match
from cdp_spark.errors import ConfigError
from cdp_spark.resolution.output import check_out, write_clusters, write_match_config
from cdp_spark.resolution.resolve import Resolution, ResolveSettings, resolve
from cdp_spark.session import SessionSettings, get_session, settings_for_files


def resolve_files(
    ctx: typer.Context,
    inputs: Annotated[list[str], typer.Argument(help="CSV, JSON lines or Parquet files; each is a source.")],
    id_column: Annotated[str, typer.Option("--id", help="The column that identifies a row.")],
    out: Annotated[Path, typer.Option(help="Where to write record_id, cluster_id: .csv or .parquet.")],
    conf: Annotated[Path | None, typer.Option(help="A match.yaml, instead of proposing rules.")] = None,
    source: Annotated[str | None, typer.Option(help="The column that names a row's source.")] = None,
    unique_within: Annotated[str | None, typer.Option(help="`source`: no duplicates inside a source.")] = None,
    region: Annotated[str | None, typer.Option(help="Country of phones that name none, such as DE.")] = None,
    threshold: Annotated[float | None, typer.Option(help="Match weight, in bits, that joins two records.")] = None,
    save_conf: Annotated[Path | None, typer.Option(help="Write the match.yaml that was used.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find the records of one person, or one organisation, in files that nobody has described."""
    check_out(out)
    if unique_within not in {None, "source", source}:
        raise ConfigError(
            "--unique-within", got=unique_within or "", allowed="source", fix="write --unique-within source"
        )
    settings = ResolveSettings(
        inputs=tuple(inputs),
        id_column=id_column,
        source_column=source,
        unique_within_source=unique_within is not None,
        match=load_match(conf) if conf else None,
        region=region.upper() if region else None,
        threshold_log2=threshold,
    )
    console = Console(stderr=True, quiet=options_of(ctx).quiet or json)
    started = time.monotonic()

    def tell(step: str) -> None:  # a line, not a spinner: drawing one took a tenth of the time of a small run
        console.print(f"[dim]{time.monotonic() - started:5.1f} s[/] {step}", highlight=False)

    tell("starting Spark")
    spark = get_session(SessionSettings(app_name="cdp resolve", conf=settings_for_files(inputs)))
    resolution = resolve(spark, settings, tell=tell)
    write_clusters(resolution, out)
    if save_conf:
        write_match_config(resolution.match, save_conf)
    facts = _facts(resolution, out, time.monotonic() - started)
    if json:
        typer.echo(json_module.dumps(facts, indent=2))
    else:
        _print(Console(quiet=options_of(ctx).quiet), resolution, facts)


def _facts(resolution: Resolution, out: Path, seconds: float) -> dict[str, Any]:
    return {
        "records": resolution.data.record_count,
        "clusters": resolution.cluster_count,
        "largest_cluster": resolution.largest_cluster,
        "pairs_compared": resolution.pair_count,
        "rejected": resolution.data.rejected,
        "doubts": [f"{doubt.problem}: {doubt.fix}" for doubt in resolution.scored.doubts],
        "seconds": round(seconds, 1),
        "out": str(out),
        "columns": {
            name: {item.column: {"meaning": item.meaning, "why": item.reason} for item in found}
            for name, found in resolution.data.recognised.items()
        },
        "rules": [
            {"rule": item.rule.name, "pairs": round(item.pairs), "recall": round(item.recall, 4)}
            for item in resolution.rules
        ],
    }


def _print(console: Console, resolution: Resolution, facts: dict[str, Any]) -> None:
    for name, found in resolution.data.recognised.items():
        columns = Table("column", "taken for", "why", title=f"Columns of {name}", title_justify="left")
        for item in found:
            columns.add_row(item.column, item.meaning, item.reason)
        console.print(columns)
    if resolution.rules:
        rules = Table("blocking rule", "pairs", "adds pairs", "recall so far", title="Rules", title_justify="left")
        for estimate in resolution.rules:
            counts = (f"{estimate.pairs:,.0f}", f"{estimate.added_pairs:,.0f}", f"{estimate.recall:.1%}")
            rules.add_row(estimate.rule.name, *counts)
        console.print(rules)
    for reason, count in resolution.data.rejected.items():
        console.print(f"[yellow]{count:,} rows left out ({reason})")
    for doubt in facts["doubts"]:
        console.print(f"[yellow]Doubt: {doubt}")
    console.print(
        f"{facts['records']:,} records, {facts['pairs_compared']:,} pairs compared, "
        f"[bold]{facts['clusters']:,} clusters[/bold] (the largest of {facts['largest_cluster']:,}) "
        f"in {facts['seconds']} s → {facts['out']}"
    )
