from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa

from cdp_spark.standardise.versions import DATED_VERSION, VERSION, find_outdated_versions

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
EARLIER = datetime(2026, 1, 30, 12, tzinfo=UTC)


def _versions(*rows: tuple[str, str, datetime | None, str]) -> pa.Table:
    """Versions of (source, id, observed, content hash)."""
    full = [(source, key, text, f"{source}-{key}", observed, NOON) for source, key, observed, text in rows]
    types = [*[pa.string()] * 4, *[pa.timestamp("us", tz="UTC")] * 2]
    schema = pa.schema(zip(DATED_VERSION, types, strict=True))
    return pa.Table.from_pylist([dict(zip(DATED_VERSION, row, strict=True)) for row in full], schema=schema)


def _snapshots(*rows: tuple[str, str, str]) -> pa.Table:
    schema = pa.schema([(name, pa.string()) for name in VERSION])
    return pa.Table.from_pylist([dict(zip(VERSION, row, strict=True)) for row in rows], schema=schema)


def _rows(outdated: pa.Table) -> list[tuple[str, ...]]:
    return sorted(tuple(row.values()) for row in outdated.to_pylist())


def test_all_but_the_newest_version_are_outdated() -> None:
    versions = _versions(
        ("crm", "1", EARLIER, "b"),
        ("crm", "1", NOON, "a"),
        ("crm", "1", None, "z"),
        ("crm", "2", NOON, "a"),
        ("crm", "2", NOON, "b"),
        ("crm", "3", NOON, "b"),
    )
    outdated = find_outdated_versions(versions, _snapshots(), replaced=[])
    assert _rows(outdated) == [("crm", "1", "b"), ("crm", "1", "z"), ("crm", "2", "a")]


def test_what_the_newest_snapshot_lacks_is_outdated() -> None:
    versions = _versions(
        ("till", "1", EARLIER, "a"),
        ("till", "1", NOON, "b"),
        ("till", "2", NOON, "a"),
        ("crm", "1", NOON, "a"),
        ("branch", "1", NOON, "a"),
        ("branch", "1", EARLIER, "b"),
        ("crm", "2", EARLIER, "a"),
        ("crm", "2", NOON, "b"),
        ("till", "3", EARLIER, "a"),
        ("till", "3", NOON, "b"),
    )
    held = _snapshots(("till", "1", "a"), ("till", "3", "b"))
    outdated = find_outdated_versions(versions, held, replaced=["till"])
    expected = [("branch", "1", "b"), ("crm", "2", "a"), ("till", "1", "b"), ("till", "2", "a"), ("till", "3", "a")]
    assert _rows(outdated) == expected


def test_of_no_versions_none_is_outdated() -> None:
    assert find_outdated_versions(_versions(), _snapshots(), replaced=["till"]).num_rows == 0
