from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cdp_spark.errors import ConfigError
from cdp_spark.normalise.times import compile_time, is_of_other_unit


def _utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


_CASES: list[tuple[dict[str, Any], dict[str, datetime | None]]] = [
    (
        {"time_zone": "Europe/Berlin"},
        {
            "2024-01-31T10:00:00Z": _utc(2024, 1, 31, 10),
            "2024-01-31 10:00": _utc(2024, 1, 31, 9),
            "2024-07-31T10:00:00.5": _utc(2024, 7, 31, 8, 0, 0, 500_000),
            "2024-07-31T10:00:00.123456789": _utc(2024, 7, 31, 8, 0, 0, 123_456),
            "2024-01-31T10:00+0230": _utc(2024, 1, 31, 7, 30),
            "2024-01-31 10:00 -02": _utc(2024, 1, 31, 12),
            "2024-01-31": _utc(2024, 1, 30, 23),
            "2024-03-31 02:30": _utc(2024, 3, 31, 1, 30),
            "2024-10-27 02:30": _utc(2024, 10, 27, 0, 30),
            "2023-02-29": None,
            "2024-01-31T25:00": None,
            "12:30": None,
            "2024": None,
            "20240131": None,
        },
    ),
    (
        {"formats": ["dd.MM.yyyy HH:mm", "dd.MM.yyyy"], "time_zone": "Europe/Berlin"},
        {
            "31.01.2024 10:00": _utc(2024, 1, 31, 9),
            "31.07.2024": _utc(2024, 7, 30, 22),
            "31.13.2024": None,
            "1.1.2024": None,
            "31.01.2024 ": None,
        },
    ),
    (
        {"formats": ["dd/MM/yyyy HH:mm XXX"]},
        {"31/01/2024 10:00 +02:00": _utc(2024, 1, 31, 8), "31/01/2024 10:00 Z": _utc(2024, 1, 31, 10)},
    ),
    (
        {"formats": ["yyyyMMdd'T'HHmmss[.SSS]"]},
        {"20240131T100000": _utc(2024, 1, 31, 10), "20240131T100000.25": _utc(2024, 1, 31, 10, 0, 0, 250_000)},
    ),
    (
        {"formats": ["d MMM yy, h:mm a", "MMMM d yyyy"], "time_zone": "America/New_York"},
        {
            "1 feb 24, 1:05 pm": _utc(2024, 2, 1, 18, 5),
            "1 Feb 24, 12:00 AM": _utc(2024, 2, 1, 5),
            "July 4 2024": _utc(2024, 7, 4, 4),
        },
    ),
    (
        {"formats": ["yyyy-MM-dd HH:mm z", "yyyy-MM-dd HH:mm VV"]},
        {
            "2024-07-31 10:00 PST": _utc(2024, 7, 31, 17),
            "2024-07-31 10:00 Europe/Berlin": _utc(2024, 7, 31, 8),
            "2024-07-31 10:00 GMT+02:00": _utc(2024, 7, 31, 8),
            "2024-07-31 10:00 UTC": _utc(2024, 7, 31, 10),
            "2024-07-31 10:00 Nowhere/At": None,
        },
    ),
    (
        {"formats": ["epoch_seconds"]},
        {
            "1706695200.5": _utc(2024, 1, 31, 10, 0, 0, 500_000),
            "1.7066952E9": _utc(2024, 1, 31, 10),
            "1706695200": _utc(2024, 1, 31, 10),
            "-1": _utc(1969, 12, 31, 23, 59, 59),
            "9e99": None,
            "x": None,
            "1_000": None,
        },
    ),
    ({"formats": ["epoch_micros"]}, {"1706695200123456": _utc(2024, 1, 31, 10, 0, 0, 123456)}),
    ({"formats": ["epoch_millis"]}, {"1706695200000": _utc(2024, 1, 31, 10), "9" * 30: None}),
]


@pytest.mark.parametrize(("field", "expected"), _CASES)
def test_times_are_read_by_format_and_zone(field: dict[str, Any], expected: dict[str, datetime | None]) -> None:
    read_time = compile_time(tuple(field.get("formats", ())), field.get("time_zone", "UTC"))

    assert {text: read_time(text) for text in expected} == {
        text: None if at is None else round(at.timestamp() * 1_000_000) for text, at in expected.items()
    }


def test_the_first_and_last_times_need_no_room() -> None:
    read_time = compile_time((), "Europe/Berlin")

    assert read_time("0001-01-01") is not None
    assert read_time("9999-12-31T23:59:59-18:00") is not None


@pytest.mark.parametrize("written", ["yyyy-MM-dd EEE", "ww", "yyyy yyyy", "'T", "[yyyy", "dd.mm.yyyy", "MM/yyyy"])
def test_a_format_that_is_no_pattern_is_refused(written: str) -> None:
    with pytest.raises(ConfigError, match="formats: got"):
        compile_time((written,), "UTC")


def test_a_number_in_another_unit_since_1970_is_told_apart_from_one_that_is_no_time() -> None:
    latest = _utc(2026, 3, 30)
    now = "1774017025"
    assert is_of_other_unit(now + "123334", ("epoch_millis",), latest)
    assert is_of_other_unit(now + "123", ("epoch_seconds",), latest)
    assert is_of_other_unit(now, ("epoch_millis",), latest)
    assert not is_of_other_unit(now + "123", ("epoch_millis",), latest)
    assert not is_of_other_unit(now, ("epoch_seconds", "epoch_millis"), latest)
    assert not is_of_other_unit("9" * 30, ("epoch_millis",), latest)
    assert not is_of_other_unit(now, ("iso",), latest)


def test_offsets_behind_a_time_and_hours_that_the_clock_leaves_out_or_has_twice() -> None:
    forms = compile_time(("yyyy/MM/dd h:mm:ss a O",), "UTC")
    till = compile_time(("dd.MM.yyyy HH:mm",), "Europe/Berlin")
    times = [
        (compile_time((), "UTC"), "2026-03-29 01:30:00 +0100", _utc(2026, 3, 29, 0, 30)),
        (forms, "2026/03/28 7:01:33 PM GMT+1", _utc(2026, 3, 28, 18, 1, 33)),
        (till, "29.03.2026 02:30", _utc(2026, 3, 29, 1, 30)),
        (till, "26.10.2025 02:30", _utc(2025, 10, 26, 0, 30)),
    ]
    for read_time, text, expected in times:
        assert read_time(text) == int(expected.timestamp() * 1_000_000)
