"""`priors.yaml` as text: what it says of itself, and an entry per paragraph, each with where it comes from."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.small.drawn import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdp_spark.resolution.learning.priors import LevelPrior

_WIDTH = 120
_BLANK = "\0"
"""Stands for a blank at which a line is not broken."""
_EXPLAINED = """What comparisons are worth before a single pair of the data is seen.

Each entry holds for a method, and for the columns that it names (none: for any other column of that method); the
first that fits counts. Levels stand in their order, from different to equal; a missing value has none. Per class of
pairs the share of each level:
  matches  two records of one person or company
  others   two records of strangers
  related  two people of one household or firm, or two companies of one group; `own: x` instead says that they are
           strangers in this, but for a share x of them: twins, namesakes, a shared mailbox
`frequency` is how often a stranger has the same value, where it is common, uncommon and rare in the data (of methods
that don't tell these apart: one number). It takes the place of the last level of `others`.
`strength` is how many pairs of the data a class's shares are worth: matches, others, related. The data's pairs are
added to them, so that twenty rows follow these numbers and a million rows their own.
`against` is how many bits the lowest levels speak against a match at least, however few pairs the data has.
`by_hand` names levels that the files cannot tell of, and whose shares are set by hand: drawn people have several
numbered mailboxes at one provider more often than they have namesakes there, and drawn phones have no mistakes."""
_MADE = """Made by `python -m benchmarks priors` (benchmarks/small/learn.py), which writes this file anew;
docs/benchmarks.md, "Small files", says how. `matches`, `others`, `related` and `strength` are learnt where an entry's
comment says so, from {}. All else is set by hand, also `own`, `against`,
`by_hand` and `frequency`; the command takes it over."""


@dataclass(frozen=True)
class Learnt:
    """What an entry's shares were learnt from.

    Args:
        files: in which its columns are compared; None where they were not looked for.
        pairs: of each class that was learnt.
    """

    files: int | None
    pairs: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """In words."""
        if self.files is None:
            return "set by hand"
        if not self.pairs:
            few = f"{self.files} files compare it, with too few pairs"
            return f"set by hand: {few if self.files else 'no file compares it'}"
        counts = ", ".join(f"{pairs:,} pairs of {name}" for name, pairs in self.pairs.items())
        return f"learnt from {self.files} files, {counts}"


def header_of(kinds: Sequence[str]) -> str:
    """Write the comment that the file begins with.

    Args:
        kinds: of the files that were learnt from, one a file.
    """
    counts = Counter("drawn files" if kind in KINDS else f"samples of {kind}" for kind in kinds)
    sources = ", ".join(f"{files} {what}" for what, files in counts.items()) or "no file"
    made = textwrap.fill(_MADE.format(sources).replace("\n", " "), _WIDTH - 2)
    return "".join(f"# {line}".rstrip() + "\n" for line in f"{_EXPLAINED}\n\n{made}".splitlines())


def write_priors(entries: Sequence[tuple[LevelPrior, Learnt]], *, header: str) -> str:
    """Write the whole file.

    Args:
        entries: in their order, and what each was learnt from.
        header: comment lines.
    """
    return "\n".join([header, *(f"# {learnt}\n{_entry(entry)}" for entry, learnt in entries)])


def _entry(entry: LevelPrior) -> str:
    """An entry as an item of a YAML list; fields that are empty are left out."""
    lines = []
    for name, value in entry.model_dump().items():
        if value is None or value == ():
            continue
        items = ", ".join(map(_scalar, value)) if isinstance(value, tuple) else ""
        text = f"[{items}]" if items else _scalar(value)
        lines += _wrapped(f"  {name}: {text}")
    return "\n".join(["-" + lines[0][1:], *lines[1:]]) + "\n"


def _wrapped(line: str) -> list[str]:
    """The line, broken between items where it is too long."""
    whole = re.sub("(?<!,) ", _BLANK, line)
    return [part.replace(_BLANK, " ") for part in textwrap.wrap(whole, _WIDTH, subsequent_indent=" " * 12)]


def _scalar(value: str | float) -> str:
    """A word, or a number to four digits, never as 5e-05, which YAML 1.1 takes for a text."""
    if isinstance(value, str):
        return value
    digits = f"{value:.4g}"
    return f"{value:.12f}".rstrip("0") if "e-" in digits else f"{value:.0f}" if "e" in digits else digits
