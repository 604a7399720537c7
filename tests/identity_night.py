"""One run of identity after another, on tables in memory and without Spark."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from cdp_spark import columns as c
from cdp_spark.identity.causes import Evidence, LastRelease
from cdp_spark.identity.decide import IdentityOutcome, Issuer, Readers, decide_ids
from cdp_spark.identity.frames import IdentityFrames, build_members, decide_in_spark, evidence_frames
from cdp_spark.identity.members import find_contest, find_former_holders, join_members
from cdp_spark.tables.catalog import ID_CHANGES, ID_REGISTRY, UNIFIED_IDS
from cdp_spark.tables.rows import as_frame

NAMESPACE = UUID("5d0c2a52-9c1f-4f0e-8d5c-0d3f5a3c1b11")
CLOCK = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Released:
    """What a release says about ids."""

    unified_ids: pa.Table = field(default_factory=lambda: UNIFIED_IDS.table([]))
    id_registry: pa.Table = field(default_factory=lambda: ID_REGISTRY.table([]))
    id_changes: pa.Table = field(default_factory=lambda: ID_CHANGES.table([]))


@dataclass(frozen=True)
class Given:
    """What a run is given: clusters, strong identifiers, and what may have moved records."""

    clusters: pa.Table
    identifiers: Sequence[tuple[str, str, str]] = ()
    records: Sequence[tuple[str, str]] = ()
    pairs: Sequence[tuple[str, str, str]] = ()
    max_records: int = 1_000_000

    @property
    def readers(self) -> Readers:
        """Give what is asked for."""
        return Readers(
            lambda records: [it for it in self.identifiers if it[0] in records],
            lambda records: Evidence(
                [it for it in self.records if it[0] in records],
                [it for it in self.pairs if {it[0], it[1]} & {*records}],
            ),
        )


def clusters_of(rows: Collection[tuple[str, str, str]]) -> pa.Table:
    """Record keys, entity types and clusters."""
    schema = pa.schema([(name, pa.string()) for name in (c.RECORD_KEY, c.ENTITY_TYPE, c.CLUSTER)])
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)


def decide(before: Released, given: Given, release: int) -> IdentityOutcome:
    """What a run decides."""
    members = join_members(given.clusters, before.unified_ids, [])
    holders = find_former_holders(before.id_changes, before.id_registry)
    contest = find_contest(members, holders, max_records=given.max_records)
    return decide_ids(contest, before.id_registry, given.readers, Issuer(NAMESPACE, release), run_id="run")


def decide_with_spark(spark: SparkSession, before: Released, given: Given, release: int) -> IdentityOutcome:
    """What the same run decides in Spark."""
    last, name = LastRelease(release - 1, CLOCK), f"{c.RECORD_KEY} string"
    changed = [(record, CLOCK + timedelta(days=1)) for record, cause in given.records if cause == "changed_value"]
    beside = [(record, release) for record, cause in given.records if cause == "erasure"]
    pairs = {cause: [it[:2] for it in given.pairs if it[2] == cause] for cause in ("label", "limit")}
    evidence = evidence_frames(
        spark.createDataFrame(list(given.identifiers), f"{name}, {c.TYPE} string, {c.VALUE_HASH} string"),
        spark.createDataFrame(changed, f"{name}, {c.INGESTED_AT} timestamp"),
        spark.createDataFrame(beside, f"{name}, {c.ORDINAL} long"),
        *(spark.createDataFrame(it, f"{c.RECORD_KEY_L} string, {c.RECORD_KEY_R} string") for it in pairs.values()),
    )
    tables = (given.clusters, before.unified_ids, before.id_registry, before.id_changes)
    clusters, unified_ids, id_registry, id_changes = (as_frame(spark, it) for it in tables)
    frames = IdentityFrames(clusters, unified_ids, id_registry, id_changes, evidence, last)
    decided = decide_in_spark(
        frames,
        build_members(frames.clusters, frames.unified_ids),
        Issuer(NAMESPACE, release),
        max_records=given.max_records,
        run_id="run",
    )
    ids, changes, entries, issues, figures = (rows.toArrow() for rows in vars(decided).values())
    return IdentityOutcome(ids, changes, entries, issues, dict(zip(*figures.to_pydict().values(), strict=True)))


def sorted_rows(outcome: IdentityOutcome) -> dict[str, list[str]]:
    """All that was decided, in an order."""
    tables = {name: rows for name, rows in vars(outcome).items() if isinstance(rows, pa.Table)}
    rows = {name: sorted(map(str, rows.select(sorted(rows.column_names)).to_pylist())) for name, rows in tables.items()}
    return rows | {"figures": sorted(f"{name} {value}" for name, value in outcome.figures.items())}


def release_of(before: Released, outcome: IdentityOutcome) -> Released:
    """The three tables after the run."""
    is_other = pc.is_in(before.id_registry[c.UNIFIED_ID], value_set=outcome.entries[c.UNIFIED_ID].combine_chunks())
    return Released(
        UNIFIED_IDS.conform_table(outcome.unified_ids),
        pa.concat_tables([before.id_registry.filter(pc.invert(is_other)), ID_REGISTRY.conform_table(outcome.entries)]),
        pa.concat_tables([before.id_changes, ID_CHANGES.conform_table(outcome.id_changes)]),
    )


def after_erasure(before: Released, ids: Collection[str], release: int) -> Released:
    """The three tables after the people with these ids were erased."""
    is_erased = pc.is_in(before.unified_ids[c.UNIFIED_ID], value_set=pa.array(ids, pa.string()))
    gone = before.unified_ids.filter(is_erased).to_pylist()
    told = [(release, it[c.RECORD_KEY], it[c.UNIFIED_ID], it[c.ENTITY_TYPE], it[c.UNIFIED_ID]) for it in gone]
    closed = {c.STATUS: "closed", c.CLOSED_RELEASE: release, c.CAUSE: "erasure"}
    entries = [it | (closed if it[c.UNIFIED_ID] in ids else {}) for it in before.id_registry.to_pylist()]
    return Released(
        before.unified_ids.filter(pc.invert(is_erased)),
        pa.Table.from_pylist(entries, before.id_registry.schema),
        pa.concat_tables([before.id_changes, ID_CHANGES.table([(*row, "erased", "erasure") for row in told])]),
    )
