"""What the tables of insights say about one profile: one function a table, called where the release has it.

Each takes the profile's rows as plain values and the time that was asked for, None for now, and never looks past it:
what tells only of now, such as a score, gives no rows for a time.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cdp_spark import columns as c
from cdp_spark.view.facts import holds
from cdp_spark.view.model import Section
from cdp_spark.view.scores import reasons_text, score_text, tier_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    Rows = Sequence[Mapping[str, Any]]

_DAY = timedelta(days=1)
_SHOWN = 50
"""Rows of a section, the newest or best first."""
_REASONS = 3
"""Reasons of a score, the largest first."""
_TRAIT_VALUES = (c.VALUE_NUMBER, c.VALUE_TEXT, c.VALUE_LIST, c.VALUE_TIME)
"""Columns of `traits`, one for each type of value."""


def offers(rows: Rows, at: datetime | None) -> Section:
    """Say what to offer next, the best first, and why."""
    now = sorted(rows, key=lambda it: it[c.RANK]) if at is None else []
    told = [_without_id(it) for it in now]
    for_people = (c.RANK, c.PRODUCT_NAME, c.REASON)
    return _section("offers", "Next best offers", told, for_people)


def scores(rows: Rows, at: datetime | None) -> Section:
    """List scores with what speaks most for and against each."""
    now = sorted(rows, key=lambda it: it[c.MODEL]) if at is None else []
    told = [
        {
            "model": it[c.MODEL],
            "says": score_text(it),
            "among": tier_text(it[c.TIER]),
            "why": reasons_text(it[c.REASONS][:_REASONS]),
            **_without_id(it),
            c.DETAILS: dict(it[c.DETAILS]),
        }
        for it in now
    ]
    return _section("scores", "Scores", told, ("model", "says", "among", "why"))


def _without_id(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != c.UNIFIED_ID}


def traits(rows: Rows, at: datetime | None) -> Section:
    """List the traits that hold, by name, and since when."""
    held = sorted((it for it in rows if holds(it, at)), key=lambda it: it[c.TRAIT])
    told = [
        {
            "trait": it[c.TRAIT],
            "value": _trait_value(it),
            "unit": "days" if it[c.VALUE_TIME] is not None else None,
            "since": it[c.VALID_FROM],
        }
        for it in held
    ]
    return _section("traits", "Traits", told)


def in_days(traits: Rows, now: datetime) -> Rows:
    """Replace traits that are a time by the whole days since, which is what segments ask for.

    Args:
        traits: rows of the table.
        now: the time that is shown.
    """
    return [{**it, c.VALUE_TIME: it[c.VALUE_TIME] and (now - it[c.VALUE_TIME]) // _DAY} for it in traits]


def _trait_value(row: Mapping[str, Any]) -> Any:  # noqa: ANN401 - of the trait's own type
    return next((row[name] for name in _TRAIT_VALUES if row[name] is not None), None)


def sessions(rows: Rows, at: datetime | None) -> Section:
    """List visits, the newest first."""
    begun = [it for it in rows if at is None or it[c.STARTED_AT] <= at]
    told = [
        {
            "started": it[c.STARTED_AT],
            "minutes": it["duration_seconds"] / 60,
            "source": it["source"],
            "events": it["events"],
            "came_by": it["channel"] or it["campaign"],
            "entry": it["entry_url"],
        }
        for it in sorted(begun, key=lambda it: it[c.STARTED_AT], reverse=True)
    ]
    return _section("sessions", "Sessions", told)


def attributions(rows: Rows, at: datetime | None) -> Section:
    """List the shares of conversions, the newest first."""
    known = [it for it in rows if at is None or it["converted_at_utc"] <= at]
    told = [
        {
            "converted": it["converted_at_utc"],
            "model": it["model"],
            "channel": it["channel"] or it["campaign"],
            "share": f"{it['share']:.0%}",
            "value": it["value"],
        }
        for it in sorted(known, key=lambda it: (it["converted_at_utc"], it["share"]), reverse=True)
    ]
    return _section("attributions", "What led to conversions", told)


def abandoned(rows: Rows, at: datetime | None) -> Section:
    """List what was looked at or put into a cart and not bought, the newest first."""
    now = sorted(rows, key=lambda it: it[c.LAST_SEEN_AT], reverse=True) if at is None else []
    told = [
        {
            "last_seen": it[c.LAST_SEEN_AT],
            "left_in": it["kind"],
            "product": it["product_id"] or it["category"],
            "times": it["times"],
            "value": it["value"],
        }
        for it in now
    ]
    return _section("abandoned", "Left behind", told)


BUILDERS: Mapping[str, Callable[[Rows, datetime | None], Section]] = {
    it.__name__: it for it in (offers, scores, traits, sessions, attributions, abandoned)
}
"""Of each table the function that shows it, in the order of the page."""


def _section(
    name: str, title: str, rows: Sequence[Mapping[str, Any]], for_people: Sequence[str] | None = None
) -> Section:
    names = tuple(rows[0]) if rows else ()
    for_programs = () if for_people is None else tuple(name for name in names if name not in for_people)
    return Section(name, title, tuple(rows[:_SHOWN]), len(rows), for_programs)
