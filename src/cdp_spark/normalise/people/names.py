"""People's names: judged, titles cut off, suffixes set apart, case repaired, full names split.

Every function expects cleaned text. A part of a name goes through four steps in this order: placeholders and texts
without a letter are refused; titles are cut off the front; suffixes (`Jr`, `PhD`) are taken off the end, where the part
may have some; a part in capitals or in lower case gets the usual case, with particles (`von`, `de la`) in lower case. A
full name is split at its comma (`Lee, Ann`), otherwise into first word, middle words, and last word with the particles
before it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from anyascii import anyascii

from cdp_spark.normalise.placeholders import PLACEHOLDER, is_name_placeholder
from cdp_spark.normalise.text import capitalised, first_word, is_caseless, last_word, match_form, words

NOT_A_NAME = "not_a_name"
"""The reason of an e-mail address, or of a text without any letter."""

_TITLES = words(
    "mr mrs ms miss mx dr drs prof professor sir dame rev reverend herr herrn hrn frau fräulein mme mlle madame "
    "mademoiselle monsieur señor señora señorita sra srta signor signora sig.ra dott dott.ssa doktor docteur dhr mevr "
    "mevrouw"
)
_DOTTED_TITLES = words("capt col maj lt sgt hon fr hr sr ing dipl.-ing dipl-ing mag sig")
"""Titles only where a full stop follows: the words are names, too."""
_TITLE_STARTS = frozenset(title.split(".")[0] for title in (*_TITLES, *_DOTTED_TITLES))
_TITLE = rf"(?:(?:{'|'.join(map(re.escape, _TITLES))})\.?|(?:{'|'.join(map(re.escape, _DOTTED_TITLES))})\.)"
_LEADING_TITLES = re.compile(rf"(?:{_TITLE}(?: +|(?<=\.)(?=[^\W\d_])))+(?=\S)", re.IGNORECASE)
_TRAILING_TITLES = re.compile(
    rf"([^,]*\S[^,]*,\s*[^\s,][^,]*?)(?:,\s*|\s+)(?:{'|'.join(map(re.escape, _TITLES))})\.?", re.IGNORECASE
)

_SUFFIXES = {
    spelling: suffix
    for suffix, spellings in {
        "Jr": "jr jnr junior jun",
        "Sr": "sr snr senior sen",
        "II": "ii 2nd",
        "III": "iii 3rd",
        "IV": "iv 4th",
        **{suffix: suffix.lower() for suffix in words("PhD MD DDS Esq MBA CPA OBE MBE CBE KBE MSc BSc")},
    }.items()
    for spelling in words(spellings)
}
_SUFFIX_WORD = (
    r"(?:jr|jnr|junior|jun\.|sr|snr|senior|sen\.|i{2,3}|iv|2nd|3rd|4th|ph\.?d|m\.d|md|dds|esq|mba|cpa|[omck]be|msc|bsc)"
)
_SUFFIX_TAIL = re.compile(rf"(?<=\S)(?:[ ,]+{_SUFFIX_WORD}\.?)+\Z", re.IGNORECASE | re.ASCII)
_SUFFIX_MARKS = str.maketrans(",", " ", ".")

PARTICLES = frozenset(
    words(
        "von van der den de del della di da do dos das du la le ten ter zu zum zur vom af av al bin ibn ben y e 't op"
    )
)
_DOUBLED = re.compile(r"(\w)\1+")
GENERATIONS = frozenset(words("Jr Sr II III IV"))
"""Suffixes that tell namesakes of one family apart; the others are degrees and honours."""
_SPELT_OUT = re.compile(r"(?<![aeiou])(?:ae|oe|ue)(?![aeiou])|aa")
"""Umlauts written out; match forms have the vowel alone."""
_VIETNAMESE_PLAIN = frozenset(words("nguyen tran pham hoang huynh phan vu dang bui ngo duong trinh truong luong dinh"))
"""Family names of most Vietnamese people, that are hardly anybody's given name elsewhere."""
_VIETNAMESE_WRITTEN = frozenset(words("lê đỗ hồ lý võ tô hà đào đoàn vương lâm phùng"))
"""Further ones, which without their accents are words of other languages."""


class NamePart(NamedTuple):
    """One part of a name.

    Args:
        value: the name to show and to match by; None where there is a reason.
        suffix: the suffixes that stood at its end, in their usual spelling; None without any.
        reason: `placeholder` or `not_a_name`; None where the name can be used.
    """

    value: str | None
    suffix: str | None
    reason: str | None


def spelt_out(name: str) -> str:
    """Return what two spellings of one name have in common: `brandstroem` and `brandstrom`, `da silva` and `silva`.

    Other scripts are transliterated: `王小明` has `wangxiaoming` in common with `wang xiaoming`.

    Args:
        name: in match form.
    """
    kept = [word for word in name.split() if word not in PARTICLES] or [name]
    return _DOUBLED.sub(r"\1", _SPELT_OUT.sub(lambda found: found[0][0], anyascii("".join(kept)).lower()))


_ON_A_TICKET = re.compile(r"([A-Z][A-Z' -]*)/([A-Z][A-Z' -]*?)(?: ?MRS?| (?:MS|MISS|MSTR|CHD|INF|DR))?")
"""How airlines write names: `MUELLER/HANS MR`."""


def is_ticket_name(text: str) -> bool:
    """Recognise a name as airlines write it: `MUELLER/HANS MR`."""
    return "/" in text and _ON_A_TICKET.fullmatch(text) is not None


def _with_comma(text: str) -> str:
    """Put a ticket's name with a comma, and take a title off the end of one with a comma: `Lee, Ann, Mr`."""
    if "/" in text and (ticket := _ON_A_TICKET.fullmatch(text)):
        return f"{ticket[1].strip()}, {ticket[2].strip()}"
    if "," not in text:
        return text
    titles = _TRAILING_TITLES.fullmatch(text)
    return titles[1] if titles else text


def read_name(text: str, *, suffixed: bool) -> NamePart:
    """Read a part of a name, or a full name.

    Args:
        text: cleaned.
        suffixed: take suffixes off the end, as for family names and full names.
    """
    reason = name_issue(text)
    if reason is not None:
        return NamePart(None, None, reason)
    name, suffix = without_title(text), None
    if suffixed:
        name, suffix = split_suffix(name)
    return NamePart(name_case(name), suffix, None)


def read_full_name(text: str) -> NamePart:
    """Read a full name, also a guest's (`Lee, Ann, Mr`) or a passenger's (`LEE/ANN MRS`)."""
    return read_name(_with_comma(text), suffixed=True)


def name_issue(name: str) -> str | None:
    """Tell why a name cannot be used: `placeholder`, `not_a_name`, or None where it can."""
    if is_name_placeholder(name):
        return PLACEHOLDER
    if name.isalpha():
        return None
    return NOT_A_NAME if "@" in name or not any(map(str.isalpha, name)) else None


def without_title(name: str) -> str:
    """Cut `Mr`, `Prof. Dr.`, `Frau`, `Mme`, … off the front, unless nothing else is there."""
    if first_word(name).split(".", 1)[0] not in _TITLE_STARTS:
        return name
    titles = _LEADING_TITLES.match(name)
    return name[titles.end() :] if titles else name


def read_suffix(text: str) -> str | None:
    """Read the suffixes at a text's end, in their usual spelling: `Jr.`, or `Lee JR., Ph.D.` as `Jr PhD`."""
    tail = _SUFFIX_TAIL.search(f"_ {text}") if _ends_in_suffix(text) else None
    return _usual_suffixes(tail[0]) if tail else None


def split_suffix(name: str) -> tuple[str, str | None]:
    """Split a name into what stands before its suffixes, and the suffixes as `read_suffix` gives them.

    A name that is nothing but a suffix stays.
    """
    if not _ends_in_suffix(name):
        return name, None
    tail = _SUFFIX_TAIL.search(name)
    return (name[: tail.start()] if tail else name), read_suffix(name)


def _ends_in_suffix(name: str) -> bool:
    return last_word(name).replace(".", "") in _SUFFIXES


def _usual_suffixes(tail: str) -> str | None:
    written = tail.lower().translate(_SUFFIX_MARKS).split()
    return " ".join(_SUFFIXES[word] for word in written if word in _SUFFIXES) or None


def generation(suffix: str) -> str | None:
    """Return what a suffix says of a namesake's generation: `Jr` of `Jr PhD`; None where it says nothing."""
    return next((word for word in suffix.split() if word in GENERATIONS), None)


def name_case(name: str) -> str:
    """Capitalise a name in capitals or in lower case, particles inside it small: `Ludwig van Beethoven`."""
    if not is_caseless(name):
        return name
    cased = capitalised(name)
    if " " not in cased:
        return cased
    *before, last = cased.split(" ")
    return " ".join([*(word.lower() if word.lower() in PARTICLES else word for word in before), last])


def split_full_name(name: str) -> tuple[str | None, str | None, str | None]:
    """Split a full name into given, middle and family name.

    `Ann Marie Lee` gives Ann, Marie, Lee; so does `Lee, Ann Marie`; `Vincent van Gogh` gives Vincent, None, van Gogh. A
    single word is a given name. A Vietnamese name has the family name first and the given name last, with accents or
    without: `Nguyễn Văn Minh` and `NGUYEN VAN MINH` give Minh, Văn, Nguyễn.
    """
    if "," in name:
        family, given = name.split(",", 1)[0].strip(), name.rsplit(",", 1)[1].strip()
        first, _, middle = given.partition(" ")
        return first or None, middle or None, family or None
    parts = name.split()
    if len(parts) < 2:
        return name or None, None, None
    family_at = next((at for at, word in enumerate(parts[:-1]) if _is_vietnamese_family(word)), None)
    if family_at == 0:
        return parts[-1], " ".join(parts[1:-1]) or None, parts[0]
    if family_at == 1:
        return parts[0], " ".join(parts[2:]) or None, parts[1]
    at = len(parts) - 1
    while at > 1 and parts[at - 1].lower() in PARTICLES:
        at -= 1
    return parts[0], " ".join(parts[1:at]) or None, " ".join(parts[at:])


def _is_vietnamese_family(word: str) -> bool:
    return word.lower() in _VIETNAMESE_WRITTEN or match_form(word) in _VIETNAMESE_PLAIN


def full_name(full: str | None, given: str | None, middle: str | None, family: str | None) -> str | None:
    """Return the full name as given, or put together from its parts where it is missing or begins with the family name.

    Args:
        full: as `read_name` gives it; one with a comma has the family name first.
        given: given name.
        middle: middle names.
        family: family name.
    """
    if full is not None and "," not in full:
        return full
    return " ".join(filter(None, (given, middle, family))) or None
