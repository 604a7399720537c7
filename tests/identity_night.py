"""One night of identity on frames, in Spark and on the driver."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from uuid import UUID

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.identity.erased import build_erased_changes, with_closed_ids
from cdp_spark.identity.in_spark import night as in_spark
from cdp_spark.identity.in_spark.night import EvidenceFrames, Yesterday
from cdp_spark.identity.in_spark.rules import members as members_in_spark
from cdp_spark.identity.in_spark.rules import returns
from cdp_spark.identity.issuer import Issuer
from cdp_spark.identity.on_driver import night as on_driver
from cdp_spark.identity.on_driver.affected import build_former_holders
from cdp_spark.identity.on_driver.rules.rows import Evidence
from cdp_spark.identity.terms import STRONG_TYPES
from cdp_spark.tables.actions.held import hold
from cdp_spark.tables.catalog import ID_CHANGES, ID_REGISTRY, UNIFIED_IDS
from cdp_spark.tables.rows import tuples_of

NAMESPACE = UUID("5d0c2a52-9c1f-4f0e-8d5c-0d3f5a3c1b11")


@dataclass(frozen=True)
class Input:
    """What a night is given: clusters, identifiers, and what may have moved records."""

    clusters: DataFrame
    identifiers: DataFrame
    evidence: EvidenceFrames
    max_records: int = 1_000_000


Engine = Callable[[Yesterday, Input, Issuer], tuple[DataFrame, DataFrame, DataFrame]]
"""Gives tonight's ids and registry, and what changed."""


def next_night(engine: Engine, yesterday: Yesterday, given: Input, release: int) -> Yesterday:
    """The three tables after the night, as local rows."""
    ids, registry, changes = engine(yesterday, given, Issuer(NAMESPACE, release))
    return Yesterday(
        _kept(UNIFIED_IDS.conform(ids)),
        _kept(ID_REGISTRY.conform(registry)),
        _kept(yesterday.id_changes.unionByName(ID_CHANGES.conform(changes))),
    )


def after_erasure(yesterday: Yesterday, ids: Collection[str], release: int) -> Yesterday:
    """The three tables after the people with these ids were erased, as local rows."""
    is_erased = F.col(c.UNIFIED_ID).isin(*ids)
    told = build_erased_changes(yesterday.unified_ids.where(is_erased), release=release)
    return Yesterday(
        _kept(yesterday.unified_ids.where(~is_erased)),
        _kept(ID_REGISTRY.conform(with_closed_ids(yesterday.id_registry, sorted(ids), release=release))),
        _kept(yesterday.id_changes.unionByName(told)),
    )


def _kept(rows: DataFrame) -> DataFrame:
    """The same rows without their plan."""
    return rows.sparkSession.createDataFrame(rows.collect(), rows.schema)


def _in_spark(yesterday: Yesterday, given: Input, issuer: Issuer) -> tuple[DataFrame, DataFrame, DataFrame]:
    build_members = members_in_spark.build_members
    members = hold(build_members(given.clusters, yesterday.unified_ids, max_records=given.max_records))
    former_holders = hold(returns.build_former_holders(yesterday.id_changes, yesterday.id_registry))
    night = in_spark.Night(given.clusters, yesterday, yesterday.unified_ids, given.identifiers, former_holders)
    outcome = in_spark.work_out_in_spark(night, members, given.evidence, issuer)
    return outcome.unified_ids, outcome.registry, outcome.changes


def _on_driver(yesterday: Yesterday, given: Input, issuer: Issuer) -> tuple[DataFrame, DataFrame, DataFrame]:
    ids, registry, changes = (rows.toArrow() for rows in vars(yesterday).values())
    clusters = given.clusters.select(c.RECORD_KEY, c.ENTITY_TYPE, c.CLUSTER).toArrow()
    night = on_driver.Night(clusters, ids, registry, build_former_holders(changes, registry))
    readers = on_driver.Readers(_identifiers_reader(given.identifiers), _evidence_reader(given.evidence))
    outcome = on_driver.work_out_on_driver(night, readers, issuer, max_records=given.max_records)
    spark = given.clusters.sparkSession
    return (
        spark.createDataFrame(outcome.unified_ids),
        spark.createDataFrame(outcome.registry),
        _changes_frame(spark, outcome),
    )


def _changes_frame(spark: SparkSession, outcome: on_driver.Outcome) -> DataFrame:
    return spark.createDataFrame(ID_CHANGES.table(outcome.changes), ID_CHANGES.schema)


def _identifiers_reader(identifiers: DataFrame) -> Callable[[Collection[str]], list[tuple[str, ...]]]:
    rows = identifiers.where(c.USABLE).select(c.RECORD_KEY, c.TYPE, c.VALUE_HASH).toArrow()
    return lambda records: [it for it in tuples_of(rows) if it[0] in records and it[1] in STRONG_TYPES]


def _evidence_reader(evidence: EvidenceFrames) -> Callable[[Collection[str]], Evidence]:
    of_records = tuples_of(evidence.records.select(c.RECORD_KEY, c.CAUSE).toArrow())
    pairs = tuples_of(evidence.pairs.select(c.RECORD_KEY_L, c.RECORD_KEY_R, c.CAUSE).toArrow())
    return lambda records: Evidence(
        [it for it in of_records if it[0] in records], [it for it in pairs if {it[0], it[1]} & {*records}]
    )


ENGINES: dict[str, Engine] = {"in_spark": _in_spark, "on_driver": _on_driver}
