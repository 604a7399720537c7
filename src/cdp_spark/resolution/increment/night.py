"""Whether a night compares the changed records only, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.settings import settings_checksum
from cdp_spark.resolution.blocking.key_use import LOCAL_KEYS_LIMIT
from cdp_spark.resolution.increment.keys import SparkInputs
from cdp_spark.resolution.increment.local import LocalInputs
from cdp_spark.resolution.linkage import slots_of
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import MATCH_INPUTS, OUTDATED_RECORDS, PAIR_SCORES

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame

    from cdp_spark.resolution.increment.inputs import Changes
    from cdp_spark.tables.run import RunContext

MAX_CHANGED_SHARE = 0.3
"""Beyond this share of changed records it is cheaper to compare all."""


RECORDS_FIGURE, MODEL_FIGURE, OUTDATED_FIGURE = "records", "model.version", "outdated"
"""Behind the entity type: records, the model's version, and how many were compared anew since tables were written."""


@dataclass(frozen=True)
class Night:
    """What an entity type's night starts from.

    Args:
        why: in words, for the run's record: what changed, or why the night is full.
        before: `match_inputs` of the last night; None for a full one.
        changes: since then; None for a full one.
        outdated: records compared anew, or gone, in the nights since the tables were written, before this one.
    """

    why: str
    before: SparkInputs | LocalInputs | None = None
    changes: Changes | None = None
    outdated: int = 0

    @property
    def is_full(self) -> bool:
        """True where all records are compared."""
        return self.changes is None


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
    if not is_new and context.last is None:
        return Night("full: no night to build on")
    if is_new or not _is_known(context) or _figure(context, entity_type, MODEL_FIGURE) != version:
        return Night(f"full: the first night under model {version}")
    if settings_checksum(context.project, entity_type) != context.last_figure(f"{entity_type}.settings"):
        return Night("full: the settings of matching changed")
    known, outdated = (int(_figure(context, entity_type, name)) for name in (RECORDS_FIGURE, OUTDATED_FIGURE))
    before, found = _find_changes(context, entity_type, records, known)
    told = f"{found.count - found.gone:,} of {known:,} records changed or new, {found.gone:,} gone"
    if found.count > MAX_CHANGED_SHARE * known:
        return Night(f"full: {told}")
    return Night(f"incremental: {told}", before, found, outdated)


def _is_known(context: RunContext) -> bool:
    """True where the last finished matching left tables to build on."""
    needed = {MATCH_INPUTS.name, PAIR_SCORES.name, OUTDATED_RECORDS.name}
    return context.last is not None and needed <= set(context.last.written)


def _figure(context: RunContext, entity_type: str, name: str) -> float:
    return context.last_figure(f"{entity_type}.{name}") or 0.0


def _find_changes(
    context: RunContext, entity_type: str, records: DataFrame, known: int
) -> tuple[SparkInputs | LocalInputs, Changes]:
    """On the driver, where the keys of all records fit there."""
    store, written = context.store, context.last.written if context.last else {}
    versions = {"version": written[MATCH_INPUTS.name], "marked_at": written[OUTDATED_RECORDS.name]}
    now = records.select(c.RECORD_KEY, c.INPUT_HASH)
    slots = len(slots_of(context.project.match.entities[entity_type]))
    if known * slots > LOCAL_KEYS_LIMIT:
        before = store.read(MATCH_INPUTS, **versions).where(F.col(c.ENTITY_TYPE) == entity_type)
        return SparkInputs.compare(before, now)
    columns, only = (c.RECORD_KEY, c.INPUT_HASH, c.BLOCK_KEYS), {c.ENTITY_TYPE: pa.array([entity_type])}
    fetch: dict[str, Callable[[], pa.Table]] = {
        "before": partial(store.fetch, MATCH_INPUTS, columns, only=only, **versions),
        "now": now.toArrow,
    }
    return LocalInputs.compare(**run_together(store.spark, fetch))
