"""Companies: names with and without the legal form, domains, and figures such as employees and revenue.

All functions expect the result of `clean_text`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cdp_spark.normalise.amounts import currencies_of
from cdp_spark.normalise.outcome import Normal
from cdp_spark.normalise.people.codes import read_national_id
from cdp_spark.normalise.people.email import FREE_MAIL_DOMAINS
from cdp_spark.normalise.placeholders import PLACEHOLDER, is_one_character, is_text_placeholder, text_issue
from cdp_spark.normalise.text import match_form

_FORMS_OF: dict[str, str] = {
    "gmbh": "gmbh|mbh|gesmbh|gesellschaft mbh|gesellschaft mit beschränkter haftung|mit beschränkter haftung",
    "gmbh co kg": "gmbh co kg|gmbh und co kg|gmbh and co kg|gmbh co kgaa|gmbh und co kgaa|ug co kg",
    "ag": "ag|aktiengesellschaft",
    "kg": "kg|kommanditgesellschaft|co kg|und co kg|kommanditgesellschaft auf aktien|kgaa",
    "ohg": "ohg|offene handelsgesellschaft",
    "gbr": "gbr|gesellschaft bürgerlichen rechts",
    "ug": "ug|ug haftungsbeschränkt|haftungsbeschränkt|unternehmergesellschaft",
    "ek": "ek|e k|ekfm|ekfr|eingetragene kauffrau|eingetragener kaufmann",
    "eg": "eg|eingetragene genossenschaft",
    "ev": "ev|eingetragener verein",
    "se": "se",
    "llc": "llc|limited liability company|l l c|ooo|ооо|tnhh|mtv|общество с ограниченной ответственностью|тов|pllc",
    "inc": "inc|incorporated|corp|corporation",
    "llp": "llp|limited liability partnership",
    "lp": "lp|limited partnership",
    "ltd": "ltd|limited|co ltd|company limited|pte|pte ltd|pvt|pvt ltd|private|private limited|pty|pty ltd|proprietary|"
    "sdn|bhd|sdn bhd|有限公司|有限会社|유한회사",
    "plc": "plc|public limited company",
    "sa": "sa|societe anonyme|sociedad anonima|spolka akcyjna|sapa",
    "sas": "sas|sasu|societe par actions simplifiee",
    "sarl": "sarl|sa rl|eurl|societe a responsabilite limitee",
    "sl": "sl|slu|sociedad limitada|sociedad de responsabilidad limitada",
    "srl": "srl|societa a responsabilita limitata",
    "spa": "spa|societa per azioni",
    "bv": "bv|besloten vennootschap",
    "nv": "nv|naamloze vennootschap",
    "ab": "ab|aktiebolag",
    "oy": "oy|oyj|osakeyhtio",
    "as": "as|asa|a s|aps|aktieselskab|aksjeselskap|anpartsselskab",
    "spzoo": "sp z oo|spzoo|spolka z ograniczona odpowiedzialnoscia",
    "ltda": "ltda|eireli",
    "jsc": "jsc|cp|co phan|ojsc|pjsc|cjsc|ао|пао|зао|оао|акционерное общество|株式会社|株|kk|kabushiki kaisha|"
    "주식회사|주|股份有限公司",
    "holding": "holding|holdings",
    **{form: form for form in ("sci", "snc", "vof", "cv", "sp k", "sro", "zrt", "kft", "doo", "group", "公司")},
}
"""A legal form to its spellings; forms of one kind in several countries are one, where names are often translated."""
_AND = frozenset({"and", "und", "et", "y", "e", "och", "og", "en"})
_FILLERS = "co|company|and co|und co|et co|et cie|cie|et compagnie|compagnie|the|jsc joint stock company"
_AT_FRONT = (
    "cong ty|cty|cong ty co phan|cty co phan|cty cp|cong ty cp|cong ty tnhh|cty tnhh|cong ty tnhh mtv|"
    "ооо|ао|пао|зао|оао|общество с ограниченной ответственностью|акционерное общество|тов|ooo|oao|zao|pao|pt|sa|sarl|"
    "sas|srl|spa|sl|株式会社|有限会社|株|주식회사|주|유한회사|the"
)
"""What stands in front of names, too; others, such as AG, can begin a name."""
_GLUED = ("株式会社", "有限会社", "股份有限公司", "有限公司", "公司", "주식회사", "유한회사")
"""Forms that stand before or behind a name without a space."""


def _spellings(form: str) -> list[str]:
    """Spell an umlaut as people do: `ä` as a, ae, e, or not at all."""
    for umlaut, vowel in (("ä", "a"), ("ü", "u")):
        if umlaut in form:
            return [form.replace(umlaut, spelt) for spelt in (f"{vowel}e", vowel, "e", "")]
    return [form]


_FORM_OF = {spelt: kind for kind, forms in _FORMS_OF.items() for form in forms.split("|") for spelt in _spellings(form)}
_FRONT_FORMS = frozenset(_AT_FRONT.split("|"))
_FILLER_WORDS = frozenset(_FILLERS.split("|"))
_END_WORDS = frozenset(form.rsplit(" ", 1)[-1] for form in (*_FORM_OF, *_FILLER_WORDS))
_FRONT_WORDS = frozenset(form.split(" ", 1)[0] for form in _FRONT_FORMS)
_LONGEST_FORM = 5
_ABBREVIATED_FRONT = {"cong ty": None, "cty": None, "pt": "ltd", "the": None}

_UNITS = {
    **dict.fromkeys(("k", "tsd", "tausend", "mille", "mil", "thousand"), 1e3),
    **dict.fromkeys(("m", "mn", "mio", "million", "millions", "millionen", "millones"), 1e6),
    **dict.fromkeys(("b", "bn", "mrd", "md", "billion", "milliarden", "milliards", "mil millones"), 1e9),
}
_UNIT = "|".join(sorted(_UNITS, key=len, reverse=True))
_AMOUNT = r"\d[\d.,' ]*"
_NUMBER = re.compile(
    rf"[^\d.,-]{{0,4}} ?({_AMOUNT}?)(?: ?[+]|(?: ?(?:-|–|—|to|bis|à|a|and|und|et|y) ?{_AMOUNT}))? ?"
    rf"(?i:({_UNIT}))?\.? ?[^\d.,]{{0,4}}",
    re.ASCII,
)
_ABOUT = re.compile(
    r"(?:ca\.?|circa|approx\.?|about|around|over|more than|at least|up to|between|fewer than|less than|über|ueber|"
    r"mehr als|mindestens|rund|etwa|zwischen|weniger als|bis zu|environ|plus de|moins de|jusqu'à|entre|unos|más de|"
    r"mas de|menos de|hasta|alrededor de|[<>~≈≥≤]+) ?"
)
"""What stands before a figure that is not exact."""
_COUNTED = re.compile(
    r" ?(?:employees|people|staff|fte|mitarbeiter(?:innen|\*innen|:innen)?|beschäftigte|ma|salariés|employés|"
    r"collaborateurs|empleados|trabajadores|personas|d'euros|euros|de euros|p\. ?a\.|per year|pro jahr)"
)
_SIGN = re.compile(r"(?:[a-z]{0,2}\$|[€£¥₹₺₽₩₪₴₫฿]|\b(?:euros?|zł|kč)(?!\w))", re.IGNORECASE)
_CODE = re.compile(r"(?<![A-Za-z])(?!FTE|MIO|MRD|MIL|TSD)[A-Z]{3}(?![A-Za-z])")
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

    `The Acme & Söhne GmbH & Co. KG` becomes `acme sohne`, `株式会社青葉精機` becomes `青葉精機`. A name that is
    nothing but legal forms stays whole.
    """
    return split_company_name(name)[0]


def split_company_name(name: str) -> tuple[str | None, str | None]:
    """Split a company's name into what is its own, in match form, and its legal form; None where it has none.

    The form may stand behind the name or, as in many languages, before it: `ООО Ромашка`, `SA Perrin`, `(주)한빛`.
    """
    form = match_form(name.replace(".", ""))
    if form is None:
        return None, None
    words = _unglued(form).split(" ")
    found: list[str] = []
    words = words[1:] if words[0] == "the" and len(words) > 1 else words
    while True:
        cut = _form_at_end(words) or _form_at_front(words)
        if cut is None:
            return " ".join(_without_and(words)), " ".join(sorted(set(found))) or None
        words, kind = cut
        found += [kind] if kind else []


def _without_and(words: list[str]) -> list[str]:
    """Leave out an *and* between two words, as `&` is no word either."""
    return [*words[:1], *(word for word in words[1:-1] if word not in _AND), *words[1:][-1:]]


def _unglued(form: str) -> str:
    for glued in _GLUED:
        if form.startswith(glued) and len(form) > len(glued):
            return f"{glued} {form[len(glued) :].strip()}"
        if form.endswith(glued) and len(form) > len(glued):
            return f"{form[: -len(glued)].strip()} {glued}"
    return form


def _form_at_end(words: list[str]) -> tuple[list[str], str | None] | None:
    if words[-1] not in _END_WORDS:
        return None
    for size in range(min(_LONGEST_FORM, len(words) - 1), 0, -1):
        form = " ".join(words[-size:])
        if form in _FORM_OF or form in _FILLER_WORDS:
            return words[:-size], _FORM_OF.get(form)
    return None


def _form_at_front(words: list[str]) -> tuple[list[str], str | None] | None:
    if words[0] not in _FRONT_WORDS:
        return None
    for size in range(min(_LONGEST_FORM, len(words) - 1), 0, -1):
        form = " ".join(words[:size])
        if form in _FRONT_FORMS:
            return words[size:], _FORM_OF.get(form) or _form_within(form)
    return None


def _form_within(form: str) -> str | None:
    """The form that a longer one ends with: a joint stock company for `cong ty co phan`."""
    tails = (form.split(" ", at)[-1] for at in range(1, form.count(" ") + 1))
    return next((_FORM_OF[tail] for tail in tails if tail in _FORM_OF), _ABBREVIATED_FRONT.get(form))


def has_legal_form(name: str) -> bool:
    """Tell whether a company's name names its legal form."""
    return split_company_name(name)[1] is not None


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

    Reads `1,200`, `€ 1.200.000,50`, `3.5M`, `über 500 Mitarbeiter`, and the lower end of `51-200`. A single separator
    before exactly three digits at the end parts thousands.
    """
    if is_text_placeholder(text):
        return Figure(None, PLACEHOLDER)
    found = _NUMBER.fullmatch(_bare_figure(text))
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


def _bare_figure(text: str) -> str:
    """The figure without the words that say about how much of what it is."""
    about = _ABOUT.match(text.lower())
    bare = text[about.end() :] if about and len(text) == len(text.lower()) else text
    counted = next((it for it in _COUNTED.finditer(bare.lower()) if it.end() == len(bare)), None)
    return bare[: counted.start()] if counted else bare


def currency_of_figure(text: str) -> str | None:
    """Return the currency that an amount names by its code or its sign; None where it names none, or one of several.

    `1,2 Mio. €` is in EUR; `$5M` may be in dollars of many countries.
    """
    found = _SIGN.search(text) or _CODE.search(text)
    named = currencies_of("euro" if found[0].lower() == "euros" else found[0]) if found else ()
    return named[0] if len(named) == 1 else None


def read_currency(text: str) -> Normal:
    """Return the ISO code of a currency, or `placeholder` or `malformed`."""
    if is_text_placeholder(text):
        return Normal(None, PLACEHOLDER)
    named = currencies_of(text)
    return Normal(named[0]) if len(named) == 1 else Normal(None, "malformed")


def read_legal_form(text: str) -> Normal:
    """Return a legal form in the spelling that names of companies give, or the text as it is, or `placeholder`.

    `G.m.b.H.` becomes `gmbh`.
    """
    if is_text_placeholder(text):
        return Normal(None, PLACEHOLDER)
    form = match_form(text.replace(".", ""))
    return Normal(_FORM_OF.get(form, text) if form else text)


def read_owner(text: str) -> Normal:
    """Return who looks after an account: an e-mail address in small letters, or a name as it is, or `placeholder`."""
    return read_text(text.lower() if "@" in text else text)


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
