"""Tables that identity reads and writes: evidence, fetched for some records or as frames of all; log and registry."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.errors import StateError
from cdp_spark.identity.causes import Evidence, LastRelease, causes_of_records
from cdp_spark.identity.decide import Readers
from cdp_spark.identity.frames import evidence_frames
from cdp_spark.identity.groups import by_partition
from cdp_spark.identity.issues import PAIR_COLUMNS, pair_up
from cdp_spark.identity.terms import ERASURE, LABEL, LIMIT, LIMIT_REASONS, MERGED_STATUS, STRONG_TYPES, VALUE_REASONS
from cdp_spark.tables.catalog import (
    CUTS,
    ID_REGISTRY,
    IDENTIFIERS,
    LABELS,
    RECORDS,
    RELEASES,
    RUNS,
    TOUCHED_RECORDS,
)
from cdp_spark.tables.rows import as_frame, rows_with, texts, tuples_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pyspark.sql import DataFrame, Row

    from cdp_spark.identity.offers import Identifiers
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.spec import TableSpec

_PAIR = (c.RECORD_KEY_L, c.RECORD_KEY_R)
_VALUE_COLUMNS = (c.RECORD_KEY, c.TYPE, c.VALUE_HASH, c.REASON)
_BESIDE: Mapping[str, Collection[object]] = {c.STAGE: (ERASURE,)}


def _strong(context: RunContext) -> Mapping[str, Collection[object]]:
    """Which identifiers say best whose records a cluster has; the project's own are of this kind where they link."""
    own, rules = context.project.settings.identifiers, context.project.identifiers
    return {c.TYPE: (*STRONG_TYPES, *(kind for kind in rules.linking if kind in own)), c.USABLE: (True,)}


def _kept_apart(context: RunContext) -> Mapping[str, Collection[object]]:
    """Which rows of `cuts` a limit made in this run."""
    return {c.RUN_ID: (context.run_id,), c.REASON: LIMIT_REASONS}


def _unused(context: RunContext) -> Mapping[str, Collection[object]]:
    """Which identifiers of people join records, and are not used."""
    linking = context.project.identifiers.linking
    return {c.ENTITY_TYPE: ("person",), c.TYPE: linking, c.REASON: VALUE_REASONS}


def fetch_limits(context: RunContext) -> pa.Table:
    """Fetch the pairs of this run that a limit kept apart, and those that an unused value would have joined."""
    cuts = _fetch(context, CUTS, PAIR_COLUMNS, _kept_apart(context))
    values = _fetch(context, IDENTIFIERS, _VALUE_COLUMNS, _unused(context))
    return pa.concat_tables([cuts, pair_up(values).cast(cuts.schema)])


def read_limits(context: RunContext) -> DataFrame:
    """Read what `fetch_limits` fetches."""
    cuts = _read(context, CUTS, _kept_apart(context)).select(*PAIR_COLUMNS)
    values = _read(context, IDENTIFIERS, _unused(context)).select(*_VALUE_COLUMNS)
    return cuts.unionByName(
        values.repartition(c.TYPE, c.VALUE_HASH).mapInArrow(partial(by_partition, pair_up), cuts.schema)
    )


def make_readers(context: RunContext, limits: pa.Table) -> Readers:
    """Have the tables asked for what is known of some records.

    Args:
        context: of the run.
        limits: from `fetch_limits`.
    """

    def identifiers(records: Collection[str]) -> Identifiers:
        return tuples_of(_fetch(context, IDENTIFIERS, (c.RECORD_KEY, c.TYPE, c.VALUE_HASH), _strong(context), records))

    def evidence(records: Collection[str]) -> Evidence:
        named = {LABEL: context.store.fetch(LABELS, _PAIR), LIMIT: limits.select(_PAIR)}
        pairs = [(*pair, cause) for cause, rows in named.items() for pair in tuples_of(_about(rows, texts(records)))]
        last = fetch_last_release(context)
        if last is None:
            return Evidence([], pairs)
        rows = _fetch(context, RECORDS, (c.RECORD_KEY, c.INGESTED_AT), {}, records)
        beside = _fetch(context, TOUCHED_RECORDS, (c.RECORD_KEY, c.ORDINAL), _BESIDE, records)
        return Evidence(causes_of_records(rows, beside, last), pairs)

    return Readers(identifiers, evidence)


def read_evidence(context: RunContext, limits: DataFrame) -> dict[str, DataFrame]:
    """Read what the readers of `make_readers` give, of all records."""
    return evidence_frames(
        identifiers=_read(context, IDENTIFIERS, _strong(context)),
        records=context.store.read(RECORDS),
        touched=_read(context, TOUCHED_RECORDS, _BESIDE),
        labels=context.store.read(LABELS),
        limits=limits,
    )


def fetch_last_release(context: RunContext) -> LastRelease | None:
    """Fetch the number of the last release, and the clock of its run; None before the first."""
    published = context.store.fetch(RELEASES, (c.RELEASE, c.RUN_ID, c.PUBLISHED_AT))
    published = published.filter(pc.field(c.RELEASE) < context.ordinal).sort_by([(c.RELEASE, "descending")])
    if not published.num_rows:
        return None
    clocks = context.store.fetch(RUNS, (c.AS_OF,), only={c.RUN_ID: published[c.RUN_ID].slice(0, 1).combine_chunks()})
    as_of = pc.max(clocks[c.AS_OF]) if clocks.num_rows else published[c.PUBLISHED_AT][0]
    return LastRelease(published[c.RELEASE][0].as_py(), as_of.as_py())


def write_entries(context: RunContext, entries: Rows) -> int:
    """Write the registry of the last release with some entries in place of those of the same ids, or beside them.

    Returns:
        the table's new version.
    """
    given = ID_REGISTRY.conform(as_frame(context.store.spark, entries))
    others = context.read_released(ID_REGISTRY).join(given.select(c.UNIFIED_ID), on=c.UNIFIED_ID, how="left_anti")
    return context.store.overwrite(ID_REGISTRY, ID_REGISTRY.conform(others).unionByName(given))


@dataclass(frozen=True)
class ResolvedId:
    """Where an id went.

    Args:
        unified_id: that was asked for.
        path: the ids from it to the one that answers for it; one id where it was never merged.
        status: of the last id: live or closed.
        cause: of the last birth or end of the id that was asked for.
    """

    unified_id: str
    path: tuple[str, ...]
    status: str
    cause: str

    @property
    def resolved_id(self) -> str:
        """The id that answers for it."""
        return self.path[-1]


def resolve_id(id_registry: DataFrame, unified_id: str) -> ResolvedId:
    """Follow one id's merges to their end, one look-up a step.

    Raises:
        StateError: the id was never issued.
    """
    row = _registered(id_registry, unified_id)
    path, cause = [unified_id], row[c.CAUSE]
    while row[c.STATUS] == MERGED_STATUS:
        path.append(row[c.MERGED_INTO])
        row = _registered(id_registry, row[c.MERGED_INTO])
    return ResolvedId(unified_id=unified_id, path=tuple(path), status=row[c.STATUS], cause=cause)


def _registered(id_registry: DataFrame, unified_id: str) -> Row:
    rows = id_registry.where(F.col(c.UNIFIED_ID) == unified_id).take(1)
    if not rows:
        raise StateError(f"id {unified_id}", got="an id that was never issued", fix="look for the record's key instead")
    return rows[0]


def _about(pairs: pa.Table, keys: pa.Array) -> pa.Table:
    """The pairs of which an end is one of the records."""
    left, right = (pc.is_in(pairs[side], value_set=keys) for side in _PAIR)
    return pairs.filter(pc.or_(left, right))


def _fetch(
    context: RunContext,
    spec: TableSpec,
    names: Collection[str],
    wanted: Mapping[str, Collection[object]],
    records: Collection[str] | None = None,
) -> pa.Table:
    of_records = {} if records is None else {c.RECORD_KEY: texts(records)}
    return context.store.fetch(spec, list(names), only={**of_records, **_only(spec, wanted)})


def _read(context: RunContext, spec: TableSpec, wanted: Mapping[str, Collection[object]]) -> DataFrame:
    rows = context.store.read(spec)
    for name, values in _only(spec, wanted).items():
        rows = rows_with(rows, name, values)
    return rows


def _only(spec: TableSpec, wanted: Mapping[str, Collection[object]]) -> dict[str, pa.Array]:
    schema = spec.fetched_schema(list(wanted))
    return {name: pa.array(list(values), schema.field(name).type) for name, values in wanted.items()}
