"""Whether what records say of a person can be true of one person."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from rapidfuzz.distance import JaroWinkler

from cdp_spark.normalise.people.nicknames import nickname_roots
from cdp_spark.normalise.text import match_form

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

_ALIKE = 0.8
_MOST = 50
"""People of whom every two are looked at."""


class Person(NamedTuple):
    """What a record says of a person."""

    given_name: str | None
    family_name: str | None
    birth_date: date | None
    national_id: str | None = None


def are_several_people(people: Iterable[Person]) -> bool:
    """Tell whether two of several records contradict each other in two respects or more.

    Given name, family name, birth date and national id are such respects: one alone may have been mistyped or changed.

    Args:
        people: what the records say; of very many the first in order are looked at.
    """
    known = sorted(set(people), key=lambda it: tuple(map(str, it)))[:_MOST]
    return any(count_contradictions(one, other) > 1 for one, other in combinations(known, 2))


def count_contradictions(one: Person, other: Person) -> int:
    """Count the respects in which two records cannot both be true of one person."""
    return (
        _names_differ(one.given_name, other.given_name)
        + _names_differ(one.family_name, other.family_name)
        + _dates_differ(one.birth_date, other.birth_date)
        + (None not in (one.national_id, other.national_id) and one.national_id != other.national_id)
    )


def _names_differ(one: str | None, other: str | None) -> bool:
    form, other_form = (match_form(name) if name else None for name in (one, other))
    if form is None or other_form is None or form == other_form:
        return False
    words, other_words = set(form.split()), set(other_form.split())
    if words & other_words or (min(len(form), len(other_form)) == 1 and form[0] == other_form[0]):
        return False
    if nickname_roots(form) & nickname_roots(other_form):
        return False
    return JaroWinkler.similarity(form, other_form) < _ALIKE


def _dates_differ(one: date | None, other: date | None) -> bool:
    """Tell whether two of year, month and day differ, and not because day and month changed places."""
    if one is None or other is None or (one.year, one.month, one.day) == (other.year, other.day, other.month):
        return False
    return (one.year != other.year) + (one.month != other.month) + (one.day != other.day) > 1
