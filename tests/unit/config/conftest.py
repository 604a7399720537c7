"""A small project folder to be broken by each test."""

from __future__ import annotations

from pathlib import Path

import pytest

PROJECT = """\
name: shop
namespace: 6f1f1c1e-3c1b-4c57-9c0b-0d7e3f1b2a33
warehouse: {path: warehouse}
"""
SOURCE = """\
name: crm
kind: records
format: csv
path: crm.csv
key: id
columns: {given_name: first, family_name: last, email: [work, home]}
attributes: {tier: tier}
"""
MATCH = """\
person:
  blocking:
    - {name: email, keys: [email]}
  comparisons:
    - {name: email, method: email, columns: email}
"""
SEGMENT = """\
name: gold
members: {where: "attribute('tier') = 'gold'"}
"""
DESTINATIONS = """\
destinations:
  - {name: letter, kind: csv, segment: gold, path: out, columns: [email], purpose: email_marketing}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("sources", "segments"):
        (tmp_path / folder).mkdir()
    files = {
        "project.yaml": PROJECT,
        "sources/crm.yaml": SOURCE,
        "match.yaml": MATCH,
        "segments/gold.yaml": SEGMENT,
        "destinations.yaml": DESTINATIONS,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path
