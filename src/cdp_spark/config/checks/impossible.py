"""Conditions of segments that are well written and that no profile can meet.

A comparison with a text is impossible where cleaning never gives that text: the reader that cleans the column reads it
as another one (`Germany` as `DE`) or as none. So is a source that the project does not have, and a text in lower case
that `lower` is compared with in capitals.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.config.base import nearest
from cdp_spark.config.checks.vocabulary import ACCOUNT
from cdp_spark.config.expressions import parse_expression
from cdp_spark.config.expressions.grammar.nodes import Call, ColumnName, Comparison, In, Literal, Node, walk
from cdp_spark.config.segment import conditions_of
from cdp_spark.normalise.outcome import Normal
from cdp_spark.normalise.people.codes import read_gender
from cdp_spark.normalise.people.email import read_email
from cdp_spark.normalise.people.places import read_city, read_country, read_region

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdp_spark.config.project import Project

Read = Callable[[str], Normal]

_READERS: dict[str, tuple[Read, str]] = {
    c.COUNTRY: (read_country, "two-letter codes such as DE"),
    c.GENDER: (read_gender, "f, m or x"),
    c.EMAIL: (read_email, "e-mails in lower case"),
    c.EMAILS: (read_email, "e-mails in lower case"),
    c.CITY: (read_city, "names of cities"),
    c.REGION: (read_region, "names or codes of regions"),
}
"""Column to what cleans it, and what it holds then."""
_LISTS = (ColumnName(c.SOURCES), ColumnName(c.EMAILS))
_CASES: dict[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper}


def find_impossible(project: Project) -> list[str]:
    """Tell of each condition that can never be true, or never false, why: one sentence each, with its segment."""
    sources = sorted(it.name for it in project.sources if it.kind != "consents")
    return [
        f"segment {segment.name}: {sentence}"
        for segment in project.segments
        for _, condition in conditions_of(segment.members)
        if condition.where is not None
        for sentence in dict.fromkeys(find_impossible_parts(condition.where, sources))
    ]


def find_impossible_parts(text: str, sources: list[str]) -> Iterator[str]:
    """Tell of each part of an expression that can never be true, or never false, why.

    Args:
        text: an expression without mistakes.
        sources: names of the project's sources of records and events.
    """
    for node in walk(parse_expression(text, where="expression")):
        for column, literal in _asked(node):
            sentence = _why_not(column, literal, sources)
            if sentence is not None:
                yield sentence


def _asked(node: Node) -> Iterator[tuple[Node, str]]:
    """What the node compares for equality: an operand and a text."""
    if isinstance(node, Comparison) and node.comparator in ("=", "!="):
        sides = [(node.left, node.right), (node.right, node.left)]
    elif isinstance(node, In):
        sides = [(node.value, option) for option in node.options]
    elif isinstance(node, Call) and node.function == "contains" and node.arguments[0] in _LISTS:
        sides = [(node.arguments[0], node.arguments[1])]
    else:
        return
    for operand, other in sides:
        if isinstance(other, Literal) and isinstance(other.value, str):
            yield operand, other.value


def _why_not(operand: Node, text: str, sources: list[str]) -> str | None:
    if isinstance(operand, Call) and operand.function in _CASES:
        cased = _CASES[operand.function](text)
        is_possible = cased == text
        return None if is_possible else f"{operand.function}(…) is never '{text}'. Write '{cased}'."
    if not isinstance(operand, ColumnName):
        return None
    if operand.name == c.SOURCES:
        return None if text in sources else _tell_source(text, sources)
    reader, held = _READERS.get(_cleaned_as(operand.name), (None, ""))
    if reader is None:
        return None
    read = reader(text)
    usable = read.value if read.reason is None else None
    hint = f" Write '{usable}'." if usable else ""
    return None if usable == text else f"{operand.name} is never '{text}': it holds {held}.{hint}"


def _tell_source(name: str, sources: list[str]) -> str:
    near = nearest(name, sources)
    return f"there is no source '{name}'. " + (
        f"Did you mean '{near}'?" if near else f"There are: {', '.join(sources)}."
    )


def _cleaned_as(column: str) -> str:
    return column.removeprefix(ACCOUNT)
