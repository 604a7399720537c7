"""From survivors to the profiles and the values' origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.profiles.rules import CUSTOM_PREFIX
from cdp_spark.profiles.winners import CUSTOM_WINNERS, WINNER
from cdp_spark.tables.catalog.gold import PROFILE_ATTRIBUTES, PROFILE_VALUES, PROFILES
from cdp_spark.tables.consents import UNKNOWN

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.project import ConsentPolicy


def build_profiles(survivors: DataFrame, profile_consents: DataFrame, *, policy: ConsentPolicy) -> DataFrame:
    """Show each person, account or visitor as one row.

    Args:
        survivors: one row per unified_id, from `build_survivors`.
        profile_consents: one row per (unified_id, purpose) with status.
        policy: a purpose of it that a profile has no consent for is shown as `unknown`.

    Returns:
        one row per unified_id, the table `profiles`.
    """
    given = profile_consents.groupBy(c.UNIFIED_ID).agg(
        F.map_from_entries(F.collect_list(F.struct(c.PURPOSE, c.STATUS))).alias("given")
    )
    attributes = F.map_from_entries(
        F.transform(CUSTOM_WINNERS, lambda item: F.struct(item[c.ATTRIBUTE], item[c.VALUE][c.VALUE]))
    )
    profiles = survivors.join(given, on=c.UNIFIED_ID, how="left").withColumns(
        {
            **{name: F.col(WINNER + name)[c.VALUE] for name in PROFILE_ATTRIBUTES},
            c.ATTRIBUTES: attributes,
            c.CONSENTS: _consents_expr(policy.purposes),
        }
    )
    return PROFILES.conform(profiles)


def build_profile_values(survivors: DataFrame) -> DataFrame:
    """Say where each value of a profile comes from.

    The rule is the first that set the winner apart from the best record with another value; `unanimous` where no
    record said otherwise, `record_key` where all rules tied, `group` where the rest of its group won, `override`.

    Args:
        survivors: one row per unified_id, from `build_survivors`.

    Returns:
        one row per unified_id and attribute that has a value; a custom attribute is named `attributes.NAME`.
    """
    own = F.array(*(_value_struct(F.lit(name), F.col(WINNER + name)) for name in PROFILE_ATTRIBUTES))
    custom = F.transform(
        CUSTOM_WINNERS,
        lambda item: _value_struct(F.concat(F.lit(CUSTOM_PREFIX), item[c.ATTRIBUTE]), item[c.VALUE]),
    )
    values = survivors.select(c.UNIFIED_ID, F.inline(F.concat(own, custom)))
    return PROFILE_VALUES.conform(values.where(F.col(c.VALUE).isNotNull()))


def _value_struct(attribute: Column, winner: Column) -> Column:
    return F.struct(
        attribute.alias(c.ATTRIBUTE),
        winner[c.VALUE].cast("string").alias(c.VALUE),
        *(winner[name].alias(name) for name in (c.RECORD_KEY, c.SOURCE, c.RULE)),
    )


def _consents_expr(purposes: tuple[str, ...]) -> Column:
    """Purpose to status, in order of the purposes' names: those of the policy and those that were given."""
    listed = F.lit(sorted(purposes)) if purposes else F.array().cast("array<string>")
    names = F.array_sort(F.array_union(listed, F.coalesce(F.map_keys("given"), listed)))
    entries = F.transform(
        names,
        lambda name: F.struct(name, F.coalesce(F.try_element_at(F.col("given"), name), F.lit(UNKNOWN))),
    )
    return F.map_from_entries(entries)
