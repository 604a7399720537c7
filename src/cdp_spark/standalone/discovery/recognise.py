"""Decide what each column means, and say why.

1. A name that tells a meaning is believed unless the values refute it (`column_names.py`).
2. Otherwise the values speak: e-mails, phones, dates, codes, categories, texts. Addresses of machines, places on a map,
   yes and no, and ids are what they are, and never taken for a phone.
3. Of two columns with a meaning that a person has once, the one with the better name has it, then the fuller one.
4. Columns of somebody else (owner, manager, parent, emergency contact) and of the firm's own work (campaign, branch)
   say nothing of the person.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from cdp_spark.standalone.discovery.column_names import EXACT, LATER, ColumnName, read_column_name
from cdp_spark.standalone.discovery.dates import find_date_parts, find_notation
from cdp_spark.standalone.discovery.values import ColumnProfile, profile_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from cdp_spark.normalise.dates import DateOrder
    from cdp_spark.standalone.discovery.vocabulary import Meaning

_MINIMUM_FILLED = 0.01
_NAME_WORDS, _TEXT_WORDS = 6, 25
"""Words that a name, and a text worth comparing, have at most on average."""
_SINGLE: frozenset[Meaning] = frozenset(
    {
        "given_name",
        "middle_name",
        "family_name",
        "birth_date",
        "full_name",
        "street",
        "house_number",
        "city",
        "postcode",
        "region",
        "country",
        "company_name",
        "domain",
        "national_id",
        "registration_number",
        "gender",
    }
)
"""Meanings that a record has once; a second column is compared as text where it proves to speak of the person."""
_NAMES: frozenset[Meaning] = frozenset({"given_name", "family_name", "full_name"})
UNUSED: frozenset[Meaning] = frozenset({"ip_address", "coordinate", "flag", "ignored"})
"""Meanings that are neither blocked on nor compared."""

_LETTERED: tuple[Meaning, ...] = ("given_name", "family_name", "city")
_LOOKS_OF: dict[Meaning, tuple[str, str]] = {
    "email": ("email", "e-mail addresses"),
    "birth_date": ("date", "dates"),
}
"""What at least half of the values must look like, and how that is called."""
_LENGTH_OF_ID = 6


@dataclass(frozen=True)
class Recognised:
    """What a column was taken for.

    Args:
        column: its name.
        meaning: what it holds; those of `UNUSED` are neither blocked on nor compared.
        reason: why, in words for the reader.
        profile: what its values look like.
        rank: how good its name is, the lower the better.
        unused: why it is not compared, although its meaning could be; None where it is.
    """

    column: str
    meaning: Meaning
    reason: str
    profile: ColumnProfile
    rank: int = EXACT
    unused: str | None = None


def recognise(
    sample: pa.Table,
    *,
    skip: frozenset[str] = frozenset(),
    beside: Sequence[pa.Table] = (),
    date_order: DateOrder | None = None,
) -> tuple[Recognised, ...]:
    """Take each column of a sample for what its name and values say.

    Args:
        sample: rows of text columns.
        skip: columns that are known already, such as the record's id.
        beside: samples of other sources; what a column of the same name holds there speaks, too, but not for the order
            of day and month.
        date_order: of day and month, where somebody said it.
    Returns: one entry a column that was not skipped, in the sample's order.
    """
    found = []
    for name in sample.column_names:
        if name not in skip:
            tables = (sample, *(other for other in beside if name in other.column_names))
            columns = [table[name].to_pylist() for table in tables]
            found.append(_recognise(name, columns, date_order))
    named = _with_whole_name(_with_further_contacts(_with_numbered_names(_with_somebody(found))))
    parted = _without_companies_by_name(_with_family_name(_with_date_parts(named)))
    return tuple(_without_redundant_names(_one_each(parted)))


def _recognise(column: str, values: list[list[str | None]], date_order: DateOrder | None) -> tuple[Recognised, str]:
    """A column, and whose it is, where it is somebody else's."""
    name = read_column_name(column)
    own = [text for value in values[0] if value and (text := value.strip())]
    numbers = name.meaning == "birth_date" or name.kind == "time"
    dates = find_notation(own, as_of=_today(), order=date_order, numbers=numbers)
    profile = profile_values(column, [value for its in values for value in its], dates)
    meaning, reason = _meaning(profile, name)
    rank = name.rank if name.meaning == meaning else LATER
    return Recognised(column, meaning, reason, profile, rank), name.somebody or ""


def _with_somebody(found: list[tuple[Recognised, str]]) -> list[Recognised]:
    """Leave out what is somebody else's, unless nobody else is there and the values differ from row to row."""
    has_name = any(item.meaning in _NAMES for item, somebody in found if not somebody)
    taken = []
    for item, somebody in found:
        theirs = has_name or item.profile.distinct < _OWN_VALUES
        left_out = somebody and theirs and item.meaning not in UNUSED
        reason = f"not the person's own ({somebody})"
        taken.append(replace(item, meaning="ignored", reason=reason) if left_out else item)
    return taken


_OWN_VALUES = 0.5


def _with_whole_name(found: list[Recognised]) -> list[Recognised]:
    """Beside a column of companies `Name` holds people, also where many of them have one word."""
    has_company = any(read_column_name(it.column).meaning == "company_name" == it.meaning for it in found)
    if not has_company or any(item.meaning in _NAMES for item in found):
        return found
    return [
        replace(item, meaning="full_name", reason="named so, beside a company")
        if item.meaning == "company_name" and _is_plain_name(item) and item.profile.shares["organisation"] < _MOSTLY
        else item
        for item in found
    ]


def _with_date_parts(found: list[Recognised]) -> list[Recognised]:
    """Take a year, a month and a day for the birth date, where no column holds it and the rows have names."""
    meanings = {item.meaning for item in found}
    if "birth_date" in meanings or not meanings & _NAMES:
        return found
    parts = find_date_parts(item.profile for item in found)
    beside = " and ".join(parts)
    return [
        replace(item, meaning=parts[item.column], reason=f"a date in {beside}") if item.column in parts else item
        for item in found
    ]


def _with_family_name(found: list[Recognised]) -> list[Recognised]:
    """Beside a given name, `Name` is the family name where there is no other: `Vorname, Name`."""
    meanings = {item.meaning for item in found}
    if "given_name" not in meanings or "family_name" in meanings:
        return found
    return [
        replace(item, meaning="family_name", reason="a name beside the given name")
        if item.profile.shares["letters"] > _MOSTLY and item.profile.mean_words < _ONE_WORD and _is_plain_name(item)
        else item
        for item in found
    ]


_MOSTLY, _ONE_WORD = 0.5, 1.6


def _with_numbered_names(found: list[Recognised]) -> list[Recognised]:
    """Of `Name 1` and `Name 2` with a word each the first is the family name, unless it holds the given names."""
    numbered = {item.column.strip()[-1:]: item for item in found if _is_plain_name(item)}
    if not {"1", "2"} <= numbered.keys():
        return found
    family, given = numbered["1"], numbered["2"]
    if any(it.profile.mean_words >= _ONE_WORD or it.profile.shares["organisation"] > _FEW for it in (family, given)):
        return found
    if family.profile.shares["given_name"] >= max(_KNOWN_NAMES, given.profile.shares["given_name"]):
        family, given = given, family
    meanings: dict[str, Meaning] = {given.column: "given_name", family.column: "family_name"}
    return [
        replace(item, meaning=meanings[item.column], reason=f"one word a row in {family.column} and {given.column}")
        if item.column in meanings
        else item
        for item in found
    ]


_KNOWN_NAMES, _FEW = 0.3, 0.1


def _without_companies_by_name(found: list[Recognised]) -> list[Recognised]:
    """Beside a given name and a family name, a column of names that are none of people is no company by itself."""
    parts = {item.meaning: item.column for item in found if item.meaning in {"given_name", "family_name"}}
    if len(parts) < 2:
        return found
    return [
        replace(item, meaning="text", reason=f"names beside {' and '.join(parts.values())}")
        if item.meaning == "company_name" and read_column_name(item.column).meaning == "full_name"
        else item
        for item in found
    ]


def _is_plain_name(item: Recognised) -> bool:
    name = read_column_name(item.column)
    return name.meaning == "full_name" and name.somebody is None and name.rank < LATER


def _meaning(profile: ColumnProfile, name: ColumnName) -> tuple[Meaning, str]:
    if nothing := _says_nothing(profile, name):
        return nothing
    named = name.meaning
    refuted = None if named is None else _refuted(named, profile)
    if named is not None and refuted is None:
        return named, f"named so{_evidence(named, profile)}"
    by_value = _by_value(profile, name)
    if named == "birth_date" and max(profile.shares["year"], profile.shares["no_year"]) >= _BIRTHDAYS:
        return "birthday", "years of birth" if profile.shares["year"] >= _BIRTHDAYS else "birthdays without a year"
    may_be_company = named == "full_name" and name.rank < LATER and profile.mean_words <= _NAME_WORDS
    if may_be_company and by_value[0] == "text":
        return "company_name", "names, but many are not of people"
    said = f" (its name says {named}, but {refuted})" if named is not None else ""
    return by_value[0], f"{by_value[1]}{said}"


def _says_nothing(profile: ColumnProfile, name: ColumnName) -> tuple[Meaning, str] | None:
    """Columns that cannot tell people apart."""
    if not profile.values:
        return "ignored", "empty"
    if profile.filled < _MINIMUM_FILLED:
        return "ignored", f"{profile.filled:.1%} filled"
    if profile.levels <= 1:
        return "ignored", "always the same value"
    if profile.is_flag and name.meaning != "gender":
        return "flag", "yes or no" if name.meaning is None else f"yes or no (its name says {name.meaning})"
    return None


_CONTACTS: frozenset[Meaning] = frozenset({"email", "phone"})


def _with_further_contacts(found: list[Recognised]) -> list[Recognised]:
    """Beside other e-mails or phones a column with hardly any counts, too: one may belong to a second record."""
    meanings = {item.meaning for item in found} & _CONTACTS

    def further(item: Recognised) -> Recognised:
        name = read_column_name(item.column)
        if item.meaning != "ignored" or name.meaning not in meanings or name.somebody or not item.profile.values:
            return item
        return item if _refuted(name.meaning, item.profile) else replace(item, meaning=name.meaning, reason="named so")

    return [further(item) for item in found]


_BIRTHDAYS, _ALL = 0.5, 0.9


def _no_domain(profile: ColumnProfile) -> tuple[str, bool]:
    """A page of a profile or a ticket says nothing by its domain, which all rows share."""
    if profile.shares["domain"] < _MOSTLY:
        return f"only {profile.shares['domain']:.0%} are web addresses", True
    return "they are pages of few sites", _are_pages(profile)


def _are_pages(profile: ColumnProfile) -> bool:
    return profile.shares["page"] >= _MOSTLY and profile.sites <= max(1, profile.levels / 10)


def _refuted(meaning: Meaning, profile: ColumnProfile) -> str | None:
    """Why the values cannot have the meaning that the name tells; None where they can."""
    shares = profile.shares
    look, said = _LOOKS_OF.get(meaning, ("letters", ""))
    reasons: dict[Meaning, tuple[str, bool]] = {
        **dict.fromkeys(_LOOKS_OF, (f"only {shares[look]:.0%} are {said}", shares[look] < 0.5)),
        "registration_number": ("many rows have the same", profile.distinct < 0.1),
        "full_name": ("many are no names of people", shares["several_words"] < 0.85 or shares["organisation"] > 0.15),
        "phone": ("most have no digits", shares["phone"] < 0.3 and shares["letters"] > 0.5),
        "domain": _no_domain(profile),
        "category": ("they are forms of address", True)
        if shares["gender"] >= _ALL
        else ("nearly every value is another one", profile.distinct > 0.5 and profile.mean_words > 1.5),
        **dict.fromkeys(_LETTERED, ("most have digits", shares["letters"] < 0.4)),
    }
    reason, holds = reasons.get(meaning, ("", False))
    return reason if holds else None


def _evidence(meaning: Meaning, profile: ColumnProfile) -> str:
    """How many of the values are it, counted after reading them."""
    if meaning == "birth_date":
        dates = profile.dates
        told = [f"{dates.read:.0%} of the values are dates", *([dates.said] if dates.said else [])]
        if dates.open:
            told.append(f"{dates.open:.0%} may be day/month or month/day and are not used, see --date-order")
        return "; " + "; ".join(told)
    share = {"email": "email", "phone": "phone", "postcode": "postcode"}.get(meaning)
    return f"; {profile.shares[share]:.0%} of the values look like it" if share else ""


def _by_value(profile: ColumnProfile, name: ColumnName) -> tuple[Meaning, str]:
    shares, levels = profile.shares, profile.levels
    is_id = name.kind == "identifier"
    tests: tuple[tuple[Meaning, str, bool], ...] = (
        ("ip_address", "addresses of machines", shares["ip_address"] >= 0.7),
        ("coordinate", "places on a map", shares["coordinate"] >= 0.7 or _is_coordinate(profile, name)),
        ("email", "e-mail addresses", shares["email"] >= 0.7),
        ("identifier", "pages of few sites", shares["page"] >= 0.7 and _are_pages(profile)),
        ("domain", "web addresses", shares["domain"] >= 0.7 and profile.mean_words < 1.5),
        ("gender", "gender words", shares["gender"] >= 0.9 and levels <= 12),
        ("date", "dates", shares["date"] >= 0.8 or (name.kind == "time" and shares["date"] >= 0.5)),
        ("category", f"{levels} values in {profile.values} rows", levels <= 50 < profile.values / 2),
        ("number", "numbers", shares["number"] >= 0.95 and profile.distinct < 0.5 and not is_id),
        ("phone", "phone numbers", shares["dialled"] >= 0.8 and profile.mean_length >= 9 and name.kind is None),
        ("identifier", "ids of something", _is_id(profile, is_id=is_id)),
        ("given_name", "known given names", shares["given_name"] >= 0.5 and profile.mean_words < 1.5),
        ("full_name", "names of several words", shares["given_name"] >= 0.4 and profile.mean_words < 4),
        ("address", "house numbers and streets", shares["house_and_street"] >= 0.6 and profile.mean_words >= 2.5),
        ("code", "codes", shares["code"] >= 0.8 and profile.mean_words < 2.2),
    )
    for meaning, words, holds in tests:
        if holds:
            return meaning, f"the values are {words}"
    if profile.mean_words >= _TEXT_WORDS:
        return "ignored", f"free text (about {profile.mean_words:.0f} words)"
    return "text", f"text (about {profile.mean_words:.1f} words)"


def _is_coordinate(profile: ColumnProfile, name: ColumnName) -> bool:
    return name.kind == "coordinate" and profile.shares["number"] >= _BIRTHDAYS


def _is_id(profile: ColumnProfile, *, is_id: bool) -> bool:
    is_coded = profile.shares["code"] >= 0.8
    return (is_coded and (is_id or _is_long_number(profile))) or (
        is_id and profile.distinct >= _ALL and profile.mean_words < _ONE_WORD and profile.shares["given_name"] < _FEW
    )


def _is_long_number(profile: ColumnProfile) -> bool:
    return profile.shares["number"] >= 0.95 and profile.mean_length >= _LENGTH_OF_ID


def _one_each(found: list[Recognised]) -> list[Recognised]:
    """Keep each single meaning for the column with the best name, the fullest of several."""
    best: dict[Meaning, Recognised] = {}
    for item in found:
        held = best.get(item.meaning)
        if held is None or _goodness(item) < _goodness(held):
            best[item.meaning] = item
    return [_second(item, best[item.meaning]) for item in found]


def _second(item: Recognised, best: Recognised) -> Recognised:
    """A second column of a single meaning; of a name of the person's own it is one more name."""
    if item.meaning not in _SINGLE or best is item:
        return item
    is_name = item.meaning in {"given_name", "family_name"} and item.rank < LATER
    meaning: Meaning = "further_name" if is_name else "text"
    return replace(item, meaning=meaning, reason=f"a second {item.meaning} beside {best.column}")


def _goodness(item: Recognised) -> tuple[int, float]:
    return item.rank, -round(item.profile.filled, 9)


def _without_redundant_names(found: list[Recognised]) -> list[Recognised]:
    """Leave whole names out where their parts stand in columns of their own."""
    parts = {item.meaning: item.column for item in found if item.meaning in {"given_name", "family_name"}}
    if len(parts) < 2:
        return found
    beside = " and ".join(parts.values())
    return [
        replace(item, meaning="ignored", reason=f"a whole name beside {beside}")
        if item.meaning == "full_name" or (item.meaning == "text" and item.reason.startswith("a second full_name"))
        else item
        for item in found
    ]


def _today() -> date:
    return date.today()  # noqa: DTZ011 - only decides the century of two-digit years
