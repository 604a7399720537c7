"""Match clusters to ids one to one, best first, and issue ids to those that remain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.identity.in_spark.rules.overlaps import build_overlaps, settled_ids, with_identifier_overlap
from cdp_spark.identity.in_spark.rules.returns import build_candidates, build_returns
from cdp_spark.identity.terms import LIVE
from cdp_spark.tables.actions.held import hold

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from cdp_spark.identity.issuer import Issuer
    from cdp_spark.tables.actions.held import Held

_CHOSEN = "chosen"
_TAKEN = "taken"


def best_first() -> tuple[Column, ...]:
    """The strict order of candidates, and what a tie is broken by.

    People's records before visitors alone, so that a person keeps its id whatever visitors join or leave it; then tier,
    strong identifiers, records, older id, lowest id, first cluster.
    """
    return (
        F.asc(c.OF_VISITORS),
        F.asc(c.TIER),
        F.desc(c.IDENTIFIER_OVERLAP),
        F.desc(c.RECORD_OVERLAP),
        F.asc(c.CREATED_RELEASE),
        F.asc(c.UNIFIED_ID),
        F.asc(c.FIRST_KEY),
    )


def match_best_first(candidates: DataFrame) -> DataFrame:
    """Choose candidates one to one, best first.

    In a strict order, a candidate that is the best of its cluster and of its id is chosen by the greedy walk too,
    whatever stands between: so each round chooses all of these at once, and the result is the walk's. Rounds are as
    many as the longest chain of ever better candidates, usually two or three.

    Args:
        candidates: one row per (first_key, unified_id) with the columns of `best_first`; materialised by the caller.

    Returns:
        (first_key, unified_id), each at most once.
    """
    pair = [c.FIRST_KEY, c.UNIFIED_ID]
    chosen, remaining = candidates.where(F.lit(False)).select(*pair), candidates
    while not remaining.isEmpty():
        marked = _mark_chosen(remaining).localCheckpoint()
        chosen = chosen.unionByName(marked.where(_CHOSEN).select(*pair))
        remaining = marked.where(~F.col(_TAKEN)).drop(_CHOSEN, _TAKEN)
    return chosen


def _mark_chosen(candidates: DataFrame) -> DataFrame:
    of_cluster, of_id = Window.partitionBy(c.FIRST_KEY), Window.partitionBy(c.UNIFIED_ID)
    place_in_cluster = F.row_number().over(of_cluster.orderBy(*best_first()))
    place_in_id = F.row_number().over(of_id.orderBy(*best_first()))
    return (
        candidates.withColumn("place_in_cluster", place_in_cluster)
        .withColumn("place_in_id", place_in_id)
        .withColumn(_CHOSEN, (F.col("place_in_cluster") == 1) & (F.col("place_in_id") == 1))
        .withColumn("id_taken", F.max(_CHOSEN).over(of_id))
        .withColumn(_TAKEN, F.col("id_taken") | F.max(_CHOSEN).over(of_cluster))
        .drop("place_in_cluster", "place_in_id", "id_taken")
    )


@dataclass(frozen=True)
class Assignment:
    """Tonight's ids.

    Args:
        unified_ids: one row per record.
        lineage: where contested ids went and new ones came from.
        contested: false where every cluster with records of yesterday has one id and the id this cluster only.
    """

    unified_ids: DataFrame
    lineage: DataFrame
    contested: bool


def assign_ids(
    members: Held, id_registry: DataFrame, former_holders: DataFrame, identifiers: DataFrame, issuer: Issuer
) -> Assignment:
    """Match clusters to the ids of yesterday and of before, and issue ids to the rest.

    Nearly all clusters overlap one id, and that id them only: a plain join settles these. The others are matched one
    to one, best first, together with ids that are gone and may return.

    Args:
        members: from `build_members`.
        id_registry: of the last release.
        former_holders: from `build_former_holders`.
        identifiers: of this run, for the overlap of strong identifiers.
        issuer: of new ids.

    Returns:
        tonight's ids and the lineage of those that were contested.
    """
    overlaps = members.gather(build_overlaps(members.rows))
    offers = hold(build_candidates(overlaps, build_returns(members.rows, former_holders)))
    holders = members.rows.select(c.RECORD_KEY, F.col(c.PREVIOUS_ID).alias(c.UNIFIED_ID))  # who left has no identifiers
    holders = holders.unionByName(former_holders.select(*holders.columns))
    registered = id_registry.select(c.UNIFIED_ID, c.STATUS, c.CREATED_RELEASE)
    ranked = with_identifier_overlap(offers, members.rows, holders, identifiers).join(
        registered, on=c.UNIFIED_ID, how="inner"
    )
    contested = offers.count > 0
    candidates = members.gather(ranked) if contested else ranked.limit(0)
    chosen = match_best_first(candidates) if contested else candidates.select(c.FIRST_KEY, c.UNIFIED_ID)
    matches = settled_ids(overlaps).unionByName(chosen)
    return Assignment(
        unified_ids=build_unified_ids(members.rows, matches, issuer),
        lineage=build_lineage(candidates, chosen, issuer),
        contested=contested,
    )


def build_unified_ids(members: DataFrame, matches: DataFrame, issuer: Issuer) -> DataFrame:
    """Give each record its cluster's id, matched or new.

    Args:
        members: from `build_members`.
        matches: (first_key, unified_id), each at most once.
        issuer: of new ids.

    Returns:
        one row per record.
    """
    return (
        members.select(c.RECORD_KEY, c.ENTITY_TYPE, c.FIRST_KEY)
        .join(matches, on=c.FIRST_KEY, how="left")
        .select(c.RECORD_KEY, c.ENTITY_TYPE, F.coalesce(F.col(c.UNIFIED_ID), issuer.new_id_expr()).alias(c.UNIFIED_ID))
    )


def build_lineage(candidates: DataFrame, matches: DataFrame, issuer: Issuer) -> DataFrame:
    """Say where contested ids went and where new ids came from.

    Args:
        candidates: as `match_best_first` takes them, with the id's `status` of yesterday.
        matches: the candidates that were chosen.
        issuer: of new ids.

    Returns:
        one row per contested id that no cluster bears any more (`merged_into`), and per new id of a cluster with
        records of yesterday (`split_from`); the best candidate tells.
    """
    served = matches.select(c.FIRST_KEY, F.col(c.UNIFIED_ID).alias("bears"))
    bears = F.coalesce(F.col("bears"), issuer.new_id_expr())
    of_live = candidates.where(F.col(c.STATUS) == LIVE).join(served, on=c.FIRST_KEY, how="left")
    lost = of_live.join(matches.select(c.UNIFIED_ID), on=c.UNIFIED_ID, how="left_anti")
    fresh = of_live.where(F.col("bears").isNull())
    none = F.lit(None).cast("string")
    return (
        _best_of(lost, c.UNIFIED_ID)
        .select(c.UNIFIED_ID, bears.alias(c.MERGED_INTO), none.alias(c.SPLIT_FROM))
        .unionByName(
            _best_of(fresh, c.FIRST_KEY).select(
                bears.alias(c.UNIFIED_ID), none.alias(c.MERGED_INTO), F.col(c.UNIFIED_ID).alias(c.SPLIT_FROM)
            )
        )
    )


def _best_of(candidates: DataFrame, key: str) -> DataFrame:
    place = F.row_number().over(Window.partitionBy(key).orderBy(*best_first()))
    return candidates.withColumn("place", place).where(F.col("place") == 1).drop("place")
