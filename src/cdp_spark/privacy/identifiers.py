"""What a person was known by: what only they have must not come back, what others have too must."""

from __future__ import annotations

import hashlib
import typing
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.config.source import IdentifierType
from cdp_spark.ingest.suppression.hashing import EMAIL, PHONE, SOURCE_RECORD, keyed_hash, normal_values
from cdp_spark.ingest.suppression.register import SuppressionList, key_of, suppression_of
from cdp_spark.tables.catalog import IDENTIFIERS, PROFILE_HISTORY, RECORDS, UNIFIED_IDS
from cdp_spark.tables.rows import rows_without, tuples_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cdp_spark.config.project import Project
    from cdp_spark.privacy.requests import People
    from cdp_spark.tables.run import RunContext

Identifier = tuple[str, str]
"""Type and value."""
_OTHER_TYPES = frozenset(typing.get_args(IdentifierType)) - {EMAIL, PHONE}
_VISITOR = "visitor"


@dataclass(frozen=True)
class Known:
    """Identifiers of people who are to be erased.

    Args:
        own: that nobody else has, in the normal form of the suppression list.
        source_records: record keys of what sources delivered about them.
        shared: how many others have, too, by type; those are not put on the list.
    """

    own: frozenset[Identifier]
    source_records: tuple[str, ...]
    shared: Mapping[str, int]

    @property
    def listed(self) -> frozenset[Identifier]:
        """What goes on the suppression list."""
        return self.own | {(SOURCE_RECORD, key) for key in self.source_records}

    @property
    def contact_hashes(self) -> tuple[str, ...]:
        """The contact points, as `consents` has them."""
        return tuple(sorted(_sha256(value) for kind, value in self.own if kind in (EMAIL, PHONE)))

    def as_list(self, project: Project) -> SuppressionList:
        """A suppression list of these identifiers alone, without the records' keys."""
        key = key_of(suppression_of(project))
        hashes = frozenset(keyed_hash(kind, value, key=key) for kind, value in self.own)
        return SuppressionList(key, hashes, frozenset(kind for kind, _ in self.own))


def find_known(context: RunContext, people: People) -> Known:
    """Find what the people are known by, now and in the history of their profiles.

    An identifier that another record of the last release bears is shared, such as the phone of a household: on the
    list it would keep the others out.
    """
    given = _contact_points(context, people) | _other_identifiers(context, people)
    shared = _shared(context, people, given)
    region = context.project.settings.default_region
    own = frozenset(pair for kind, value in given - shared for pair in normal_values(kind, value, region=region))
    delivered = people.records.filter(pc.field(c.ENTITY_TYPE) != _VISITOR)[c.RECORD_KEY].to_pylist()
    return Known(own, tuple(sorted(delivered)), Counter(kind for kind, _ in shared))


def _contact_points(context: RunContext, people: People) -> set[Identifier]:
    names = (c.EMAILS, c.PHONES)
    records = context.store.fetch(RECORDS, names, only={c.RECORD_KEY: _texts(people.record_keys)})
    ids = _texts((*people.ids, *people.merged_ids))
    history = context.fetch_released(PROFILE_HISTORY, names, only={c.UNIFIED_ID: ids})
    return {
        (kind, value)
        for rows in (records, history)
        for kind, name in ((EMAIL, c.EMAILS), (PHONE, c.PHONES))
        for values in rows[name].to_pylist()
        for value in values or ()
    }


def _other_identifiers(context: RunContext, people: People) -> set[Identifier]:
    only = {c.RECORD_KEY: _texts(people.record_keys), c.USABLE: pa.array([True])}
    found = tuples_of(context.store.fetch(IDENTIFIERS, (c.TYPE, c.VALUE), only=only))
    return {(kind, value) for kind, value in found if kind in _OTHER_TYPES}


def _shared(context: RunContext, people: People, given: set[Identifier]) -> set[Identifier]:
    """Those that another record of the last release bears; an e-mail stands in `identifiers` by its hash, too."""
    form = {pair: _sha256(pair[1]) if pair[0] == EMAIL else pair[1] for pair in given}
    borne = context.store.fetch(IDENTIFIERS, (c.RECORD_KEY, c.VALUE), only={c.VALUE: _texts(set(form.values()))})
    others = rows_without(borne, c.RECORD_KEY, _texts(people.record_keys))
    released = context.fetch_released(UNIFIED_IDS, (c.RECORD_KEY,), only={c.RECORD_KEY: others[c.RECORD_KEY].unique()})
    theirs = others.filter(pc.is_in(others[c.RECORD_KEY], value_set=released[c.RECORD_KEY].combine_chunks()))
    values = set(theirs[c.VALUE].to_pylist())
    return {pair for pair, value in form.items() if value in values}


def _texts(values: Iterable[str]) -> pa.Array:
    return pa.array(sorted(values), pa.string())


def _sha256(text: str) -> str:
    return hashlib.sha256(text.lower().encode()).hexdigest()
