"""The functions that an expression may call: what they take and what they give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from cdp_spark.config.expressions.grammar.nodes import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

Kinds: TypeAlias = frozenset[Kind]

STRING: Kinds = frozenset({"string"})
NUMBER: Kinds = frozenset({"long", "double"})
MOMENT: Kinds = frozenset({"date", "timestamp"})
STRINGS: Kinds = frozenset({"strings"})
SCALAR: Kinds = STRING | NUMBER | MOMENT | {"boolean"}


@dataclass(frozen=True)
class Function:
    """A function's signature.

    Args:
        summary: what it gives, for the documentation.
        parameters: kinds that each argument may have.
        returns: kind of the result; None when it is the (common) kind of the arguments.
        optional: how many parameters from the end may be left out.
        repeats: whether the last parameter may be given many times.
        constants: positions of arguments that must be constants.
        reads: column that the function reads by itself.
        asks_clock: whether the result depends on when the run is.
    """

    summary: str
    parameters: tuple[Kinds, ...] = ()
    returns: Kind | None = None
    optional: int = 0
    repeats: bool = False
    constants: tuple[int, ...] = ()
    reads: str | None = None
    asks_clock: bool = False

    def takes(self, count: int) -> bool:
        """Say whether the function can be called with so many arguments."""
        least = len(self.parameters) - self.optional
        return count >= least and (self.repeats or count <= len(self.parameters))

    def parameter(self, position: int) -> Kinds:
        """Kinds that the argument at a position may have."""
        return self.parameters[min(position, len(self.parameters) - 1)]

    @property
    def arity(self) -> str:
        """How many arguments, in words."""
        most = len(self.parameters)
        if self.repeats:
            return f"{most} or more arguments"
        counts = f"{most - self.optional} or {most}" if self.optional else str(most)
        return f"{counts} argument{'' if counts == '1' else 's'}"


FUNCTIONS: dict[str, Function] = {
    "lower": Function("text in lower case", (STRING,), "string"),
    "upper": Function("text in upper case", (STRING,), "string"),
    "trim": Function("text without blanks around it", (STRING,), "string"),
    "length": Function("characters of a text", (STRING,), "long"),
    "starts_with": Function("whether a text starts with another", (STRING, STRING), "boolean"),
    "ends_with": Function("whether a text ends with another", (STRING, STRING), "boolean"),
    "contains": Function("whether a text or list contains a text", (STRING | STRINGS, STRING), "boolean"),
    "size": Function("entries of a list", (STRINGS,), "long"),
    "coalesce": Function("the first argument that is not null", (SCALAR, SCALAR), repeats=True),
    "abs": Function("a number without its sign", (NUMBER,)),
    "round": Function("a number rounded to 0 or more decimals", (NUMBER, NUMBER), optional=1, constants=(1,)),
    "to_number": Function(
        "a text as a number, `1,234.56` and `1.234,56` too, null when it is none", (STRING,), "double"
    ),
    "to_date": Function("a text YYYY-MM-DD as a date, null when it is none", (STRING,), "date"),
    "year": Function("year of a date or time", (MOMENT,), "long"),
    "month": Function("month of a date or time, 1 to 12", (MOMENT,), "long"),
    "day": Function("day of the month of a date or time", (MOMENT,), "long"),
    "now": Function("time of the run", (), "timestamp", asks_clock=True),
    "today": Function("date of the run, in the project's time zone", (), "date", asks_clock=True),
    "age_years": Function("whole years between a date and today", (MOMENT,), "long", asks_clock=True),
    "days_since": Function("whole days between a date or time and the run", (MOMENT,), "long", asks_clock=True),
    "has_consent": Function(
        "whether a purpose may go ahead: granted, or unknown where the project takes silence for consent; never null",
        (STRING,),
        "boolean",
        constants=(0,),
        reads="consents",
    ),
    "attribute": Function(
        "an own attribute as text, null when absent", (STRING,), "string", constants=(0,), reads="attributes"
    ),
    "property": Function(
        "an event's other property as text, null when absent", (STRING,), "string", constants=(0,), reads="properties"
    ),
}
"""Name to signature; nothing else can be called."""


def common_kind(kinds: Sequence[Kind]) -> Kind | None:
    """Find the kind to which all can be brought without loss of meaning: numbers to double, dates to times."""
    distinct = set(kinds)
    if len(distinct) == 1:
        return kinds[0]
    if distinct <= NUMBER:
        return "double"
    return "timestamp" if distinct and distinct <= MOMENT else None
