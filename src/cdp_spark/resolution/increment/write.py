"""Write a night's pairs and inputs: whole tables in a full night, in an incremental one the rows that changed."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.tables.catalog import MATCH_INPUTS, PAIR_SCORES
from cdp_spark.tables.held import hold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.spec import TableSpec


def write_pairs(context: RunContext, pairs: DataFrame, stale: Mapping[str, DataFrame | None]) -> int:
    """Write the pairs that were scored tonight in the place of those of stale records.

    Args:
        context: of the run.
        pairs: in the columns of `pair_scores`.
        stale: entity type to record_key of the records whose pairs leave; None for all of the type.
    """
    gone = [_gone_pairs(context, entity_type, keys) for entity_type, keys in stale.items()]
    return _replace(context, PAIR_SCORES, pairs, gone if _is_incremental(stale) else None)


def write_inputs(context: RunContext, inputs: DataFrame, stale: Mapping[str, DataFrame | None]) -> int:
    """Write the inputs of the records that were compared tonight in the place of those of stale ones.

    Args:
        context: of the run.
        inputs: in the columns of `match_inputs`.
        stale: as in `write_pairs`.
    """
    gone = [
        (_last_rows(context, MATCH_INPUTS, entity_type) if keys is None else keys).select(c.RECORD_KEY)
        for entity_type, keys in stale.items()
    ]
    return _replace(context, MATCH_INPUTS, inputs, gone if _is_incremental(stale) else None)


def _is_incremental(stale: Mapping[str, DataFrame | None]) -> bool:
    return any(keys is not None for keys in stale.values())


def _replace(context: RunContext, spec: TableSpec, rows: DataFrame, gone: list[DataFrame] | None) -> int:
    """From the version that the last finished night recorded, whatever a killed one left."""
    store, last = context.store, context.last
    if gone is None or last is None:
        return store.overwrite(spec, rows)
    keys = hold(reduce(DataFrame.unionByName, gone))
    store.rewind(spec, last.written[spec.name])
    store.remove(spec, keys.joinable)
    keys.release()
    return store.append(spec, rows, application=None)


def _gone_pairs(context: RunContext, entity_type: str, stale: DataFrame | None) -> DataFrame:
    """record_key_l and record_key_r of the last night's pairs that have a stale record."""
    sides = (c.RECORD_KEY_L, c.RECORD_KEY_R)
    pairs = _last_rows(context, PAIR_SCORES, entity_type).select(*sides)
    if stale is None:
        return pairs
    for side in sides:
        flagged = stale.select(F.col(c.RECORD_KEY).alias(side), F.lit(True).alias(f"{side}_is_stale"))
        pairs = pairs.join(flagged, on=side, how="left")
    is_stale = F.coalesce(*[F.col(f"{side}_is_stale") for side in sides])
    return pairs.where(is_stale).select(*sides)


def _last_rows(context: RunContext, spec: TableSpec, entity_type: str) -> DataFrame:
    version = context.last.written.get(spec.name) if context.last else None
    return context.store.read(spec, version=version).where(F.col(c.ENTITY_TYPE) == entity_type)
