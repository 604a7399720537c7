"""What a person was known by: what only they have must not come back, what others have too must."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.identity.terms import VISITOR
from cdp_spark.ingest.suppression.register import suppression_of
from cdp_spark.normalise.hashing import sha256
from cdp_spark.normalise.identifiers import searched_identifiers
from cdp_spark.normalise.keyed_hashing import (
    EMAIL,
    EMAIL_SHA256,
    PHONE,
    SOURCE_RECORD,
    SuppressionList,
    keyed_hash,
)
from cdp_spark.tables.catalog import CLUSTERS, IDENTIFIERS, PROFILE_HISTORY, RECORDS, UNIFIED_IDS
from cdp_spark.tables.rows import rows_without, texts, tuples_of
from cdp_spark.tables.suppressions import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

    from cdp_spark.config.project import Project
    from cdp_spark.privacy.people.requests import People
    from cdp_spark.tables.run import RunContext

Identifier = tuple[str, str]
"""Type and value."""
NOT_OF_A_PERSON = ("placeholder", "blocked")
"""Reasons of identifiers that say nothing about who bears them."""
_UNRELEASED = "a record of no release"


@dataclass(frozen=True)
class Known:
    """Identifiers of people who are to be erased.

    Args:
        own: that nobody else has, in the normal form of the suppression list.
        source_records: record keys of what sources delivered about them.
        shared: how many others have, too, by type; those are not put on the list.
        shared_with: unified ids of some who have them, by type.
    """

    own: frozenset[Identifier]
    source_records: tuple[str, ...]
    shared: Mapping[str, int]
    shared_with: Mapping[str, tuple[str, ...]]

    @property
    def listed(self) -> frozenset[Identifier]:
        """What goes on the suppression list."""
        return self.own | {(SOURCE_RECORD, key) for key in self.source_records}

    @property
    def contact_hashes(self) -> tuple[str, ...]:
        """The contact points, as `consents` has them; cookies and devices in lower case."""
        of_people = {sha256(value) for kind, value in self.own if kind in (EMAIL, PHONE)}
        of_devices = {sha256(value.lower()) for kind, value in self.own if kind in (c.COOKIE_ID, c.DEVICE_ID)}
        return tuple(sorted(of_people | of_devices))

    def as_list(self, project: Project) -> SuppressionList:
        """A suppression list of these alone."""
        key = key_of(suppression_of(project))
        hashes = frozenset(keyed_hash(kind, value, key=key) for kind, value in self.listed)
        return SuppressionList(key, hashes, frozenset(kind for kind, _ in self.listed), project.identifiers.forms)

    def without(self, contested: Set[Identifier]) -> Known:
        """The same, but for identifiers that turned out to be others', too."""
        hashed = {(EMAIL_SHA256, sha256(value)) for kind, value in contested if kind == EMAIL}
        counts = dict(self.shared)
        for kind, _ in contested:
            counts[kind] = counts.get(kind, 0) + 1
        return replace(self, own=self.own - contested - hashed, shared=counts)


def find_known(context: RunContext, people: People) -> Known:
    """Find what the people are known by, now and in the history of their profiles.

    An identifier that another's record bears is shared, such as the phone of a household: on the list it would keep the
    others out. A record that no release has is another's unless it was clustered with theirs.
    """
    given = _contact_points(context, people) | _other_identifiers(context, people)
    shared = _find_shared(context, people, given)
    region, forms = context.project.settings.default_region, context.project.identifiers.forms
    own = frozenset(
        pair
        for kind, value in given - shared.keys()
        for pair in searched_identifiers(kind, value, region=region, forms=forms)
    )
    kinds = sorted({kind for kind, _ in shared})
    delivered = people.records.filter(pc.field(c.ENTITY_TYPE) != VISITOR)[c.RECORD_KEY].to_pylist()
    return Known(
        own,
        tuple(sorted({*delivered, *people.former})),
        {kind: sum(it == kind for it, _ in shared) for kind in kinds},
        {kind: tuple(sorted({who for (it, _), who in shared.items() if it == kind})) for kind in kinds},
    )


def _contact_points(context: RunContext, people: People) -> set[Identifier]:
    names = (c.EMAILS, c.PHONES)
    records = context.fetch_released(RECORDS, names, only={c.RECORD_KEY: texts(people.record_keys)})
    ids = texts((*people.ids, *people.merged_ids))
    history = context.fetch_released(PROFILE_HISTORY, names, only={c.UNIFIED_ID: ids})
    found = {
        (kind, value)
        for rows in (records, history)
        for kind, name in ((EMAIL, c.EMAILS), (PHONE, c.PHONES))
        for values in rows[name].to_pylist()
        for value in values or ()
    }
    only = {c.RECORD_KEY: texts(people.record_keys), c.REASON: pa.array(NOT_OF_A_PERSON)}
    return found - set(tuples_of(context.fetch_released(IDENTIFIERS, (c.TYPE, c.VALUE), only=only)))


def _other_identifiers(context: RunContext, people: People) -> set[Identifier]:
    only = {c.RECORD_KEY: texts(people.record_keys), c.USABLE: pa.array([True])}
    found = tuples_of(context.fetch_released(IDENTIFIERS, (c.TYPE, c.VALUE), only=only))
    return {(kind, value) for kind, value in found if kind not in (EMAIL, PHONE)}


def _find_shared(context: RunContext, people: People, given: set[Identifier]) -> dict[Identifier, str]:
    """Those that others bear, with one of their ids; `identifiers` has an e-mail as it is written by its hash."""
    form = {pair: (EMAIL_SHA256, sha256(pair[1])) if pair[0] == EMAIL else pair for pair in given}
    only = {c.VALUE: texts({value for _, value in form.values()})}
    borne = context.fetch_released(IDENTIFIERS, (c.RECORD_KEY, c.TYPE, c.VALUE), only=only)
    others = rows_without(borne, c.RECORD_KEY, texts(people.record_keys))
    keys = others[c.RECORD_KEY].unique()
    released = context.fetch_released(UNIFIED_IDS, (c.RECORD_KEY, c.UNIFIED_ID), only={c.RECORD_KEY: keys})
    ids = dict(tuples_of(released))
    theirs = _clustered_with(context, people, set(keys.to_pylist()) - ids.keys())
    bearers: defaultdict[Identifier, set[str]] = defaultdict(set)
    for key, kind, value in tuples_of(others):
        if key not in theirs:
            bearers[kind, value].add(ids.get(key, _UNRELEASED))
    return {pair: min(bearers[its]) for pair, its in form.items() if its in bearers}


def _clustered_with(context: RunContext, people: People, unreleased: set[str]) -> set[str]:
    """Those of some records that were clustered with the people's in a night that was not released."""
    if not unreleased:
        return set()
    only = {c.RECORD_KEY: texts({*people.record_keys, *unreleased})}
    clusters = dict(tuples_of(context.fetch_released(CLUSTERS, (c.RECORD_KEY, c.CLUSTER), only=only)))
    theirs = {clusters[key] for key in people.record_keys if key in clusters}
    return {key for key in unreleased if clusters.get(key) in theirs}
