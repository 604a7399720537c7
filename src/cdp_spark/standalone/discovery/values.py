"""What a column's values look like."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from cdp_spark.normalise.months import is_month
from cdp_spark.normalise.people.companies import has_legal_form
from cdp_spark.normalise.people.contact_points import split_cell
from cdp_spark.normalise.people.names import is_ticket_name
from cdp_spark.normalise.people.nicknames import is_known_name
from cdp_spark.normalise.text import words
from cdp_spark.standalone.discovery.dates import DateNotation, find_notation

if TYPE_CHECKING:
    from collections.abc import Callable

_EMAIL = re.compile(r"(mailto:)?[^@\s]+@[^@\s]+\.[^@\s]+|[^@<>]*<\s*[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+>", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")
_CODE = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9 ./-]{2,}")
_PHONE = re.compile(r"'?[+(]?[\d(][\d\s()./-]{6,}\d( ?(x|ext\.?|#) ?\d+)?")
_POSTCODE = re.compile(
    r"[A-Za-z]{1,2}\d[A-Za-z\d]? ?\d[A-Za-z]{2}|\d{4,5}(-\d{4})?|\d{4} ?[A-Za-z]{2}|[A-Za-z]\d[A-Za-z] ?\d[A-Za-z]\d"
)
_WITHOUT_YEAR = re.compile(r"-{0,2}\d{1,2}[-/.]\d{1,2}\.?")
_YEAR = re.compile(r"(1[5-9]|20)\d\d")
_DOMAIN = re.compile(r"(https?://)?([\w-]+\.)+[a-z]{2,}(/\S*)?", re.IGNORECASE)
_HOST = re.compile(r"(https?://)?([\w-]+\.)+[a-z]{2,}")
_PAGE = re.compile(r"(https?://)?([\w-]+\.)+[a-z]{2,}/\S+", re.IGNORECASE)
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

_IP = re.compile(r"(\d{1,3}\.){3}\d{1,3}(:\d+)?|(?=.*:.*:)[0-9a-fA-F:]{3,39}(%\w+)?")
_COORDINATE = re.compile(r"[-+]?(\d{1,2}|1[0-7]\d|180)[.,]\d{4,}(, ?[-+]?\d{1,3}[.,]\d{4,})?")
_DIAL_MARKS = re.compile(r"[+(/ -]|^'?0|^\d{3}\.\d{3}\.\d{4}$")
"""What tells a phone number from an id where no name does."""
_FLAGS = frozenset(words("yes no y n true false t f 0 1 ja nein j oui non si sì sí não sim tak nie nee on off x"))


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
        shares: share of values that look like: email, phone, dialled, date, number, code, postcode, gender, given_name,
            letters, house_and_street, year, no_year, month, day, domain, page, several_words, organisation,
            legal_form, ip_address, coordinate.
        sites: how many hosts the web addresses are of.
        several: share of cells that hold several values.
        is_flag: nothing but yes and no.
        dates: how the values are read as dates.
    """

    name: str
    filled: float
    distinct: float
    values: int
    levels: int
    mean_words: float
    mean_length: float
    shares: dict[str, float]
    sites: int
    several: float
    is_flag: bool
    dates: DateNotation

    @property
    def open_dates(self) -> int:
        """How many values may be day/month or month/day."""
        return round(self.dates.open * self.values)


def profile_values(name: str, values: list[str | None], dates: DateNotation | None = None) -> ColumnProfile:
    """Look at a column's values.

    Args:
        name: of the column.
        values: a sample, null or empty where there is none.
        dates: how they are read as dates; None for dates of the usual notations.
    """
    texts = [value.strip() for value in values if value and value.strip()]
    count = max(len(texts), 1)
    cells = Counter(texts)
    levels = {text.lower() for text in cells}
    dates = dates or find_notation(texts, as_of=_today())
    listed = {text: split_cell(text) for text in cells}
    shares = {kind: _share(looks, cells, listed if kind in _LISTED else None) for kind, looks in _LOOKS.items()}
    return ColumnProfile(
        name=name,
        filled=len(texts) / max(len(values), 1),
        distinct=len(levels) / count,
        values=len(texts),
        levels=len(levels),
        mean_words=sum(len(text.split()) for text in texts) / count,
        mean_length=sum(map(len, texts)) / count,
        shares=shares | {"date": dates.seen},
        sites=len({found[0].lower() for text in levels if (found := _HOST.match(text))}),
        several=sum(rows for text, rows in cells.items() if len(listed[text]) > 1) / count,
        is_flag=bool(levels) and levels <= _FLAGS and len(levels) <= _MOST_FLAGS,
        dates=dates,
    )


_LISTED = frozenset({"email", "phone", "dialled"})
"""Looks that every value of a cell must have."""
_MOST_FLAGS = 3


def _share(looks: Callable[[str], bool], cells: Counter[str], listed: dict[str, list[str]] | None) -> float:
    """Share of the cells with a look; each distinct text is looked at once."""
    if listed is None:
        found = sum(rows for text, rows in cells.items() if looks(text))
    else:
        found = sum(rows for text, rows in cells.items() if all(map(looks, listed[text])))
    return found / max(cells.total(), 1)


def _today() -> date:
    return date.today()  # noqa: DTZ011 - only decides the century of two-digit years


def _is_whole(text: str, *, at_most: int) -> bool:
    return text.isdecimal() and len(text) <= 2 and 1 <= int(text) <= at_most


def _is_dialled(text: str) -> bool:
    if text.startswith("000"):  # a number that is filled up with zeros
        return False
    return bool(_PHONE.fullmatch(text) and _DIAL_MARKS.search(text)) and 7 <= sum(map(str.isdigit, text)) <= 15


_LOOKS: dict[str, Callable[[str], bool]] = {
    "email": lambda text: bool(_EMAIL.fullmatch(text)),
    "phone": lambda text: bool(_PHONE.fullmatch(text)) and 7 <= sum(map(str.isdigit, text)) <= 15,
    "dialled": _is_dialled,
    "ip_address": lambda text: bool(_IP.fullmatch(text)),
    "coordinate": lambda text: bool(_COORDINATE.fullmatch(text)),
    "number": lambda text: bool(_NUMBER.fullmatch(text)),
    "code": lambda text: bool(_CODE.fullmatch(text)),
    "postcode": lambda text: bool(_POSTCODE.fullmatch(text)),
    "gender": lambda text: bool(_GENDER.fullmatch(text.rstrip("."))),
    "given_name": lambda text: is_known_name(text.lower().split()[0]),
    "no_year": lambda text: bool(_WITHOUT_YEAR.fullmatch(text)),
    "year": lambda text: bool(_YEAR.fullmatch(text)),
    "month": lambda text: _is_whole(text, at_most=12) or is_month(text.rstrip(".")),
    "day": lambda text: _is_whole(text, at_most=31),
    "domain": lambda text: bool(_DOMAIN.fullmatch(text)),
    "page": lambda text: bool(_PAGE.fullmatch(text)),
    "several_words": lambda text: " " in text or is_ticket_name(text),
    "organisation": lambda text: bool(_ORGANISATION.search(text)),
    "legal_form": has_legal_form,
    "letters": lambda text: not any(map(str.isdigit, text)),
    "house_and_street": lambda text: bool(re.match(r"\d+[a-zA-Z]?,? \D+|\D+ \d+[a-zA-Z]?\b", text)),
}
