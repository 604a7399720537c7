"""Decide what each column means, and say why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cdp_spark.standalone.discovery.dates import find_date_parts
from cdp_spark.standalone.discovery.values import ColumnProfile, profile_values
from cdp_spark.standalone.discovery.vocabulary import Meaning, meaning_of_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

_MINIMUM_FILLED = 0.01
_NAME_WORDS, _TEXT_WORDS = 6, 25
"""Words that a name, and a text worth comparing, have at most on average."""
_SINGLE: frozenset[Meaning] = frozenset(
    {
        "given_name",
        "family_name",
        "birth_date",
        "full_name",
        "street",
        "house_number",
        "city",
        "postcode",
        "company_name",
        "domain",
        "registration_number",
    }
)
"""Meanings that one column only can have; the fuller column wins and the others are compared as text."""

_LETTERED: tuple[Meaning, ...] = ("given_name", "family_name", "city")
_LOOKS_OF: dict[Meaning, tuple[str, str]] = {
    "email": ("email", "e-mail addresses"),
    "birth_date": ("date", "dates"),
    "domain": ("domain", "web addresses"),
}
"""What at least half of the values must look like, and how that is called."""


@dataclass(frozen=True)
class Recognised:
    """What a column was taken for.

    Args:
        column: its name.
        meaning: what it holds; `ignored` columns are neither blocked on nor compared.
        reason: why, in words for the reader.
        profile: what its values look like.
    """

    column: str
    meaning: Meaning
    reason: str
    profile: ColumnProfile


def recognise(
    sample: pa.Table, *, skip: frozenset[str] = frozenset(), beside: Sequence[pa.Table] = ()
) -> tuple[Recognised, ...]:
    """Take each column of a sample for what its name and values say.

    Args:
        sample: rows of text columns.
        skip: columns that are known already, such as the record's id.
        beside: samples of other sources; what a column of the same name holds there speaks, too.
    Returns: one entry a column that was not skipped, in the sample's order.
    """
    found = []
    for name in sample.column_names:
        if name not in skip:
            tables = (sample, *(other for other in beside if name in other.column_names))
            found.append(_recognise(profile_values(name, [it for table in tables for it in table[name].to_pylist()])))
    return tuple(_without_redundant_names(_one_each(_with_date_parts(found))))


def _recognise(profile: ColumnProfile) -> Recognised:
    meaning, reason = _meaning(profile)
    return Recognised(profile.name, meaning, reason, profile)


def _with_date_parts(found: list[Recognised]) -> list[Recognised]:
    """Take a year, a month and a day for the birth date, where no column holds it and the rows have names."""
    meanings = {item.meaning for item in found}
    if "birth_date" in meanings or not meanings & {"given_name", "family_name", "full_name"}:
        return found
    parts = find_date_parts(item.profile for item in found)
    beside = " and ".join(parts)
    return [
        replace(item, meaning=parts[item.column], reason=f"a date in {beside}") if item.column in parts else item
        for item in found
    ]


def _meaning(profile: ColumnProfile) -> tuple[Meaning, str]:
    if profile.filled < _MINIMUM_FILLED:
        return "ignored", f"{profile.filled:.1%} filled"
    if profile.levels <= 1:
        return "ignored", "always the same value"
    named = meaning_of_name(profile.name)
    if named is not None and (refuted := _refuted(named, profile)) is None:
        return named, f"named so{_evidence(named, profile)}"
    by_value = _by_value(profile)
    if named == "full_name" and profile.mean_words <= _NAME_WORDS and by_value[0] == "text":
        return "company_name", "names, but many are not of people"
    if named is not None:
        return by_value[0], f"{by_value[1]} (its name says {named}, but {refuted})"
    return by_value


def _refuted(meaning: Meaning, profile: ColumnProfile) -> str | None:
    """Why the values cannot have the meaning that the name tells; None where they can."""
    shares = profile.shares
    look, said = _LOOKS_OF.get(meaning, ("letters", ""))
    reasons: dict[Meaning, tuple[str, bool]] = {
        **dict.fromkeys(_LOOKS_OF, (f"only {shares[look]:.0%} are {said}", shares[look] < 0.5)),
        "registration_number": ("many rows have the same", profile.distinct < 0.1),
        "full_name": ("many are no names of people", shares["several_words"] < 0.85 or shares["organisation"] > 0.15),
        "phone": ("most have no digits", shares["phone"] < 0.3 and shares["letters"] > 0.5),
        "category": ("nearly every value is another one", profile.distinct > 0.5 and profile.mean_words > 1.5),
        **dict.fromkeys(_LETTERED, ("most have digits", shares["letters"] < 0.4)),
    }
    reason, holds = reasons.get(meaning, ("", False))
    return reason if holds else None


def _evidence(meaning: Meaning, profile: ColumnProfile) -> str:
    share = {"email": "email", "phone": "phone", "birth_date": "date", "postcode": "postcode"}.get(meaning)
    return f"; {profile.shares[share]:.0%} of the values look like it" if share else ""


def _by_value(profile: ColumnProfile) -> tuple[Meaning, str]:
    shares = profile.shares
    tests: tuple[tuple[Meaning, str, bool], ...] = (
        ("email", "e-mail addresses", shares["email"] >= 0.7),
        ("domain", "web addresses", shares["domain"] >= 0.7 and profile.mean_words < 1.5),
        ("gender", "gender words", shares["gender"] >= 0.9 and profile.levels <= 12),
        ("date", "dates", shares["date"] >= 0.8),
        ("category", f"{profile.levels} values in {profile.values} rows", profile.levels <= 50 < profile.values / 2),
        ("number", "numbers", shares["number"] >= 0.95 and profile.distinct < 0.5),
        ("phone", "phone numbers", shares["phone"] >= 0.8 and profile.mean_length >= 9),
        ("given_name", "known given names", shares["given_name"] >= 0.5 and profile.mean_words < 1.5),
        ("full_name", "names of several words", shares["given_name"] >= 0.4 and profile.mean_words < 4),
        ("address", "house numbers and streets", shares["house_and_street"] >= 0.6 and profile.mean_words >= 2.5),
        ("code", "codes", shares["code"] >= 0.8 and profile.mean_words < 2.2),
    )
    for meaning, words, holds in tests:
        if holds:
            return meaning, f"the values are {words}"
    if profile.mean_words >= _TEXT_WORDS:
        return "ignored", f"free text of {profile.mean_words:.0f} words"
    return "text", f"text of {profile.mean_words:.1f} words"


def _one_each(found: list[Recognised]) -> list[Recognised]:
    """Keep each single meaning for the fullest column that has it."""
    best: dict[Meaning, Recognised] = {}
    for item in found:
        held = best.get(item.meaning)
        if held is None or item.profile.filled > held.profile.filled + 1e-9:
            best[item.meaning] = item
    return [
        item
        if item.meaning not in _SINGLE or best[item.meaning] is item
        else Recognised(
            item.column, "text", f"a second {item.meaning} beside {best[item.meaning].column}", item.profile
        )
        for item in found
    ]


def _without_redundant_names(found: list[Recognised]) -> list[Recognised]:
    """Leave whole names out where their parts stand in columns of their own."""
    parts = {item.meaning: item.column for item in found if item.meaning in {"given_name", "family_name"}}
    if len(parts) < 2:
        return found
    beside = " and ".join(parts.values())
    return [
        Recognised(item.column, "ignored", f"a whole name beside {beside}", item.profile)
        if item.meaning == "full_name" or (item.meaning == "text" and item.reason.startswith("a second full_name"))
        else item
        for item in found
    ]
