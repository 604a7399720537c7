"""`project.yaml`: every mistake with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.config.broken import change, mistakes

CHANGES: dict[str, tuple[str, str, str, list[str]]] = {
    "missing key": (
        "project.yaml",
        "name: shop\n",
        "",
        ["project.yaml:1:1 name: got nothing. Fix: add the key `name`"],
    ),
    "bad name": (
        "project.yaml",
        "name: shop",
        "name: ../shop",
        [
            "project.yaml:1:7 name: got '../shop'; allowed: a lower-case letter, then lower-case letters, digits and "
            "_, 63 characters at most"
        ],
    ),
    "sexagesimal": (
        "project.yaml",
        "{path: warehouse}",
        "{path: warehouse}\ngates: {min_profiles: 12:30:45}",
        [
            "project.yaml:4:23 gates.min_profiles: got '12:30:45'; allowed: a whole number. "
            "Fix: write a whole number without quotes"
        ],
    ),
    "uuid": (
        "project.yaml",
        "6f1f1c1e-",
        "",
        [
            "project.yaml:2:12 namespace: got '3c1b-4c57-9c0b-0d7e3f1b2a33'; allowed: a UUID. Fix: take one from "
            "`python -c 'import uuid; print(uuid.uuid4())'` and never change it"
        ],
    ),
    "two places": (
        "project.yaml",
        "{path: warehouse}",
        "{path: a, catalog_schema: b}",
        [
            "project.yaml:3:12 warehouse: got both; allowed: either `path` or `catalog_schema`. "
            "Fix: write one place for the tables"
        ],
    ),
    "time zone": (
        "project.yaml",
        "{path: warehouse}",
        "{path: warehouse}\ntime_zone: Europe/Amsterdm",
        [
            "project.yaml:4:12 time_zone: got 'Europe/Amsterdm'; allowed: a name of the time-zone database, such as "
            "UTC or Europe/Amsterdam. Fix: write 'Europe/Amsterdam'"
        ],
    ),
    "none as a purpose": (
        "project.yaml",
        "{path: warehouse}",
        "{path: warehouse}\nconsent: {purposes: [email_marketing, none]}",
        [
            "project.yaml:4:21 consent.purposes: got the purpose 'none'. Fix: give the purpose another name: a "
            "destination of accounts says `purpose: none`"
        ],
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_mistakes(project: Path, case: str) -> None:
    name, old, new, expected = CHANGES[case]
    change(project, name, old, new)
    assert mistakes(project) == expected
