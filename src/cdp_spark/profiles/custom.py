"""Winners of the custom attributes, whose names are known from the records only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.profiles.rules import GROUPED_PREFIX, is_grouped
from cdp_spark.profiles.winners import (
    CUSTOM_WINNERS,
    WINNER,
    best_at_expr,
    ordered_expr,
    rival_at_expr,
    taken_together_expr,
    winner_expr,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import Column, DataFrame

    from cdp_spark.profiles.rules import Ordering, SurvivorshipPlan


def custom_winners_expr(rows: Column, plan: SurvivorshipPlan) -> Column:
    """The winner of every custom attribute that some record has.

    Args:
        rows: array of a profile's records.
        plan: a custom attribute without a rule of its own follows the default.

    Returns:
        array of struct(attribute, value), sorted by attribute, the value a winner.
    """
    names = F.sort_array(F.array_distinct(F.flatten(F.transform(rows[c.ATTRIBUTES], F.map_keys))))
    found = F.transform(names, lambda name: F.struct(name.alias(c.ATTRIBUTE), _winner(rows, name, plan).alias(c.VALUE)))
    return F.filter(found, lambda item: item[c.VALUE].isNotNull())


def custom_value_expr(column: str) -> Column:
    """A record's value of the custom attribute that a group decides in this column."""
    return F.try_element_at(F.col(c.ATTRIBUTES), F.lit(column.removeprefix(GROUPED_PREFIX)))


def with_grouped_custom(decided: DataFrame, plan: SurvivorshipPlan) -> DataFrame:
    """Let a group's word on its custom parts stand among the winners of the custom attributes."""
    columns = [name for name in plan.attributes if is_grouped(name)]
    if not columns:
        return decided
    names = {column: column.removeprefix(GROUPED_PREFIX) for column in columns}
    of_groups = F.array(
        *(F.struct(F.lit(name).alias(c.ATTRIBUTE), F.col(WINNER + it).alias(c.VALUE)) for it, name in names.items())
    )
    won = F.filter(of_groups, lambda item: item[c.VALUE].isNotNull())
    others = F.filter(CUSTOM_WINNERS, lambda item: ~item[c.ATTRIBUTE].isin(*names.values()))
    return decided.withColumn(CUSTOM_WINNERS, F.array_sort(F.concat(others, won)))


def _winner(rows: Column, name: Column, plan: SurvivorshipPlan) -> Column:
    def value_of(attributes: Column) -> Column:
        value = F.try_element_at(attributes, name)
        return F.when(F.trim(value) != "", value)

    def decide(ordering: Ordering) -> Column:
        return _let(F.transform(rows[c.ATTRIBUTES], value_of), lambda values: _decide(rows, values, ordering, plan))

    winner = decide(plan.default)
    for own_name, ordering in plan.custom.items():
        winner = F.when(name == own_name, decide(ordering)).otherwise(winner)
    return winner


def _decide(rows: Column, values: Column, ordering: Ordering, plan: SurvivorshipPlan) -> Column:
    if ordering.takes_all:
        return taken_together_expr(values, ordering, T.StringType())

    def first(ordered: Column) -> Column:
        in_order = ordered[c.VALUE]
        return winner_expr(
            ordered, c.VALUE, ordering.kinds, best_at=best_at_expr(in_order), rival_at=rival_at_expr(in_order)
        )

    return _let(ordered_expr(rows, ordering, {c.VALUE: values}, rank=plan.rank_of(ordering)), first)


def _let(value: Column, body: Callable[[Column], Column]) -> Column:
    """Name a value inside an expression, so that it is computed once however often `body` uses it."""
    return F.get(F.transform(F.array(value), body), F.lit(0))
