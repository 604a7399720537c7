"""`cdp resolve`: who is who in one's own files. What takes a second to import is imported while Spark starts."""

import json as json_module
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cdp_spark.cli.display.resolution import facts_of, print_resolution
from cdp_spark.cli.meanwhile import import_meanwhile
from cdp_spark.cli.options import options_of
from cdp_spark.errors import ConfigError
from cdp_spark.resolution.targets import check_out
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
    match = None
    if conf:
        from cdp_spark.config.load import load_match

        match = load_match(conf)
    console = Console(stderr=True, quiet=options_of(ctx).quiet or json)
    started = time.monotonic()

    def tell(step: str) -> None:  # a line, not a spinner: drawing one took a tenth of the time of a small run
        console.print(f"[dim]{time.monotonic() - started:5.1f} s[/] {step}", highlight=False)

    tell("starting Spark")
    import_meanwhile("pandas", "cdp_spark.resolution.resolve", "cdp_spark.resolution.output")
    spark = get_session(SessionSettings(app_name="cdp resolve", conf=settings_for_files(inputs)))
    from cdp_spark.resolution.output import write_clusters, write_match_config
    from cdp_spark.resolution.resolve import ResolveSettings, resolve

    settings = ResolveSettings(
        inputs=tuple(inputs),
        id_column=id_column,
        source_column=source,
        unique_within_source=unique_within is not None,
        match=match,
        region=region.upper() if region else None,
        threshold_log2=threshold,
    )
    resolution = resolve(spark, settings, tell=tell)
    write_clusters(resolution, out)
    if save_conf:
        write_match_config(resolution.match, save_conf)
    facts = facts_of(resolution, out, time.monotonic() - started)
    if json:
        typer.echo(json_module.dumps(facts, indent=2))
    else:
        print_resolution(Console(quiet=options_of(ctx).quiet), resolution, facts)
