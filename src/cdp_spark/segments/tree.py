"""A segment's conditions as a tree whose parts can be asked and named one by one.

An expression such as `a and not b` is spelt out as conditions, since people ask which part of it holds. A segment that
is referred to has its own conditions below it. Whatever is not `all`, `any` or `not` is a leaf with a text. The parts
are numbered from the top down; Spark is asked for the truth of all of them at once (`answers.py`), so that only one
place evaluates the grammar. What decides follows from these truths alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cdp_spark.config.expressions import parse_expression, render
from cdp_spark.config.expressions.functions import FUNCTIONS
from cdp_spark.config.expressions.grammar import nodes as n
from cdp_spark.config.segment import Condition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cdp_spark.config.segment import SegmentConfig

Truth = bool | None
"""None is unknown: a value is missing."""
Kind = Literal["all", "any", "not", "segment", "leaf"]


@dataclass(frozen=True)
class ConditionPart:
    """A condition of a segment, with those below it.

    Args:
        kind: how the parts below decide; a `segment` is true or false by its own conditions, a `leaf` has none below.
        text: as it is told; `all of`, `any of` and `not` for what joins others.
        condition: what is asked of a profile.
        parts: below it.
    """

    kind: Kind
    text: str
    condition: Condition
    parts: tuple[ConditionPart, ...] = ()

    def walk(self) -> Iterator[ConditionPart]:
        """Yield this part and all below it, from the top down: the order in which truths are given."""
        yield self
        for part in self.parts:
            yield from part.walk()

    @property
    def size(self) -> int:
        """How many parts `walk` yields."""
        return sum(1 for _ in self.walk())


@dataclass(frozen=True)
class Asked:
    """A value that a condition reads.

    Args:
        name: as it is told, such as `city`, `trait.orders_90` or `attribute('plan')`.
        column: of a profile and what is joined to it.
        key: of an entry, where the column is a map.
    """

    name: str
    column: str
    key: str | None = None

    def value_in(self, row: Mapping[str, Any]) -> Any:  # noqa: ANN401 - of any column
        """Read it from a row; None where it is missing."""
        value = row.get(self.column)
        return value if self.key is None else (value or {}).get(self.key)


@dataclass(frozen=True)
class Changed:
    """The leaves that decide.

    Args:
        now: of the definition as it is.
        before: of the definition as it was.
    """

    now: tuple[str, ...] = ()
    before: tuple[str, ...] = ()


def build_tree(segment: SegmentConfig, segments: Mapping[str, SegmentConfig]) -> ConditionPart:
    """Spell out a segment's conditions.

    Args:
        segment: the one to spell out.
        segments: of the project, by name; references lead to them, and not in a circle.
    """
    return _part(_spelt(segment.members), segments)


def asked_values(condition: Condition) -> tuple[Asked, ...]:
    """List what a leaf reads of a profile, each value once; nothing for a kind of condition that reads no column."""
    if condition.where is None:
        return ()
    found: dict[Asked, None] = {}
    for node in n.walk(parse_expression(condition.where, where="condition")):
        if isinstance(node, n.ColumnName):
            found[Asked(node.name, node.name)] = None
        elif isinstance(node, n.Call) and (reads := FUNCTIONS[node.function].reads) is not None:
            key = node.arguments[0]
            assert isinstance(key, n.Literal), "the check of expressions admits constants only"
            found[Asked(render(node), reads, str(key.value))] = None
    return tuple(found)


def values_of(tree: ConditionPart) -> tuple[Asked, ...]:
    """List what all leaves of a tree read, each value once, in their order."""
    return tuple(
        dict.fromkeys(it for part in tree.walk() if part.kind == "leaf" for it in asked_values(part.condition))
    )


def find_deciding(tree: ConditionPart, truths: Sequence[Truth]) -> tuple[str, ...]:
    """Name the leaves that make somebody a member, or keep them out: whatever the others were, it would stay so.

    A segment that is referred to stands for itself.

    Args:
        tree: of a segment.
        truths: one per part, in the order of `walk`.
    """
    goal = _Goal(True, is_reached=truths[0] is True)
    return tuple(dict.fromkeys(_deciding(tree, list(truths), goal)))


@dataclass(frozen=True)
class _Goal:
    """A truth that a part has, or does not have, and that is to stay so.

    Args:
        value: the truth.
        is_reached: whether the part has it.
    """

    value: bool
    is_reached: bool

    def is_met(self, truth: Truth) -> bool:
        return (truth is self.value) is self.is_reached

    @property
    def negated(self) -> _Goal:
        return _Goal(not self.value, is_reached=self.is_reached)

    def needs_all(self, kind: Kind) -> bool:
        """Whether each part below has to meet the goal; else one that does is enough."""
        return (self.value is self.is_reached) is (kind == "all")


def find_changed(
    tree: ConditionPart, truths: Sequence[Truth], earlier: ConditionPart, earlier_truths: Sequence[Truth]
) -> Changed:
    """Name the leaves that made a person enter or leave, of a definition now and before.

    What stands in both definitions had the same truth in both, and cannot be why. Of the rest it is what kept the
    person out, before of who enters and now of who leaves; else what let the person in; else the conditions are only
    joined in another way.

    Args:
        tree: of the segment now.
        truths: one per part.
        earlier: of the segment before.
        earlier_truths: one per part.
    """
    in_both = _unchanged(tree, earlier)
    now, before = find_deciding(tree, truths), find_deciding(earlier, earlier_truths)
    own_now = Changed(now=tuple(it for it in now if it not in in_both))
    own_before = Changed(before=tuple(it for it in before if it not in in_both))
    ranked = (own_before, own_now) if truths[0] else (own_now, own_before)
    return next((it for it in ranked if it != Changed()), Changed(now))


def _unchanged(tree: ConditionPart, earlier: ConditionPart) -> set[str]:
    """What stands in two trees and means the same; a segment that is referred to may mean something else."""
    before = list(earlier.walk())
    same = (it for it in tree.walk() for other in before if it.text == other.text and it.parts == other.parts)
    return {it.text for it in same}


def _deciding(part: ConditionPart, truths: Sequence[Truth], goal: _Goal) -> Iterator[str]:
    if not part.parts or part.kind == "segment":
        yield part.text
        return
    inner, place = goal.negated if part.kind == "not" else goal, 1
    for child in part.parts:
        below = truths[place : place + child.size]
        place += child.size
        if part.kind == "not" or goal.needs_all(part.kind) or goal.is_met(below[0]):
            yield from _deciding(child, below, inner)


def _part(condition: Condition, segments: Mapping[str, SegmentConfig]) -> ConditionPart:
    if condition.not_ is not None:
        return ConditionPart("not", "not", condition, (_part(condition.not_, segments),))
    for kind, parts in (("all", condition.all), ("any", condition.any)):
        if parts:
            return ConditionPart(kind, f"{kind} of", condition, tuple(_part(it, segments) for it in parts))  # type: ignore[arg-type]
    text = describe_leaf(condition)
    if condition.segment is None:
        return ConditionPart("leaf", text, condition)
    return ConditionPart("segment", text, condition, (build_tree(segments[condition.segment], segments),))


def describe_leaf(condition: Condition) -> str:
    """Write a leaf in one line: an expression as it is, anything else as YAML has it."""
    if condition.where is not None:
        return condition.where
    given = condition.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return ", ".join(f"{name}: {_flow(value)}" for name, value in given.items())


def _flow(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_flow(it)}" for name, it in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _spelt(condition: Condition) -> Condition:
    """The same condition, with what joins the parts of an expression as conditions, and no `all` right below `all`."""
    if condition.where is not None:
        return _spelt_node(parse_expression(condition.where, where="condition"))
    if condition.not_ is not None:
        return _not(_spelt(condition.not_))
    if condition.all:
        return _joined("all", map(_spelt, condition.all))
    return _joined("any", map(_spelt, condition.any)) if condition.any else condition


def _spelt_node(node: n.Node) -> Condition:
    if isinstance(node, n.Not):
        return _not(_spelt_node(node.operand))
    if isinstance(node, n.Logical):
        return _joined("all" if node.operator == "and" else "any", map(_spelt_node, node.terms))
    return Condition(where=render(node))


def _joined(kind: Literal["all", "any"], parts: Iterable[Condition]) -> Condition:
    flat = tuple(it for part in parts for it in (getattr(part, kind) or (part,)))
    return flat[0] if len(flat) == 1 else Condition(all=flat) if kind == "all" else Condition(any=flat)


def _not(inner: Condition) -> Condition:
    return Condition.model_validate({"not": inner})
