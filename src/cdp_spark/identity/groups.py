"""Groups of contest: clusters and ids that are connected by claims, so that what one group decides touches no other.

The driver finds the groups, and each task of Spark decides some of them: rows in, of whole groups, and what is decided
out. Rows of several kinds travel in one table; a kind's columns are null in the rows of another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.identity.causes import Evidence, causes_of_records
from cdp_spark.identity.changes import CHANGES, ENTRIES
from cdp_spark.identity.decide import Readers, decide_ids
from cdp_spark.identity.issues import ISSUES
from cdp_spark.identity.members import HOLDER_COLUMNS, MEMBER_COLUMNS, Members, find_contest
from cdp_spark.identity.offers import Candidate, match_best_first
from cdp_spark.identity.terms import LABEL, LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cdp_spark.identity.causes import LastRelease
    from cdp_spark.identity.decide import IdentityOutcome, Issuer

PLACE, ID, GROUP = "place", "id", "contest_group"
KIND, FIGURE, VALUE = "kind", "figure", "figure_value"
MEMBER, ENTRY, HOLDER, IDENTIFIER, RECORD, TOUCHED = "member", "entry", "holder", "identifier", "record", "touched"
_PAIR = (c.RECORD_KEY_L, c.RECORD_KEY_R)
KNOWN: dict[str, tuple[str, ...]] = {
    MEMBER: MEMBER_COLUMNS,
    ENTRY: tuple(ENTRIES.names),
    HOLDER: HOLDER_COLUMNS,
    IDENTIFIER: (c.RECORD_KEY, c.TYPE, c.VALUE_HASH),
    RECORD: (c.RECORD_KEY, c.INGESTED_AT),
    TOUCHED: (c.RECORD_KEY, c.ORDINAL),
    LABEL: _PAIR,
    LIMIT: _PAIR,
}
"""What a task is given: kind of row, and its columns; the last five only where ids are contested."""
_EVIDENCE = (IDENTIFIER, RECORD, TOUCHED, LABEL, LIMIT)
CLAIM_COLUMNS = (c.RECORD_OVERLAP, c.CREATED_RELEASE, c.UNIFIED_ID, c.FIRST_KEY)
"""What `match_claims` is given."""
_BATCH_ROWS = 65_536


def _unite(*schemas: pa.Schema) -> pa.Schema:
    types = {field.name: field.type for schema in schemas for field in schema}
    return pa.schema(list(types.items()))


DECIDED = _unite(
    pa.schema([(KIND, pa.string()), (FIGURE, pa.string()), (VALUE, pa.float64())]), CHANGES, ENTRIES, ISSUES
)
"""Columns of what a task decides."""


def group_places(claims: pa.Table) -> pa.Table:
    """Find the group of each place.

    Args:
        claims: place, id, as numbers: an id that a place could bear. Two that have the same number by accident come
            into one group, which does no harm.
    Returns: place and group; a group is numbered by one of its places.
    """
    from scipy.sparse import coo_array  # noqa: PLC0415 - tasks do without
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    places, place = np.unique(claims[PLACE].to_numpy(), return_inverse=True)
    ids, held = np.unique(claims[ID].to_numpy(), return_inverse=True)
    size = len(places) + len(ids)
    graph = coo_array((np.ones(len(place), dtype=np.int8), (place, held + len(places))), shape=(size, size))
    label = connected_components(graph, directed=False)[1][: len(places)]
    _, first, of_place = np.unique(label, return_index=True, return_inverse=True)
    return pa.table({PLACE: places, GROUP: places[first][of_place]})


def by_partition(work: Callable[[pa.Table], pa.Table], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Work on all rows of a partition at once; on none where it has none."""
    given = list(batches)
    if given:
        yield from (it for it in work(pa.Table.from_batches(given)).to_batches(_BATCH_ROWS) if it.num_rows)


def decide_groups(
    rows: pa.Table, *, last: LastRelease | None, issuer: Issuer, max_records: int, run_id: str
) -> pa.Table:
    """Decide the ids of some groups.

    Args:
        rows: all that is known of them, of `KNOWN`.
        last: the release before this run's.
        issuer: of new ids.
        max_records: records; the largest cluster that is believed.
        run_id: of this run.
    Returns: rows of `DECIDED`, whose kind is a field of `IdentityOutcome`, or `figure`.
    """
    entries, holders = _unpack(rows, ENTRY), _unpack(rows, HOLDER)
    contest = find_contest(Members.of(_unpack(rows, MEMBER)), holders, max_records=max_records)
    return _pack(decide_ids(contest, entries, _readers(rows, last), issuer, run_id=run_id))


def _readers(rows: pa.Table, last: LastRelease | None) -> Readers:
    """Give all that came with the groups, which is what is known of contested records."""
    if c.VALUE_HASH not in rows.column_names:
        return Readers(lambda _: [], lambda _: Evidence([], []))
    found = {kind: _unpack(rows, kind) for kind in _EVIDENCE}
    pairs: list[tuple[Any, ...]] = [(*it, kind) for kind in (LABEL, LIMIT) for it in _tuples(found[kind])]
    records = causes_of_records(found[RECORD], found[TOUCHED], last)
    identifiers = _tuples(found[IDENTIFIER])
    return Readers(lambda _: identifiers, lambda _: Evidence(records, pairs))


def match_claims(claims: pa.Table) -> pa.Table:
    """Match some groups, of which no claim is left out, to ids.

    Args:
        claims: record_overlap, created_release, unified_id, first_key.
    Returns: first_key, unified_id, each at most once.
    """
    rows = zip(*(claims[name].to_pylist() for name in CLAIM_COLUMNS), strict=True)
    chosen = match_best_first(sorted(Candidate(False, 0, 0, -common, *rest) for common, *rest in rows))
    return pa.table(
        {c.FIRST_KEY: pa.array(chosen.keys(), pa.string()), c.UNIFIED_ID: pa.array(chosen.values(), pa.string())}
    )


def _unpack(rows: pa.Table, kind: str) -> pa.Table:
    return rows.filter(pc.field(KIND) == kind).select(list(KNOWN[kind]))


def _tuples(rows: pa.Table) -> list[tuple[Any, ...]]:
    return list(zip(*(column.to_pylist() for column in rows.columns), strict=True))


def _pack(outcome: IdentityOutcome) -> pa.Table:
    parts = {name: rows for name, rows in vars(outcome).items() if isinstance(rows, pa.Table)}
    parts[FIGURE] = pa.table({FIGURE: list(outcome.figures), VALUE: list(outcome.figures.values())})
    packed = []
    for kind, rows in parts.items():
        given = {name: rows[name] for name in rows.column_names} | {KIND: pa.repeat(kind, rows.num_rows)}
        columns = [given.get(it.name, pa.nulls(rows.num_rows, it.type)) for it in DECIDED]
        packed.append(pa.table(dict(zip(DECIDED.names, columns, strict=True))).cast(DECIDED))
    return pa.concat_tables(packed)
