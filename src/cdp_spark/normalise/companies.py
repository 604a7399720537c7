"""Companies: names with and without the legal form, domains, and figures such as employees and revenue.

All functions expect the result of `clean_text`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cdp_spark.normalise.codes import read_national_id
from cdp_spark.normalise.email import FREE_MAIL_DOMAINS
from cdp_spark.normalise.outcome import Normal
from cdp_spark.normalise.placeholders import PLACEHOLDER, is_one_character, is_text_placeholder, text_issue
from cdp_spark.normalise.text import match_form

_SHORT_FORMS = (
    "gmbh|mbh|gesmbh|ag|kg|kgaa|ohg|gbr|ug|ek|e k|ekfm|ekfr|eg|ev|se|co|company|inc|incorporated|corp|corporation|llc|"
    "llp|lp|ltd|limited|plc|pllc|sa|sa rl|sas|sasu|sarl|eurl|sci|snc|sl|slu|srl|spa|sapa|bv|nv|vof|cv|oy|oyj|ab|as|asa|"
    "aps|a s|sp z oo|spzoo|sp k|sro|zrt|kft|doo|ltda|eireli|pty|pte|pvt|private|bhd|sdn|kk|holding|holdings|group|"
    "and co|und co|et cie|cie"
)
_LONG_FORMS = (
    "haftungsbeschränkt|aktiengesellschaft|gesellschaft mbh|gesellschaft mit beschränkter haftung|"
    "unternehmergesellschaft|kommanditgesellschaft|kommanditgesellschaft auf aktien|offene handelsgesellschaft|"
    "gesellschaft bürgerlichen rechts|eingetragene genossenschaft|eingetragene kauffrau|eingetragener kaufmann|"
    "eingetragener verein|limited liability company|limited liability partnership|limited partnership|"
    "public limited company|proprietary|societe anonyme|societe a responsabilite limitee|"
    "societe par actions simplifiee|sociedad anonima|sociedad limitada|sociedad de responsabilidad limitada|"
    "societa per azioni|societa a responsabilita limitata|besloten vennootschap|naamloze vennootschap|osakeyhtio|"
    "aktiebolag|aktieselskab|aksjeselskap|anpartsselskab|spolka akcyjna|spolka z ograniczona odpowiedzialnoscia"
)


def _spellings(form: str) -> list[str]:
    """Spell an umlaut as people do: `ä` as a, ae, e, or not at all."""
    for umlaut, vowel in (("ä", "a"), ("ü", "u")):
        if umlaut in form:
            return [form.replace(umlaut, spelt) for spelt in (f"{vowel}e", vowel, "e", "")]
    return [form]


_FORMS = [spelt for form in f"{_SHORT_FORMS}|{_LONG_FORMS}".split("|") for spelt in _spellings(form)]
_FORM_ENDS = frozenset(form.rsplit(" ", 1)[-1] for form in _FORMS)
_FORMS_AT_END = re.compile(rf"(?<=\S)(?: (?:{'|'.join(_FORMS)}))+$")

_UNITS = {"k": 1e3, "m": 1e6, "mn": 1e6, "mio": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "mrd": 1e9, "billion": 1e9}
_AMOUNT = r"\d[\d.,' ]*"
_NUMBER = re.compile(
    rf"[^\d.,-]{{0,4}} ?({_AMOUNT}?)(?: ?[+]|(?: ?(?:-|–|to) ?{_AMOUNT}))? ?"
    r"(?i:(million|billion|mrd|mio|mn|bn|k|m|b))?\.? ?[^\d.,]{0,4}",
    re.ASCII,
)
_DECIMAL_COMMA = re.compile(r".*,\d*", re.ASCII)
_THOUSANDS_COMMAS = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+", re.ASCII)
_THOUSANDS_DOTS = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+", re.ASCII)
_WITHIN_FIGURES = dict.fromkeys(map(ord, " '"))

_MOST = 2.0**63
"""From here on a count fits no 64-bit integer."""

_BEFORE_HOST = re.compile(r"(?:mailto:|(?:[a-z][a-z0-9+.-]*:)?//)?(?:[^/@]*@)?(?:www\d?\.)?", re.ASCII)
_AFTER_HOST = re.compile(r"[/:?#]")
_LONGEST_LABEL = 63


class Figure(NamedTuple):
    """A count or an amount, or why there is none."""

    value: float | None
    reason: str | None = None


def read_company_name(text: str) -> Normal:
    """Return the name as it is, or `placeholder`."""
    return Normal(None, PLACEHOLDER) if is_one_character(text) else read_text(text)


def read_text(text: str) -> Normal:
    """Return a text as it is, or `placeholder`."""
    return Normal(None, PLACEHOLDER) if is_text_placeholder(text) else Normal(text)


def company_core(name: str) -> str | None:
    """Return a company's name in match form without its legal form; None where no letter or digit is left.

    `The Acme & Söhne GmbH & Co. KG` becomes `acme sohne`. A name that is nothing but legal forms stays whole.
    """
    form = match_form(name.replace(".", ""))
    if form is None:
        return None
    if form.startswith("the ") and len(form) > len("the "):
        form = form[len("the ") :]
    return _FORMS_AT_END.sub("", form) if form.rsplit(" ", 1)[-1] in _FORM_ENDS else form


def read_registration_number(text: str) -> Normal:
    """Return letters and digits, upper-case, or `placeholder` or `too_short`."""
    return read_national_id(text)


def read_domain(text: str) -> Normal:
    """Return the host of a URL or of an e-mail address, or `placeholder`, `free_mail` or `malformed`.

    `https://www.Acme.com/about` becomes `acme.com`.
    """
    domain = _host(text.lower())
    reason = text_issue(text) or _domain_issue(domain)
    return Normal(domain if reason is None else None, reason)


def _host(lower: str) -> str:
    begins = _BEFORE_HOST.match(lower)
    host = lower[begins.end() :] if begins else lower
    return _AFTER_HOST.split(host, maxsplit=1)[0].removesuffix(".")


def _domain_issue(domain: str) -> str | None:
    if domain in FREE_MAIL_DOMAINS:
        return "free_mail"
    labels = domain.split(".")
    is_valid = len(labels) > 1 and all(map(_is_label, labels)) and labels[-1][0].isalpha() and len(labels[-1]) > 1
    return None if is_valid else "malformed"


def _is_label(label: str) -> bool:
    inner = label.replace("-", "")
    return inner.isalnum() and label[0] != "-" != label[-1] and len(label) <= _LONGEST_LABEL


def read_figure(text: str) -> Figure:
    """Return a count or an amount as written, or `placeholder` or `malformed`.

    Reads `1,200`, `€ 1.200.000,50`, `3.5M`, and the lower end of `51-200`. A single separator before exactly three
    digits at the end parts thousands.
    """
    if is_text_placeholder(text):
        return Figure(None, PLACEHOLDER)
    found = _NUMBER.fullmatch(text)
    amount = _amount(found[1].translate(_WITHIN_FIGURES)) if found else None
    if found is None or amount is None:
        return Figure(None, "malformed")
    return Figure(amount * _UNITS[found[2].lower()] if found[2] else amount)


def read_count(text: str) -> Figure:
    """Return a whole number as `read_figure` reads it, its fraction cut off."""
    value, reason = read_figure(text)
    if value is None or value < _MOST:
        return Figure(None if value is None else int(value), reason)
    return Figure(None, "malformed")


def _amount(digits: str) -> float | None:
    if _DECIMAL_COMMA.fullmatch(digits) and not _THOUSANDS_COMMAS.fullmatch(digits):
        plain = digits.replace(".", "").replace(",", ".")
    elif _THOUSANDS_DOTS.fullmatch(digits):
        plain = digits.replace(".", "")
    else:
        plain = digits.replace(",", "")
    try:
        return float(plain)
    except ValueError:
        return None
