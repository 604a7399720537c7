"""What a run changes: rows of `id_changes`, the entries of `id_registry` that are new or other than before, figures.

A record is created or absorbed where it had no id before, resurrected where its id was gone, split where its id is new,
merged where its previous id was merged into its id, and moved otherwise; one that left is removed. A record with a new
key is told of as two rows: the old key was removed, and the new one bears the id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.identity.members import OLD_KEY
from cdp_spark.identity.terms import (
    ABSORBED,
    CLOSED_STATUS,
    CREATED,
    ERASED,
    ERASURE,
    LIVE,
    MERGED,
    MERGED_STATUS,
    MOVED,
    MOVED_KEY,
    NEW_RECORD,
    REMOVED,
    REMOVED_RECORD,
    RESURRECTED,
    SPLIT,
    VISITOR,
)
from cdp_spark.normalise.batches import as_array

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.identity.members import Members

CHANGES = pa.schema(
    [(c.RELEASE, pa.int64())]
    + [(it, pa.string()) for it in (c.RECORD_KEY, c.UNIFIED_ID, c.ENTITY_TYPE, c.PREVIOUS_ID, c.CHANGE, c.CAUSE)]
)
"""Columns of `id_changes`."""
ENTRIES = pa.schema(
    [(it, pa.string()) for it in (c.UNIFIED_ID, c.ENTITY_TYPE, c.STATUS, c.MERGED_INTO, c.SPLIT_FROM)]
    + [(c.CREATED_RELEASE, pa.int64()), (c.CLOSED_RELEASE, pa.int64()), (c.CAUSE, pa.string())]
)
"""Columns of `id_registry`."""
RECORDS_BEFORE = "ids.records_before"
"""Figure: records of the previous release."""
_BIRTHS = (CREATED, SPLIT, RESURRECTED)
_IS_RECORD = pc.field(c.ENTITY_TYPE) != VISITOR


class Lineage(NamedTuple):
    """Where the ids of a run come from and lead to.

    Args:
        merged_into: the id that a merged one leads to.
        split_from: the id that a new one came from.
    """

    merged_into: Mapping[str, str]
    split_from: Mapping[str, str]


def build_id_changes(
    members: Members,
    ids: pa.Array,
    id_registry: pa.Table,
    *,
    lineage: Lineage,
    causes: Mapping[str, str],
    release: int,
) -> pa.Table:
    """List the records whose id changed, how, and why.

    Args:
        members: of this run and of the previous release.
        ids: of each member who is here.
        id_registry: of the previous release; at least the ids that members had or have.
        lineage: of this run's ids.
        causes: from `find_causes`.
        release: that this run publishes.
    """
    is_other = pc.fill_null(pc.not_equal(members.here[c.PREVIOUS_ID], ids), True)
    here, new = members.here.filter(is_other), ids.filter(is_other.combine_chunks())
    old = here[c.PREVIOUS_ID].combine_chunks()
    status = id_registry[c.STATUS].combine_chunks().take(_find(new, id_registry[c.UNIFIED_ID]))
    is_new, is_issued = old.is_null(), status.is_null()
    is_merged = pc.equal(_look_up(old, lineage.merged_into), new)
    conditions = (pc.not_equal(status, LIVE), pc.and_(is_new, is_issued), is_new, is_issued, is_merged)
    names = [str(number) for number, _ in enumerate(conditions)]
    kinds = (RESURRECTED, CREATED, ABSORBED, SPLIT, MERGED, MOVED)
    change = pc.case_when(pc.make_struct(*[pc.fill_null(it, False) for it in conditions], field_names=names), *kinds)
    cause = pc.if_else(is_new, NEW_RECORD, _look_up(old, causes))
    changed = [here[c.RECORD_KEY], new, here[c.ENTITY_TYPE], old, change, cause]
    left, gone = members.left, members.left[c.PREVIOUS_ID]
    removed = [left[c.RECORD_KEY], gone, left[c.ENTITY_TYPE], gone, REMOVED, REMOVED_RECORD]
    return pa.concat_tables([_table(CHANGES, [release, *rows]) for rows in (changed, removed)])


def tell_moved_keys(members: Members, ids: pa.Array, *, release: int) -> pa.Table:
    """List the records that have a new key; one whose id is another, too, is told of as that."""
    has_moved = members.here[OLD_KEY].is_valid()
    here, new = members.here.filter(has_moved), ids.filter(has_moved.combine_chunks())
    parts, old = [], here[c.PREVIOUS_ID]
    kept = here.filter(pc.equal(old, new))
    for rows, key, change in ((here, OLD_KEY, REMOVED), (kept, c.RECORD_KEY, MOVED)):
        held = rows[c.PREVIOUS_ID]
        parts.append(_table(CHANGES, [release, rows[key], held, rows[c.ENTITY_TYPE], held, change, MOVED_KEY]))
    return pa.concat_tables(parts)


def build_entries(
    members: Members,
    borne: pa.Table,
    id_registry: pa.Table,
    changes: pa.Table,
    *,
    lineage: Lineage,
    release: int,
) -> pa.Table:
    """Build the entries of the registry that are new or other than before.

    An id's cause is that of its last birth or end; its entity type is that of its records, or of its last ones: a
    visitor's id becomes a person's with the first record of a person.

    Args:
        members: of this run and of the previous release.
        borne: unified_id, entity_type of this run's ids.
        id_registry: of the previous release; at least the ids that members had or have.
        changes: from `build_id_changes`.
        lineage: of this run's ids.
        release: that this run publishes.
    """
    between = changes.filter(pc.field(c.PREVIOUS_ID).is_valid() & (pc.field(c.CHANGE) != REMOVED))
    old = id_registry.take(_find(borne[c.UNIFIED_ID], id_registry[c.UNIFIED_ID]))
    is_born = pc.fill_null(pc.not_equal(old[c.STATUS], LIVE), True)
    is_retyped = pc.and_(pc.invert(is_born), pc.not_equal(old[c.ENTITY_TYPE], borne[c.ENTITY_TYPE]))
    retyped = old.filter(is_retyped).drop_columns(c.ENTITY_TYPE)
    retyped = retyped.append_column(c.ENTITY_TYPE, borne[c.ENTITY_TYPE].filter(is_retyped)).select(ENTRIES.names)
    births = between.filter(pc.is_in(between[c.CHANGE], value_set=pa.array(_BIRTHS)))
    born = _build_born(borne.filter(is_born), old.filter(is_born), births, lineage, release)
    gone = _find_gone(members, borne, id_registry)
    died = _build_died(gone, between, lineage, release)
    return pa.concat_tables([retyped.cast(ENTRIES), born, died])


def _build_born(borne: pa.Table, old: pa.Table, births: pa.Table, lineage: Lineage, release: int) -> pa.Table:
    ids = borne[c.UNIFIED_ID]
    cause = _look_up(ids, _first_causes(births, c.UNIFIED_ID))
    return _table(
        ENTRIES,
        [
            *(ids, borne[c.ENTITY_TYPE], LIVE, pa.nulls(len(ids), pa.string())),
            pc.coalesce(old[c.SPLIT_FROM], _look_up(ids, lineage.split_from)),
            pc.coalesce(old[c.CREATED_RELEASE], pa.scalar(release, pa.int64())),
            *(pa.nulls(len(ids), pa.int64()), pc.coalesce(cause, pa.scalar(NEW_RECORD))),
        ],
    )


def _find_gone(members: Members, borne: pa.Table, id_registry: pa.Table) -> pa.Table:
    """The entries of ids that nobody bears any more."""
    before = pa.chunked_array(
        [chunk for rows in (members.here, members.left) for chunk in rows[c.PREVIOUS_ID].chunks], pa.string()
    )
    ids = before.unique().drop_null()
    ids = ids.filter(pc.invert(pc.is_in(ids, value_set=borne[c.UNIFIED_ID].combine_chunks())))
    return id_registry.take(_find(ids, id_registry[c.UNIFIED_ID]).drop_null())


def _build_died(gone: pa.Table, between: pa.Table, lineage: Lineage, release: int) -> pa.Table:
    ids = gone[c.UNIFIED_ID]
    target, cause = _look_up(ids, lineage.merged_into), _look_up(ids, _first_causes(between, c.PREVIOUS_ID))
    return _table(
        ENTRIES,
        [
            *(ids, gone[c.ENTITY_TYPE], pc.if_else(target.is_valid(), MERGED_STATUS, CLOSED_STATUS), target),
            *(gone[c.SPLIT_FROM], gone[c.CREATED_RELEASE], release, pc.coalesce(cause, pa.scalar(REMOVED_RECORD))),
        ],
    )


def count_figures(
    members: Members, borne: pa.Table, changes: pa.Table, entries: pa.Table, *, release: int
) -> dict[str, float]:
    """Count ids, and records that went to another one; visitors are not counted as records.

    Figures of several groups of contest add up.

    Args:
        members: of this run and of the previous release.
        borne: this run's ids.
        changes: this run's rows of `id_changes`.
        entries: from `build_entries`.
        release: that this run publishes.
    """
    before = [_count(rows, pc.field(c.PREVIOUS_ID).is_valid() & _IS_RECORD) for rows in (members.here, members.left)]
    is_new = pc.field(c.CREATED_RELEASE) == release
    is_split, status = pc.field(c.SPLIT_FROM).is_valid(), pc.field(c.STATUS)
    closed = entries.filter(status == CLOSED_STATUS)[c.UNIFIED_ID].combine_chunks()
    removed = changes.filter((pc.field(c.CHANGE) == REMOVED) & _IS_RECORD)
    resurrected = changes.filter(pc.field(c.CHANGE) == RESURRECTED)[c.UNIFIED_ID]
    went = pc.field(c.PREVIOUS_ID) != pc.field(c.UNIFIED_ID)
    return {
        "ids.live": float(borne.num_rows),
        "ids.created": _count(entries, is_new & ~is_split),
        "ids.split": _count(entries, is_new & is_split),
        "ids.merged": _count(entries, status == MERGED_STATUS),
        "ids.closed": float(len(closed)),
        "ids.resurrected": float(len(resurrected.unique())),
        "ids.records_changed": _count(changes, went & _IS_RECORD),
        "ids.records_ended": float(pc.sum(pc.is_in(removed[c.PREVIOUS_ID], value_set=closed)).as_py() or 0),
        "ids.moved_keys": _count(changes, (pc.field(c.CAUSE) == MOVED_KEY) & (pc.field(c.CHANGE) == MOVED)),
        RECORDS_BEFORE: sum(before),
    }


def with_churn(figures: Mapping[str, float]) -> dict[str, float]:
    """Add the share of the previous release's records that went to another id or whose id ended."""
    lost, before = figures["ids.records_changed"] + figures["ids.records_ended"], figures[RECORDS_BEFORE]
    told = {name: value for name, value in figures.items() if name != RECORDS_BEFORE}
    return {**told, "ids.churn": lost / before if before else 0.0}


def build_erased_changes(erased: pa.Table, *, release: int) -> pa.Table:
    """List the records of erased people as changes of ids.

    Args:
        erased: record_key, entity_type, unified_id.
        release: that the erasure publishes.
    """
    held = erased[c.UNIFIED_ID]
    return _table(CHANGES, [release, erased[c.RECORD_KEY], held, erased[c.ENTITY_TYPE], held, ERASED, ERASURE])


def close_erased(entries: pa.Table, *, release: int) -> pa.Table:
    """Close ids because of an erasure; those that were merged into them lead to them as before.

    Args:
        entries: of live ids.
        release: that the erasure publishes.
    """
    of_id = [entries[name] for name in (c.UNIFIED_ID, c.ENTITY_TYPE)]
    origin = [entries[name] for name in (c.MERGED_INTO, c.SPLIT_FROM, c.CREATED_RELEASE)]
    return _table(ENTRIES, [*of_id, CLOSED_STATUS, *origin, release, ERASURE])


def _first_causes(changes: pa.Table, of: str) -> dict[str, str]:
    """The cause of each id's first record."""
    causes: dict[str, str] = {}
    rows = zip(*(changes[name].to_pylist() for name in (c.RECORD_KEY, c.CAUSE, of)), strict=True)
    for _, cause, held in sorted(rows):
        causes.setdefault(held, cause)
    return causes


def _find(ids: pa.Array | pa.ChunkedArray, among: pa.ChunkedArray) -> pa.Array:
    return as_array(pc.index_in(ids, value_set=among.combine_chunks()))


def _look_up(keys: pa.Array | pa.ChunkedArray, values: Mapping[str, str]) -> pa.Array:
    """The value of each key; null for one that has none."""
    names = pa.chunked_array([pa.array(values.keys(), pa.string())])
    return pa.array(values.values(), pa.string()).take(_find(keys, names))


def _count(rows: pa.Table, condition: pc.Expression) -> float:
    return float(rows.filter(condition).num_rows)


def _table(schema: pa.Schema, values: list[Any]) -> pa.Table:
    """Rows of columns, some of which have one value throughout."""
    size = next(len(it) for it in values if isinstance(it, (pa.Array, pa.ChunkedArray)))
    columns = [
        it if isinstance(it, (pa.Array, pa.ChunkedArray)) else pa.repeat(pa.scalar(it, field.type), size)
        for it, field in zip(values, schema, strict=True)
    ]
    return pa.table(dict(zip(schema.names, columns, strict=True))).cast(schema)
