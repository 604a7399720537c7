"""The profiles stage: reads records, ids and consents; writes profiles, their history and their values' origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.storagelevel import StorageLevel

from cdp_spark import columns as c
from cdp_spark.profiles.history import build_profile_history
from cdp_spark.profiles.overrides import follow_merges
from cdp_spark.profiles.profiles import build_profile_values, build_profiles
from cdp_spark.profiles.survivors import build_survivors
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog.bronze import CONSENTS
from cdp_spark.tables.catalog.gold import ID_REGISTRY, PROFILE_HISTORY, PROFILE_VALUES, PROFILES, UNIFIED_IDS
from cdp_spark.tables.catalog.silver import RECORDS
from cdp_spark.tables.consents import build_contact_point_consents, build_contact_points, build_profile_consents
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.tables.run import RunContext


def run(context: RunContext) -> StageResult:
    """Recompute all profiles from tonight's records and ids.

    The survivors are computed once and serve two tables, so they are kept (in memory, then on disk) meanwhile.

    Raises:
        InvalidProjectError: the survivorship configuration cannot work.
    """
    store = context.store
    survivors = _survivors(context).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        versions = run_together(
            store.spark,
            {
                PROFILES.name: lambda: store.overwrite(PROFILES, _profiles(context, survivors)),
                PROFILE_VALUES.name: lambda: store.overwrite(PROFILE_VALUES, build_profile_values(survivors)),
            },
        )
    finally:
        survivors.unpersist()
    versions[PROFILE_HISTORY.name] = store.overwrite(PROFILE_HISTORY, _history(context))
    return StageResult(versions=versions, metrics=_metrics(store.read(PROFILES)))


def _survivors(context: RunContext) -> DataFrame:
    configured = context.project.survivorship
    overrides = follow_merges(configured.overrides, context.store.read(ID_REGISTRY))
    return build_survivors(
        context.store.read(RECORDS),
        context.store.read(UNIFIED_IDS),
        survivorship=configured.model_copy(update={"overrides": overrides}),
        source_priority={source.name: source.priority for source in context.project.sources},
        as_of=context.as_of,
    )


def _profiles(context: RunContext, survivors: DataFrame) -> DataFrame:
    of_contact_points = build_contact_point_consents(context.store.read(CONSENTS), until=context.as_of)
    of_profiles = build_profile_consents(of_contact_points, build_contact_points(survivors))
    return build_profiles(survivors, of_profiles, policy=context.project.settings.consent)


def _history(context: RunContext) -> DataFrame:
    profiles, released = context.store.read(PROFILES), context.read_released(PROFILE_HISTORY)
    return build_profile_history(profiles, released, as_of=context.as_of)


def _metrics(profiles: DataFrame) -> dict[str, float]:
    counts = profiles.groupBy(c.ENTITY_TYPE).count().collect()
    return {f"profiles.{row[c.ENTITY_TYPE]}": float(row["count"]) for row in counts}
