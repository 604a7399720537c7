"""A night's ids in Spark: at any size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.identity.in_spark.rules.assign import assign_ids
from cdp_spark.identity.in_spark.rules.changes import build_causes, build_evidence, build_id_changes, build_transitions
from cdp_spark.identity.in_spark.rules.registry import build_registry
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import ID_CHANGES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.identity.issuer import Issuer
    from cdp_spark.tables.actions.held import Held


@dataclass(frozen=True)
class Yesterday:
    """What the last release says about ids; no rows before the first.

    Args:
        unified_ids: a record's id.
        id_registry: every id ever issued.
        id_changes: every change of a record's id so far.
    """

    unified_ids: DataFrame
    id_registry: DataFrame
    id_changes: DataFrame


@dataclass(frozen=True)
class Night:
    """What identity works on.

    Args:
        clusters: of tonight; those of `affected` in an incremental night, and so are the two that follow.
        yesterday: of the last release; all ids ever issued and all changes are in it.
        released_ids: `unified_ids` of the last release, of all records.
        identifiers: of tonight.
        former_holders: from `build_former_holders`, of all records.
        affected: record_key of all records that may get another id, those that are gone included; None for all.
        told: rows of `id_changes` about records that have a new key, which `yesterday` has already; None for none.
    """

    clusters: DataFrame
    yesterday: Yesterday
    released_ids: DataFrame
    identifiers: DataFrame
    former_holders: Held
    affected: Held | None = None
    told: DataFrame | None = None


@dataclass(frozen=True)
class Outcome:
    """Tonight's tables.

    Args:
        unified_ids: of the records that were looked at.
        changes: tonight's rows of `id_changes`.
        registry: every id ever issued.
    """

    unified_ids: DataFrame
    changes: DataFrame
    registry: DataFrame


@dataclass(frozen=True)
class EvidenceFrames:
    """What may have moved records.

    Args:
        records: record_key and cause of records that changed, or were beside somebody who was erased.
        pairs: record_key_l, record_key_r, cause of labels, and of what a limit kept apart.
    """

    records: DataFrame
    pairs: DataFrame


def work_out_in_spark(night: Night, members: Held, evidence: EvidenceFrames, issuer: Issuer) -> Outcome:
    """Assign ids, and say what changed; the rows are kept, so that each is worked out once.

    Args:
        night: what identity works on.
        members: from `build_members`.
        evidence: of what may have moved records.
        issuer: of new ids.
    """
    yesterday, release = night.yesterday, issuer.ordinal
    holders = night.former_holders.joinable
    assignment = assign_ids(members, yesterday.id_registry, holders, night.identifiers, issuer)
    frames = {"ids": assignment.unified_ids, "lineage": assignment.lineage}
    kept = run_together(
        night.clusters.sparkSession, {name: partial(members.gather, frame) for name, frame in frames.items()}
    )
    ids, lineage = kept["ids"], kept["lineage"]
    transitions = build_transitions(yesterday.unified_ids, ids)
    if assignment.contested:  # else no cause is asked for, and the frame serves once
        transitions = members.gather(transitions)
    causes = build_causes(transitions, build_evidence(transitions, evidence.records, evidence.pairs))
    causes = causes if assignment.contested else causes.limit(0)
    found = build_id_changes(transitions, yesterday.id_registry, lineage, causes, release=release)
    changes = members.gather(ID_CHANGES.conform(found))
    registry = _build_registry(night, ids, changes, lineage, release=release)
    if night.told is None:
        return Outcome(ids, changes, registry)
    told = night.told.join(changes, on=[c.RECORD_KEY, c.ENTITY_TYPE], how="left_anti")
    return Outcome(ids, changes.unionByName(told.select(*changes.columns)), registry)


def _build_registry(night: Night, ids: DataFrame, changes: DataFrame, lineage: DataFrame, *, release: int) -> DataFrame:
    before = night.yesterday.id_registry
    if night.affected is None:
        return build_registry(before, ids, changes, lineage, release=release)
    of_yesterday = night.yesterday.unified_ids.select(c.UNIFIED_ID)
    looked_at = of_yesterday.unionByName(ids.select(c.UNIFIED_ID)).distinct()
    others = before.join(looked_at, on=c.UNIFIED_ID, how="left_anti")
    mine = before.join(looked_at, on=c.UNIFIED_ID, how="left_semi")
    registry = build_registry(mine, ids, changes, lineage, release=release)
    return registry.unionByName(others.select(*registry.columns))
