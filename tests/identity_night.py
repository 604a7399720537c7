"""One night of identity on frames, in Spark and on the driver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from pyspark.sql import DataFrame

from cdp_spark.identity.in_spark.night import work_out_in_spark
from cdp_spark.identity.in_spark.returns import build_former_holders
from cdp_spark.identity.increment import Night, Yesterday
from cdp_spark.identity.issuer import Issuer
from cdp_spark.identity.members import build_members
from cdp_spark.identity.on_driver.night import work_out_on_driver
from cdp_spark.identity.outcome import EvidenceFrames, Outcome
from cdp_spark.tables.actions.held import Held, hold
from cdp_spark.tables.catalog import ID_CHANGES, ID_REGISTRY, UNIFIED_IDS

WorkOut = Callable[[Night, Held, EvidenceFrames, Issuer], Outcome]
ENGINES = {"in_spark": work_out_in_spark, "on_driver": work_out_on_driver}
NAMESPACE = UUID("5d0c2a52-9c1f-4f0e-8d5c-0d3f5a3c1b11")


@dataclass(frozen=True)
class Input:
    """What a night is given: clusters, identifiers, and what may have moved records."""

    clusters: DataFrame
    identifiers: DataFrame
    evidence: EvidenceFrames
    max_records: int = 1_000_000


def next_night(work_out: WorkOut, yesterday: Yesterday, given: Input, release: int) -> Yesterday:
    """The three tables after the night, as local rows."""
    members = hold(build_members(given.clusters, yesterday.unified_ids, max_records=given.max_records))
    former_holders = hold(build_former_holders(yesterday.id_changes, yesterday.id_registry))
    night = Night(given.clusters, yesterday, yesterday.unified_ids, given.identifiers, former_holders)
    outcome = work_out(night, members, given.evidence, Issuer(NAMESPACE, release))
    changes = ID_CHANGES.conform(outcome.changes)
    return Yesterday(
        _kept(UNIFIED_IDS.conform(outcome.unified_ids)),
        _kept(ID_REGISTRY.conform(outcome.registry)),
        _kept(yesterday.id_changes.unionByName(changes)),
    )


def _kept(rows: DataFrame) -> DataFrame:
    """The same rows without their plan."""
    return rows.sparkSession.createDataFrame(rows.collect(), rows.schema)
