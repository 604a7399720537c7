"""The relations stage: tonight's ids and profiles → account_members, households."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from cdp_spark import columns as c
from cdp_spark.config.relations import RELATIONS
from cdp_spark.relations.account_members import build_account_members
from cdp_spark.relations.evidence import ACCOUNT, PERSON, build_evidence, with_ids
from cdp_spark.relations.household_ids import Yesterday, build_households, build_previous_households
from cdp_spark.relations.households import build_household_groups
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import ACCOUNT_MEMBERS, HOUSEHOLDS, IDENTIFIERS, PROFILES, RECORDS, UNIFIED_IDS
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.spec import TableSpec


def run(context: RunContext) -> StageResult:
    """Relate people to accounts and to each other; a relation that is switched off leaves its table empty."""
    writes = {
        ACCOUNT_MEMBERS.name: partial(_write_members, context),
        HOUSEHOLDS.name: partial(_write_households, context),
    }
    versions = run_together(context.store.spark, writes)
    return StageResult(versions=versions, metrics=_metrics(context))


def _write_members(context: RunContext) -> int:
    store, config = context.store, context.project.match.account_members
    if not (config.enabled and config.precedence):
        return store.overwrite(ACCOUNT_MEMBERS, _nothing(context, ACCOUNT_MEMBERS))
    records, ids = store.read(RECORDS), store.read(UNIFIED_IDS)
    people, accounts = (with_ids(records, ids, entity_type=kind) for kind in (PERSON, ACCOUNT))
    of_accounts = store.read(IDENTIFIERS).where(F.col(c.ENTITY_TYPE) == ACCOUNT)
    evidence = build_evidence(people, accounts, of_accounts, config=config)
    return store.overwrite(ACCOUNT_MEMBERS, build_account_members(evidence, people, precedence=config.precedence))


def _write_households(context: RunContext) -> int:
    """The groups serve three times, so they are kept (in memory, then on disk) meanwhile."""
    store, settings, config = context.store, context.project.settings, context.project.match.households
    if not config.enabled:
        return store.overwrite(HOUSEHOLDS, _nothing(context, HOUSEHOLDS))
    profiles = store.read(PROFILES)
    people, accounts = (profiles.where(F.col(c.ENTITY_TYPE) == kind) for kind in (PERSON, ACCOUNT))
    yesterday = Yesterday(context.read_released(HOUSEHOLDS), context.read_released(UNIFIED_IDS))
    previous = build_previous_households(store.read(UNIFIED_IDS), yesterday)
    groups = build_household_groups(people, accounts, config=config).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        households = build_households(groups, previous, namespace=settings.namespace, ordinal=context.ordinal)
        return store.overwrite(HOUSEHOLDS, households)
    finally:
        groups.unpersist()


def _nothing(context: RunContext, spec: TableSpec) -> DataFrame:
    return context.store.spark.createDataFrame([], spec.schema)


def _metrics(context: RunContext) -> dict[str, float]:
    store = context.store
    members = store.read(ACCOUNT_MEMBERS).agg(
        F.count_distinct(c.UNIFIED_ID).alias("account_members.people"),
        F.count_distinct(c.ACCOUNT_ID).alias("account_members.accounts"),
        *(F.count_if(F.col(c.RELATION) == relation).alias(f"account_members.{relation}") for relation in RELATIONS),
    )
    households = store.read(HOUSEHOLDS).agg(
        F.count(F.lit(1)).alias("households.people"),
        F.count_distinct(c.HOUSEHOLD_ID).alias("households.households"),
        F.count_distinct(F.when(F.col(c.MEMBER_COUNT) > 1, F.col(c.HOUSEHOLD_ID))).alias("households.shared"),
    )
    row = members.join(households, how="cross").collect()[0]
    return {name: float(value) for name, value in row.asDict().items()}
