"""Job titles: what they tell of somebody's part in a purchase, seniority and department.

1. A title becomes words in match form. `Leiterin Einkauf (m/w/d)` is `leiterin einkauf`.
2. The vocabulary, `job_titles.yaml`, lists words and phrases for each seniority and department; the first kind of
   which one is in the title counts. An assistant to somebody has not that person's seniority.
3. A role comes from the project's own words, the vocabulary's, the seniority, the department, in this order.

All functions expect the result of `clean_text`.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import yaml

from cdp_spark.normalise.placeholders import is_text_placeholder
from cdp_spark.normalise.text import match_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Role = Literal["decision_maker", "influencer", "user", "billing", "technical"]
"""Somebody's part in what the account buys."""
ROLES: tuple[Role, ...] = get_args(Role)

_NO_TITLE = re.compile(r"\b(?:[mwfdxh] [mwfdxh](?: [mwfdxh])?|gn|all genders)\b")
"""Genders in an advertisement's title: `m w d`."""
_ASSISTS = re.compile(r"\b(?:assistent\w*|assistant\w*|assistenz|secretar\w*|sekretar\w*|asistent\w*|pa to)\b")
_TO_CHIEF = ("c_level", "vp", "director", "head")


class JobTitle(NamedTuple):
    """What a job title tells; None where it does not.

    Args:
        role: somebody's part in a purchase; always there, unless there is no title at all.
        seniority: such as `director`.
        department: such as `finance`.
    """

    role: str | None = None
    seniority: str | None = None
    department: str | None = None


def read_job_title(title: str, own: Mapping[Role, Iterable[str]] | None = None) -> JobTitle:
    """Read a job title.

    Args:
        title: as the source has it.
        own: the project's own words of titles by role; they come before the vocabulary's.
    """
    form = match_form(title)
    if form is None or is_text_placeholder(title):
        return JobTitle()
    words = _NO_TITLE.sub(" ", form)
    seniority, department = _kind_of("seniority", words), _kind_of("department", words)
    if seniority in _TO_CHIEF and _ASSISTS.search(words):
        seniority = None
    named = _first(_compiled(own), words) if own else None
    role = named or _kind_of("role", words) or _role_by(seniority, department)
    return JobTitle(role, seniority, department)


def _role_by(seniority: str | None, department: str | None) -> str:
    known = _vocabulary()
    by_seniority: str | None = known["role_of_seniority"].get(seniority)
    by_department: str | None = known["role_of_department"].get(department)
    return by_seniority or by_department or str(known["otherwise"])


def _kind_of(part: str, words: str) -> str | None:
    return _first(_patterns(part), words)


def _first(patterns: Mapping[str, re.Pattern[str]], words: str) -> str | None:
    return next((kind for kind, pattern in patterns.items() if pattern.search(words)), None)


@cache
def _vocabulary() -> dict[str, Any]:
    text = files("cdp_spark.normalise.people").joinpath("job_titles.yaml").read_text(encoding="utf-8")
    known: dict[str, Any] = yaml.safe_load(text)
    return known


@cache
def _patterns(part: str) -> dict[str, re.Pattern[str]]:
    return _compiled({kind: words.split(", ") for kind, words in _vocabulary()[part].items()})


def _compiled(kinds: Mapping[Role, Iterable[str]] | Mapping[str, Iterable[str]]) -> dict[str, re.Pattern[str]]:
    return {kind: _pattern(tuple(words)) for kind, words in kinds.items() if words}


@cache
def _pattern(entries: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(_entry, entries)))


def _entry(entry: str) -> str:
    """Compile one entry; `=` before it says that nothing else may be in the title."""
    plain = " ".join(r"\w+(?: \w+)?" if word == "*" else _word(word) for word in entry.removeprefix("=").split(" "))
    return rf"^{plain}$" if entry.startswith("=") else rf"\b{plain}\b"


def _word(word: str) -> str:
    core, more = re.escape(match_form(word.strip("*")) or ""), r"\w*"
    return f"{more if word.startswith('*') else ''}{core}{more if word.endswith('*') else ''}"
