from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.normalise.strategies import TEXTS

from cdp_spark.errors import ConfigError
from cdp_spark.normalise.dates import BirthDate, compile_formats, date_order_of, read_birth_date, read_date

TODAY = date(2026, 1, 31)


@pytest.mark.parametrize(
    ("text", "day"),
    {
        "1980-03-12": "1980-03-12",
        "1980-03-12T00:00:00Z": "1980-03-12",
        "1980-03-12 00:00:00.000": "1980-03-12",
        "1980-03-12T00:00:00+01:00": "1980-03-12",
        "19800312": "1980-03-12",
        "１９８０-03-12": "1980-03-12",
        "12.03.1980": "1980-03-12",
        "2.3.80": "1980-03-02",
        "2.3.25": "2025-03-02",
        "2.3.26": "1926-03-02",
        "29.2.00": "2000-02-29",
        "12 March 1980": "1980-03-12",
        "12-MAR-80": "1980-03-12",
        "Mar 12, 1980": "1980-03-12",
        "12. Dez 1980": "1980-12-12",
        "1. März 1980": "1980-03-01",
        "23 de mayo de 1949": "1949-05-23",
        "15 października 1980": "1980-10-15",
        "1er août 1980": "1980-08-01",
        "1985年4月12日": "1985-04-12",
        "1985년 4월 12일": "1985-04-12",
        "May 23rd, 1949": "1949-05-23",
        "Mon, 12 Mar 1980": "1980-03-12",
        "Thu May 23 1949 00:00:00 GMT+0100 (CET)": "1949-05-23",
        "5/23/1949 12:00:00 AM": "1949-05-23",
        "23/5/1949, 2:30 p.m.": "1949-05-23",
        "23/05/49": "1949-05-23",
        "05/23/49": "1949-05-23",
        "49/05/23": "1949-05-23",
        "5.23.1949": "1949-05-23",
        "4.5.1949": "1949-05-04",
        "3/3/1980": "1980-03-03",
        "1738-01-01": "1738-01-01",
        "2023-02-29": None,
        "03/04/1980": None,
        "1980-13-01": None,
        "19800312x": None,
        "0000-01-01": None,
        "soon": None,
        "": None,
    }.items(),
)
def test_dates_in_unambiguous_formats(text: str, day: str | None) -> None:
    assert read_date(text, as_of=TODAY) == (day and date.fromisoformat(day))


@pytest.mark.parametrize(
    ("text", "formats", "day"),
    [
        ("03/04/1980", ["dd/MM/yyyy", "d/M/yy"], date(1980, 4, 3)),
        ("3/4/80", ["dd/MM/yyyy", "d/M/yy"], date(1980, 4, 3)),
        ("04/13/1980", ["dd/MM/yyyy", "d/M/yy"], None),
        ("1980-04-03", ["dd/MM/yyyy", "d/M/yy"], None),
        ("03/04/1980", ("MM/dd/yyyy",), date(1980, 3, 4)),
        ("5/23/1949 12:00:00 AM", ("M/d/yyyy",), date(1949, 5, 23)),
        ("3 de mayo de 1980", ("d 'de' MMMM 'de' yyyy",), date(1980, 5, 3)),
        ("13/04/1980", ("MM/dd/yyyy", "dd/MM/yyyy"), None),
        ("3/4/1980", ("dmy",), date(1980, 4, 3)),
        ("3/4/80 2:30 PM", ("mdy",), date(1980, 3, 4)),
        ("3.4.1980", ("mdy",), date(1980, 3, 4)),
        ("1980-04-03", ("mdy",), date(1980, 4, 3)),
        ("13/4/1980", ("mdy",), date(1980, 4, 13)),
        ("18041", ("spreadsheet_serial",), date(1949, 5, 23)),
        ("18041.5", ("spreadsheet_serial",), date(1949, 5, 23)),
        ("1949-05-23", ("spreadsheet_serial",), date(1949, 5, 23)),
        ("-650332800", ("epoch_seconds",), date(1949, 5, 24)),
        ("326764800000", ("epoch_millis",), date(1980, 5, 10)),
        ("326764800000000", ("epoch_micros",), date(1980, 5, 10)),
        ("9" * 30, ("epoch_seconds",), None),
    ],
)
def test_dates_in_configured_formats(text: str, formats: list[str] | tuple[str, ...], day: date | None) -> None:
    assert read_date(text, formats, as_of=TODAY) == day


@pytest.mark.parametrize("pattern", ["yyyy-MM", "dd/MM/yyyy HH:mm", "yyyyy-MM-dd", "dd/dd/yyyy/MM"])
def test_a_bad_format_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigError, match=r"birth_date\.formats"):
        compile_formats([pattern])
    with pytest.raises(ConfigError, match=r"birth_date\.formats"):
        read_date("1980-03-12", [pattern], as_of=TODAY)


def test_formats_are_compiled_once() -> None:
    assert compile_formats(["d.M.yyyy"]) is compile_formats(("d.M.yyyy",))


@pytest.mark.parametrize(
    ("text", "max_age_years", "reason"),
    [
        ("1980-03-12", 120, None),
        ("1900-01-01", 120, "placeholder"),
        ("01.01.1970", 120, "placeholder"),
        ("0000-00-00", 120, "placeholder"),
        ("00.00.0000", 120, "placeholder"),
        ("n/a", 120, "placeholder"),
        ("2023-02-29", 120, "malformed"),
        ("2026-01-31", 120, None),
        ("2026-02-01", 120, "future"),
        ("1906-01-31", 120, None),
        ("1904-12-31", 120, "too_old"),
        ("9999-12-31", 120, "placeholder"),
        ("1738-01-05", None, None),
        ("0500-01-05", None, "too_old"),
        ("3/4/1980", 120, "day_or_month"),
        ("04-01-86", 120, "day_or_month"),
        (" --12-10", 120, "no_year"),
        ("12/10", 120, "no_year"),
        ("10 May", 120, "no_year"),
        ("1738-01-05", 5000, None),
    ],
)
def test_birth_dates_are_judged(text: str, max_age_years: int | None, reason: str | None) -> None:
    found = read_birth_date(text, as_of=TODAY, max_age_years=max_age_years)
    assert found.reason == reason
    assert (found.value is None) == (reason is not None)


def test_an_age_is_counted_to_the_end_of_february() -> None:
    leap_day = date(2024, 2, 29)
    assert read_birth_date("1905-02-28", as_of=leap_day, max_age_years=119) == BirthDate(date(1905, 2, 28))
    assert read_birth_date("1905-02-27", as_of=leap_day, max_age_years=119) == BirthDate(None, "too_old")


def test_nothing_is_no_birth_date_and_no_issue() -> None:
    assert read_birth_date(" ", as_of=TODAY, max_age_years=120) == BirthDate(None)


@given(TEXTS)
def test_no_date_is_too_odd(text: str) -> None:
    read_birth_date(text, as_of=TODAY, max_age_years=120)


@given(st.dates(min_value=date(1907, 1, 1), max_value=TODAY), st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%Y%m%d"]))
def test_what_is_written_is_read(day: date, form: str) -> None:
    assert read_date(day.strftime(form), as_of=TODAY) == day


@pytest.mark.parametrize(
    ("text", "order"),
    [("23/5/1949", "dmy"), ("5-23-49", "mdy"), ("3/4/1980", "either"), ("3/3/1980", None), ("1980-03-04", None)],
)
def test_the_order_of_day_and_month_is_known_where_only_one_gives_a_date(text: str, order: str | None) -> None:
    assert date_order_of(text, as_of=TODAY) == order


@given(st.dates(min_value=date(1927, 1, 1), max_value=TODAY), st.sampled_from(["%m/%d/%y", "%m-%d-%Y", "%m.%d.%Y"]))
def test_no_order_is_guessed(day: date, form: str) -> None:
    found = read_birth_date(day.strftime(form), ("mdy",), as_of=TODAY, max_age_years=None)
    assert found.value == day or found.reason == "placeholder"
    alone = read_date(day.strftime(form), as_of=TODAY)
    assert alone in {None, day} or "." in form
