"""A night's ids where the records that are looked at are few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.identity.on_driver.rules.assign import assign_on_driver
from cdp_spark.identity.on_driver.rules.changes import find_changes, merge_changes
from cdp_spark.identity.on_driver.rules.members import build_members
from cdp_spark.identity.on_driver.rules.registry import update_registry
from cdp_spark.identity.on_driver.rules.rows import FormerHolder, Issued, read_rows
from cdp_spark.tables.catalog import ID_REGISTRY, UNIFIED_IDS
from cdp_spark.tables.rows import rows_with, rows_without, tuples_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from cdp_spark.identity.issuer import Issuer
    from cdp_spark.identity.on_driver.rules.assign import Identifiers
    from cdp_spark.identity.on_driver.rules.rows import Change, Evidence, Member


@dataclass(frozen=True)
class Night:
    """What identity works on.

    Args:
        clusters: of tonight, of all records: record_key, entity_type, cluster.
        unified_ids: of the last release, of all records.
        id_registry: of the last release; every id ever issued.
        former_holders: from `build_former_holders`.
        affected: record_key of all records that may get another id, those that are gone included; None for all.
        told: rows of `id_changes` about records that have a new key; `unified_ids` has it already.
    """

    clusters: pa.Table
    unified_ids: pa.Table
    id_registry: pa.Table
    former_holders: pa.Table
    affected: pa.Array | None = None
    told: tuple[tuple[int, str, str, str, str, str, str], ...] = ()

    def looked_at(self, rows: pa.Table) -> pa.Table:
        """The rows of affected records."""
        return rows if self.affected is None else rows_with(rows, c.RECORD_KEY, self.affected)

    @property
    def record_count(self) -> int:
        """Records of tonight and yesterday that are looked at, at most."""
        before: int = self.unified_ids.num_rows if self.affected is None else len(self.affected)
        tonight: int = self.looked_at(self.clusters).num_rows
        return tonight + before

    def others(self, rows: pa.Table) -> pa.Table:
        """The rows of all others."""
        return rows.slice(0, 0) if self.affected is None else rows_without(rows, c.RECORD_KEY, self.affected)


@dataclass(frozen=True)
class Readers:
    """What is only asked for where ids are contested.

    Args:
        identifiers: gives the strong, usable identifiers of some records.
        evidence: gives what may have moved some records.
    """

    identifiers: Callable[[Collection[str]], Identifiers]
    evidence: Callable[[Collection[str]], Evidence]


@dataclass(frozen=True)
class Outcome:
    """What a night makes of ids.

    Args:
        members: of the clusters that were looked at.
        changes: tonight's rows of `id_changes`.
        unified_ids: of all records.
        registry: every id ever issued.
    """

    members: list[Member]
    changes: list[Change]
    unified_ids: pa.Table
    registry: pa.Table


def work_out_on_driver(night: Night, readers: Readers, issuer: Issuer, *, max_records: int) -> Outcome:
    """What `work_out_in_spark` gives.

    Args:
        night: what identity works on.
        readers: of what contested ids ask for.
        issuer: of new ids.
        max_records: records; the largest cluster that is believed.
    """
    before = {(record, kind): held for record, kind, held in tuples_of(night.looked_at(night.unified_ids))}
    clusters = tuples_of(night.looked_at(night.clusters))
    members = build_members(clusters, before, max_records=max_records)
    here = pa.array([member.record_key for member in members], pa.string())
    former = read_rows(FormerHolder, rows_with(night.former_holders, c.RECORD_KEY, here))
    ids = pa.array({*before.values(), *(it.unified_id for it in former)}, pa.string())
    known = read_rows(Issued, rows_with(night.id_registry, c.UNIFIED_ID, ids))
    registry = {it.unified_id: it for it in known}
    assigned = assign_on_driver(members, registry, former, readers.identifiers, issuer)
    changes = find_changes(before, assigned, registry, readers.evidence, release=issuer.ordinal)
    issued = update_registry(registry, assigned, changes, release=issuer.ordinal)
    changes = merge_changes(changes, night.told)
    rows = [(*key, held) for key, held in sorted(assigned.ids.items())]
    kept_ids, kept_entries = night.others(night.unified_ids), rows_without(night.id_registry, c.UNIFIED_ID, ids)
    return Outcome(
        members=members,
        changes=changes,
        unified_ids=_joined(UNIFIED_IDS.table(rows), kept_ids),
        registry=_joined(ID_REGISTRY.table(issued), kept_entries),
    )


def _joined(rows: pa.Table, kept: pa.Table) -> pa.Table:
    return pa.concat_tables([rows, kept.select(rows.column_names).cast(rows.schema)])
