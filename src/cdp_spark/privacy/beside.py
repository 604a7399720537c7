"""Records that people who are to be erased may have kept together or apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.tables.catalog import CLUSTERS, IDENTIFIERS
from cdp_spark.tables.increments.touched import ERASURE, record_touched

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.privacy.requests import People
    from cdp_spark.tables.run import RunContext

_KINDS = ("person", "account", "visitor")
_WITHOUT_SENSE = ("placeholder", "blocked")
"""Reasons of identifiers that say nothing about who bears them."""


def note_beside(context: RunContext, people: People) -> int:
    """Note who was in a component with the people, or bore an identifier of theirs; returns the table's version.

    The next night clusters all records anew; where the id of one of these changes, `id_changes` names the erasure.
    """
    store = context.store
    is_theirs = F.col(c.RECORD_KEY).isin(*people.record_keys)
    beside = build_beside(store.read(CLUSTERS), (c.COMPONENT,), people).unionByName(
        build_beside(
            store.read(IDENTIFIERS).where(F.coalesce(~F.col(c.REASON).isin(*_WITHOUT_SENSE), F.lit(True))),
            (c.TYPE, c.VALUE_HASH),
            people,
        )
    )
    found = beside.where(~is_theirs).distinct().localCheckpoint()
    return record_touched(context, ERASURE, {kind: found.where(F.col(c.ENTITY_TYPE) == kind) for kind in _KINDS})


def build_beside(rows: DataFrame, shared: tuple[str, ...], people: People) -> DataFrame:
    """The records that share something with the people: record_key, entity_type."""
    theirs = rows.where(F.col(c.RECORD_KEY).isin(*people.record_keys)).select(*shared).distinct()
    return rows.join(F.broadcast(theirs), on=list(shared), how="left_semi").select(c.RECORD_KEY, c.ENTITY_TYPE)
