"""Visitors as rows of `clusters` and `cuts`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.frames import Clusters
from cdp_spark.clustering.identifiers.claims import OWNER, LimitReason, build_holdings
from cdp_spark.clustering.identifiers.visitors import EDGES, assign_visitors
from cdp_spark.config.identifiers import DEVICE_TYPES
from cdp_spark.config.match import ClusteringConfig

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.project import Project

_REQUIRED, _FORBIDDEN = "required_owner", "forbidden_owner"


def place_visitors(
    identifiers: DataFrame,
    visitors: DataFrame,
    people: DataFrame,
    labels: DataFrame,
    *,
    project: Project,
) -> Clusters:
    """Put each visitor into the cluster of its person, or with the visitors of the same unknown person.

    A visitor never joins two clusters of people. A label between a visitor and a record of a person has the last word;
    one between two visitors has no effect.

    Args:
        identifiers: of people and visitors.
        visitors: one row per record_key.
        people: clusters of people's records: record_key, cluster.
        labels: the newest label a pair.
        project: its rules, and which identifiers its events bear.
    Returns: clusters and cuts of visitors; a cut names the record and the cluster that were not joined.
    """
    rules, types = project.identifiers.rules, borne_types(project)
    person = project.match.person
    of_visitors = build_holdings(identifiers.where(F.col(c.ENTITY_TYPE) == "visitor"), types)
    of_people = build_holdings(identifiers.where(F.col(c.ENTITY_TYPE) == "person"), types)
    owners = people.select(c.RECORD_KEY, F.col(c.CLUSTER).alias(OWNER))
    claims = of_people.join(owners, on=c.RECORD_KEY, how="inner").drop(c.RECORD_KEY)
    chained = (person.clustering if person else ClusteringConfig()) if _ties_devices(project) else None
    found = assign_visitors(visitors, of_visitors, claims, rules, chained=chained)
    placed = _with_labels(found, owners, labels)
    clusters = placed.select(c.RECORD_KEY, F.col(c.CLUSTER).alias(c.COMPONENT), F.col(c.CLUSTER).alias(c.CLUSTER))
    return Clusters(clusters, build_visitor_cuts(placed))


def borne_types(project: Project) -> list[str]:
    """The types of identifiers that events bear; whoever bears an e-mail bears its hash."""
    types = {kind for source in project.sources if source.events for kind in source.events.identifiers}
    return sorted(types | ({c.EMAIL_SHA256} if c.EMAIL in types else set()))


def _ties_devices(project: Project) -> bool:
    borne = [set(source.events.identifiers) & set(DEVICE_TYPES) for source in project.sources if source.events]
    return any(len(types) > 1 for types in borne)


def _with_labels(found: DataFrame, owners: DataFrame, labels: DataFrame) -> DataFrame:
    """Decide the cluster of each visitor: the owner, but where a label says otherwise."""
    word = _labelled_owners(owners, labels)
    required = word.where(F.col(c.LABEL) == "must_link").groupBy(c.RECORD_KEY).agg(F.min(OWNER).alias(_REQUIRED))
    forbidden = word.where(F.col(c.LABEL) == "cannot_link").select(
        c.RECORD_KEY, F.col(OWNER), F.col(OWNER).alias(_FORBIDDEN)
    )
    ruled = found.join(F.broadcast(required), on=c.RECORD_KEY, how="left").withColumn(
        OWNER, F.coalesce(_REQUIRED, OWNER)
    )
    joined = ruled.join(F.broadcast(forbidden.distinct()), on=[c.RECORD_KEY, OWNER], how="left")
    alone = F.when(F.col(_FORBIDDEN).isNotNull(), F.col(c.RECORD_KEY)).otherwise(F.col(OWNER))
    return joined.select(c.RECORD_KEY, alone.alias(c.CLUSTER), _FORBIDDEN, EDGES)


def _labelled_owners(owners: DataFrame, labels: DataFrame) -> DataFrame:
    """Read each label both ways: the one record's cluster for the other record."""
    ways = [(c.RECORD_KEY_L, c.RECORD_KEY_R), (c.RECORD_KEY_R, c.RECORD_KEY_L)]
    ends = [
        labels.select(F.col(mine).alias("labelled"), F.col(other).alias(c.RECORD_KEY), c.LABEL) for mine, other in ways
    ]
    other_clusters = ends[0].unionByName(ends[1]).join(owners, on=c.RECORD_KEY, how="inner")
    return other_clusters.select(F.col("labelled").alias(c.RECORD_KEY), c.LABEL, OWNER)


def build_visitor_cuts(placed: DataFrame) -> DataFrame:
    """List what pointed elsewhere than to the visitor's cluster.

    Args:
        placed: record_key, cluster, forbidden_owner, edges.
    Returns: one row per visitor and cluster: record_key_l, record_key_r, weight_log2 (null), reason, identifier_type.
    """
    edge = "edge"
    unused = placed.select(c.RECORD_KEY, c.CLUSTER, _FORBIDDEN, F.explode(EDGES).alias(edge)).where(
        F.col(f"{edge}.{OWNER}") != F.col(c.CLUSTER)
    )
    ends = (F.col(c.RECORD_KEY), F.col(f"{edge}.{OWNER}"))
    first = F.min(F.struct(f"{edge}.priority", f"{edge}.type", _reason_expr(edge).alias(c.REASON))).alias("first")
    cuts = unused.groupBy(F.least(*ends).alias(c.RECORD_KEY_L), F.greatest(*ends).alias(c.RECORD_KEY_R)).agg(first)
    return cuts.select(
        c.RECORD_KEY_L,
        c.RECORD_KEY_R,
        F.lit(None).cast("double").alias(c.WEIGHT_LOG2),
        F.col(f"first.{c.REASON}").alias(c.REASON),
        F.col("first.type").alias(c.IDENTIFIER_TYPE),
    )


def _reason_expr(edge: str) -> Column:
    forbidden = F.col(_FORBIDDEN) == F.col(f"{edge}.{OWNER}")
    return F.when(forbidden, LimitReason.CANNOT_LINK.value).otherwise(
        F.coalesce(F.col(f"{edge}.{c.REASON}"), F.lit(LimitReason.PRIORITY.value))
    )
