"""Traits of accounts in Spark: whose events count for which account, what members roll up to, and what may differ.

A person counts for one account, the primary one of `account_members`; with subsidiaries also for every account above
it. So the events of people become events of accounts, and the engine of people's traits makes the values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_schema

from cdp_spark import columns as c
from cdp_spark.tables.catalog import ACCOUNT_HIERARCHY, ACCOUNT_MEMBERS, SCORES
from cdp_spark.tables.checkpoint import unite_distinct
from cdp_spark.tables.increments.difference import read_changed, read_earlier
from cdp_spark.tables.wide import primary_accounts
from cdp_spark.traits.finish import TRAIT_VALUES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.traits.definitions import TraitDefinition
    from cdp_spark.tables.checkpoint import CountedFrame
    from cdp_spark.tables.run import RunContext

_DECIMALS = 6
_EXACT = T.DecimalType(38, _DECIMALS)
"""Of scores: their sum is the same in any order."""
_WHOSE = "whose"


def read_people_of_accounts(context: RunContext, *, include_subsidiaries: bool) -> DataFrame:
    """Read which people count for which account.

    Returns: one row per person and account: unified_id, account_id, role.
    """
    members = primary_accounts(context.store.read(ACCOUNT_MEMBERS))
    if not include_subsidiaries:
        return members
    return _with_those_above(members, context.store.read(ACCOUNT_HIERARCHY)).select(members.columns)


def _with_those_above(accounts: DataFrame, hierarchy: DataFrame) -> DataFrame:
    """Repeat each row for every account above its own, which stays among them."""
    paths = hierarchy.select(F.col(c.UNIFIED_ID).alias(c.ACCOUNT_ID), c.PATH)
    placed = accounts.join(paths, on=c.ACCOUNT_ID, how="left")
    way = F.coalesce(c.PATH, F.array(c.ACCOUNT_ID))
    return placed.withColumn(c.ACCOUNT_ID, F.explode(way)).drop(c.PATH)


def attribute_to_accounts(events: DataFrame, people: DataFrame) -> DataFrame:
    """Give the events of people to their accounts, whose ids take the place of the people's.

    Args:
        events: with a unified_id.
        people: from `read_people_of_accounts`.
    """
    whose = people.select(c.UNIFIED_ID, F.col(c.ACCOUNT_ID).alias(_WHOSE))
    of_accounts = events.join(whose, on=c.UNIFIED_ID, how="inner")
    return of_accounts.withColumn(c.UNIFIED_ID, F.col(_WHOSE)).drop(_WHOSE)


def build_roll_ups(
    context: RunContext, definitions: Sequence[TraitDefinition], *, accounts: CountedFrame | None
) -> DataFrame:
    """Roll up how many members accounts have, and the members' scores.

    Args:
        context: of the run.
        definitions: traits of members, all with subsidiaries or all without.
        accounts: whose; None for all.
    Returns: rows of TRAIT_VALUES, one per account and trait that has a value.
    """
    people = read_people_of_accounts(context, include_subsidiaries=definitions[0].include_subsidiaries)
    if accounts is not None:
        wanted = accounts.joinable.select(F.col(c.UNIFIED_ID).alias(c.ACCOUNT_ID))
        people = people.join(wanted, on=c.ACCOUNT_ID, how="left_semi")
    models = sorted({it.roll_up[1] for it in definitions if it.finish == "score" and it.roll_up})
    if models:
        people = people.join(_scores(context, models), on=c.UNIFIED_ID, how="left")
    values = people.groupBy(c.ACCOUNT_ID).agg(*(_rolled_up(it).alias(it.name) for it in definitions))
    rows = F.array(*(_row(it) for it in definitions))
    made = values.select(F.col(c.ACCOUNT_ID).alias(c.UNIFIED_ID), F.inline(F.array_compact(rows)))
    return made.select(*(_column(field, made.columns) for field in from_arrow_schema(TRAIT_VALUES)))


def _scores(context: RunContext, models: Sequence[str]) -> DataFrame:
    """One row per person, a column for each model."""
    scores = context.store.read(SCORES).where(F.col(c.MODEL).isin(*models)).groupBy(c.UNIFIED_ID)
    return scores.agg(*(F.max(F.when(F.col(c.MODEL) == name, F.col(c.SCORE))).alias(_of(name)) for name in models))


def _of(model: str) -> str:
    return f"score_{model}"


def _rolled_up(definition: TraitDefinition) -> Column:
    how, what = definition.roll_up or ("", "")
    if how == "members":
        return (F.count_if(F.col(c.ROLE) == what) if what else F.count(F.lit(1))).cast("double")
    if how == "max":
        return F.max(_of(what))
    total = F.sum(F.col(_of(what)).cast(_EXACT)).cast("double")
    return total if how == "sum" else F.round(total / F.count(_of(what)), _DECIMALS)


def _row(definition: TraitDefinition) -> Column:
    value = F.col(definition.name)
    named = (definition.name, definition.definition_hash)
    texts = (F.lit(text).alias(name) for text, name in zip(named, (c.TRAIT, c.DEFINITION_HASH), strict=True))
    is_there = value.isNotNull() & (value != 0) if definition.zero else value.isNotNull()
    return F.when(is_there, F.struct(*texts, value.alias(c.VALUE_NUMBER)))


def _column(field: T.StructField, there: Sequence[str]) -> Column:
    return F.col(field.name) if field.name in there else F.lit(None).cast(field.dataType).alias(field.name)


def find_affected_accounts(
    context: RunContext, definitions: Sequence[TraitDefinition], people: DataFrame
) -> CountedFrame:
    """Find the accounts whose values may differ from those of the stage's basis.

    Args:
        context: of a stage with a basis.
        definitions: of traits of accounts.
        people: unified ids of people whose events or scores may count otherwise.
    Returns: unified ids of accounts.
    """
    columns = (c.UNIFIED_ID, c.ACCOUNT_ID, c.IS_PRIMARY, c.ROLE)
    moved = read_changed(context, ACCOUNT_MEMBERS, key=(c.ACCOUNT_ID,), columns=columns)
    members = read_people_of_accounts(context, include_subsidiaries=False)
    direct = members.join(people, on=c.UNIFIED_ID, how="left_semi").select(c.ACCOUNT_ID)
    found = [moved, direct]
    if any(it.include_subsidiaries for it in definitions):
        placed = read_changed(context, ACCOUNT_HIERARCHY, key=(c.UNIFIED_ID,), columns=(c.UNIFIED_ID, c.PATH))
        below = moved.unionByName(direct).unionByName(placed.select(F.col(c.UNIFIED_ID).alias(c.ACCOUNT_ID)))
        found += [_with_those_above(below, tree) for tree in _trees(context)]
    return unite_distinct([it.select(F.col(c.ACCOUNT_ID).alias(c.UNIFIED_ID)) for it in found])


def _trees(context: RunContext) -> tuple[DataFrame, ...]:
    """The hierarchy now and as the stage's basis has it."""
    now, basis = context.store.read(ACCOUNT_HIERARCHY), context.basis
    if basis is None:
        return (now,)
    return now, read_earlier(context.store, ACCOUNT_HIERARCHY, basis.read[ACCOUNT_HIERARCHY.name])
