"""The relations stage: this run's ids and profiles → account_members, account_hierarchy, households."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.config.match import RELATIONS
from cdp_spark.relations.account_members import build_account_members
from cdp_spark.relations.addresses import HOME_COLUMNS
from cdp_spark.relations.evidence import ACCOUNT, PERSON, build_evidence, with_ids
from cdp_spark.relations.hierarchy import (
    ACCOUNT_CYCLE,
    AMBIGUOUS_PARENT,
    ISSUES,
    RECORD_COLUMNS,
    UNKNOWN_PARENT,
    build_account_hierarchy,
)
from cdp_spark.relations.household_ids import ReleasedHouseholds, build_households, build_previous_households
from cdp_spark.relations.households import build_household_groups
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import (
    ACCOUNT_HIERARCHY,
    ACCOUNT_MEMBERS,
    HOUSEHOLDS,
    IDENTIFIERS,
    PROFILES,
    RECORDS,
    UNIFIED_IDS,
)
from cdp_spark.tables.checkpoint import checkpoint
from cdp_spark.tables.increments.basis import keep_table, with_others
from cdp_spark.tables.increments.difference import find_changed_ids, read_changed
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame

    from cdp_spark.config.project import Project
    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.spec import TableSpec

_SAID = {
    UNKNOWN_PARENT: "accounts whose parent is not in the data: {count}",
    AMBIGUOUS_PARENT: "accounts whose parent may be one of several: {count}",
    ACCOUNT_CYCLE: "cycles of parents, each cut at the lowest ID: {count}",
}


def run(context: RunContext) -> StageResult:
    """Relate people to accounts and to each other; a relation that is switched off leaves its table empty.

    Where the last release can be built on, only the accounts of people whose records or ids changed are looked for, as
    long as no account did. Households are looked for anew where somebody's home, name or contacts changed, or people
    were erased: who lives behind a door, and how its street is spelt, all people of the building decide together.
    """
    anew = context.basis is None or _has_changed_accounts(context)
    works = {
        ACCOUNT_MEMBERS.name: partial(_write_members, context, anew=anew),
        ACCOUNT_HIERARCHY.name: partial(_write_hierarchy, context, anew=anew),
        HOUSEHOLDS.name: partial(_write_households, context),
    }
    done = run_together(context.store.spark, works)
    versions = {name: version for name, (version, _) in done.items()}
    detail = "; ".join(f"{name}: {extent}" for name, (_, extent) in done.items())
    metrics = _metrics(context)
    return StageResult(versions=versions, metrics=metrics, detail=detail, warnings=warn(context.project, metrics))


def warn(_project: Project, metrics: Mapping[str, float]) -> tuple[str, ...]:
    """Tell of parents that accounts name and that do not count."""
    counts = {name: int(metrics.get(f"account_hierarchy.{name}", 0)) for name in ISSUES}
    said = "; ".join(f"{_SAID[name].format(count=f'{count:,}')}" for name, count in counts.items() if count)
    return (f"account_hierarchy: {said}. Its column `issue` shows which.",) if said else ()


def _write_members(context: RunContext, *, anew: bool) -> tuple[int, str]:
    store, config, basis = context.store, context.project.match.account_members, context.basis
    if not (config.enabled and config.precedence):
        return _write_nothing(context, ACCOUNT_MEMBERS)
    if basis is None or anew:
        return store.overwrite(ACCOUNT_MEMBERS, _build_members(context, store.read(UNIFIED_IDS))), "full"
    affected = find_changed_ids(
        context, read_changed(context, RECORDS, key=(c.RECORD_KEY,), entity_types=(PERSON,)), entity_types=(PERSON,)
    )
    extent = f"incremental: {affected.count:,} people changed"
    if not affected.count:
        return keep_table(context, ACCOUNT_MEMBERS, basis), extent
    ids = store.read(UNIFIED_IDS).join(affected.joinable, on=c.UNIFIED_ID, how="left_semi")
    members = with_others(context, ACCOUNT_MEMBERS, _build_members(context, ids), affected)
    return store.overwrite(ACCOUNT_MEMBERS, members), extent


def _write_hierarchy(context: RunContext, *, anew: bool) -> tuple[int, str]:
    """A tree is built as a whole: one account that moves takes all below it along."""
    store, basis = context.store, context.basis
    if basis is not None and not anew:
        return keep_table(context, ACCOUNT_HIERARCHY, basis), "unchanged"
    of_accounts = {c.ENTITY_TYPE: pa.array([ACCOUNT])}
    records = store.fetch(RECORDS, RECORD_COLUMNS, only=of_accounts)
    ids = store.fetch(UNIFIED_IDS, (c.RECORD_KEY, c.UNIFIED_ID), only=of_accounts)
    usable = {**of_accounts, c.USABLE: pa.array([True])}
    identifiers = store.fetch(IDENTIFIERS, (c.RECORD_KEY, c.VALUE), only=usable)
    accounts = records.join(ids.rename_columns([c.RECORD_KEY, c.ACCOUNT_ID]), c.RECORD_KEY, join_type="inner")
    return store.overwrite(ACCOUNT_HIERARCHY, build_account_hierarchy(accounts, identifiers)), "full"


def _has_changed_accounts(context: RunContext) -> bool:
    tables = (RECORDS, UNIFIED_IDS, IDENTIFIERS)
    return any(
        not read_changed(context, spec, key=(c.RECORD_KEY,), entity_types=(ACCOUNT,)).isEmpty() for spec in tables
    )


def _build_members(context: RunContext, people_ids: DataFrame) -> DataFrame:
    """Build the rows of `account_members` of some people."""
    store, config = context.store, context.project.match.account_members
    records = store.read(RECORDS)
    people = with_ids(records, people_ids, entity_type=PERSON)
    accounts = with_ids(records, store.read(UNIFIED_IDS), entity_type=ACCOUNT)
    of_accounts = store.read(IDENTIFIERS).where(F.col(c.ENTITY_TYPE) == ACCOUNT)
    evidence = build_evidence(people, accounts, of_accounts, config=config)
    return build_account_members(evidence, people, precedence=config.precedence, roles=config.roles)


def _write_households(context: RunContext) -> tuple[int, str]:
    """The groups serve three times, so they are kept meanwhile."""
    store, settings, config = context.store, context.project.settings, context.project.match.households
    if not config.enabled:
        return _write_nothing(context, HOUSEHOLDS)
    if context.basis is not None and not context.basis.erased and not _has_changed_homes(context):
        return keep_table(context, HOUSEHOLDS, context.basis), "unchanged"
    profiles = store.read(PROFILES)
    people, accounts = (profiles.where(F.col(c.ENTITY_TYPE) == kind) for kind in (PERSON, ACCOUNT))
    released = ReleasedHouseholds(context.read_released(HOUSEHOLDS), context.read_released(UNIFIED_IDS))
    previous = checkpoint(build_previous_households(store.read(UNIFIED_IDS), released))
    groups = checkpoint(build_household_groups(people, accounts, config=config))
    households = build_households(groups, previous, namespace=settings.namespace, ordinal=context.ordinal)
    return store.overwrite(HOUSEHOLDS, households), "full"


def _has_changed_homes(context: RunContext) -> bool:
    """Whether somebody's home, name or contacts changed, or somebody's records were another's."""
    homes = read_changed(context, PROFILES, key=(c.UNIFIED_ID,), columns=HOME_COLUMNS, entity_types=(PERSON, ACCOUNT))
    moved = read_changed(context, UNIFIED_IDS, key=(c.RECORD_KEY,), entity_types=(PERSON,))
    return not (homes.isEmpty() and moved.isEmpty())


def _write_nothing(context: RunContext, spec: TableSpec) -> tuple[int, str]:
    basis = context.basis
    if basis is not None:
        return keep_table(context, spec, basis), "switched off"
    return context.store.overwrite(spec, spec.table([])), "switched off"


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
    hierarchy = store.read(ACCOUNT_HIERARCHY).agg(
        F.count(c.PARENT_ID).alias("account_hierarchy.children"),
        F.coalesce(F.max(c.DEPTH), F.lit(0)).alias("account_hierarchy.depth"),
        *(F.count_if(F.col(c.ISSUE) == issue).alias(f"account_hierarchy.{issue}") for issue in ISSUES),
    )
    row = members.join(households, how="cross").join(hierarchy, how="cross").collect()[0]
    return {name: float(value) for name, value in row.asDict().items()}
