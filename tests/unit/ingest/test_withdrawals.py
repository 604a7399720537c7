from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from cdp_spark.config.source import SourceConfig
from cdp_spark.ingest.reading import ReadBatch
from cdp_spark.ingest.reading.batch import Refused, rejected_table
from cdp_spark.ingest.staging.rows import Staging, stage_batch
from cdp_spark.ingest.withdrawals import find_new_issues, refusals_of, undated_times
from cdp_spark.tables.consents import find_open, of_purpose

Make = Callable[..., SourceConfig]
DAY_1, DAY_2 = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
NAMES = ("id", "contact", "purpose", "status", "at")


def _night(source: SourceConfig, issues: list[dict[str, Any]], as_of: datetime, *lines: str) -> list[dict[str, Any]]:
    """The issues after a delivery of some lines."""
    rows = [dict(zip(NAMES, line.split(","), strict=True)) for line in lines]
    table = pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in NAMES]))
    staging = Staging(source, as_of=as_of, region="US", undated=undated_times(issues))
    staged = stage_batch(ReadBatch(table, rejected_table([]), "f"), staging)
    new = find_new_issues(refusals_of(staged), issues, as_of=as_of, run_id=f"{as_of:%d}")
    return [*issues, *new]


def test_an_unreadable_withdrawal_is_open_until_a_delivery_brings_the_row_readable(source: Make) -> None:
    broken, other = "7,bob[at]x.org,mail,withdrawn,2026-10-01", "8,cy@x.org,mail,withdrawn,2026-10-01"
    first = _night(source("choices"), [], DAY_1, broken, other)
    (opened,) = find_open(first)
    assert (opened.source, opened.purpose, opened.consent_status) == ("preferences", "mail", "withdrawn")
    assert opened.given_at == datetime(2026, 10, 1, tzinfo=UTC)

    assert _night(source("choices"), first, DAY_2, broken, other) == first
    assert find_open(_night(source("choices"), first, DAY_2, other)) == [opened]  # gone from the file is not readable

    repaired = _night(source("choices"), first, DAY_2, "7,bob@x.org,mail,withdrawn,2026-10-01", other)
    assert find_open(repaired) == []


def test_a_withdrawal_of_somebody_else_on_the_same_day_ends_nothing(source: Make) -> None:
    first = _night(
        source("choices"), [], DAY_1, ",bob[at]x.org,mail,withdrawn,2026-10-01", ",c@x.org,mail,withdrawn,2026-10-01"
    )

    assert len(find_open(_night(source("choices"), first, DAY_2, ",c@x.org,mail,withdrawn,2026-10-01"))) == 1


def test_what_a_person_settled_stays_settled(source: Make) -> None:
    line = "7,bob[at]x.org,mail,withdrawn,2026-10-01"
    (row,) = _night(source("choices"), [], DAY_1, line)
    settled = [row, {**row, "status": "ignored", "at_utc": DAY_1}]

    assert find_open(settled) == []
    assert _night(source("choices"), settled, DAY_2, line) == settled


def test_a_withdrawal_of_an_unknown_purpose_is_of_all(source: Make) -> None:
    found = find_open(_night(source("choices"), [], DAY_1, "7,b@x.org,,withdrawn,", "8,??,mail,denied,2026-10-01"))

    assert [len(of_purpose(found, purpose)) for purpose in ("mail", "sms")] == [2, 1]


def test_a_withdrawal_without_a_time_keeps_the_time_when_it_first_came(source: Make) -> None:
    line = "7,b@x.org,mail,withdrawn,soon"
    first = _night(source("choices"), [], DAY_1, line)

    assert find_open(first) == []
    assert list(undated_times(first).values()) == [DAY_1]
    assert _night(source("choices"), first, DAY_2, line) == first


def test_a_line_that_is_no_row_but_speaks_of_a_withdrawal_is_one(source: Make) -> None:
    table = pa.table({name: pa.array([], pa.string()) for name in NAMES})
    lines = rejected_table(
        [Refused("7,b@x.org,mail,Opt-Out", "bad_columns"), Refused("8,nora@x.org,mail,yes", "bad_columns")]
    )
    staged = stage_batch(ReadBatch(table, lines, "f"), Staging(source("choices"), as_of=DAY_1, region="US"))

    assert staged["reason"].to_pylist() == ["unreadable_withdrawal", "bad_columns"]
    (found,) = find_open(find_new_issues(refusals_of(staged), [], as_of=DAY_1, run_id="1"))
    assert (found.purpose, found.consent_status) == (None, "withdrawn")
