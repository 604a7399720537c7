"""The erasure stage: people out of all tables, and what is left to say of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.errors import StateError
from cdp_spark.identity.changes import build_erased_changes, close_erased
from cdp_spark.identity.frames_tables import write_entries
from cdp_spark.identity.terms import VISITOR
from cdp_spark.ingest.suppression.register import Entry, list_identifiers, suppression_of
from cdp_spark.privacy.erase import count_rows_to_erase, erase_rows
from cdp_spark.privacy.models import forget_values
from cdp_spark.privacy.people.beside import note_beside
from cdp_spark.privacy.people.identifiers import Known, find_known
from cdp_spark.privacy.people.requests import People, as_begun, read_people
from cdp_spark.privacy.people.traces import Traces, find_traces
from cdp_spark.segments.changes import build_erased_members
from cdp_spark.tables.catalog import ID_CHANGES, ID_REGISTRY, SEGMENT_CHANGES, SEGMENT_MEMBERS, TABLES
from cdp_spark.tables.increments.basis import extend_table
from cdp_spark.tables.rows import as_frame
from cdp_spark.tables.run import RunContext, StageResult
from cdp_spark.tables.suppressions import check_key

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Plan:
    """What an erasure will do.

    Args:
        people: who are to be erased.
        known: by what they are known.
        traces: what goes from the tables.
        counts: rows that go, by table.
    """

    people: People
    known: Known
    traces: Traces
    counts: Mapping[str, int]


def plan_erasure(context: RunContext, people: People) -> Plan:
    """Find all that is kept of the people (an action).

    Args:
        context: with the version of each table.
        people: who are to be erased.

    Raises:
        ConfigError: the project has no key of a suppression list: the next delivery would bring them back.
        StateError: it is not the key that the list was written with.
    """
    check_key(context.store, suppression_of(context.project))
    known = find_known(context, people)
    traces = find_traces(context, people, known)
    if traces.contested:
        known = known.without(traces.contested)
        traces = find_traces(context, people, known)
    return Plan(people, known, traces, count_rows_to_erase(context, traces))


def run(context: RunContext) -> StageResult:
    """Erase those whom the run's request names; the tables' older versions stay until they are vacuumed.

    What is found is found in the tables as they were when the run began, so that a run that was killed here and goes on
    does the same.

    Raises:
        StateError: no request is recorded for this run.
    """
    begun = as_begun(context)
    people = read_people(begun)
    if people is None:
        raise StateError(f"run {context.run_id}", got="no request", fix="ask again: `cdp erase`")
    plan = plan_erasure(begun, people)
    entry = Entry(people.author, people.reason, people.at)
    listed = list_identifiers(context.store, suppression_of(context.project), plan.known.listed, entry)
    note_beside(begun, people)
    forget_values(begun, people)
    erase_rows(begun, plan.traces, plan.counts)
    _write_tombstones(context, people)
    versions = {name: context.store.version(TABLES[name]) for name in begun.base_versions}
    return StageResult(versions, _figures(plan, listed), _detail(plan))


def _write_tombstones(context: RunContext, people: People) -> None:
    """What stays: the ids, closed, and that they were erased and left their segments."""
    store, release = context.store, context.ordinal
    erased = as_frame(store.spark, people.records)
    extend_table(context, ID_CHANGES, build_erased_changes(people.records, release=release))
    ids = pa.array(people.ids, pa.string())
    entries = context.fetch_released(ID_REGISTRY, only={c.UNIFIED_ID: ids})
    write_entries(context, close_erased(entries, release=release))
    if SEGMENT_CHANGES.name in context.base_versions:
        theirs = F.broadcast(erased.select(c.UNIFIED_ID).distinct())
        members = context.read_released(SEGMENT_MEMBERS).join(theirs, on=c.UNIFIED_ID, how="left_semi")
        store.append(SEGMENT_CHANGES, build_erased_members(members, release=release), application=None)


def _figures(plan: Plan, listed: int) -> dict[str, float]:
    rows = {f"erased.{name}": float(count) for name, count in plan.counts.items() if count}
    shared = {f"shared.{kind}": float(count) for kind, count in sorted(plan.known.shared.items())}
    people = {"erased.ids": float(len(plan.people.ids)), "suppressed.new": float(listed)}
    return {**people, **rows, **shared}


def _detail(plan: Plan) -> str:
    records = [kind != VISITOR for kind in plan.people.records[c.ENTITY_TYPE].to_pylist()]
    told = f"{len(plan.people.ids):,} ids, {sum(records):,} records and {len(records) - sum(records):,} visitors"
    shared = sum(plan.known.shared.values())
    return f"{told}; {shared:,} identifiers that others have, too, may come back" if shared else told
