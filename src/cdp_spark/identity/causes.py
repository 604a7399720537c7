"""Why records went from one id to another.

All records that held an id, and all that are now with one of them, are asked for a cause: that the record is new, that
it left, that it changed, that it was beside somebody who was erased, that a label or a limit joined or parted it from
another. The first in `CAUSES` is named.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.identity.terms import CAUSES, CHANGED_VALUE, ERASURE, MODEL, NEW_RECORD, REMOVED_RECORD

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from cdp_spark.identity.offers import Key

Transitions = dict["Key", tuple["str | None", "str | None"]]
"""The previous id of each record and the one of this run; None for a new record, and for one that left."""


class LastRelease(NamedTuple):
    """The release before this run's, and the clock of its run."""

    number: int
    as_of: datetime


class Evidence(NamedTuple):
    """What may have moved records.

    Args:
        records: record_key and cause of records that changed, or were beside somebody who was erased.
        pairs: record_key_l, record_key_r and cause of labels and limits.
    """

    records: list[tuple[str, str]]
    pairs: list[tuple[str, str, str]]


def causes_of_records(records: pa.Table, touched: pa.Table, last: LastRelease | None) -> list[tuple[str, str]]:
    """Find which records changed since the last release, or were beside somebody who was erased since.

    Args:
        records: record_key, ingested_at.
        touched: record_key, ordinal of the erasures that they were beside.
        last: None before the first release, when nothing has changed.
    Returns: record_key and cause.
    """
    if last is None:
        return []
    since = pa.scalar(last.as_of, records.schema.field(c.INGESTED_AT).type)
    found = {
        CHANGED_VALUE: records.filter(pc.field(c.INGESTED_AT) > since),
        ERASURE: touched.filter(pc.field(c.ORDINAL) >= last.number),
    }
    return [(key, cause) for cause, rows in found.items() for key in rows[c.RECORD_KEY].to_pylist()]


def find_causes(transitions: Transitions, read_evidence: Callable[[Collection[str]], Evidence]) -> dict[str, str]:
    """Find why records of a previous id went to another id.

    All that speaks for an id of this run is gathered once, however many previous ids went there.

    Args:
        transitions: of all records of the ids that are contested.
        read_evidence: asked about some records where one went from one id to another.
    Returns: the cause by previous id.
    """
    went_to: dict[str, set[str]] = {old: set() for old, new in transitions.values() if old and new and old != new}
    if not went_to:
        return {}
    for old, new in transitions.values():
        if old in went_to and new:
            went_to[old].add(new)
    reached = set().union(*went_to.values())
    asked = {key[0] for key, (old, new) in transitions.items() if new in reached or (old in went_to and not new)}
    own = _own_causes(transitions, read_evidence(asked))
    of_old: defaultdict[str, set[str]] = defaultdict(set)
    of_new: defaultdict[str, set[str]] = defaultdict(set)
    for key, (old, new) in transitions.items():
        if new in reached:
            of_new[new] |= own.get(key, set()) | (set() if old else {NEW_RECORD})
        elif old in went_to and new is None:
            of_old[old] |= own.get(key, set()) | {REMOVED_RECORD}
    found = {old: of_old[old].union(*(of_new[new] for new in to)) for old, to in went_to.items()}
    return {old: min(causes, key=CAUSES.index, default=MODEL) for old, causes in found.items()}


def _own_causes(transitions: Transitions, evidence: Evidence) -> dict[Key, set[str]]:
    """Collect what speaks for a cause of each record.

    A pair counts where it was together and is not, or the other way round.
    """
    of_record: defaultdict[str, list[Key]] = defaultdict(list)
    for key in transitions:
        of_record[key[0]].append(key)
    causes: defaultdict[Key, set[str]] = defaultdict(set)
    for left, right, cause in evidence.pairs:
        for key_l in of_record.get(left, ()):
            for key_r in of_record.get(right, ()):
                (old_l, new_l), (old_r, new_r) = transitions[key_l], transitions[key_r]
                if _are_together(old_l, old_r) != _are_together(new_l, new_r):
                    causes[key_l].add(cause)
                    causes[key_r].add(cause)
    for record, cause in evidence.records:
        for key in of_record.get(record, ()):
            causes[key].add(cause)
    return causes


def _are_together(one: str | None, other: str | None) -> bool:
    return one is not None and one == other
