"""From visitors to the people they are: who logged in, and whose browser or device it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.engines.components import build_components
from cdp_spark.clustering.identifiers.claims import KNOWN, OWNER, SEEN, TOKEN, build_value_owners, rule_expr
from cdp_spark.config.identifiers import DEVICE_TYPES
from cdp_spark.tables.checkpoint import checkpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.identifiers import IdentifierRule
    from cdp_spark.config.match import ClusteringConfig

EDGES = "edges"
"""What pointed at some owner: array of struct(priority, type, owner, reason)."""

_PRIORITY = "priority"
_PRINCIPAL = "principal"
_LED_TO = "led_to"
_GROUP = "group"
_LEAST, _MOST, _FIRST = "least_owner", "most_owner", "first_key"
_LONG_AGO = 2**63 - 1
_TOKENS = "tokens"


def build_known_visitors(holdings: DataFrame, owners: DataFrame, rules: Mapping[str, IdentifierRule]) -> DataFrame:
    """Find the people of visitors who named themselves.

    A visitor goes to the owner of its first identifier, by priority, that has one. Visitors of one log-in that no
    record has stay together: with the person whom their other identifiers name, if that is one person, else apart.

    Args:
        holdings: of visitors, identifiers of people only.
        owners: from `build_value_owners`, by the records of people.
        rules: type to its rule.
    Returns: one row per visitor with such an identifier: record_key, owner (null where all of them are shared too
        widely), edges.
    """
    led = _with_owners(holdings, owners, rules)
    is_usable, place = F.col(c.REASON).isNull(), (_PRIORITY, c.TYPE, c.VALUE_HASH)
    owned = is_usable & F.col(OWNER).isNotNull()
    visitors = led.groupBy(c.RECORD_KEY).agg(
        F.min(F.when(is_usable, F.struct(*place))).alias(_PRINCIPAL),
        F.min(F.when(owned, F.struct(*place, OWNER)))[OWNER].alias(_LED_TO),
        F.collect_list(_edge_expr()).alias(EDGES),
    )
    groups = visitors.groupBy(_PRINCIPAL).agg(*_group_owners(_LED_TO), F.min(c.RECORD_KEY).alias(_FIRST))
    joined = visitors.join(groups, on=_PRINCIPAL, how="left")
    owner = F.coalesce(_only_owner_expr(), F.col(_FIRST))
    return joined.select(c.RECORD_KEY, owner.alias(OWNER), EDGES)


def build_device_visitors(
    holdings: DataFrame,
    known: DataFrame,
    person_claims: DataFrame,
    rules: Mapping[str, IdentifierRule],
    *,
    chained: ClusteringConfig | None,
) -> DataFrame:
    """Find whose browser or device each visitor was on.

    Args:
        holdings: of visitors, devices only.
        known: record_key, owner: who named themselves.
        person_claims: type, value_hash, owner, seen_micros by the records of people.
        rules: type to its rule.
        chained: how to find components where events bear several devices at once; None where none does.
    Returns: one row per visitor with a device: record_key, group (of visitors who share one, null where no device of
        the visitor can be relied on), led_to (the owner of its first device, by priority, then the newest), edges.
    """
    held = holdings.join(known.select(c.RECORD_KEY, F.col(OWNER).alias(KNOWN)), on=c.RECORD_KEY, how="left")
    of_known = held.where(F.col(KNOWN).isNotNull()).select(c.TYPE, c.VALUE_HASH, F.col(KNOWN).alias(OWNER), SEEN)
    owners = build_value_owners(of_known.unionByName(person_claims), rules)
    token = F.concat_ws(":", c.TYPE, c.VALUE_HASH)
    led = _with_owners(held.drop(SEEN), owners, rules).withColumn(TOKEN, F.when(F.col(c.REASON).isNull(), token))
    led = with_chains(led, chained) if chained else led
    owned = F.col(c.REASON).isNull() & F.col(OWNER).isNotNull()
    best = F.struct(_PRIORITY, F.coalesce(-F.col(SEEN), F.lit(_LONG_AGO)), OWNER)
    return led.groupBy(c.RECORD_KEY).agg(
        F.min(TOKEN).alias(_GROUP),
        F.min(F.when(owned, best))[OWNER].alias(_LED_TO),
        F.collect_list(_edge_expr()).alias(EDGES),
    )


def with_chains(led: DataFrame, config: ClusteringConfig) -> DataFrame:
    """Replace the token of each device by that of the component of devices that anonymous visitors tie together.

    Args:
        led: one row per visitor and device: record_key, known_owner, token (null where the device ties nobody).
        config: engine and its limits.
    Returns: the same rows, `token` the component's smallest.
    """
    anonymous = led.where(F.col(KNOWN).isNull() & F.col(TOKEN).isNotNull())
    tied = anonymous.groupBy(c.RECORD_KEY).agg(F.sort_array(F.collect_set(TOKEN)).alias(_TOKENS))
    pairs = tied.select(
        F.get(_TOKENS, F.lit(0)).alias(c.RECORD_KEY_L),
        F.explode(F.slice(_TOKENS, 2, F.size(_TOKENS))).alias(c.RECORD_KEY_R),
    )
    edges = checkpoint(pairs.distinct())
    vertices = edges.select(F.explode(F.array(c.RECORD_KEY_L, c.RECORD_KEY_R)).alias(c.RECORD_KEY)).distinct()
    found = build_components(vertices, edges, engine=config.engine, local_max_edges=config.local_max_edges)
    chains = found.components.select(F.col(c.RECORD_KEY).alias(TOKEN), c.COMPONENT)
    joined = led.join(chains, on=TOKEN, how="left")
    return joined.withColumn(TOKEN, F.coalesce(c.COMPONENT, TOKEN)).drop(c.COMPONENT)


def build_visitor_owners(visitors: DataFrame, known: DataFrame, on_devices: DataFrame) -> DataFrame:
    """Give each visitor one owner: itself by name, its device's, its group's, or the group or visitor itself.

    A group whose devices belong to several people joins none of them: who is on a device of one person goes there, the
    others stay together.

    Args:
        visitors: one row per record_key.
        known: from `build_known_visitors`.
        on_devices: from `build_device_visitors`.
    Returns: one row per visitor: record_key, owner, edges.
    """
    anonymous = on_devices.join(known.where(F.col(OWNER).isNotNull()), on=c.RECORD_KEY, how="left_anti")
    rest = F.min(F.when(F.col(_LED_TO).isNull(), F.col(c.RECORD_KEY))).alias(_FIRST)
    groups = anonymous.where(F.col(_GROUP).isNotNull()).groupBy(_GROUP).agg(*_group_owners(_LED_TO), rest)
    led = anonymous.join(groups, on=_GROUP, how="left").select(
        c.RECORD_KEY, F.coalesce(F.col(_LED_TO), _only_owner_expr(), F.col(_FIRST)).alias(_LED_TO)
    )
    named = known.select(c.RECORD_KEY, F.col(OWNER).alias(KNOWN), F.col(EDGES).alias("named_edges"))
    device_edges = on_devices.select(c.RECORD_KEY, F.col(EDGES).alias("device_edges"))
    none = F.array().cast("array<struct<priority:bigint,type:string,owner:string,reason:string>>")
    edges = [F.coalesce(F.col(name), none) for name in ("named_edges", "device_edges")]
    return (
        visitors.join(named, on=c.RECORD_KEY, how="left")
        .join(device_edges, on=c.RECORD_KEY, how="left")
        .join(led, on=c.RECORD_KEY, how="left")
        .select(c.RECORD_KEY, F.coalesce(KNOWN, _LED_TO, c.RECORD_KEY).alias(OWNER), F.concat(*edges).alias(EDGES))
    )


def assign_visitors(
    visitors: DataFrame,
    holdings: DataFrame,
    person_claims: DataFrame,
    rules: Mapping[str, IdentifierRule],
    *,
    chained: ClusteringConfig | None,
) -> DataFrame:
    """Find each visitor's owner, in two steps: who named themselves, then who was on their devices.

    Every step joins by value or aggregates; no two visitors are ever compared.

    Args:
        visitors: one row per record_key.
        holdings: of visitors, from `build_holdings`.
        person_claims: type, value_hash, owner, seen_micros by the records of people.
        rules: type to its rule.
        chained: as in `build_device_visitors`.
    Returns: one row per visitor: record_key, owner, edges.
    """
    is_device = F.col(c.TYPE).isin(*DEVICE_TYPES)
    owners = build_value_owners(person_claims.where(~is_device), rules)
    known = checkpoint(build_known_visitors(holdings.where(~is_device).drop(SEEN), owners, rules))
    named = known.where(F.col(OWNER).isNotNull())
    claims = person_claims.where(is_device)
    on_devices = build_device_visitors(holdings.where(is_device), named, claims, rules, chained=chained)
    return checkpoint(build_visitor_owners(visitors, known, checkpoint(on_devices)))


def _with_owners(holdings: DataFrame, owners: DataFrame, rules: Mapping[str, IdentifierRule]) -> DataFrame:
    led = holdings.join(owners, on=[c.TYPE, c.VALUE_HASH], how="left")
    return led.withColumn(_PRIORITY, rule_expr(rules, lambda rule: rule.priority))


def _edge_expr() -> Column:
    return F.when(F.col(OWNER).isNotNull(), F.struct(_PRIORITY, c.TYPE, OWNER, c.REASON))


def _group_owners(owner: str) -> tuple[Column, Column]:
    return F.min(owner).alias(_LEAST), F.max(owner).alias(_MOST)


def _only_owner_expr() -> Column:
    return F.when(F.col(_LEAST) == F.col(_MOST), F.col(_LEAST))
