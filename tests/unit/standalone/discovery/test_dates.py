"""How a column writes its dates is found by its values."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from cdp_spark.standalone.discovery.dates import find_notation

TODAY = date(2026, 1, 31)
DAYS = [date(1940, 1, 5) + timedelta(days=311 * number) for number in range(90)]
_EPOCH = date(1970, 1, 1)


@pytest.mark.parametrize(
    ("write", "formats"),
    [
        (lambda day: f"{day.month}/{day.day}/{day.year}", ("mdy",)),
        (lambda day: f"{day:%m-%d-%y} 2:30 PM", ("mdy",)),
        (lambda day: f"{day.day}/{day.month}/{day.year}", ("dmy",)),
        (lambda day: f"{day:%d/%m/%y}", ("dmy",)),
        (lambda day: f"{day:%Y-%m-%d}", ()),
        (lambda day: f"{day:%Y%m%d}", ()),
        (lambda day: f"{day:%d%m%Y}", ("ddMMyyyy",)),
        (lambda day: str((day - date(1899, 12, 30)).days), ("spreadsheet_serial",)),
        (lambda day: str((day - _EPOCH).days * 86_400), ("epoch_seconds",)),
        (lambda day: str((day - _EPOCH).days * 86_400_000), ("epoch_millis",)),
        (lambda day: str((day - _EPOCH).days * 86_400_000_000), ("epoch_micros",)),
    ],
)
def test_every_notation_is_found(write: object, formats: tuple[str, ...]) -> None:
    texts = [write(day) for day in DAYS]  # type: ignore[operator]
    found = find_notation(texts, as_of=TODAY, numbers=True)
    assert (found.formats, found.read, found.open) == (formats, 1.0, 0.0)


def test_an_order_that_no_value_decides_stays_open_and_is_counted() -> None:
    found = find_notation(["3/4/1980", "5/6/1981", "7/7/1982", "8/9/1983"], as_of=TODAY)
    assert (found.order, found.read, found.open, found.said) == (None, 0.25, 0.75, "")
    told = find_notation(["3/4/1980", "5/6/1981"], as_of=TODAY, order="mdy")
    assert (told.formats, told.read, told.said) == (("mdy",), 1.0, "month before day, as you say")


def test_values_that_contradict_each_other_decide_nothing() -> None:
    mixed = ["23/4/1980", "4/23/1980", "3/4/1980"]
    found = find_notation(mixed, as_of=TODAY)
    assert (found.order, round(found.read, 2), round(found.open, 2)) == (None, 0.67, 0.33)


def test_numbers_are_days_only_where_the_name_says_so() -> None:
    serials = [str(18_000 + 97 * number) for number in range(50)]
    assert find_notation(serials, as_of=TODAY).read == 0
    assert find_notation(["1949", "1950", "1951"], as_of=TODAY, numbers=True).read == 0
