"""Profiles with columns of other tables: traits, scores, offers, a person's account, a visitor's identifiers.

Each table that a column asks for is brought to one row per profile and joined once; the others are not read. The
columns bear the names that the configuration has for them, such as `score.churn`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.config.checks.vocabulary import ACCOUNT, ACCOUNT_KEY, ACCOUNT_OWN
from cdp_spark.config.insights.wide_columns import IDENTIFIER, OFFER, SCORE, split_offer, split_score
from cdp_spark.config.traits.conditions import is_hidden
from cdp_spark.config.traits.definitions import PREFIX as TRAIT
from cdp_spark.config.traits.definitions import shows_zero, trait_columns
from cdp_spark.tables.catalog import (
    ACCOUNT_MEMBERS,
    IDENTIFIERS,
    OFFERS,
    PROFILES,
    SCORES,
    TRAITS,
    UNIFIED_IDS,
)
from cdp_spark.tables.rows import with_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.expressions import Kind
    from cdp_spark.config.insights.section import InsightsConfig
    from cdp_spark.tables.spec import TableSpec

    Read = Callable[[TableSpec], DataFrame]

_VALUE_OF: dict[Kind, str] = {
    "double": c.VALUE_NUMBER,
    "string": c.VALUE_TEXT,
    "strings": c.VALUE_LIST,
    "long": c.VALUE_TIME,
}
_READ_FOR = {
    TRAIT: (TRAITS,),
    SCORE: (SCORES,),
    OFFER: (OFFERS,),
    ACCOUNT: (ACCOUNT_MEMBERS, PROFILES),
    IDENTIFIER: (UNIFIED_IDS, IDENTIFIERS),
}


def tables_of(asked: Collection[str]) -> tuple[TableSpec, ...]:
    """The tables that columns come from, beside the profiles of those who have them."""
    found = (spec for prefix, specs in _READ_FOR.items() if _asked(asked, prefix) for spec in specs)
    return tuple({spec.name: spec for spec in found}.values())


def with_wide_columns(
    profiles: DataFrame, asked: Collection[str], *, read: Read, insights: InsightsConfig
) -> DataFrame:
    """Add the columns that are asked for, and no join for a table that none comes from.

    A trait that is a time is that time, so that its value changes when the event does and not with each day.

    Args:
        profiles: one row per unified_id.
        asked: names of columns; a profile's own are passed over.
        read: reads a table.
        insights: says of what kind traits are; those of conditions on events are numbers, 0 where there is none.
    Returns: the profiles with the columns, null where there is nothing; of identifiers the list of all.
    """
    makers = {TRAIT: _traits, SCORE: _scores, OFFER: _offers, ACCOUNT: _accounts, IDENTIFIER: _identifiers}
    wide = profiles
    for prefix, make in makers.items():
        names = _asked(asked, prefix)
        if names:
            wide = wide.join(make(names, read, insights), on=c.UNIFIED_ID, how="left")
    zero = {name: F.coalesce(f"`{name}`", F.lit(0.0)) for name in _asked(asked, TRAIT) if _is_zero(name, insights)}
    return with_columns(wide, zero)


def _asked(asked: Collection[str], prefix: str) -> list[str]:
    return sorted(name for name in asked if name.startswith(prefix))


def _is_zero(name: str, insights: InsightsConfig) -> bool:
    trait = name.removeprefix(TRAIT)
    return is_hidden(trait) or trait in shows_zero(insights)


def _traits(names: list[str], read: Read, insights: InsightsConfig) -> DataFrame:
    kinds = trait_columns(insights)
    current = read(TRAITS).where(F.col(c.VALID_TO).isNull())
    columns = {name: F.col(_VALUE_OF[kinds.get(name, "double")]) for name in names}
    return _one_row(current, c.TRAIT, {name: (name.removeprefix(TRAIT), column) for name, column in columns.items()})


def _scores(names: list[str], read: Read, insights: InsightsConfig) -> DataFrame:
    del insights
    values = {}
    for name in names:
        model, figure = split_score(name)
        is_plain = figure in (c.SCORE, c.TIER, c.DECILE)
        values[name] = (model, F.col(figure) if is_plain else F.try_element_at(F.col(c.DETAILS), F.lit(figure)))
    return _one_row(read(SCORES), c.MODEL, values)


def _offers(names: list[str], read: Read, insights: InsightsConfig) -> DataFrame:
    del insights
    parts = {name: split_offer(name) for name in names}
    return _one_row(read(OFFERS), c.RANK, {name: (rank, F.col(field)) for name, (rank, field) in parts.items()})


def _one_row(rows: DataFrame, key: str, values: Mapping[str, tuple[str | int, Column]]) -> DataFrame:
    """One row per profile, with the value of each column in the row that has its key."""
    wide = rows.where(F.col(key).isin(*{its for its, _ in values.values()})).groupBy(c.UNIFIED_ID)
    return wide.agg(*(F.max(F.when(F.col(key) == its, value)).alias(name) for name, (its, value) in values.items()))


def primary_accounts(account_members: DataFrame) -> DataFrame:
    """The account that a person counts for, of the several that one may belong to.

    Args:
        account_members: one row per person, account and relation.
    Returns: one row per person: unified_id, account_id, role.
    """
    return account_members.where(c.IS_PRIMARY).select(c.UNIFIED_ID, c.ACCOUNT_ID, c.ROLE)


def _accounts(names: list[str], read: Read, insights: InsightsConfig) -> DataFrame:
    """The primary account of each person, and what its profile says."""
    del insights
    primary = primary_accounts(read(ACCOUNT_MEMBERS))
    values = [_of_account(name).alias(name) for name in names if name != ACCOUNT_KEY]
    accounts = read(PROFILES).where(F.col(c.ENTITY_TYPE) == "account")
    named = accounts.select(F.col(c.UNIFIED_ID).alias(c.ACCOUNT_ID), *values)
    joined = primary.join(named, on=c.ACCOUNT_ID, how="left")
    own = [F.col(c.ACCOUNT_ID).alias(ACCOUNT_KEY)] if ACCOUNT_KEY in names else []
    return joined.select(c.UNIFIED_ID, *own, *(F.col(f"`{name}`") for name in names if name != ACCOUNT_KEY))


def _of_account(name: str) -> Column:
    if name.startswith(ACCOUNT_OWN):
        return F.try_element_at(F.col(c.ATTRIBUTES), F.lit(name.removeprefix(ACCOUNT_OWN)))
    return F.col(name.removeprefix(ACCOUNT))


def _identifiers(names: list[str], read: Read, insights: InsightsConfig) -> DataFrame:
    """Of each profile the usable identifiers of each type."""
    del insights
    of_records = read(IDENTIFIERS).where(c.USABLE).select(c.RECORD_KEY, c.TYPE, c.VALUE)
    ids = read(UNIFIED_IDS).select(c.RECORD_KEY, c.UNIFIED_ID)
    values = ids.join(of_records, on=c.RECORD_KEY, how="inner").groupBy(c.UNIFIED_ID)
    lists = {name: F.when(F.col(c.TYPE) == name.removeprefix(IDENTIFIER), F.col(c.VALUE)) for name in names}
    return values.agg(*(F.array_sort(F.collect_set(its)).alias(name) for name, its in lists.items()))
