"""Write a night's pairs and inputs: what is new behind the rest, or whole tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.tables.catalog import MATCH_INPUTS, OUTDATED_RECORDS, PAIR_SCORES
from cdp_spark.tables.increments.outdated import build_in_force
from cdp_spark.tables.rows import as_frame, unite, with_values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.spec import TableSpec

_TABLES = (PAIR_SCORES, MATCH_INPUTS)


@dataclass(frozen=True)
class Part:
    """What matching made of an entity type tonight.

    Args:
        entity_type: of the records.
        tonight: new rows of `pair_scores` and `match_inputs`, by table.
        stale: record_key of the records whose rows of earlier nights no longer count; None for all of the type.
    """

    entity_type: str
    tonight: dict[str, Rows]
    stale: Rows | None


def write_actions(context: RunContext, parts: Sequence[Part], *, anew: bool) -> dict[str, Callable[[], int]]:
    """The writes of a night, by table; each returns the table's new version.

    Args:
        context: of the run.
        parts: one for each entity type.
        anew: write whole tables and forget the marks, instead of appending rows and marks. Needed where all rows of a
            type are tonight's.
    """
    spark = context.store.spark
    marks = unite(spark, [_marks(context, part) for part in parts])
    if not anew:
        tonight = {spec.name: unite(spark, [part.tonight[spec.name] for part in parts]) for spec in _TABLES}
        appended = [(spec, tonight[spec.name]) for spec in _TABLES] + [(OUTDATED_RECORDS, marks)]
        return {spec.name: partial(_append, context, spec, rows) for spec, rows in appended}
    whole = [(spec, unite(spark, [_whole(context, spec, part) for part in parts])) for spec in _TABLES]
    whole.append((OUTDATED_RECORDS, OUTDATED_RECORDS.table([])))
    return {spec.name: partial(context.store.overwrite, spec, rows) for spec, rows in whole}


def _marks(context: RunContext, part: Part) -> Rows:
    if part.stale is None:
        return OUTDATED_RECORDS.table([])
    values: dict[str, int | str] = {c.ORDINAL: context.ordinal, c.ENTITY_TYPE: part.entity_type}
    return with_values(part.stale.select([c.RECORD_KEY]), values).select(OUTDATED_RECORDS.schema.names)


def _whole(context: RunContext, spec: TableSpec, part: Part) -> Rows:
    """Tonight's rows of a type, and those of the last finished night that still count."""
    tonight = part.tonight[spec.name]
    if part.stale is None or context.last is None:
        return tonight
    spark, written = context.store.spark, context.last.written
    last = context.store.read(spec, version=written[spec.name], marked_at=written[OUTDATED_RECORDS.name])
    of_type = last.where(F.col(c.ENTITY_TYPE) == part.entity_type)
    kept = build_in_force(of_type, as_frame(spark, _marks(context, part)), spec.dated_by)
    return unite(spark, [kept.select(spec.schema.names), tonight])


def _append(context: RunContext, spec: TableSpec, rows: Rows) -> int:
    """Append to what the last finished night recorded, whatever a killed one left."""
    if context.last is not None:
        context.store.rewind(spec, context.last.written[spec.name])
    return context.store.append(spec, rows, application=None)
