"""Identity in Spark, for more records than the driver decides on.

1. Every record's cluster and previous id are joined by key. Clusters and ids become numbers: hashes of 64 bits.
2. Claims are the pairs of a cluster and an id that it could bear. Most clusters have one claim, and most ids one
   cluster. Only the other claims go to the driver, 16 bytes each, which finds the groups that they connect.
3. All that is known of a group's clusters and ids goes to one task; most clusters are a group alone. A task has whole
   groups, and `decide_ids` decides them as it does on the driver. What is only asked for where ids are contested goes
   to the tasks of these groups alone.

Households keep their ids in the same way, by `match_one_to_one`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_schema

from cdp_spark import columns as c
from cdp_spark.identity.groups import (
    CLAIM_COLUMNS,
    DECIDED,
    ENTRY,
    FIGURE,
    GROUP,
    HOLDER,
    ID,
    IDENTIFIER,
    KIND,
    KNOWN,
    MEMBER,
    PLACE,
    RECORD,
    TOUCHED,
    VALUE,
    by_partition,
    decide_groups,
    group_places,
    match_claims,
)
from cdp_spark.identity.issues import KEPT_APART_COLUMNS, OTHER_CLUSTER, OTHER_TYPE, PAIR_COLUMNS, list_kept_apart
from cdp_spark.identity.members import (
    HOLDER_COLUMNS,
    ID_CAUSE,
    LOST_COLUMNS,
    MEMBER_COLUMNS,
    OLD_KEY,
    select_former_holders,
)
from cdp_spark.identity.terms import ACCOUNT, LABEL, LIMIT, LIVE, VISITOR
from cdp_spark.limits import CONTESTED_ON_DRIVER_RECORDS, IDENTITY_TASK_RECORDS
from cdp_spark.tables.catalog import ID_CHANGES, ID_REGISTRY, IDENTITY_ISSUES, UNIFIED_IDS
from cdp_spark.tables.checkpoint import CountedFrame, checkpoint, checkpoint_and_count
from cdp_spark.tables.rows import as_frame

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from pyspark.sql import Column

    from cdp_spark.identity.causes import LastRelease
    from cdp_spark.identity.decide import Issuer
    from cdp_spark.identity.moved_keys import Move


@dataclass(frozen=True)
class IdentityFrames:
    """What identity works on, in frames.

    Args:
        clusters: of this run.
        unified_ids: of the previous release, and so are `id_registry` and `id_changes`.
        id_registry: every id ever issued.
        id_changes: every change of a record's id so far.
        evidence: kind to what is only asked for where ids are contested: `identifier`, `record`, `touched`, `label` and
            `limit`.
        last: the release before this run's.
    """

    clusters: DataFrame
    unified_ids: DataFrame
    id_registry: DataFrame
    id_changes: DataFrame
    evidence: Mapping[str, DataFrame]
    last: LastRelease | None


@dataclass(frozen=True)
class DecidedFrames:
    """What `decide_ids` gives, of all groups; `entries` of ids that are new or other than before."""

    unified_ids: DataFrame
    id_changes: DataFrame
    entries: DataFrame
    issues: DataFrame
    figures: DataFrame


def evidence_frames(
    identifiers: DataFrame, records: DataFrame, touched: DataFrame, labels: DataFrame, limits: DataFrame
) -> dict[str, DataFrame]:
    """Name what is only asked for where ids are contested."""
    kinds = (IDENTIFIER, RECORD, TOUCHED, LABEL, LIMIT)
    rows = (identifiers, records, touched, labels, limits)
    return {kind: frame.select(*KNOWN[kind]) for kind, frame in zip(kinds, rows, strict=True)}


def build_members(clusters: DataFrame, unified_ids: DataFrame) -> CountedFrame:
    """Join each record's cluster and previous id, and keep the rows (an action)."""
    before = unified_ids.select(c.RECORD_KEY, c.ENTITY_TYPE, F.col(c.UNIFIED_ID).alias(c.PREVIOUS_ID))
    now = clusters.select(c.RECORD_KEY, c.ENTITY_TYPE, c.CLUSTER)
    joined = now.join(before, on=[c.RECORD_KEY, c.ENTITY_TYPE], how="full_outer")
    return checkpoint_and_count(joined.withColumn(OLD_KEY, F.lit(None).cast("string")).select(*MEMBER_COLUMNS))


def find_strangers(members: DataFrame, *, most: int) -> tuple[pa.Table, pa.Table]:
    """Fetch the records of people and accounts that left, with their ids, and those that came (an action).

    Args:
        members: from `build_members`.
        most: records of each that are fetched; one more where there are more.
    """
    is_source_record = F.col(c.ENTITY_TYPE) != VISITOR
    left = members.where(F.col(c.CLUSTER).isNull() & is_source_record).limit(most + 1).toArrow()
    came = members.where(F.col(c.PREVIOUS_ID).isNull() & is_source_record).limit(most + 1) if left.num_rows else None
    names = {c.PREVIOUS_ID: c.UNIFIED_ID}
    return left.rename_columns(names), (came.toArrow() if came is not None else left.slice(0, 0))


def with_moved_keys(members: CountedFrame, moves: list[Move]) -> CountedFrame:
    """Have the records of moves bear their previous ids under their new keys."""
    if not moves:
        return members
    keys = pa.table(
        {
            "old": [it.old_key for it in moves],
            "new": [it.new_key for it in moves],
            "kind": [it.entity_type for it in moves],
        }
    )
    rows, moved = members.rows, as_frame(members.rows.sparkSession, keys)
    is_gone = (F.col(c.RECORD_KEY) == F.col("old")) & (F.col(c.ENTITY_TYPE) == F.col("kind"))
    is_new = (F.col(c.RECORD_KEY) == F.col("new")) & (F.col(c.ENTITY_TYPE) == F.col("kind"))
    old = rows.join(F.broadcast(moved), on=is_gone, how="inner").select(
        *("new", "kind", F.col("old").alias("moved_from"), F.col(c.PREVIOUS_ID).alias("moved_id"))
    )
    known = rows.join(F.broadcast(moved), on=is_gone, how="left_anti").join(F.broadcast(old), on=is_new, how="left")
    previous = F.coalesce("moved_id", c.PREVIOUS_ID).alias(c.PREVIOUS_ID)
    return checkpoint_and_count(
        known.select(c.RECORD_KEY, c.ENTITY_TYPE, c.CLUSTER, previous, F.col("moved_from").alias(OLD_KEY))
    )


def decide_in_spark(
    frames: IdentityFrames, members: CountedFrame, issuer: Issuer, *, max_records: int, run_id: str
) -> DecidedFrames:
    """Decide which id each record bears; what was decided is kept.

    Args:
        frames: what identity works on.
        members: from `build_members`.
        issuer: of new ids.
        max_records: records; the largest cluster that is believed.
        run_id: of this run.
    """
    known = _send_to_groups(frames, members.rows)
    tasks = max(1, -(-members.count // IDENTITY_TASK_RECORDS))
    decide = partial(decide_groups, last=frames.last, issuer=issuer, max_records=max_records, run_id=run_id)
    given = known.repartition(tasks, GROUP)
    decided = checkpoint(given.mapInArrow(partial(by_partition, decide), from_arrow_schema(DECIDED)))
    specs = {"unified_ids": UNIFIED_IDS, "id_changes": ID_CHANGES, "entries": ID_REGISTRY, "issues": IDENTITY_ISSUES}
    tables = {name: spec.conform(decided.where(F.col(KIND) == name)) for name, spec in specs.items()}
    figures = decided.where(F.col(KIND) == FIGURE).groupBy(FIGURE).agg(F.sum(VALUE).alias(VALUE))
    return DecidedFrames(**tables, figures=figures)


def _send_to_groups(frames: IdentityFrames, members: DataFrame) -> DataFrame:
    """Put all that is known beside the group that it concerns, in one frame."""
    is_account = F.col(c.ENTITY_TYPE) == ACCOUNT
    here = members.where(F.col(c.CLUSTER).isNotNull()).withColumn(PLACE, F.xxhash64(is_account, c.CLUSTER))
    left = members.where(F.col(c.CLUSTER).isNull()).withColumn(ID, _id_expr(c.PREVIOUS_ID))
    claims = _build_claims(here)
    holders = _build_holders(frames, here, claims)
    contested = claims.where(c.CONTESTED).select(PLACE, ID).unionByName(holders.select(PLACE, ID)).distinct()
    found = group_places(contested.toArrow())
    groups = CountedFrame(as_frame(members.sparkSession, found), found.num_rows).joinable
    here = here.join(groups, on=PLACE, how="left").withColumn(c.CONTESTED, F.col(GROUP).isNotNull())
    here = here.withColumn(GROUP, F.coalesce(GROUP, PLACE))
    holders = holders.join(groups, on=PLACE, how="inner")
    of_ids = claims.select(PLACE, ID).unionByName(holders.select(PLACE, ID)).join(groups, on=PLACE, how="left")
    of_ids = of_ids.groupBy(ID).agg(
        F.min(F.coalesce(GROUP, PLACE)).alias(GROUP), F.max(F.col(GROUP).isNotNull()).alias(c.CONTESTED)
    )
    left = left.join(of_ids, on=ID, how="left").withColumn(GROUP, F.coalesce(GROUP, ID))
    ids = of_ids.select(ID, GROUP).unionByName(left.select(ID, GROUP)).distinct()
    entries = frames.id_registry.withColumn(ID, _id_expr()).join(ids, on=ID, how="inner")
    parts = {MEMBER: here.unionByName(left, allowMissingColumns=True), ENTRY: entries, HOLDER: holders}
    if found.num_rows:
        asked = here.select(c.RECORD_KEY, GROUP, c.CONTESTED).unionByName(left.select(c.RECORD_KEY, GROUP, c.CONTESTED))
        parts |= _send_evidence(frames.evidence, asked.where(c.CONTESTED).select(c.RECORD_KEY, GROUP).distinct())
    return _pack(parts)


def _build_claims(here: DataFrame) -> DataFrame:
    """The ids that the records of each place had; contested unless the place has one, and the id this place only."""
    claims = here.where(F.col(c.PREVIOUS_ID).isNotNull()).select(PLACE, _id_expr(c.PREVIOUS_ID).alias(ID)).distinct()
    ids, places = (F.count(F.lit(1)).over(Window.partitionBy(it)) for it in (PLACE, ID))
    return checkpoint(claims.withColumn(c.CONTESTED, (ids > 1) | (places > 1)))


def _build_holders(frames: IdentityFrames, here: DataFrame, claims: DataFrame) -> DataFrame:
    """The former holders of ids that are gone and may return.

    A place that is settled gets none back; so an id is left out of which only settled places have former holders.
    """
    of_id = (F.col(c.UNIFIED_ID).alias(c.PREVIOUS_ID), F.col(c.CAUSE).alias(ID_CAUSE), c.CREATED_RELEASE)
    gone = checkpoint_and_count(frames.id_registry.where(F.col(c.STATUS) != LIVE).select(*of_id, c.CLOSED_RELEASE))
    lost = frames.id_changes.drop(c.CAUSE).join(gone.joinable, on=c.PREVIOUS_ID, how="inner").select(*LOST_COLUMNS)
    kinds = {it.name: it.dataType for it in (*UNIFIED_IDS.schema, *ID_REGISTRY.schema)}
    schema = T.StructType([T.StructField(name, kinds[name]) for name in HOLDER_COLUMNS])
    former = lost.repartition(c.RECORD_KEY) if gone.count else lost
    former = former.mapInArrow(partial(by_partition, select_former_holders), schema)
    places = here.select(c.RECORD_KEY, c.ENTITY_TYPE, PLACE)
    holders = checkpoint(former.join(places, on=[c.RECORD_KEY, c.ENTITY_TYPE], how="inner").withColumn(ID, _id_expr()))
    settled = claims.where(~F.col(c.CONTESTED)).select(PLACE)
    may_return = holders.select(PLACE, ID).join(settled, on=PLACE, how="left_anti").select(ID).distinct()
    return holders.join(may_return, on=ID, how="left_semi")


def _send_evidence(evidence: Mapping[str, DataFrame], asked: DataFrame) -> dict[str, DataFrame]:
    asked = checkpoint(asked)
    parts = {kind: evidence[kind].join(asked, on=c.RECORD_KEY, how="inner") for kind in (IDENTIFIER, RECORD, TOUCHED)}
    left, right = (asked.select(F.col(c.RECORD_KEY).alias(side), GROUP) for side in (c.RECORD_KEY_L, c.RECORD_KEY_R))
    for kind in (LABEL, LIMIT):
        parts[kind] = (
            evidence[kind]
            .join(left, on=c.RECORD_KEY_L, how="inner")
            .join(right, on=[c.RECORD_KEY_R, GROUP], how="inner")
        )
    return parts


def _id_expr(name: str = c.UNIFIED_ID) -> Column:
    return F.xxhash64(name)


def build_issues(clusters: DataFrame, pairs: DataFrame, *, run_id: str) -> DataFrame:
    """List the clusters of people that an identifier would have joined records to, but for a limit.

    Args:
        clusters: of this run.
        pairs: of `PAIR_COLUMNS`.
        run_id: of this run.
    """
    left, right = PAIR_COLUMNS[:2]
    swapped = {left: F.col(right), right: F.col(left)}
    ways = [pairs, pairs.select(*[swapped.get(name, F.col(name)).alias(name) for name in PAIR_COLUMNS])]
    mine = clusters.select(F.col(c.RECORD_KEY).alias(left), c.CLUSTER)
    other = clusters.select(
        F.col(c.RECORD_KEY).alias(right), F.col(c.CLUSTER).alias(OTHER_CLUSTER), F.col(c.ENTITY_TYPE).alias(OTHER_TYPE)
    )
    rows = ways[0].unionByName(ways[1]).join(mine, on=left, how="inner").join(other, on=right, how="inner")
    rows = rows.withColumnRenamed(left, c.RECORD_KEY).select(*KEPT_APART_COLUMNS)
    build = partial(by_partition, partial(list_kept_apart, run_id=run_id))
    return rows.repartition(OTHER_CLUSTER).mapInArrow(build, IDENTITY_ISSUES.schema)


def match_one_to_one(claims: DataFrame) -> DataFrame:
    """Match groups to ids as clusters are matched: most in common first, then the older id, the lowest id.

    Args:
        claims: first_key, unified_id, each pair once; record_overlap, what they have in common; created_release.
    Returns: first_key, unified_id, each at most once.
    """
    ids, groups = (F.count(F.lit(1)).over(Window.partitionBy(it)) for it in (c.FIRST_KEY, c.UNIFIED_ID))
    known = checkpoint(claims.withColumn(c.CONTESTED, (ids > 1) | (groups > 1)))
    settled = known.where(~F.col(c.CONTESTED)).select(c.FIRST_KEY, c.UNIFIED_ID)
    contested = checkpoint_and_count(known.where(c.CONTESTED).select(*CLAIM_COLUMNS))
    if contested.count <= CONTESTED_ON_DRIVER_RECORDS:
        return settled.unionByName(as_frame(claims.sparkSession, match_claims(contested.rows.toArrow())))
    hashes = {PLACE: F.xxhash64(c.FIRST_KEY), ID: F.xxhash64(c.UNIFIED_ID)}
    numbered = contested.rows.withColumns(hashes)
    found = as_frame(claims.sparkSession, group_places(numbered.select(PLACE, ID).toArrow()))
    tasks = -(-contested.count // IDENTITY_TASK_RECORDS)
    apart = numbered.join(found, on=PLACE, how="inner").repartition(tasks, GROUP).select(*CLAIM_COLUMNS)
    return settled.unionByName(
        apart.mapInArrow(partial(by_partition, match_claims), f"{c.FIRST_KEY} string, {c.UNIFIED_ID} string")
    )


def uuid5_expr(namespace: UUID, name: Column) -> Column:
    """RFC 4122 version 5 of a UTF-8 name, the same as Python's `uuid.uuid5`; null for null."""
    digest = F.sha1(F.concat(F.unhex(F.lit(namespace.hex)), F.encode(name, "UTF-8")))
    variant = F.translate(F.substring(digest, 17, 1), "0123456789abcdef", "89ab" * 4)
    parts = (
        F.substring(digest, 1, 8),
        F.substring(digest, 9, 4),
        F.concat(F.lit("5"), F.substring(digest, 14, 3)),
        F.concat(variant, F.substring(digest, 18, 3)),
        F.substring(digest, 21, 12),
    )
    return F.concat(parts[0], *[F.concat(F.lit("-"), part) for part in parts[1:]])


def _pack(parts: Mapping[str, DataFrame]) -> DataFrame:
    """Rows of several kinds, with the group of each, in one frame."""
    rows = [frame.select(F.lit(kind).alias(KIND), GROUP, *KNOWN[kind]) for kind, frame in parts.items()]
    return reduce(partial(DataFrame.unionByName, allowMissingColumns=True), rows)
