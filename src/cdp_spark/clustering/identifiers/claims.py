"""Whose an identifier's value is: the people who were seen with it, and when."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.identifiers import IdentifierRule

OWNER = "owner"
"""A cluster: a person, or the visitors of somebody who logged in and is in no source of records."""
SEEN = "seen_micros"
KNOWN = "known_owner"
"""The owner of a visitor who named itself."""
TOKEN = "token"
"""A device, by type and value, or the component of devices that it belongs to."""

_NEWEST = "newest"
_MOST_COUNTED = 21
_NEVER = -(2**63)
_DAY_MICROS = 86_400_000_000


class LimitReason(StrEnum):
    """Why an identifier did not lead a visitor to a person."""

    MAX_PEOPLE = "max_people"
    MAX_PER_PERSON = "max_per_person"
    PRIORITY = "priority"
    CANNOT_LINK = "cannot_link"


def build_holdings(identifiers: DataFrame, types: Sequence[str]) -> DataFrame:
    """The usable values of some types.

    Args:
        identifiers: of the records in question.
        types: of identifiers.
    Returns: one row per record_key, type, value_hash, with seen_micros (null where unknown).
    """
    usable = identifiers.where(F.col(c.USABLE) & F.col(c.TYPE).isin(*types))
    return usable.select(c.RECORD_KEY, c.TYPE, c.VALUE_HASH, F.unix_micros(c.OBSERVED_AT).alias(SEEN))


def build_value_owners(held: DataFrame, rules: Mapping[str, IdentifierRule]) -> DataFrame:
    """Decide whose each value is.

    People whose last sight with the value lies further back than its window allows, counted from the newest sight by
    anybody, do not count: no clock, so nothing changes by the mere passing of time. A value of more people than
    `max_people` leads to nobody, one of several people to the one seen with it last. Of a person's values beyond
    `max_per_person` the oldest lead to nobody. Only the newest people of a value are kept while it is counted, so a
    value of millions of people takes no more memory than any other.

    Args:
        held: type, value_hash, owner, seen_micros; any number of rows per value and owner.
        rules: type to its rule.
    Returns: one row per type and value_hash: owner (the newest one), seen_micros, reason (a LimitReason that keeps
        visitors from that owner, or null).
    """
    value = (c.TYPE, c.VALUE_HASH)
    claims = held.groupBy(*value, OWNER).agg(F.max(SEEN).alias(SEEN))
    order = F.struct(F.coalesce(SEEN, F.lit(_NEVER)), OWNER)
    newest = F.max_by(F.struct(OWNER, SEEN), order, _MOST_COUNTED).alias(_NEWEST)
    counted = claims.groupBy(*value).agg(newest)
    first, people = F.get(_NEWEST, F.lit(0)), F.size(_in_window_expr(rules))
    too_many = people > rule_expr(rules, lambda rule: rule.max_people)
    owned = counted.select(
        *value,
        first[OWNER].alias(OWNER),
        first[SEEN].alias(SEEN),
        F.when(too_many, LimitReason.MAX_PEOPLE.value).alias(c.REASON),
    )
    return _with_most_per_person(owned, rules)


def _in_window_expr(rules: Mapping[str, IdentifierRule]) -> Column:
    window = rule_expr(rules, lambda rule: rule.window_days and rule.window_days * _DAY_MICROS)
    oldest = F.get(_NEWEST, F.lit(0))[SEEN] - window
    return F.filter(_NEWEST, lambda claim: F.coalesce(claim[SEEN] >= oldest, F.lit(True)))


def _with_most_per_person(owned: DataFrame, rules: Mapping[str, IdentifierRule]) -> DataFrame:
    newest_first = (F.col(c.REASON).isNotNull(), F.desc_nulls_last(SEEN), c.VALUE_HASH)
    place = F.row_number().over(Window.partitionBy(OWNER, c.TYPE).orderBy(*newest_first))
    over = place > rule_expr(rules, lambda rule: rule.max_per_person)
    reason = F.coalesce(F.col(c.REASON), F.when(over, LimitReason.MAX_PER_PERSON.value))
    return owned.withColumn(c.REASON, reason)


def rule_expr(rules: Mapping[str, IdentifierRule], setting: Callable[[IdentifierRule], int | None]) -> Column:
    """A setting of the rule of a row's `type`, as a long; null where it has none."""
    found = F.lit(None).cast("long")
    for kind, rule in rules.items():
        found = F.when(F.col(c.TYPE) == kind, F.lit(setting(rule)).cast("long")).otherwise(found)
    return found
