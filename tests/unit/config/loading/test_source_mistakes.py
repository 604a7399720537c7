"""`sources/*.yaml`: every mistake with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.config.broken import change, mistakes

CHANGES: dict[str, tuple[str, str, str, list[str]]] = {
    "number for text": (
        "sources/crm.yaml",
        "path: crm.csv",
        "path: 12",
        ["sources/crm.yaml:4:7 path: got 12; allowed: text. Fix: put it in quotes"],
    ),
    "yes for true": (
        "sources/crm.yaml",
        "key: id",
        "key: id\nduplicate_free: yes",
        [
            "sources/crm.yaml:6:17 duplicate_free: got 'yes'; allowed: true, false. "
            "Fix: write true or false without quotes"
        ],
    ),
    "pattern of a time with minutes for months": (
        "sources/crm.yaml",
        "key: id",
        "key: id\nobserved_at: {column: at, formats: [iso, dd.mm.yyyy]}",
        [
            "sources/crm.yaml:6:36 observed_at.formats: got 'dd.mm.yyyy'; allowed: iso, epoch_seconds, epoch_millis, "
            "epoch_micros, or a pattern of a year, a month and a day, each once, such as dd.MM.yyyy HH:mm. "
            "Fix: write MM for the month and mm for the minute, and put other letters in quotes ('T')"
        ],
    ),
    "pattern of a birth date without a year": (
        "sources/crm.yaml",
        "email: [work, home]}",
        "birth_date: {from: born, formats: dd.MM.}}",
        [
            "sources/crm.yaml:6:83 columns.birth_date.formats: got 'dd.MM.'; allowed: a year (yyyy, yy), a month (MM, "
            "M, MMM, MMMM) and a day (dd, d), or dmy, mdy, spreadsheet_serial, epoch_seconds, epoch_millis, "
            "epoch_micros. Fix: write the date's own part of the pattern only; a time of day is dropped by itself"
        ],
    ),
    "encoding that nobody knows": (
        "sources/crm.yaml",
        "key: id",
        "key: id\noptions: {encoding: windows-1352}",
        [
            "sources/crm.yaml:6:21 options.encoding: got 'windows-1352'; allowed: an encoding that Python knows: "
            "UTF-8, Windows-1252, ISO-8859-15, UTF-16, cp500, …"
        ],
    ),
    "leading zero": (
        "sources/crm.yaml",
        "key: id",
        "key: id\npriority: 01234",
        [
            "sources/crm.yaml:6:11 priority: got '01234'; allowed: a whole number. "
            "Fix: write a whole number without quotes"
        ],
    ),
    "no value": (
        "sources/crm.yaml",
        "path: crm.csv",
        "path: crm.csv\noptions:",
        ["sources/crm.yaml:5:9 options: got nothing; allowed: keys and values. Fix: give a value"],
    ),
    "duplicate key": (
        "sources/crm.yaml",
        "key: id",
        "key: id\nname: shop",
        ["sources/crm.yaml:6:1: got the key 'name' twice; allowed: a key once. Fix: see also line 1:1"],
    ),
    "out of bounds": (
        "sources/crm.yaml",
        "key: id",
        "key: id\nmax_rejected_share: 1.5",
        ["sources/crm.yaml:6:21 max_rejected_share: got 1.5; allowed: less than or equal to 1"],
    ),
    "no path": (
        "sources/crm.yaml",
        "path: crm.csv\n",
        "",
        ["sources/crm.yaml:1:1: got csv without `path`. Fix: add `path`: a file, folder or glob"],
    ),
    "no mapped column": (
        "sources/crm.yaml",
        "columns: {given_name: first, family_name: last, email: [work, home]}\nattributes: {tier: tier}\n",
        "",
        [
            "sources/crm.yaml:1:1: got no mapped column. Fix: say under `columns` what the source's columns mean",
        ],
    ),
    "settings of another kind of source": (
        "sources/crm.yaml",
        "key: id",
        "key: id\non_unreadable_withdrawal: stop\nmax_conflict_share: 0.1",
        [
            "sources/crm.yaml:7:21 max_conflict_share: got `max_conflict_share`, `on_unreadable_withdrawal`, which a "
            "source of records does not use; allowed: `max_conflict_share` for events, `on_unreadable_withdrawal` for "
            "consents. Fix: remove them, or change `kind`"
        ],
    ),
    "entity without section": (
        "sources/crm.yaml",
        "key: id",
        "key: id\nentity_type: account",
        [
            "match.yaml:3:5 person.blocking: got no rule of which some source fills every column; allowed: columns of "
            "a source of kind person. Fix: block on columns that a source maps, or map more columns",
            "match.yaml:1:1: got no section `account`; allowed: a section for each entity type; sources/crm.yaml has "
            "records of accounts. Fix: add `account:` with blocking rules and comparisons",
        ],
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_mistakes(project: Path, case: str) -> None:
    name, old, new, expected = CHANGES[case]
    change(project, name, old, new)
    assert mistakes(project) == expected
