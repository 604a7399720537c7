from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from tests.unit.standardise.conftest import Check, Evaluate
from tests.unit.standardise.test_text import TEXTS

from cdp_spark.errors import ConfigError
from cdp_spark.standardise.people.birth_date import birth_date_expr, birth_date_issue_expr
from cdp_spark.standardise.people.codes import gender_expr, gender_issue_expr, national_id_expr, national_id_issue_expr
from cdp_spark.standardise.people.names import (
    full_name_parts_expr,
    name_case_expr,
    name_issue_expr,
    suffix_expr,
    with_names,
    without_suffix_expr,
    without_title_expr,
)
from cdp_spark.standardise.people.nicknames import nickname_root_expr, nickname_roots

TODAY = date(2026, 1, 31)


def test_titles(check: Check) -> None:
    check(
        without_title_expr,
        {
            "Mr. John": "John",
            "Herr Prof. Dr. Hans": "Hans",
            "Frau Dipl.-Ing. Eva": "Eva",
            "Mme Dupont": "Dupont",
            "Dr.Eva": "Eva",
            "Col. Mustard": "Mustard",
            "Maj Svensson": "Maj Svensson",
            "Drew": "Drew",
            "Dr": "Dr",
            "MRS ANN": "ANN",
        },
    )


def test_suffixes(check: Check) -> None:
    names = {
        "Lee Jr.": ("Jr", "Lee"),
        "LEE, JR., PH.D.": ("Jr PhD", "LEE"),
        "Windsor III": ("III", "Windsor"),
        "Jr": ("Jr", "Jr"),
        "Ma": (None, "Ma"),
        "Ives": (None, "Ives"),
    }
    check(suffix_expr, {name: suffix for name, (suffix, _) in names.items()})
    check(without_suffix_expr, {name: bare for name, (_, bare) in names.items()})


def test_capitals_and_particles(check: Check) -> None:
    check(
        name_case_expr,
        {
            "VON DER LEYEN": "von der Leyen",
            "anna maria": "Anna Maria",
            "d'angelo": "D'Angelo",
            "LE": "Le",
            "van Gogh": "van Gogh",
            "DeVito": "DeVito",
        },
    )


def test_what_is_no_name(check: Check) -> None:
    check(
        name_issue_expr,
        {"Unknown": "placeholder", "xxx": "placeholder", "a@b.com": "not_a_name", "12": "not_a_name", "Bo": None},
    )


def test_full_names(check: Check) -> None:
    def parts(name: Column) -> Column:
        return F.array_join(full_name_parts_expr(name), "|")

    check(
        parts,
        {
            "Ann Lee": "Ann||Lee",
            "Ann Marie Lee": "Ann|Marie|Lee",
            "Lee, Ann Marie": "Ann|Marie|Lee",
            "Vincent van Gogh": "Vincent||van Gogh",
            "Ana María de la Cruz": "Ana|María|de la Cruz",
            "Van Morrison": "Van||Morrison",
            "Madonna": "Madonna||",
        },
    )


def test_names_together(spark: SparkSession) -> None:
    names = ("given_name", "middle_name", "family_name", "name_suffix", "full_name")
    schema = ", ".join(f"{name} string" for name in names)
    rows = [
        ("Dr. ANNA", None, "VON DER LEYEN", None, None),
        (None, None, None, None, "O'BRIEN-SMITH, MARY ANN PhD"),
        ("Bob", None, None, "jr.", "Robert Smith"),
        ("test", None, "Lee", None, "n/a"),
        (None, None, None, None, None),
    ]
    got = with_names(spark.createDataFrame(rows, schema).coalesce(1))
    assert [tuple(row) for row in got.select(*names, "given_name_issue").collect()] == [
        ("Anna", None, "von der Leyen", None, "Anna von der Leyen", None),
        ("Mary", "Ann", "O'Brien-Smith", "PhD", "Mary Ann O'Brien-Smith", None),
        ("Bob", None, "Smith", "Jr", "Robert Smith", None),
        (None, None, "Lee", None, "Lee", "placeholder"),
        (None, None, None, None, None, None),
    ]


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=50, max_size=200))
def test_no_name_is_too_odd(evaluate: Evaluate, texts: list[str]) -> None:
    def cleaned(name: Column) -> Column:
        return name_case_expr(without_suffix_expr(without_title_expr(name)))

    assert len(evaluate(cleaned, texts)) == len(texts)
    assert len(evaluate(full_name_parts_expr, texts)) == len(texts)


def test_nicknames(check: Check) -> None:
    assert nickname_roots("bob") & nickname_roots("robert") & nickname_roots("bobby") == {"robert"}
    assert nickname_roots("bill") & nickname_roots("will") == {"william"}
    assert not nickname_roots("robert") & nickname_roots("mary")
    assert nickname_roots("zoltan") == {"zoltan"}
    check(
        nickname_root_expr,
        {
            "bob": "robert",
            "bobby": "robert",
            "robert": "robert",
            "liz": "elizabeth",
            "mike": "michael",
            "zoltan": "zoltan",
        },
    )


def test_birth_dates_in_unambiguous_formats(check: Check) -> None:
    check(
        lambda text: birth_date_expr(text, as_of=TODAY),
        {
            "1980-03-12": "1980-03-12",
            "1980-03-12T00:00:00Z": "1980-03-12",
            "1980-03-12 00:00:00.000": "1980-03-12",
            "19800312": "1980-03-12",
            "12.03.1980": "1980-03-12",
            "2.3.80": "1980-03-02",
            "2.3.25": "2025-03-02",
            "2.3.26": "1926-03-02",
            "29.2.00": "2000-02-29",
            "12 March 1980": "1980-03-12",
            "12-MAR-80": "1980-03-12",
            "Mar 12, 1980": "1980-03-12",
            "12. Dez 1980": "1980-12-12",
            "1738-01-01": "1738-01-01",
            "2023-02-29": None,
            "03/04/1980": None,
            "1980-13-01": None,
            "19800312x": None,
            "soon": None,
            "": None,
        },
    )


def test_birth_dates_in_configured_formats(check: Check) -> None:
    check(
        lambda text: birth_date_expr(text, ["dd/MM/yyyy", "d/M/yy"], as_of=TODAY),
        {"03/04/1980": "1980-04-03", "3/4/80": "1980-04-03", "04/13/1980": None, "1980-04-03": None},
    )
    check(lambda text: birth_date_expr(text, ["MM/dd/yyyy"], as_of=TODAY), {"03/04/1980": "1980-03-04"})


@pytest.mark.parametrize("pattern", ["yyyy-MM", "dd/MM/yyyy HH:mm", "yyyyy-MM-dd", "dd/dd/yyyy/MM"])
def test_a_bad_format_is_refused(pattern: str, spark: SparkSession) -> None:
    with pytest.raises(ConfigError, match=r"birth_date\.formats"):
        birth_date_expr(F.col("text"), [pattern], as_of=TODAY)


def test_birth_dates_that_cannot_be(check: Check) -> None:
    def issue(text: Column) -> Column:
        return birth_date_issue_expr(text, birth_date_expr(text, as_of=TODAY), as_of=TODAY, max_age_years=120)

    check(
        issue,
        {
            "1980-03-12": None,
            "1900-01-01": "placeholder",
            "01.01.1970": "placeholder",
            "0000-00-00": "placeholder",
            "n/a": "placeholder",
            "2023-02-29": "malformed",
            "2026-02-01": "future",
            "1904-12-31": "too_old",
            "9999-12-31": "placeholder",
        },
    )

    def historical(text: Column) -> Column:
        return birth_date_issue_expr(text, birth_date_expr(text, as_of=TODAY), as_of=TODAY, max_age_years=None)

    check(historical, {"1738-01-05": None, "0500-01-05": "too_old"})


def test_gender(check: Check) -> None:
    check(gender_expr, {"M": "m", "weiblich": "f", "Divers": "x", "mr.": "m", "2": "f", "zz": None})
    titles = {"Mme": "f", "Mlle.": "f", "MADAME": "f", "Monsieur": "m", "Herr": "m", "Señora": "f", "Sig.ra": "f"}
    ranks = {"Frau Prof. Dr.": "f", "Herr Dr. med.": "m", "Frau Dipl.-Ing.": "f", "Dr.": None, "Herr und Frau": None}
    check(gender_expr, {**titles, **ranks})
    check(gender_issue_expr, {"M": None, "u": "placeholder", "n/a": "placeholder", "zz": "unknown"})


def test_national_ids(check: Check) -> None:
    check(national_id_expr, {"ab-12 34": "AB1234", "7739222.0": "7739222", "--": None})

    def issue(text: Column) -> Column:
        return national_id_issue_expr(text, national_id_expr(text))

    check(issue, {"000-00-0000": "placeholder", "123456789": "placeholder", "12": "too_short", "7739222": None})
