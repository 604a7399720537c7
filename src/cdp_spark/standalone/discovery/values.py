"""What a column's values look like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from nicknames import NickNamer

from cdp_spark.normalise.companies import has_legal_form

if TYPE_CHECKING:
    from collections.abc import Callable

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")
_CODE = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9 ./-]{2,}")
_PHONE = re.compile(r"[+(]?[\d(][\d\s()./-]{6,}\d")
_POSTCODE = re.compile(
    r"[A-Za-z]{1,2}\d[A-Za-z\d]? ?\d[A-Za-z]{2}|\d{4,5}(-\d{4})?|\d{4} ?[A-Za-z]{2}|[A-Za-z]\d[A-Za-z] ?\d[A-Za-z]\d"
)
_YEAR = re.compile(r"(1[5-9]|20)\d\d")
_DOMAIN = re.compile(r"(https?://)?([\w-]+\.)+[a-z]{2,}(/\S*)?", re.IGNORECASE)
_ORGANISATION = re.compile(
    r"\b(inc|llc|llp|ltd|plc|corp|co|gmbh|ag|kg|ohg|e\.?v|sarl|sas?|s\.?l|srl|spa|s\.?p\.?a|bv|nv|oy|ab|as|aps|"
    r"sp\. ?z|ltda|pty|pvt|the|of|and|und|et|company|group|holding|services?|bank|hotel|cafe|"
    r"restaurant|bar|grill|house|school|centers?|"
    r"centre|university|hospital|church)\b|[&\d]",
    re.IGNORECASE,
)
"""Legal forms, digits and words that hardly ever stand in a person's name."""
_GENDER = re.compile(
    "m|f|x|d|w|u|male|female|man|woman|divers|diverse|non-binary|unknown|mr|mrs|ms|miss|mx|herr|frau|männlich|weiblich|"
    "monsieur|madame|mademoiselle|mme|mlle|homme|femme|señora?|señorita|sra?|srta|hombre|mujer|signora?|uomo|donna|"
    "heer|mevrouw|dhr|mevr|vrouw",
    re.IGNORECASE,
)

DATE_PATTERNS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("yyyy-MM-dd", re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})([ T].*)?"), "ymd"),
    ("yyyyMMdd", re.compile(r"(\d{4})(\d{2})(\d{2})"), "ymd"),
    ("dd.MM.yyyy", re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})([ T].*)?"), "dmy"),
    ("MM/dd/yyyy", re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})([ T].*)?"), "mdy"),
)


@dataclass(frozen=True)
class ColumnProfile:
    """Figures of one column's values in a sample; shares are of the values that are there.

    Args:
        name: of the column.
        filled: share of rows with a value.
        distinct: share of distinct values among the values.
        values: how many values were seen.
        levels: how many distinct ones.
        mean_words: words a value.
        mean_length: characters a value.
        shares: share of values that look like: email, phone, date, number, code, postcode, gender, given_name, letters,
            house_and_street, year, month, day, domain, several_words, organisation, legal_form.
        date_pattern: the date notation that fits most values; None where less than half are dates.
    """

    name: str
    filled: float
    distinct: float
    values: int
    levels: int
    mean_words: float
    mean_length: float
    shares: dict[str, float]
    date_pattern: str | None


def profile_values(name: str, values: list[str | None]) -> ColumnProfile:
    """Look at a column's values.

    Args:
        name: of the column.
        values: a sample, null or empty where there is none.
    """
    texts = [value.strip() for value in values if value and value.strip()]
    count = max(len(texts), 1)
    levels = len({text.lower() for text in texts})
    pattern, dates = _date_pattern(texts)
    shares = {kind: sum(map(looks, texts)) / count for kind, looks in _LOOKS.items()} | {"date": dates}
    return ColumnProfile(
        name=name,
        filled=len(texts) / max(len(values), 1),
        distinct=levels / count,
        values=len(texts),
        levels=levels,
        mean_words=sum(len(text.split()) for text in texts) / count,
        mean_length=sum(map(len, texts)) / count,
        shares=shares,
        date_pattern=pattern if dates >= 0.5 else None,
    )


def _date_pattern(texts: list[str]) -> tuple[str | None, float]:
    """The notation with the most plausible dates; day before month unless the values say otherwise."""
    best, best_share = None, 0.0
    for pattern, regex, order in DATE_PATTERNS:
        share = sum(_is_date(regex.fullmatch(text), order) for text in texts) / max(len(texts), 1)
        if share > best_share:
            best, best_share = pattern, share
    return best, best_share


def _is_date(match: re.Match[str] | None, order: str) -> bool:
    if match is None:
        return False
    parts = dict(zip(order, match.groups()[:3], strict=True))
    return 1000 <= int(parts["y"]) <= 2200 and 1 <= int(parts["m"]) <= 12 and 1 <= int(parts["d"]) <= 31


def _is_whole(text: str, *, at_most: int) -> bool:
    return text.isdecimal() and len(text) <= 2 and 1 <= int(text) <= at_most


@cache
def _known_given_names() -> frozenset[str]:
    namer = NickNamer()
    return frozenset(namer.nickname_lookup) | frozenset(namer.canonical_lookup)


_LOOKS: dict[str, Callable[[str], bool]] = {
    "email": lambda text: bool(_EMAIL.fullmatch(text)),
    "phone": lambda text: bool(_PHONE.fullmatch(text)) and 7 <= sum(map(str.isdigit, text)) <= 15,
    "number": lambda text: bool(_NUMBER.fullmatch(text)),
    "code": lambda text: bool(_CODE.fullmatch(text)),
    "postcode": lambda text: bool(_POSTCODE.fullmatch(text)),
    "gender": lambda text: bool(_GENDER.fullmatch(text.rstrip("."))),
    "given_name": lambda text: text.lower().split()[0] in _known_given_names(),
    "year": lambda text: bool(_YEAR.fullmatch(text)),
    "month": lambda text: _is_whole(text, at_most=12),
    "day": lambda text: _is_whole(text, at_most=31),
    "domain": lambda text: bool(_DOMAIN.fullmatch(text)),
    "several_words": lambda text: " " in text,
    "organisation": lambda text: bool(_ORGANISATION.search(text)),
    "legal_form": has_legal_form,
    "letters": lambda text: not any(map(str.isdigit, text)),
    "house_and_street": lambda text: bool(re.match(r"\d+[a-zA-Z]?,? \D+|\D+ \d+[a-zA-Z]?\b", text)),
}
