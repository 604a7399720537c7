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


def with_companies(df: DataFrame) -> DataFrame:
    """Clean the company's columns in place, add company_core and `<part>_issue` columns.

    Args:
        df: cleaned texts in `COMPANY_PARTS`, and the clean e-mail, whose domain stands in for a missing one.
    """
    name, number, domain = F.col(c.COMPANY_NAME), F.col(c.REGISTRATION_NUMBER), F.col(c.DOMAIN)
    issues = {f"{text}_issue": text_issue_expr(F.col(text)) for text in (c.JOB_TITLE, c.INDUSTRY)}
    judged = df.withColumns(
        {
            **issues,
            "company_name_issue": F.when(is_one_character_expr(name), PLACEHOLDER).otherwise(text_issue_expr(name)),
            "registration_number_issue": national_id_issue_expr(number, national_id_expr(number)),
            "domain_issue": F.coalesce(text_issue_expr(domain), domain_issue_expr(domain_expr(domain))),
            **{f"{figure}_issue": figure_issue_expr(F.col(figure)) for figure in (c.EMPLOYEES, c.REVENUE)},
        }
    )
    cleaned = {
        c.REGISTRATION_NUMBER: national_id_expr(number),
        c.DOMAIN: domain_expr(domain),
        c.EMPLOYEES: figure_expr(F.col(c.EMPLOYEES)).cast("long"),
        c.REVENUE: figure_expr(F.col(c.REVENUE)),
    }
    values = {part: cleaned.get(part, F.col(part)) for part in COMPANY_PARTS}
    usable = judged.withColumns(
        {part: F.when(F.col(f"{part}_issue").isNull(), value) for part, value in values.items()}
    )
    return usable.withColumns(
        {c.COMPANY_CORE: company_core_expr(name), c.DOMAIN: F.coalesce(domain, email_domain_expr(F.col(c.EMAIL)))}
    )


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
