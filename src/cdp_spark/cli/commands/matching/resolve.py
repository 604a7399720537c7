"""`cdp resolve`: match the records of one's own files. Nothing of Spark is imported where this process is enough."""

import codecs
import importlib.util
import json as json_module
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from cdp_spark.cli.display.output import Terminal
from cdp_spark.cli.display.resolution import facts_of, print_resolution
from cdp_spark.cli.options import Json, options_of
from cdp_spark.config.load.sections import load_match
from cdp_spark.errors import ConfigError
from cdp_spark.normalise.dates import DateOrder
from cdp_spark.standalone.files import TooLargeError, name_inputs, read_inputs, too_large
from cdp_spark.standalone.in_process import InProcess
from cdp_spark.standalone.output import check_out, write_clusters, write_match_config
from cdp_spark.standalone.records import describe
from cdp_spark.standalone.resolve import Matching, resolve_records

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdp_spark.standalone.engine import Engine
    from cdp_spark.standalone.files import Input

EngineName = Literal["auto", "process", "spark"]


def resolve_files(
    ctx: typer.Context,
    inputs: Annotated[
        list[str], typer.Argument(help="CSV, JSON, Excel (.xlsx) or Parquet files, also packed; each is a source.")
    ],
    id_column: Annotated[
        str | None,
        typer.Option("--id", help="Column that identifies a row, or several (a,b). Without it rows are numbered."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where to write record_id, cluster_id: .csv or .parquet.")] = Path(
        "clusters.csv"
    ),
    conf: Annotated[Path | None, typer.Option(help="Use this match.yaml instead of proposing rules.")] = None,
    source: Annotated[str | None, typer.Option(help="The column that names a row's source.")] = None,
    unique_within: Annotated[str | None, typer.Option(help="`source`: no duplicates inside a source.")] = None,
    region: Annotated[str | None, typer.Option(help="Country of phones that name none, such as DE.")] = None,
    date_order: Annotated[
        DateOrder | None, typer.Option(help="What 3/4/1980 is: dmy (3 April) or mdy, where the values don't tell.")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Match weight, in bits, that joins two records.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of text files, instead of detecting it.")] = None,
    delimiter: Annotated[str | None, typer.Option(help=r"Delimiter of text files (\t: tab).")] = None,
    skip_lines: Annotated[int | None, typer.Option(min=0, help="Lines before the header.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook, instead of the first with rows.")] = None,
    save_conf: Annotated[Path | None, typer.Option(help="Write the match.yaml that was used.")] = None,
    engine: Annotated[
        EngineName, typer.Option(help="Match in this process, in Spark, or (auto) in Spark where files are too large.")
    ] = "auto",
    json: Json = False,
) -> None:
    """Match records in your own files; no project needed."""
    started = time.monotonic()
    check_out(out)
    if unique_within not in {None, "source", source}:
        raise ConfigError(
            "--unique-within", got=unique_within or "", allowed="source", fix="write --unique-within source"
        )
    matching = Matching(load_match(conf) if conf else None, unique_within is not None, threshold)
    console = Terminal(stderr=True, quiet=options_of(ctx).quiet or json)

    def tell(step: str) -> None:  # a line, not a spinner: drawing one took a tenth of the time of a small run
        console.print(f"[dim]{time.monotonic() - started:5.1f} s[/] {escape(step)}", markup=True)

    written = _written(encoding, delimiter, skip_lines, sheet)
    columns = {"id_column": id_column, "source_column": source, "region": region.upper() if region else None}
    opening = {**columns, "date_order": date_order}
    try:
        chosen = _open_engine(name_inputs(inputs, written), engine, opening, tell)
        resolution = resolve_records(chosen, matching, tell=tell)
    except MemoryError as error:
        raise too_large(", ".join(inputs)) from error
    write_clusters(resolution, out)
    if save_conf:
        write_match_config(resolution.match, save_conf)
    facts = facts_of(resolution, out, time.monotonic() - started)
    if json:
        typer.echo(json_module.dumps(facts, indent=2))
    else:
        print_resolution(Terminal(quiet=options_of(ctx).quiet), resolution, facts)


def _written(encoding: str | None, delimiter: str | None, skip_lines: int | None, sheet: str | None) -> dict[str, str]:
    """How files are written, as far as options say.

    Raises:
        ConfigError: the encoding is unknown, or the delimiter is not one character.
    """
    if delimiter is not None and len(delimiter.replace("\\t", "\t")) != 1:
        raise ConfigError("--delimiter", got=repr(delimiter), allowed=r"one character, such as ';' or '\t'")
    lines = None if skip_lines is None else str(skip_lines)
    given = {"encoding": encoding, "delimiter": delimiter, "skipLines": lines, "sheet": sheet}
    try:
        codecs.lookup(encoding or "utf-8")
    except LookupError:
        raise ConfigError("--encoding", got=repr(encoding), allowed="utf-8, utf-16, cp1252, latin-1, …") from None
    return {name: value for name, value in given.items() if value is not None}


def _open_engine(
    inputs: "list[Input]", engine: EngineName, columns: dict[str, str | None], tell: "Callable[[str], None]"
) -> "Engine":
    if engine == "spark":
        return _open_spark(inputs, columns, tell)
    tell("reading")
    try:
        return InProcess(*describe(read_inputs(inputs), **columns))  # type: ignore[arg-type] # the order is one of two words
    except TooLargeError:
        if engine == "process" or not _has_spark():
            raise
    return _open_spark(inputs, columns, tell)


def _open_spark(inputs: "list[Input]", columns: dict[str, str | None], tell: "Callable[[str], None]") -> "Engine":
    if not _has_spark():
        fix = "pip install 'cdp-spark[spark]', with Java 17 or newer"
        raise ConfigError("--engine spark", got="no Spark", fix=fix)
    from cdp_spark.standalone.frames import open_on_spark  # noqa: PLC0415 - the first import of Spark

    tell("starting Spark")
    return open_on_spark(inputs, **columns)  # type: ignore[arg-type] # see above


def _has_spark() -> bool:
    try:
        return importlib.util.find_spec("pyspark") is not None
    except ValueError:  # a module that was ruled out
        return False
