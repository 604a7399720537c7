"""A date that stands in three columns: which ones hold its year, month and day."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cdp_spark.standalone.discovery.vocabulary import Meaning, plain_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cdp_spark.standalone.discovery.values import ColumnProfile

_UNITS: dict[Meaning, tuple[str, str]] = {
    "birth_year": ("year", r"year|yyyy|yr|jahr|annee|ano|anio|anno|rok|jaar|y"),
    "birth_month": ("month", r"month|mon|mm|monat|mois|mes|mese|miesiac|maand|m"),
    "birth_day": ("day", r"day|dd|tag|jour|dia|giorno|dzien|dag|d"),
}
"""Meaning to the share of a profile that its values must have, and the words for it."""
_FITTING = 0.9


def find_date_parts(profiles: Iterable[ColumnProfile]) -> dict[str, Meaning]:
    """Column to meaning of a year, a month and a day whose names differ in nothing else, such as `by`, `bm`, `bd`.

    Args:
        profiles: of all columns that may belong to the date.
    Returns: three columns, or none.
    """
    stems: dict[str, dict[Meaning, str]] = {}
    for profile in profiles:
        for meaning, (share, words) in _UNITS.items():
            stem = _stem(profile.name, words)
            if stem is not None and profile.shares[share] >= _FITTING:
                stems.setdefault(stem, {}).setdefault(meaning, profile.name)
    complete = [found for found in stems.values() if len(found) == len(_UNITS)]
    return {column: meaning for meaning, column in complete[0].items()} if complete else {}


def _stem(name: str, words: str) -> str | None:
    """What a column's name says beside the unit; None where it has none."""
    found = re.fullmatch(rf"(.*?)_?(?:{words})|(?:{words})_(.*)", plain_name(name))
    return None if found is None else found.group(1) or found.group(2) or ""
