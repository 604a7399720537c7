"""What is right in the cases that have a project: run its nights, then look into the tables and the exported files.

Each function runs one case in a copy of it and says by name what holds. `expected.md` of the case says why.
"""

from __future__ import annotations

import csv
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

RunCdp = Callable[[Sequence[str], Path], CompletedProcess[str]]
Row = Mapping[str, Any]

_KIOSK_PEOPLE = ("a1", "b1", "c1")


@dataclass(frozen=True)
class Checked:
    """What a case came to.

    Args:
        checks: name to whether it holds.
        clusters: record to cluster, where the case has a truth.
    """

    checks: Mapping[str, bool]
    clusters: Mapping[str, str] = field(default_factory=dict)


def placeholders_join_nobody(folder: Path, run: RunCdp) -> Checked:
    """Case 25: user ids such as guest and anonymous are nobody's."""
    done = _night(folder, run, "2026-03-06")
    people = _records_of(folder)
    sizes = Counter(ids["unified_id"] for ids in _people(folder))
    events = _rows(folder, "unified_events")
    return Checked(
        {
            "the run ends well": done.returncode == 0,
            "20 people": len(sizes) == 20,
            "one of them has two records": sorted(sizes.values()) == [1] * 19 + [2] or len(people) != 21,
            "no placeholder collects events of several cookies": not _shared_visitors(events),
        }
    )


def a_migration_keeps_people(folder: Path, run: RunCdp) -> Checked:
    """Case 26: a CRM gives everybody a new key."""
    data = folder / "project/data/crm"
    _replace(data, folder / "old")
    first = _night(folder, run, "2026-03-02")
    before = {row["email"]: row["unified_id"] for row in _rows(folder, "profiles")}
    _replace(data, folder / "night2")
    second = _night(folder, run, "2026-03-11")
    after = {row["email"]: row["unified_id"] for row in _rows(folder, "profiles")}
    resolved = run(["--project", "project", "id", "resolve", next(iter(before.values()), "none"), "--json"], folder)
    return Checked(
        {
            "the first run ends well": first.returncode == 0 and len(before) == 20,
            "ids stay with their people, or the release is refused": before == after or second.returncode != 0,
            "an old id leads somewhere": resolved.returncode == 0 and '"resolved_id": null' not in resolved.stdout,
        }
    )


def a_kiosk_merges_nobody(folder: Path, run: RunCdp) -> Checked:
    """Case 27: three people log in on one device, files come late."""
    data = folder / "project/data"
    late = [path.relative_to(folder / "night2") for path in (folder / "night2").rglob("*") if path.is_file()]
    for path in late:
        (data / path).unlink(missing_ok=True)
    first = _night(folder, run, "2026-03-11")
    before = _ids(folder)
    for path in late:
        shutil.copy(folder / "night2" / path, data / path)
    second = _night(folder, run, "2026-03-12")
    after = _ids(folder)
    profiles = {row["unified_id"]: row for row in _rows(folder, "profiles")}
    three = [after.get(name) for name in _KIOSK_PEOPLE]
    ada, ben = (profiles.get(after.get(name), {}) for name in ("a1", "b1"))
    owners = {_minute(row): row["unified_id"] for row in _rows(folder, "unified_events") if row["event_type"] == "page"}
    return Checked(
        {
            "both runs end well": first.returncode == second.returncode == 0,
            "three people keep three ids": len(set(three)) == 3
            and three == [before.get(name) for name in _KIOSK_PEOPLE],
            "the kiosk's page view is nobody's": owners.get("2026-03-10 08:05") not in three,
            "the phones' page views are Ada's": {owners.get(at) for at in _ADAS} == {after.get("a1")},
            "the newer row wins": ada.get("city") == "Tacoma",
            "both stay withdrawn": all("withdrawn" in str(person.get("consents")) for person in (ada, ben)),
        }
    )


_ADAS = ("2026-03-10 07:00", "2026-03-04 07:00", "2026-03-11 07:00")


def a_family_is_several_people(folder: Path, run: RunCdp) -> Checked:
    """Case 28: the starter project and families with one mailbox."""
    done = _night(folder, run, "2026-03-06")
    return Checked({"the run ends well": done.returncode == 0}, _ids(folder))


def a_day_is_the_projects(folder: Path, run: RunCdp) -> Checked:
    """Case 29: whose day is today."""
    done = _night(folder, run, "2026-11-20T20:00:00Z")
    record_of = {unified: record for record, unified in _ids(folder).items()}
    members = defaultdict(set)
    for row in _rows(folder, "segment_members"):
        if row["exited_at_utc"] is None:
            members[row["segment"]].add(record_of.get(row["unified_id"]))
    return Checked(
        {
            "the run ends well": done.returncode == 0,
            "birthday_today": members["birthday_today"] == {"z1", "z3", "z5"},
            "seen_today": members["seen_today"] == {"z1", "z2", "z4"},
        }
    )


def a_withdrawal_counts(folder: Path, run: RunCdp) -> Checked:
    """Case 30: a withdrawal under another spelling of the mailbox or number."""
    _night(folder, run, "2026-03-06")
    mail, sms = (_exported(folder / "project/exports" / name) for name in ("mail", "sms"))
    withdrawn = {"Ann", "Bob", "Cy", "Di", "Ed", "Flo"}
    checks = {f"{name} is not exported": name not in mail for name in sorted(withdrawn)}
    return Checked({**checks, "nobody gets an SMS": not sms, "the 20 others are exported": len(mail - withdrawn) == 20})


def times_of_events_are_right(folder: Path, run: RunCdp) -> Checked:
    """Case 31: microseconds, offsets, the hour that does not exist and the one that is twice.

    The project takes GA4's microseconds for milliseconds: that has to be told, and the unit that is told to be right.
    """
    told = _night(folder, run, "2026-03-30")
    source = folder / "project/sources/ga4.yaml"
    source.write_text(source.read_text().replace("epoch_millis", "epoch_micros"))
    done = _night(folder, run, "2026-03-30")
    at: dict[str, list[datetime]] = defaultdict(list)
    for row in _rows(folder, "unified_events"):
        at[row["source"]].append(row["occurred_at_utc"].replace(tzinfo=UTC))
    at = {source: sorted(times) for source, times in at.items()}
    till = [f"{time:%m-%d %H:%M}" for time in at.get("till", [])]
    return Checked(
        {
            "a wrong unit is told": "epoch_micros" in told.stdout + told.stderr,
            "the run ends well": done.returncode == 0,
            "GA4's microseconds": [f"{time:%m-%d %H:%M}" for time in at.get("ga4", [])][:1] == ["03-20 14:30"],
            "orders": [f"{time:%H:%M}" for time in at.get("orders", [])] == ["00:30", "01:30"],
            "forms": [f"{time:%H:%M:%S}" for time in at.get("forms", [])] == ["18:01:33", "17:14:09"],
            "the till's plain hours": {"03-29 00:59", "03-29 01:00"} <= set(till),
            "the hour that does not exist": bool({"03-29 01:30", "03-29 00:30"} & set(till)),
            "the hour that is twice": sum(time in {"10-26 00:30", "10-26 01:30"} for time in till) == 2,
        }
    )


CHECKS: Mapping[str, Callable[[Path, RunCdp], Checked]] = {
    "25": placeholders_join_nobody,
    "26": a_migration_keeps_people,
    "27": a_kiosk_merges_nobody,
    "28": a_family_is_several_people,
    "29": a_day_is_the_projects,
    "30": a_withdrawal_counts,
    "31": times_of_events_are_right,
}
"""By the number that a case's name begins with."""


def _night(folder: Path, run: RunCdp, as_of: str) -> CompletedProcess[str]:
    return run(["--project", "project", "run", "nightly", "--as-of", as_of], folder)


def _rows(folder: Path, table: str) -> list[Row]:
    """Read a table's newest version; none where it was never made."""
    try:
        found: list[Row] = DeltaTable(folder / "project/warehouse" / table).to_pyarrow_table().to_pylist()
    except TableNotFoundError:
        return []
    return found


def _records_of(folder: Path) -> dict[str, str]:
    return {row["record_key"]: row["source_record_id"] for row in _rows(folder, "records")}


def _people(folder: Path) -> list[Row]:
    return [row for row in _rows(folder, "unified_ids") if row["entity_type"] == "person"]


def _ids(folder: Path) -> dict[str, str]:
    """Map a person's source record id to the unified id."""
    names = _records_of(folder)
    return {names[row["record_key"]]: row["unified_id"] for row in _people(folder) if row["record_key"] in names}


def _shared_visitors(events: list[Row]) -> bool:
    visitors = defaultdict(set)
    for row in events:
        if row["unified_id"] is not None:
            visitors[row["unified_id"]].add(row["record_key"])
    return any(len(keys) > 1 for keys in visitors.values())


def _minute(row: Row) -> str:
    return f"{row['occurred_at_utc']:%Y-%m-%d %H:%M}"


def _replace(folder: Path, by: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(by, folder)


def _exported(folder: Path) -> set[str]:
    """Given names in the CSV files of a destination."""
    names: set[str] = set()
    for path in folder.rglob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            names |= {row["given_name"] for row in csv.DictReader(file)}
    return names
