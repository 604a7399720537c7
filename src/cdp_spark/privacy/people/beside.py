"""Records that people who are to be erased may have kept together or apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.identity.terms import VISITOR
from cdp_spark.privacy.people.identifiers import NOT_OF_A_PERSON
from cdp_spark.tables.catalog import CLUSTERS, IDENTIFIERS, RELEASES, TOUCHED_RECORDS
from cdp_spark.tables.checkpoint import checkpoint
from cdp_spark.tables.increments.touched import ERASURE, record_touched

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.privacy.people.requests import People
    from cdp_spark.tables.run import RunContext

_KINDS = ("person", "account", VISITOR)


def note_beside(context: RunContext, people: People) -> int:
    """Note who was in a component with the people, or bore an identifier of theirs; returns the table's version.

    The next night clusters all records anew; where the id of one of these changes, `id_changes` names the erasure. What
    an erasure noted that no night has followed is carried on.
    """
    says_something = F.coalesce(~F.col(c.REASON).isin(*NOT_OF_A_PERSON), F.lit(True))
    identifiers = context.read_released(IDENTIFIERS).where(says_something)
    theirs = F.broadcast(people.keys_frame(context.store))
    in_component = build_beside(context.read_released(CLUSTERS), theirs, (c.COMPONENT,))
    beside = in_component.unionByName(build_beside(identifiers, theirs, (c.TYPE, c.VALUE_HASH)))
    found = beside.unionByName(_noted_before(context)).join(theirs, on=c.RECORD_KEY, how="left_anti")
    noted = checkpoint(found.distinct())
    return record_touched(context, ERASURE, {kind: noted.where(F.col(c.ENTITY_TYPE) == kind) for kind in _KINDS})


def build_beside(rows: DataFrame, theirs: DataFrame, shared: tuple[str, ...]) -> DataFrame:
    """The records that share something with the people: record_key, entity_type.

    Args:
        rows: record_key, entity_type, and what may be shared.
        theirs: record_key of the people.
        shared: columns.
    """
    values = rows.join(theirs, on=c.RECORD_KEY, how="left_semi").select(*shared).distinct()
    return rows.join(F.broadcast(values), on=list(shared), how="left_semi").select(c.RECORD_KEY, c.ENTITY_TYPE)


def _noted_before(context: RunContext) -> DataFrame:
    """What the last release noted, if it is an erasure's."""
    releases = context.store.fetch(RELEASES, (c.RELEASE,))
    last = pc.max(releases.filter(pc.field(c.RELEASE) < context.ordinal)[c.RELEASE]).as_py()
    only = {c.STAGE: pa.array([ERASURE]), c.ORDINAL: pa.array([last], pa.int64())}
    rows = context.store.fetch(TOUCHED_RECORDS, (c.RECORD_KEY, c.ENTITY_TYPE), only=only)
    return context.store.spark.createDataFrame(rows, f"{c.RECORD_KEY} string, {c.ENTITY_TYPE} string")
