"""What changed between two nights, record by record, and why; as `changes` finds it in Spark."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from cdp_spark.identity.on_driver.rules.rows import Change
from cdp_spark.identity.terms import (
    ABSORBED,
    CAUSES,
    CREATED,
    LIVE,
    MERGED,
    MODEL,
    MOVED,
    NEW_RECORD,
    REMOVED,
    REMOVED_RECORD,
    RESURRECTED,
    SPLIT,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from cdp_spark.identity.on_driver.rules.assign import Assigned
    from cdp_spark.identity.on_driver.rules.rows import Evidence, Issued, Key, Transitions


def find_changes(
    before: Mapping[Key, str],
    assigned: Assigned,
    registry: Mapping[str, Issued],
    read_evidence: Callable[[Collection[str]], Evidence],
    *,
    release: int,
) -> list[Change]:
    """What `build_id_changes` gives.

    Args:
        before: yesterday's ids by record.
        assigned: tonight's.
        registry: of the last release, by id; at least the ids that a record of tonight bears.
        read_evidence: asked about some records where one went from one id to another.
        release: that this run publishes.
    """
    after = assigned.ids
    transitions = {key: (before.get(key), after.get(key)) for key in before.keys() | after.keys()}
    causes = _find_causes(transitions, read_evidence)
    changes = []
    for (record, entity_type), (old, new) in transitions.items():
        if old != new:
            change = _change(old, new, registry, assigned.merged_into)
            cause = NEW_RECORD if old is None else REMOVED_RECORD if new is None else causes[old]
            changes.append(Change(release, record, new or old or "", entity_type, old, change, cause))
    return sorted(changes)


def merge_changes(changes: Sequence[Change], told: Sequence[tuple[int, str, str, str, str, str, str]]) -> list[Change]:
    """Add what is told of records with a new key; one that went to another id, too, is told of as that."""
    known = {(it.record_key, it.entity_type) for it in changes}
    return sorted(
        [*changes, *(it for it in (Change(*row) for row in told) if (it.record_key, it.entity_type) not in known)]
    )


def _change(old: str | None, new: str | None, registry: Mapping[str, Issued], merged_into: Mapping[str, str]) -> str:
    if new is None:
        return REMOVED
    issued = registry.get(new)
    if issued is not None and issued.status != LIVE:
        return RESURRECTED
    if old is None:
        return ABSORBED if issued else CREATED
    if issued is None:
        return SPLIT
    return MERGED if merged_into.get(old) == new else MOVED


def _find_causes(transitions: Transitions, read_evidence: Callable[[Collection[str]], Evidence]) -> dict[str, str]:
    """Why records of an id of yesterday went to another id; what `build_causes` gives, by that id.

    All that speaks for an id of tonight is gathered once, however many ids of yesterday went there.
    """
    went_to: dict[str, set[str]] = {old: set() for old, new in transitions.values() if old and new and old != new}
    if not went_to:
        return {}
    for old, new in transitions.values():
        if old in went_to and new:
            went_to[old].add(new)
    reached = set().union(*went_to.values())
    asked = {key[0] for key, (old, new) in transitions.items() if new in reached or (old in went_to and not new)}
    own = _causes_of_records(transitions, read_evidence(asked))
    of_old: defaultdict[str, set[str]] = defaultdict(set)
    of_new: defaultdict[str, set[str]] = defaultdict(set)
    for (record, _), (old, new) in transitions.items():
        if new in reached:
            of_new[new] |= own.get(record, set()) | (set() if old else {NEW_RECORD})
        elif old in went_to and new is None:
            of_old[old] |= own.get(record, set()) | {REMOVED_RECORD}
    found = {old: of_old[old].union(*(of_new[new] for new in to)) for old, to in went_to.items()}
    return {old: min(causes, key=CAUSES.index, default=MODEL) for old, causes in found.items()}


def _causes_of_records(transitions: Transitions, evidence: Evidence) -> dict[str, set[str]]:
    """What speaks for a cause, of records and of the ends of pairs that were joined or parted; see `build_evidence`."""
    ids: defaultdict[str, list[tuple[str | None, str | None]]] = defaultdict(list)
    for (record, _), both in transitions.items():
        ids[record].append(both)
    causes: defaultdict[str, set[str]] = defaultdict(set)
    for left, right, cause in evidence.pairs:
        moved = any(
            _are_together(old_l, old_r) != _are_together(new_l, new_r)
            for old_l, new_l in ids.get(left, ())
            for old_r, new_r in ids.get(right, ())
        )
        if moved:
            causes[left].add(cause)
            causes[right].add(cause)
    for record, cause in evidence.records:
        causes[record].add(cause)
    return causes


def _are_together(one: str | None, other: str | None) -> bool:
    return one is not None and one == other
