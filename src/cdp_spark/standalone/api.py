"""`cdp_spark.resolve`: match the records of a frame from Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cdp_spark.errors import ConfigError
from cdp_spark.ingest.reading.typed import text_table
from cdp_spark.standalone.in_process import InProcess
from cdp_spark.standalone.keys import Texts
from cdp_spark.standalone.records import describe
from cdp_spark.standalone.resolve import Matching, resolve_records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.normalise.dates import DateOrder
    from cdp_spark.resolution.model import MatchModel
    from cdp_spark.standalone.engine import Engine

_NAME = "table"


@dataclass(frozen=True)
class Matches:
    """What `resolve` found; frames are of the kind that was given.

    Args:
        clusters: one row per record: source, record_id, cluster_id.
        pairs: one row per pair that was compared: source_l, record_id_l, source_r, record_id_r, weight_log2 (bits), and
            the level of each comparison by name.
        model: the match model that weighed the pairs.
        columns: what each column was taken for.
        notes: what cells have lost, and how rows are identified, in words.
    """

    clusters: Any
    pairs: Any
    model: MatchModel
    columns: Mapping[str, str]
    notes: tuple[str, ...] = ()


def resolve(  # noqa: PLR0913 - the options of the command line
    data: Any,  # noqa: ANN401 - a frame of any of four libraries
    *,
    id: str | None = None,  # noqa: A002 - the option of the command line is called so, too
    source: str | None = None,
    unique_within_source: bool = False,
    match: EntityMatch | None = None,
    region: str | None = None,
    date_order: DateOrder | None = None,
    threshold_log2: float | None = None,
) -> Matches:
    """Find the records of one person (or organisation) in a frame whose columns nobody has described.

    Args:
        data: a pandas, Arrow, Polars or Spark frame; Spark matches its own, this process all others.
        id: column that identifies a row within its source, or several that do, divided by commas; None numbers the
            rows, but not those of a Spark frame.
        source: column that names the source of each row.
        unique_within_source: no two records of one source are the same person.
        match: rules and comparisons, as `cdp_spark.config.load.load_match` reads them; None to propose them.
        region: ISO country of phones that name none, such as DE.
        date_order: what 3/4/1980 is where a column's values don't tell: `dmy` (3 April) or `mdy`.
        threshold_log2: match weight in bits from which a pair is an edge; None for the configuration's own.

    Raises:
        ConfigError: the frame is of no known kind, or lacks a column.
        DataError: an id stands twice, or nothing can be compared.
    """
    kind = type(data).__module__.split(".")[0]
    engine = _open(data, kind, id_column=id, source_column=source, region=region, date_order=date_order)
    matching = Matching(match, unique_within_source, threshold_log2)
    found = resolve_records(engine, matching, tell=lambda _: None)
    columns = {item.column: item.meaning for its in found.described.recognised.values() for item in its}
    restore = _RESTORE.get(kind, lambda table: table)
    pairs = restore(engine.pairs(found.scored))
    return Matches(restore(found.clustered.clusters), pairs, found.scored.model, columns, found.described.notes)


def _open(
    data: Any,  # noqa: ANN401
    kind: str,
    *,
    id_column: str | None,
    source_column: str | None,
    region: str | None,
    date_order: DateOrder | None,
) -> Engine:
    """Hand the records to the engine that is to match them."""
    if kind == "pyspark":
        from cdp_spark.standalone.frames import open_frame  # noqa: PLC0415 - Spark is there already

        return open_frame(data, id_column=id_column, source_column=source_column, region=region, date_order=date_order)
    rows = Texts(_NAME, _NAME, text_table(_as_arrow(data)), {})
    known = {"id_column": id_column, "source_column": source_column}
    return InProcess(*describe([rows], **known, region=region, date_order=date_order))


def _as_arrow(data: Any) -> pa.Table:  # noqa: ANN401
    """Make a table of a frame.

    Raises:
        ConfigError: it is none.
    """
    try:
        return data if isinstance(data, pa.Table) else pa.table(data)
    except (TypeError, ValueError) as error:
        allowed = "a pandas, Arrow, Polars or Spark frame"
        raise ConfigError("resolve", got=type(data).__name__, allowed=allowed) from error


def _to_polars(table: pa.Table) -> Any:  # noqa: ANN401
    import polars as pl  # noqa: PLC0415 - whoever gave a frame of it has it

    return pl.from_arrow(table)


_RESTORE: dict[str, Callable[[pa.Table], Any]] = {
    "pandas": lambda table: table.to_pandas(),
    "polars": _to_polars,
}
