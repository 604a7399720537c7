"""Customer numbers: which records an event's number belongs to, told by the numbers that both have."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdp_spark.standalone.describing.sample import Proposal

_SHARED = 0.5
"""Share of an event's customer numbers that a source of records must have."""


def link_numbers(proposals: Sequence[Proposal], present: Sequence[Proposal]) -> list[Proposal]:
    """Make a number that events carry an identifier of the records that have it.

    Args:
        proposals: the new sources.
        present: what would be proposed for the sources that the project has already.
    Returns: the new sources; each that is linked by a guess says so, and so does what an existing source lacks.
    """
    new = {it.name: it for it in proposals}
    for events in [*proposals, *present]:
        if events.settings["kind"] != "events" or not events.numbers:
            continue
        best = max([*new.values(), *present], key=partial(_shared, events))
        if _shared(events, best) < _SHARED:
            if events.name in new:
                new[events.name] = _alone(new[events.name])
        elif best.name in new:
            new[best.name] = _linked(new[best.name], events)
        elif events.name in new and "user_id" not in best.settings.get("identifiers", {}):
            new[events.name] = _lacking(new[events.name], best)
    return list(new.values())


def _shared(events: Proposal, records: Proposal) -> float:
    if records.settings["kind"] != "records":
        return 0.0
    asked = frozenset().union(*events.numbers.values())
    return max((len(asked & own) / max(len(asked), 1) for own in records.numbers.values()), default=0.0)


def _column(events: Proposal, records: Proposal) -> str:
    asked = frozenset().union(*events.numbers.values())
    return max(records.numbers, key=lambda column: len(asked & records.numbers[column]))


def _linked(records: Proposal, events: Proposal) -> Proposal:
    own = records.settings.get("identifiers", {})
    if "user_id" in own:
        return records
    column = _column(events, records)
    share = _shared(events, records)
    said = f"identifiers: {column} has {share:.0%} of the customer numbers in {events.name}, so it is user_id in both."
    settings = {name: value for name, value in records.settings.items() if name != "attributes"}
    settings["identifiers"] = {"user_id": column, **own}
    if "attributes" in records.settings:
        settings["attributes"] = records.settings["attributes"]
    comments = records.comments | {"identifiers": "what ties events to their person: type: column"}
    return replace(records, settings=settings, comments=comments, unsure=(*records.unsure, said))


def _lacking(events: Proposal, records: Proposal) -> Proposal:
    column = _column(events, records)
    said = (
        f"identifiers: add `identifiers: {{user_id: {column}}}` to sources/{records.name}.yaml; it has these numbers."
    )
    return replace(events, unsure=(*events.unsure, said))


def _alone(events: Proposal) -> Proposal:
    column = next(iter(events.numbers))
    said = f"identifiers: no source of records has the numbers in {column} yet; there, write `user_id: COLUMN`."
    return replace(events, unsure=(*events.unsure, said))
