"""Write a night's pairs and inputs: what is new behind the rest, or whole tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.tables.catalog import MATCH_INPUTS, OUTDATED_RECORDS, PAIR_SCORES
from cdp_spark.tables.increments.outdated import build_in_force

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.spec import TableSpec

_TABLES = (PAIR_SCORES, MATCH_INPUTS)


@dataclass(frozen=True)
class Rows:
    """What matching made of an entity type tonight.

    Args:
        entity_type: of the records.
        tonight: new rows of `pair_scores` and `match_inputs`, by table.
        stale: record_key of the records whose rows of earlier nights no longer count; None for all of the type.
    """

    entity_type: str
    tonight: dict[str, DataFrame]
    stale: DataFrame | None


def write_actions(context: RunContext, parts: Sequence[Rows], *, anew: bool) -> dict[str, Callable[[], int]]:
    """The writes of a night, by table; each returns the table's new version.

    Args:
        context: of the run.
        parts: one for each entity type.
        anew: write whole tables and forget the marks, instead of appending rows and marks. Needed where all rows of a
            type are tonight's.
    """
    marks = _united([_marks(context, part) for part in parts])
    if not anew:
        tonight = {spec.name: _united([part.tonight[spec.name] for part in parts]) for spec in _TABLES}
        appended = [(spec, tonight[spec.name]) for spec in _TABLES] + [(OUTDATED_RECORDS, marks)]
        return {spec.name: partial(_append, context, spec, rows) for spec, rows in appended}
    whole = [(spec, _united([_whole(context, spec, part) for part in parts])) for spec in _TABLES]
    whole.append((OUTDATED_RECORDS, marks.limit(0)))
    return {spec.name: partial(context.store.overwrite, spec, rows) for spec, rows in whole}


def _marks(context: RunContext, part: Rows) -> DataFrame:
    spark, stale = context.store.spark, part.stale
    stale = spark.createDataFrame([], OUTDATED_RECORDS.schema).limit(0) if stale is None else stale
    ordinal, entity_type = F.lit(context.ordinal).cast("long"), F.lit(part.entity_type)
    return stale.select(c.RECORD_KEY, ordinal.alias(c.ORDINAL), entity_type.alias(c.ENTITY_TYPE))


def _whole(context: RunContext, spec: TableSpec, part: Rows) -> DataFrame:
    """Tonight's rows of a type, and those of the last finished night that still count."""
    tonight = part.tonight[spec.name]
    if part.stale is None or context.last is None:
        return tonight
    written = context.last.written
    last = context.store.read(spec, version=written[spec.name], marked_at=written[OUTDATED_RECORDS.name])
    of_type = last.where(F.col(c.ENTITY_TYPE) == part.entity_type)
    return build_in_force(of_type, _marks(context, part), spec.dated_by).select(*tonight.columns).unionByName(tonight)


def _append(context: RunContext, spec: TableSpec, rows: DataFrame) -> int:
    """Append to what the last finished night recorded, whatever a killed one left."""
    if context.last is not None:
        context.store.rewind(spec, context.last.written[spec.name])
    return context.store.append(spec, rows, application=None)


def _united(parts: Sequence[DataFrame]) -> DataFrame:
    return reduce(DataFrame.unionByName, parts)
