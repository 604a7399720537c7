"""Which record's value wins, and which rule decided.

Expressions over an ordered array of a profile's records. They avoid lambda functions over structs: Spark interprets
these, field by field, at fifty times the price of the array functions used here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.profiles.rules import BY_VALUE

if TYPE_CHECKING:
    from pyspark.sql import Column

    from cdp_spark.config.profile import SurvivorshipKind
    from cdp_spark.profiles.rules import Kinds, Ordering

UNANIMOUS = "unanimous"
"""The rule of a value that no other value stood against."""
GROUP = "group"
"""The rule of a value that won because its record won the rest of its group."""
OVERRIDE = "override"
"""The rule of a value that a steward set."""

WINNER = "winner_"
"""Prefix of the winners' columns, one per attribute: struct(value, record_key, source, rule), null where nobody won."""
CUSTOM_WINNERS = "custom_winners"
"""The winners of the custom attributes: array of struct(attribute, value), the value a winner."""

ROWS = "rows"
"""A profile's records: array of structs."""
SEEN = "seen_micros"
FILLED = "filled_count"
NAMES = (c.GIVEN_NAME, c.MIDDLE_NAME, c.FAMILY_NAME)
"""Attributes of which an initial stands back behind a name, whatever the rules say."""
_INITIALS = r"^[\p{Lu}\p{Ll}]\.?([ -]?[\p{Lu}\p{Ll}]\.)*([ -][\p{Lu}\p{Ll}])?$"
_NEVER = 2**63 - 1


def ordered_expr(rows: Column, ordering: Ordering, values: dict[str, Column], *, rank: str) -> Column:
    """Order a profile's records, best first; ties end on the smallest record_key.

    Args:
        rows: array of the records.
        ordering: its rules.
        values: array per field that the entries carry, aligned with `rows`; where a rule compares values, of one field.
        rank: the rows' field that holds the rank of the record's source.

    Returns:
        array of struct(place_0, …, record_key, source, and the fields of `values`).
    """
    compared = next(iter(values.values()))
    places = [
        (_value_places(kind, compared) if kind in BY_VALUE else _record_places(kind, rows, ordering, rank))
        for kind in ordering.kinds
    ]
    named = {place_name(index): place for index, place in enumerate(places)}
    fields = named | {c.RECORD_KEY: rows[c.RECORD_KEY], c.SOURCE: rows[c.SOURCE]} | values
    return F.sort_array(F.arrays_zip(*(column.alias(name) for name, column in fields.items())))


def full_names_expr(values: Column) -> Column:
    """Put null for initials (`J.`, `J. R.`) among names where some record has the name in full.

    Signs of scripts without capitals are names, not initials.
    """
    in_full = F.transform(values, lambda value: F.when(~value.rlike(_INITIALS), value))
    return F.when(F.exists(in_full, lambda value: value.isNotNull()), in_full).otherwise(values)


def best_at_expr(values: Column) -> Column:
    """The position, from 1, of the first value; null where there is none."""
    return F.array_position(values, F.get(_contenders(values), F.lit(0)))


def rival_at_expr(values: Column) -> Column:
    """The position, from 1, of the first value that differs from the first; null where there is none."""
    return F.array_position(values, F.get(_contenders(values), F.lit(1)))


def winner_expr(ordered: Column, name: str, kinds: Kinds, *, best_at: Column, rival_at: Column) -> Column:
    """The winner, with the first rule that sets it apart from the best record of another value.

    Args:
        ordered: array of the records, from `ordered_expr`.
        name: the field that holds the value.
        kinds: the rules that the order comes from.
        best_at: from `best_at_expr`.
        rival_at: from `rival_at_expr`.

    Returns:
        a winner; null where no record has a value.
    """
    best, rival = (F.get(ordered, (position - 1).cast("int")) for position in (best_at, rival_at))
    rule = F.when(rival_at.isNull(), F.lit(UNANIMOUS))
    for index, kind in enumerate(kinds):
        rule = rule.when(best[place_name(index)] != rival[place_name(index)], F.lit(kind))
    winner = winner_struct(
        best[name], record_key=best[c.RECORD_KEY], source=best[c.SOURCE], rule=rule.otherwise(F.lit(c.RECORD_KEY))
    )
    return F.when(best_at.isNotNull(), winner)


def taken_together_expr(values: Column, ordering: Ordering, kind: T.DataType) -> Column:
    """The winner of a rule that takes every value: `collect` or `sum`."""
    return collected_expr(values) if ordering.kinds == ("collect",) else summed_expr(values, kind)


def collected_expr(values: Column) -> Column:
    """All distinct values, sorted and joined by `;`, as a winner without a record."""
    distinct = F.sort_array(_contenders(values))
    return F.when(F.size(distinct) > 0, recordless_struct(F.array_join(distinct, ";"), "collect"))


def summed_expr(values: Column, kind: T.DataType) -> Column:
    """The sum of the values, as a winner without a record; text that is no number counts nothing.

    The values are added in ascending order: floating-point addition depends on it, the order of rows does not.
    """
    number = kind if isinstance(kind, T.NumericType) else T.DecimalType(38, 9)
    numbers = F.array_sort(F.array_compact(F.transform(values, lambda value: value.try_cast(number))))
    total = F.aggregate(numbers, F.lit(0).cast(number), lambda left, right: (left + right).cast(number))
    shown = total if isinstance(kind, T.NumericType) else F.regexp_replace(total.cast("string"), r"\.?0+$", "")
    return F.when(F.size(numbers) > 0, recordless_struct(shown, "sum"))


def group_record_expr(part_winners: list[Column]) -> Column:
    """The record_key that wins most of a group's parts; equal counts end on the earliest part."""
    votes = [winner[c.RECORD_KEY] for winner in part_winners]
    ballots = [
        F.when(vote.isNotNull(), F.struct(-_count_of(vote, votes), F.lit(place), vote.alias(c.RECORD_KEY)))
        for place, vote in enumerate(votes)
    ]
    return F.array_min(F.array(*ballots))[c.RECORD_KEY]


def place_name(index: int) -> str:
    """The field that holds how a record stands under the rule of that index: the smaller, the better; never null."""
    return f"place_{index}"


def recordless_struct(value: Column, rule: str) -> Column:
    """A winner that no single record brought."""
    nobody = F.lit(None).cast("string")
    return winner_struct(value, record_key=nobody, source=nobody, rule=F.lit(rule))


def winner_struct(value: Column, *, record_key: Column, source: Column, rule: Column) -> Column:
    """A winner: what won, from which record and source, and the rule that decided."""
    return F.struct(value.alias(c.VALUE), record_key.alias(c.RECORD_KEY), source.alias(c.SOURCE), rule.alias(c.RULE))


def seen_places(seen: Column) -> dict[str, Column]:
    """How a record stands under the rules that look at its observed time; one without time comes last."""
    return {"most_recent": F.coalesce(-seen, F.lit(_NEVER)), "first": F.coalesce(seen, F.lit(_NEVER))}


def _contenders(values: Column) -> Column:
    """The distinct values in order of appearance, without null."""
    return F.array_except(values, F.array(F.lit(None)))


def _count_of(vote: Column, votes: list[Column]) -> Column:
    return sum((F.when(vote == other, 1).otherwise(0) for other in votes), start=F.lit(0))


def _record_places(kind: SurvivorshipKind, rows: Column, ordering: Ordering, rank: str) -> Column:
    filled = f"{FILLED}_{ordering.group}" if ordering.group else FILLED
    fields = {"source_priority": rank, "most_complete": filled}
    return rows[fields.get(kind, kind)]


def _value_places(kind: SurvivorshipKind, values: Column) -> Column:
    """How each value stands under a rule that compares values; the place of a null does not matter."""
    if kind == "most_frequent":
        return F.transform(values, lambda value: -F.size(F.filter(values, lambda other: other == value)))
    compared = F.transform(values, _comparable)
    in_order = F.sort_array(_contenders(compared), asc=kind == "min")
    return F.transform(compared, lambda value: F.coalesce(F.array_position(in_order, value), F.lit(0)))


def _comparable(value: Column) -> Column:
    """What `min` and `max` compare: numbers written as text as numbers, before all other text."""
    text = value.cast("string")
    number = text.try_cast(T.DoubleType())
    return F.when(value.isNotNull(), F.struct(number.isNull(), number, text))
