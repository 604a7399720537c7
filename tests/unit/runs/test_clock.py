"""The clock that a run is given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cdp_spark.errors import ConfigError
from cdp_spark.normalise.times import parse_time
from cdp_spark.runs.plan import refuse_odd_clock

NOW = datetime(2026, 11, 28, 2, tzinfo=UTC)


@pytest.mark.parametrize("as_of", [None, NOW - timedelta(days=9_000), NOW, NOW + timedelta(days=31)])
def test_a_clock_near_now_or_before_it_is_taken(as_of: datetime | None) -> None:
    refuse_odd_clock(as_of, now=NOW, force=False)


def test_a_clock_far_ahead_is_refused_unless_forced() -> None:
    far = datetime(2062, 11, 28, tzinfo=UTC)
    with pytest.raises(ConfigError) as caught:
        refuse_odd_clock(far, now=NOW, force=False)
    assert str(caught.value) == (
        "--as-of: got 2062-11-28T00:00:00+00:00, which is far ahead: until then no run could have its own "
        "time; allowed: 2026-12-29 or earlier. Fix: check the year, or add --force if it is meant"
    )
    refuse_odd_clock(far, now=NOW, force=True)


def test_a_clock_before_computers_count_is_refused_even_if_forced() -> None:
    with pytest.raises(ConfigError, match="allowed: 1970-01-02 or later"):
        refuse_odd_clock(datetime(1, 1, 1, tzinfo=UTC), now=NOW, force=True)


@pytest.mark.parametrize("text", ["soon", "", "2026-13-01", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00+12:00"])
def test_what_is_no_time_is_one_sentence(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--as-of: got .*; allowed: a time in ISO 8601"):
        parse_time("--as-of", text)
