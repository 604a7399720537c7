"""Records in their clusters beside the ids that they had, and which of these ids are contested.

1. Every record of this run and of the previous release is joined by key: those that are here, and those that left.
2. A place is a cluster, people and accounts apart. A cluster of more records than is believed is held: it falls into
   one place per previous id, and its new records stay alone, so that nobody is merged before a person has looked at it.
   Visitors do not count: they join no people.
3. Where a place has one previous id only, and the id this place only, the id is settled. A place without one needs a
   new id, unless an id that is gone may return to it. All other places are contested, and with them those that are
   settled but have former holders of an id that may return elsewhere: where it goes is decided among all of these.

All of it is vectorised: a million records take seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.identity.terms import ACCOUNT, ERASED, ERASURE, LIVE, REMOVED, VISITOR
from cdp_spark.normalise.batches import as_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cdp_spark.identity.moved_keys import Move

OLD_KEY = "old_key"
MEMBER_COLUMNS = (c.RECORD_KEY, c.ENTITY_TYPE, c.CLUSTER, c.PREVIOUS_ID, OLD_KEY)
ID_CAUSE = "id_cause"
_OF_CHANGE = (c.RELEASE, c.RECORD_KEY, c.ENTITY_TYPE, c.PREVIOUS_ID, c.CHANGE)
_OF_ID = (c.STATUS, c.CAUSE, c.CREATED_RELEASE, c.CLOSED_RELEASE)
LOST_COLUMNS = (*_OF_CHANGE, ID_CAUSE, c.CREATED_RELEASE, c.CLOSED_RELEASE)
HOLDER_COLUMNS = (c.RECORD_KEY, c.ENTITY_TYPE, c.UNIFIED_ID, c.CREATED_RELEASE, c.CLOSED_RELEASE)


@dataclass(frozen=True)
class Members:
    """Records with their cluster and their previous id, in `MEMBER_COLUMNS`.

    Args:
        here: those of this run; `previous_id` is null for a new one, `old_key` for one that kept its key.
        left: those of the previous release that are gone, or are of another entity type now; `cluster` is null.
    """

    here: pa.Table
    left: pa.Table

    @classmethod
    def of(cls, rows: pa.Table) -> Members:
        """Tell those who are here from those who left, by their cluster."""
        is_here = rows[c.CLUSTER].is_valid()
        return cls(rows.filter(is_here).combine_chunks(), rows.filter(pc.invert(is_here)).combine_chunks())


def join_members(clusters: pa.Table, unified_ids: pa.Table, moves: Sequence[Move]) -> Members:
    """Put the previous id beside each record.

    Args:
        clusters: record_key, entity_type, cluster.
        unified_ids: of the previous release.
        moves: records that have a new key since; their previous id is looked up under the old one.
    """
    old, new = (pa.array([move[at] for move in moves], pa.string()) for at in (1, 2))
    keys, ids = unified_ids[c.RECORD_KEY], unified_ids[c.UNIFIED_ID]
    keys_now = pc.coalesce(new.take(pc.index_in(keys, value_set=old)), keys) if moves else keys
    row = pc.index_in(clusters[c.RECORD_KEY], value_set=as_array(keys_now))
    is_same = pc.equal(clusters[c.ENTITY_TYPE], unified_ids[c.ENTITY_TYPE].take(row))
    row = as_array(pc.if_else(is_same, row, None))
    is_left = np.ones(unified_ids.num_rows, dtype=bool)
    is_left[row.drop_null().to_numpy()] = False
    none = pa.nulls(clusters.num_rows, pa.string())
    old_keys = old.take(pc.index_in(clusters[c.RECORD_KEY], value_set=new)) if moves else none
    here = [clusters[c.RECORD_KEY], clusters[c.ENTITY_TYPE], clusters[c.CLUSTER], ids.take(row), old_keys]
    left = unified_ids.filter(pa.array(is_left))
    gone = pa.nulls(left.num_rows, pa.string())
    return Members(_members(here), _members([left[c.RECORD_KEY], left[c.ENTITY_TYPE], gone, left[c.UNIFIED_ID], gone]))


def find_former_holders(id_changes: pa.Table, id_registry: pa.Table) -> pa.Table:
    """Find who held an id that is gone: at the time when it was merged or closed, or when the record was removed.

    No id of somebody who was erased returns, and none returns to their records.

    Args:
        id_changes: release, record_key, entity_type, previous_id, change; at least those of ids that are gone.
        id_registry: at least the ids that are gone.
    Returns: one row per (record_key, unified_id) with the id's created and closed release.
    """
    gone = id_registry.select([c.UNIFIED_ID, *_OF_ID]).filter(pc.field(c.STATUS) != LIVE)
    lost = id_changes.select(list(_OF_CHANGE)).join(
        gone.rename_columns({c.CAUSE: ID_CAUSE}), keys=c.PREVIOUS_ID, right_keys=c.UNIFIED_ID, join_type="inner"
    )
    return select_former_holders(lost)


def select_former_holders(lost: pa.Table) -> pa.Table:
    """Select those who held an id at its end, or when they were removed, from all changes by which ids were lost.

    Args:
        lost: `LOST_COLUMNS` of changes away from ids that are gone; all rows of a record.
    """
    erased = lost.filter(pc.field(c.CHANGE) == ERASED)[c.RECORD_KEY]
    lost = lost.filter(pc.invert(pc.is_in(lost[c.RECORD_KEY], value_set=as_array(erased))))
    at_its_end = pc.field(c.RELEASE) == pc.field(c.CLOSED_RELEASE)
    held = lost.filter((pc.field(ID_CAUSE) != ERASURE) & (at_its_end | (pc.field(c.CHANGE) == REMOVED)))
    held = held.rename_columns({c.PREVIOUS_ID: c.UNIFIED_ID})
    return held.group_by(list(HOLDER_COLUMNS)).aggregate([]).select(list(HOLDER_COLUMNS))


@dataclass(frozen=True)
class Contest:
    """What is settled and what is contested.

    Args:
        members: of this run and of the previous release.
        place: of each member who is here.
        is_held: whether its cluster is held, of each member who is here.
        settled: the id of each place that is settled, null for the others.
        is_contested: of each place.
        is_contested_left: of each member who left, whether the id is contested.
        former_holders: of the ids that may return.
    """

    members: Members
    place: NDArray[np.int64]
    is_held: NDArray[np.bool_]
    settled: pa.Array
    is_contested: NDArray[np.bool_]
    is_contested_left: NDArray[np.bool_]
    former_holders: pa.Table

    @property
    def record_count(self) -> int:
        """Records whose ids are contested."""
        return int(self.is_contested[self.place].sum() + self.is_contested_left.sum())

    @cached_property
    def first_keys(self) -> pa.Array:
        """The smallest record key of each place, which names it; null where it is settled and not contested."""
        is_named = self.is_contested | self.settled.is_null().to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(is_named[self.place])
        keys = pa.table({"place": self.place[rows], c.RECORD_KEY: self.members.here[c.RECORD_KEY].take(rows)})
        first = keys.group_by("place").aggregate([(c.RECORD_KEY, "min")])
        at = np.full(len(self.settled), -1)
        at[first["place"].to_numpy()] = np.arange(first.num_rows)
        return as_array(first[f"{c.RECORD_KEY}_min"]).take(pa.array(at, mask=at < 0))


def find_contest(members: Members, former_holders: pa.Table, *, max_records: int) -> Contest:
    """Settle what can be settled.

    Args:
        members: from `join_members`; of whole clusters, and of all clusters that share an id with one of them.
        former_holders: from `find_former_holders`.
        max_records: records; the largest cluster that is believed.
    """
    place, is_held = _find_places(members.here, max_records)
    count = int(place.max(initial=-1)) + 1
    ids, held_id = encode(members.here[c.PREVIOUS_ID])
    has_id = held_id >= 0
    pairs = np.unique(place[has_id] * max(len(ids), 1) + held_id[has_id])
    pair_place, pair_id = pairs // max(len(ids), 1), pairs % max(len(ids), 1)
    ids_of_place = np.bincount(pair_place, minlength=count)
    is_alone = (ids_of_place[pair_place] == 1) & (np.bincount(pair_id, minlength=len(ids))[pair_id] == 1)
    settled = np.full(count, -1)
    settled[pair_place[is_alone]] = pair_id[is_alone]
    is_contested = (settled < 0) & (ids_of_place > 0)
    row = _rows_of(former_holders, members.here)
    of_holder = place[row[row >= 0]]
    gone, gone_id = encode(former_holders[c.UNIFIED_ID].filter(pa.array(row >= 0)))
    may_return = np.zeros(len(gone), dtype=bool)
    may_return[gone_id[settled[of_holder] < 0]] = True
    is_contested[of_holder[may_return[gone_id]]] = True
    is_contested_id = np.zeros(len(ids), dtype=bool)
    is_contested_id[pair_id[is_contested[pair_place]]] = True
    left_id = pc.index_in(members.left[c.PREVIOUS_ID], value_set=ids).fill_null(-1).to_numpy()
    return Contest(
        members=members,
        place=place,
        is_held=is_held,
        settled=ids.take(pa.array(settled, mask=settled < 0)),
        is_contested=is_contested,
        is_contested_left=(left_id >= 0) & np.append(is_contested_id, False)[left_id],
        former_holders=former_holders.filter(pa.array(row >= 0)).filter(pa.array(may_return[gone_id])),
    )


def _find_places(here: pa.Table, max_records: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    is_account = pc.equal(here[c.ENTITY_TYPE], ACCOUNT).to_numpy()
    place = _renumber(encode(here[c.CLUSTER])[1] * 2 + is_account)
    sizes = np.bincount(place, weights=pc.not_equal(here[c.ENTITY_TYPE], VISITOR).to_numpy())
    is_held = np.take(sizes, place) > max_records
    if not is_held.any():
        return place, is_held
    part = np.zeros(len(place), dtype=np.int64)
    own = pc.coalesce(here[c.PREVIOUS_ID], here[c.RECORD_KEY]).filter(pa.array(is_held))
    part[is_held] = encode(own)[1] + 1
    return _renumber(place * (part.max() + 1) + part), is_held


def _rows_of(holders: pa.Table, here: pa.Table) -> NDArray[np.int64]:
    """The row of each former holder among those who are here; -1 for one who is not."""
    row = pc.index_in(holders[c.RECORD_KEY], value_set=as_array(here[c.RECORD_KEY]))
    is_same = pc.equal(here[c.ENTITY_TYPE].take(row), holders[c.ENTITY_TYPE])
    found: NDArray[np.int64] = pc.if_else(is_same, row, None).fill_null(-1).to_numpy().astype(np.int64)
    return found


def encode(texts: pa.ChunkedArray) -> tuple[pa.Array, NDArray[np.int64]]:
    """Number texts from 0 on; -1 for null.

    Returns: the texts by number, and the number of each.
    """
    encoded = as_array(texts).dictionary_encode()
    return encoded.dictionary, encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)


def _renumber(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(numbers, return_inverse=True)[1].reshape(-1)


def _members(columns: Sequence[pa.ChunkedArray]) -> pa.Table:
    return pa.table(dict(zip(MEMBER_COLUMNS, columns, strict=True))).combine_chunks()
