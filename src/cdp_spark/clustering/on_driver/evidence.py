"""What decides about the clusters of a few records, in the tables that `refine_all` takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.clustering.batch import CANNOT_LINK
from cdp_spark.clustering.labels import CANNOT_LINK as CANNOT_LINK_LABEL
from cdp_spark.clustering.labels import CERTAIN, MUST_LINK
from cdp_spark.clustering.records import EXCLUSIVE_SOURCE
from cdp_spark.tables.catalog import IDENTIFIERS, PAIR_SCORES, RECORDS
from cdp_spark.tables.rows import rows_with, tuples_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdp_spark.tables.store import Store

_PAIR = [c.RECORD_KEY_L, c.RECORD_KEY_R]
_SCORED = [*_PAIR, c.WEIGHT_LOG2, c.DETERMINISTIC]
Link = tuple[str, str]
"""Two record keys, the smaller first."""


@dataclass(frozen=True)
class Rules:
    """What clustering goes by.

    Args:
        guards: columns of records of which a cluster has one value.
        exclusive_sources: sources without duplicates inside.
        linking: types of identifiers that join records.
        unique: types of which a cluster has one value.
    """

    guards: tuple[str, ...]
    exclusive_sources: tuple[str, ...]
    linking: tuple[str, ...]
    unique: tuple[str, ...]

    @property
    def types(self) -> tuple[str, ...]:
        """All types that matter."""
        return tuple(sorted({*self.linking, *self.unique}))


def fetch_members(store: Store, entity_type: str, keys: pa.Array, rules: Rules) -> pa.Table:
    """Fetch the records of a type with what keeps them apart, as text.

    Args:
        store: with the records.
        entity_type: of the records.
        keys: record keys; those that are gone, or of another type, have no row.
        rules: which columns these are; values of unique identifiers are added by `with_unique_identifiers`.
    """
    columns = dict.fromkeys((c.RECORD_KEY, c.SOURCE, *rules.guards))
    only = {c.RECORD_KEY: keys, c.ENTITY_TYPE: pa.array([entity_type])}
    found = store.fetch(RECORDS, list(columns), only=only)
    is_exclusive = pc.is_in(found[c.SOURCE], value_set=pa.array(rules.exclusive_sources, pa.string()))
    source = pc.if_else(is_exclusive, found[c.SOURCE], pa.scalar(None, pa.string()))
    guards = {name: _as_text(found[name]) for name in rules.guards}
    return pa.table({c.RECORD_KEY: found[c.RECORD_KEY], EXCLUSIVE_SOURCE: source, **guards})


def fetch_pairs(store: Store, entity_type: str, keys: pa.Array) -> pa.Table:
    """Fetch the scored pairs among some records."""
    only = {c.RECORD_KEY_L: keys, c.RECORD_KEY_R: keys, c.ENTITY_TYPE: pa.array([entity_type])}
    return store.fetch(PAIR_SCORES, _SCORED, only=only)


def fetch_identifiers(
    store: Store, entity_type: str, types: Sequence[str], *, version: int | None = None, keys: pa.Array | None = None
) -> pa.Table:
    """Fetch record_key, type and value_hash of usable identifiers; of all records, or of some."""
    only = {c.ENTITY_TYPE: pa.array([entity_type]), c.TYPE: pa.array(types, pa.string()), c.USABLE: pa.array([True])}
    only |= {} if keys is None else {c.RECORD_KEY: keys}
    return store.fetch(IDENTIFIERS, (c.RECORD_KEY, c.TYPE, c.VALUE_HASH), only=only, version=version)


def with_unique_identifiers(members: pa.Table, identifiers: pa.Table, types: Sequence[str]) -> pa.Table:
    """What `with_unique_values` gives."""
    for kind in types:
        found = identifiers.filter(pc.equal(identifiers[c.TYPE], kind)).sort_by(c.VALUE_HASH)
        value_of = dict(tuples_of(found.select([c.RECORD_KEY, c.VALUE_HASH])))
        values = pa.array([value_of.get(key) for key in members[c.RECORD_KEY].to_pylist()], pa.string())
        members = members.append_column(kind, values)
    return members


def find_identifier_links(identifiers: pa.Table, types: Sequence[str]) -> dict[Link, str]:
    """What `build_identifier_links` gives: the type of the identifier by pair."""
    first: dict[tuple[str, str], str] = {}
    links: dict[Link, str] = {}
    chosen = rows_with(identifiers, c.TYPE, pa.array(types, pa.string())).sort_by(c.RECORD_KEY)
    for key, kind, value in tuples_of(chosen.select([c.RECORD_KEY, c.TYPE, c.VALUE_HASH])):
        holder = first.setdefault((kind, value), key)
        if holder != key:
            links[holder, key] = min(kind, links.get((holder, key), kind))
    return links


def unite_evidence(pairs: pa.Table, labels: pa.Table, links: Sequence[Link]) -> pa.Table:
    """Put scored pairs, labels and links into one table.

    Args:
        pairs: from `fetch_pairs`.
        labels: the labels in force: record_key_l, record_key_r, label.
        links: from `find_identifier_links`.
    Returns: record_key_l, record_key_r, weight_log2, deterministic, cannot_link.
    """
    must, cannot = (
        labels.filter(pc.equal(labels[c.LABEL], label)).select(_PAIR) for label in (MUST_LINK, CANNOT_LINK_LABEL)
    )
    left, right = (pa.array([link[side] for link in links], pa.string()) for side in (0, 1))
    linked = pa.table({c.RECORD_KEY_L: left, c.RECORD_KEY_R: right})
    parts = [
        _weighed(pairs.select(_PAIR), pairs[c.WEIGHT_LOG2], pairs[c.DETERMINISTIC], forbidden=False),
        *[_weighed(it, *_same(it, CERTAIN, joins=True), forbidden=False) for it in (must, linked)],
        _weighed(cannot, *_same(cannot, None, joins=False), forbidden=True),
    ]
    return pa.concat_tables(parts, promote_options="permissive")


def _same(pairs: pa.Table, weight: float | None, *, joins: bool) -> tuple[pa.Array, pa.Array]:
    return pa.repeat(pa.scalar(weight, pa.float64()), pairs.num_rows), pa.repeat(pa.scalar(joins), pairs.num_rows)


def _weighed(pairs: pa.Table, weight: pa.Array, deterministic: pa.Array, *, forbidden: bool) -> pa.Table:
    flags = pa.repeat(pa.scalar(forbidden), pairs.num_rows)
    weighed = pairs.append_column(c.WEIGHT_LOG2, weight).append_column(c.DETERMINISTIC, deterministic)
    return weighed.append_column(CANNOT_LINK, flags)


def _as_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text that is the same for the same values; what it looks like does not matter."""
    if pa.types.is_string(values.type):
        return values
    return pa.chunked_array([pa.array([None if it is None else str(it) for it in values.to_pylist()], pa.string())])
