"""The profiles stage: reads records, ids and consents; writes profiles, their history and their values' origin."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.normalise.text import plural
from cdp_spark.profiles.extent import build_members, find_affected
from cdp_spark.profiles.history import build_profile_history
from cdp_spark.profiles.overrides import follow_merges
from cdp_spark.profiles.profiles import build_profile_values, build_profiles
from cdp_spark.profiles.survivors import build_survivors
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog.bronze import CONSENTS
from cdp_spark.tables.catalog.gold import ID_REGISTRY, PROFILE_HISTORY, PROFILE_VALUES, PROFILES, UNIFIED_IDS
from cdp_spark.tables.catalog.silver import RECORDS
from cdp_spark.tables.checkpoint import checkpoint
from cdp_spark.tables.consents import build_contact_point_consents, build_contact_points, build_profile_consents
from cdp_spark.tables.increments.basis import keep_table, with_others
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.config.profile import StewardOverride, SurvivorshipConfig
    from cdp_spark.tables.checkpoint import CountedFrame
    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.spec import TableSpec

_TABLES = (PROFILES, PROFILE_VALUES, PROFILE_HISTORY)


def run(context: RunContext) -> StageResult:
    """Compute the profiles from this run's records and ids: all, or those that depend on what changed.

    Profiles that nothing touched are carried over from the last release, with their values and their history.

    Raises:
        InvalidProjectError: the survivorship configuration cannot work.
    """
    store, survivorship = context.store, _survivorship(context)
    affected = _affected(context, survivorship)
    if affected is None:
        versions = _write(context, survivorship, None, store.read(UNIFIED_IDS))
    elif affected.count:
        versions = _write(context, survivorship, affected, build_members(context, affected).joinable)
    else:
        versions = {spec.name: keep_table(context, spec, context.basis) for spec in _TABLES if context.basis}
    detail = "full" if affected is None else f"incremental: {plural(affected.count, 'profile')} affected by changes"
    return StageResult(versions=versions, metrics=_metrics(store.read(PROFILES)), detail=detail)


def _survivorship(context: RunContext) -> SurvivorshipConfig:
    overrides = _overrides(context, context.store.read(ID_REGISTRY))
    return context.project.survivorship.model_copy(update={"overrides": overrides})


def _overrides(context: RunContext, id_registry: DataFrame) -> tuple[StewardOverride, ...]:
    return follow_merges(context.project.survivorship.overrides, id_registry)


def _affected(context: RunContext, survivorship: SurvivorshipConfig) -> CountedFrame | None:
    if context.basis is None:
        return None
    before = {it.unified_id for it in _overrides(context, context.read_released(ID_REGISTRY))}
    return find_affected(context, context.basis, others=before ^ {it.unified_id for it in survivorship.overrides})


def _write(
    context: RunContext, survivorship: SurvivorshipConfig, affected: CountedFrame | None, unified_ids: DataFrame
) -> dict[str, int]:
    """Write the three tables; the survivors and the profiles serve several times, so they are kept meanwhile."""
    survivors = checkpoint(
        build_survivors(
            context.store.read(RECORDS),
            unified_ids,
            survivorship=survivorship,
            source_priority={source.name: source.priority for source in context.project.sources},
            as_of=context.as_of,
        )
    )
    profiles = checkpoint(_profiles(context, survivors))
    history = build_profile_history(profiles, _of_affected(context, PROFILE_HISTORY, affected), as_of=context.as_of)
    made = zip(_TABLES, (profiles, build_profile_values(survivors), history), strict=True)
    writes = {
        spec.name: partial(context.store.overwrite, spec, with_others(context, spec, rows, affected))
        for spec, rows in made
    }
    return run_together(context.store.spark, writes)


def _profiles(context: RunContext, survivors: DataFrame) -> DataFrame:
    of_contact_points = build_contact_point_consents(context.store.read(CONSENTS), until=context.as_of)
    of_profiles = build_profile_consents(of_contact_points, build_contact_points(survivors))
    return build_profiles(survivors, of_profiles, policy=context.project.settings.consent)


def _of_affected(context: RunContext, spec: TableSpec, affected: CountedFrame | None) -> DataFrame:
    released = context.read_released(spec)
    return released if affected is None else released.join(affected.joinable, on=c.UNIFIED_ID, how="left_semi")


def _metrics(profiles: DataFrame) -> dict[str, float]:
    counts = profiles.groupBy(c.ENTITY_TYPE).count().collect()
    return {f"profiles.{row[c.ENTITY_TYPE]}": float(row["count"]) for row in counts}
