"""What moves a segment's members: the clock, other people, or nothing but a profile's own values and traits.

An event that leaves a window, or a day that passes, moves people by the clock alone. A segment that asks neither the
day nor anybody else stays as it is for every profile of which no value and no trait changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.config.checks.vocabulary import ACCOUNT as ACCOUNT_COLUMN
from cdp_spark.config.checks.vocabulary import PROFILE_COLUMNS, RELATION_COLUMNS
from cdp_spark.config.expressions.references import asks_clock, referenced_columns
from cdp_spark.config.insights.wide_columns import OFFER, SCORE
from cdp_spark.config.segment import conditions_of
from cdp_spark.config.traits.definitions import ACCOUNT, PREFIX, RFM_GROUP, RFM_SCORES
from cdp_spark.segments.asked import definitions_of
from cdp_spark.segments.traits import asked_traits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdp_spark.config.project import Project
    from cdp_spark.config.segment import Condition
    from cdp_spark.config.traits.definitions import TraitDefinition

_OF_OTHERS = {*RELATION_COLUMNS, *(f"{PREFIX}{name}" for name in (*RFM_SCORES, RFM_GROUP))}
"""Columns that depend on more than a profile and its events."""


def find_clocked(project: Project) -> frozenset[str]:
    """Name the segments that ask the clock, and beside it only a profile and its events.

    Where one of them changes although nothing of the profile did, time passed. Of a segment that asks for accounts,
    other people, scores or offers this cannot be told.
    """
    traits = definitions_of(project)
    return frozenset(
        name
        for name, conditions in _conditions_by_segment(project).items()
        if any(_asks_clock(it, traits) for it in conditions) and not any(_asks_others(it, traits) for it in conditions)
    )


def find_own(project: Project) -> frozenset[str]:
    """Name the segments whose members change only where a profile's own values change, or its traits as stored.

    A trait of an account, or a score among all customers, is a trait of the profile that has it.
    """
    days = {name for name, kind in asked_traits(project).items() if kind == "long"}

    def is_own(condition: Condition) -> bool:
        if condition.where is None:
            return not _is_related(condition)
        asked = referenced_columns(condition.where)
        stored = all(it in PROFILE_COLUMNS or (it.startswith(PREFIX) and it not in days) for it in asked)
        return stored and not asks_clock(condition.where)

    return frozenset(
        name for name, conditions in _conditions_by_segment(project).items() if all(map(is_own, conditions))
    )


def _conditions_by_segment(project: Project) -> dict[str, list[Condition]]:
    """All conditions of each segment and of those that it refers to."""
    by_name = {it.name: it for it in project.segments}

    def all_conditions(name: str, seen: set[str]) -> Iterator[Condition]:
        seen.add(name)
        for _, part in conditions_of(by_name[name].members):
            yield part
            if part.segment is not None and part.segment not in seen:
                yield from all_conditions(part.segment, seen)

    return {name: list(all_conditions(name, set())) for name in by_name}


def _asks_clock(condition: Condition, traits: dict[str, TraitDefinition]) -> bool:
    if condition.where is not None:
        asked = [it for name, it in traits.items() if name in referenced_columns(condition.where)]
        return asks_clock(condition.where) or any(map(_moves, asked))
    named = condition.events or condition.sequence
    return named is not None and _moves(named.definition)


def _moves(definition: TraitDefinition) -> bool:
    """Whether a trait's value can differ with the time at which one looks; events that are yet to come apart."""
    ages = [measure.ages for measure in definition.all_measures]
    return definition.kind == "time" or any(it.under_days is not None or it.over_days is not None for it in ages)


def _asks_others(condition: Condition, traits: dict[str, TraitDefinition]) -> bool:
    if condition.where is None:
        return _is_related(condition)
    asked = referenced_columns(condition.where)
    of_accounts = any(traits[name].entity == ACCOUNT for name in asked & traits.keys())
    return (
        of_accounts
        or bool(asked & _OF_OTHERS)
        or any(name.startswith((SCORE, OFFER, ACCOUNT_COLUMN)) for name in asked)
    )


def _is_related(condition: Condition) -> bool:
    """Whether it is asked of other profiles."""
    return any(it is not None for it in (condition.account, condition.members, condition.household, condition.like))
