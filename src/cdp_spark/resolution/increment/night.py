"""Whether a night compares the changed records only, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.settings import settings_checksum
from cdp_spark.resolution.increment.inputs import build_changes
from cdp_spark.tables.catalog import MATCH_INPUTS, PAIR_SCORES
from cdp_spark.tables.held import Held, hold

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.tables.run import RunContext

MAX_CHANGED_SHARE = 0.3
"""Beyond this share of changed records it is cheaper to compare all."""


@dataclass(frozen=True)
class Night:
    """What an entity type's night starts from.

    Args:
        why: in words, for the run's record: what changed, or why the night is full.
        before: `match_inputs` of the last night; None for a full one.
        changes: from `build_changes`, held until the night is written; None for a full one.
    """

    why: str
    before: DataFrame | None = None
    changes: Held | None = None

    @property
    def is_full(self) -> bool:
        """True where all records are compared."""
        return self.changes is None

    def release(self) -> None:
        """Free what was held."""
        if self.changes is not None:
            self.changes.release()


def plan_night(context: RunContext, entity_type: str, records: DataFrame, *, version: int, is_new: bool) -> Night:
    """Decide between a full and an incremental night for an entity type, and find what changed.

    Args:
        context: of the run; without an earlier night to build on, this one is full.
        entity_type: whose records these are.
        records: record_key and input_hash.
        version: of the model that is applied.
        is_new: True where the model is yet to be fitted.
    """
    if context.full:
        return Night("full: asked for")
    before = last_inputs(context, entity_type)
    mark = None if is_new or before is None else before.select(c.MODEL_VERSION).first()
    if before is None or mark is None or mark[c.MODEL_VERSION] != version:
        return Night(f"full: the first night under model {version}")
    if settings_checksum(context.project, entity_type) != context.last_figure(f"{entity_type}.settings"):
        return Night("full: the settings of matching changed")
    changes = hold(build_changes(records, before))
    gone, known = changes.rows.where(F.col(c.INPUT_HASH).isNull()).count(), before.count()
    told = f"{changes.count - gone:,} of {known:,} records changed or new, {gone:,} gone"
    if changes.count > MAX_CHANGED_SHARE * known:
        changes.release()
        return Night(f"full: {told}")
    return Night(f"incremental: {told}", before, changes)


def last_inputs(context: RunContext, entity_type: str) -> DataFrame | None:
    """`match_inputs` of an entity type as the last finished matching left them; None where there are none."""
    written = context.last.written if context.last else {}
    if MATCH_INPUTS.name not in written or PAIR_SCORES.name not in written:
        return None
    rows = context.store.read(MATCH_INPUTS, version=written[MATCH_INPUTS.name])
    return rows.where(F.col(c.ENTITY_TYPE) == entity_type)
