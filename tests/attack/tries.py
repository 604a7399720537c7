"""The list of tries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

_FILE = Path(__file__).parent / "tries.yaml"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Try:
    """Something that is tried.

    Args:
        what: in a few words.
        outcome: what comes of it.
        test: a test of pytest's, or a file of tests; below the repository's root.
    """

    what: str
    outcome: str
    test: str


def read_tries() -> list[Try]:
    """Read all tries, in the order of the file."""
    entries = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return [Try(what=entry["try"], outcome=entry["outcome"], test=entry["test"]) for entry in entries]
