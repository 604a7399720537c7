"""Every id ever issued, brought up to tonight; as `registry` does it in Spark."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from cdp_spark.identity.on_driver.rules.rows import Issued
from cdp_spark.identity.terms import CLOSED_STATUS, CREATED, LIVE, MERGED_STATUS, REMOVED, RESURRECTED, SPLIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cdp_spark.identity.on_driver.rules.assign import Assigned
    from cdp_spark.identity.on_driver.rules.rows import Change

_BIRTHS = (CREATED, SPLIT, RESURRECTED)


def update_registry(
    registry: Mapping[str, Issued], assigned: Assigned, changes: Sequence[Change], *, release: int
) -> list[Issued]:
    """What `build_registry` gives.

    Args:
        registry: of the last release, by id; other ids than those of tonight's and yesterday's records may be left out.
        assigned: tonight's ids.
        changes: of tonight only.
        release: that this run publishes.
    """
    entity_types: dict[str, str] = {}
    for (_, entity_type), held in assigned.ids.items():
        entity_types[held] = min(entity_types.get(held, entity_type), entity_type)
    born = _first_causes(
        (it.unified_id, (it.previous_id is None, it.record_key), it.cause) for it in changes if it.change in _BIRTHS
    )
    left = ((it.previous_id, (it.change == REMOVED, it.record_key), it.cause) for it in changes if it.previous_id)
    died = {held: cause for held, cause in _first_causes(left).items() if held not in entity_types}
    updated = []
    for held in sorted(registry.keys() | born.keys()):
        if held in born:
            updated.append(_born(held, registry.get(held), assigned, entity_types[held], born[held], release))
        else:
            old = registry[held]
            entry = old._replace(entity_type=entity_types.get(held, old.entity_type))
            updated.append(_died(entry, assigned.merged_into.get(held), died[held], release) if held in died else entry)
    return updated


def _first_causes(events: Iterable[tuple[str, tuple[bool, str], str]]) -> dict[str, str]:
    """The cause of each id's first event in the given order."""
    of_id: defaultdict[str, list[tuple[tuple[bool, str], str]]] = defaultdict(list)
    for held, order, cause in events:
        of_id[held].append((order, cause))
    return {held: min(found)[1] for held, found in of_id.items()}


def _born(held: str, old: Issued | None, assigned: Assigned, entity_type: str, cause: str, release: int) -> Issued:
    split_from = (old.split_from if old else None) or assigned.split_from.get(held)
    return Issued(held, entity_type, LIVE, None, split_from, old.created_release if old else release, None, cause)


def _died(entry: Issued, merged_into: str | None, cause: str, release: int) -> Issued:
    status = MERGED_STATUS if merged_into else CLOSED_STATUS
    return entry._replace(status=status, merged_into=merged_into, closed_release=release, cause=cause)
