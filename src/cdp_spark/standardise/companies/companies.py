"""Companies: their names with and without the legal form, and their figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.standardise.contacts.domains import domain_expr, domain_issue_expr, email_domain_expr
from cdp_spark.standardise.people.codes import national_id_expr, national_id_issue_expr
from cdp_spark.standardise.placeholders import PLACEHOLDER, is_one_character_expr, text_issue_expr
from cdp_spark.text import match_form_expr

if TYPE_CHECKING:
    from collections.abc import Collection

    from pyspark.sql import Column, DataFrame

COMPANY_PARTS = (c.COMPANY_NAME, c.JOB_TITLE, c.INDUSTRY, c.DOMAIN, c.REGISTRATION_NUMBER, c.EMPLOYEES, c.REVENUE)

_SHORT_FORMS = (
    "gmbh|mbh|gesmbh|ag|kg|kgaa|ohg|gbr|ug|ek|e k|ekfm|ekfr|eg|ev|se|co|company|inc|incorporated|corp|corporation|llc|"
    "llp|lp|ltd|limited|plc|pllc|sa|sa rl|sas|sasu|sarl|eurl|sci|snc|sl|slu|srl|spa|sapa|bv|nv|vof|cv|oy|oyj|ab|as|asa|"
    "aps|a s|sp z oo|spzoo|sp k|sro|zrt|kft|doo|ltda|eireli|pty|pte|pvt|private|bhd|sdn|kk|holding|holdings|group|"
    "and co|und co|et cie|cie"
)
_LONG_FORMS = (
    "haftungsbeschra?e?nkt|aktiengesellschaft|gesellschaft mbh|gesellschaft mit beschra?e?nkter haftung|"
    "unternehmergesellschaft|kommanditgesellschaft(?: auf aktien)?|offene handelsgesellschaft|"
    "gesellschaft bu?e?rgerlichen rechts|eingetragene genossenschaft|eingetragene kauffrau|eingetragener kaufmann|"
    "eingetragener verein|limited liability (?:company|partnership)|limited partnership|public limited company|"
    "proprietary|societe anonyme|societe a responsabilite limitee|societe par actions simplifiee|sociedad anonima|"
    "sociedad limitada|sociedad de responsabilidad limitada|societa per azioni|societa a responsabilita limitata|"
    "besloten vennootschap|naamloze vennootschap|osakeyhtio|aktiebolag|aktieselskab|aksjeselskap|anpartsselskab|"
    "spolka akcyjna|spolka z ograniczona odpowiedzialnoscia"
)
_TAIL = rf"(?<=\S)(?: (?:{_SHORT_FORMS}|{_LONG_FORMS}))+$"
_UNITS = {"k": 1e3, "m": 1e6, "mn": 1e6, "mio": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "mrd": 1e9, "billion": 1e9}
_AMOUNT = r"\d[\d.,' ]*"
_UNIT = r"k|mn|mio|m|million|bn|b|mrd|billion"
_NUMBER = rf"^[^\d.,-]{{0,4}} ?({_AMOUNT}?)(?: ?[+]|(?: ?(?:-|–|to) ?{_AMOUNT}))? ?(?i:({_UNIT}))?\.? ?[^\d.,]{{0,4}}$"


def with_companies(df: DataFrame, given: Collection[str] = (*COMPANY_PARTS, c.EMAIL)) -> DataFrame:
    """Clean the company's columns in place, add company_core and `<part>_issue` columns.

    Args:
        df: cleaned texts in `COMPANY_PARTS`, and the clean e-mail, whose domain stands in for a missing one.
        given: those that are not null throughout; no other gets an `_issue`.
    """
    parts = [part for part in COMPANY_PARTS if part in given]
    cleaned = df
    if parts:
        judged = df.withColumns({f"{part}_issue": _issue_expr(part) for part in parts})
        usable = {part: F.when(F.col(f"{part}_issue").isNull(), _value_expr(part)) for part in parts}
        cleaned = judged.withColumns(usable)
    made = {}
    if c.COMPANY_NAME in given:
        made[c.COMPANY_CORE] = company_core_expr(F.col(c.COMPANY_NAME))
    if c.EMAIL in given:
        made[c.DOMAIN] = F.coalesce(F.col(c.DOMAIN), email_domain_expr(F.col(c.EMAIL)))
    return cleaned.withColumns(made) if made else cleaned


def _issue_expr(part: str) -> Column:
    text = F.col(part)
    if part == c.COMPANY_NAME:
        return F.when(is_one_character_expr(text), PLACEHOLDER).otherwise(text_issue_expr(text))
    if part == c.REGISTRATION_NUMBER:
        return national_id_issue_expr(text, national_id_expr(text))
    if part == c.DOMAIN:
        return F.coalesce(text_issue_expr(text), domain_issue_expr(domain_expr(text)))
    return figure_issue_expr(text) if part in (c.EMPLOYEES, c.REVENUE) else text_issue_expr(text)


def _value_expr(part: str) -> Column:
    text = F.col(part)
    if part == c.REGISTRATION_NUMBER:
        return national_id_expr(text)
    if part == c.DOMAIN:
        return domain_expr(text)
    if part == c.EMPLOYEES:
        return figure_expr(text).cast("long")
    return figure_expr(text) if part == c.REVENUE else text


def company_core_expr(name: Column) -> Column:
    """A company's name in match form without its legal form: `The Acme & Söhne GmbH & Co. KG` → `acme sohne`.

    A name that is nothing but legal forms stays whole.
    """
    words = match_form_expr(F.translate(name, ".", ""))
    return F.regexp_replace(F.regexp_replace(words, "^the (?=.)", ""), _TAIL, "")


def figure_expr(text: Column) -> Column:
    """A count or an amount as written: `1,200`, `€ 1.200.000,50`, `3.5M`; the lower end of `51-200`; else null.

    A single separator before exactly three digits at the end parts thousands.
    """
    digits = F.translate(F.regexp_extract(text, _NUMBER, 1), " '", "")
    unit = F.lower(F.regexp_extract(text, _NUMBER, 2))
    is_decimal_comma = digits.rlike(r",\d*$") & ~digits.rlike(r"^[1-9]\d{0,2}(?:,\d{3})+$")
    is_thousands_dot = digits.rlike(r"^[1-9]\d{0,2}(?:\.\d{3})+$")
    plain = F.when(is_decimal_comma, F.translate(digits, ",.", ".")).when(
        is_thousands_dot, F.translate(digits, ".", "")
    )
    factor = F.lit(1.0)
    for name, size in _UNITS.items():
        factor = F.when(unit == name, F.lit(size)).otherwise(factor)
    return plain.otherwise(F.translate(digits, ",", "")).try_cast("double") * factor


def figure_issue_expr(text: Column) -> Column:
    """Why a figure cannot be used, or null: placeholder, malformed."""
    return F.coalesce(text_issue_expr(text), F.when(text.isNotNull() & figure_expr(text).isNull(), "malformed"))
