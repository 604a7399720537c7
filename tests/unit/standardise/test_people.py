from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests.unit.standardise.conftest import Check

from cdp_spark.errors import ConfigError
from cdp_spark.standardise.people.birth_date import birth_date_expr

TODAY = date(2026, 1, 31)


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
