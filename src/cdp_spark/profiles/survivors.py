"""One pass over the records: the winner of every attribute, and what a profile keeps of all its records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.profiles.custom import custom_value_expr, custom_winners_expr, with_grouped_custom
from cdp_spark.profiles.overrides import with_overrides
from cdp_spark.profiles.rules import Ranks, SurvivorshipPlan, attribute_type, is_grouped, plan_survivorship
from cdp_spark.profiles.winners import (
    CUSTOM_WINNERS,
    FILLED,
    GROUP,
    NAMES,
    ROWS,
    SEEN,
    WINNER,
    best_at_expr,
    full_names_expr,
    group_record_expr,
    ordered_expr,
    rival_at_expr,
    seen_places,
    taken_together_expr,
    winner_expr,
    winner_struct,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.profile import SurvivorshipConfig

_TEXT = T.StringType()


def build_survivors(
    records: DataFrame,
    unified_ids: DataFrame,
    *,
    survivorship: SurvivorshipConfig,
    source_priority: Mapping[str, int],
    as_of: datetime,
) -> DataFrame:
    """Find the winner of every attribute, in one shuffle by unified id.

    A profile's records are collected once, and each attribute is decided inside that array. So the memory of a task
    grows with its largest profile, and the rules that compare values (most_frequent, min, max) with its square.

    Args:
        records: cleaned records.
        unified_ids: one row per record_key; records without an id are left out.
        survivorship: rules, groups and overrides.
        source_priority: each source's own priority, the lower the more trusted.
        as_of: an observed time after it is not believed and counts as unknown.

    Returns:
        one row per unified_id: `winner_<attribute>`, `custom_winners`, contact points, sources, counts and times.

    Raises:
        InvalidProjectError: the survivorship configuration cannot work.
    """
    plan = plan_survivorship(survivorship, source_priority=source_priority)
    ids = unified_ids.select(c.RECORD_KEY, c.UNIFIED_ID)
    gathered = _gather(records.join(ids, on=c.RECORD_KEY, how="inner"), plan, as_of)
    decided = _with_winners(gathered, plan).withColumn(CUSTOM_WINNERS, custom_winners_expr(F.col(ROWS), plan))
    together = with_grouped_custom(_with_groups(decided, plan), plan)
    survivors = together.select(*_survivor_columns(plan))
    return with_overrides(survivors, survivorship.overrides)


def _gather(records: DataFrame, plan: SurvivorshipPlan, as_of: datetime) -> DataFrame:
    """Collect each profile's records, with the figures that the rules look at; of visitors only who, where and when."""

    def micros(column: str) -> Column:
        return F.when(F.col(column) <= F.lit(as_of), F.unix_micros(column))

    seen, first_seen = micros(c.OBSERVED_AT), F.coalesce(micros(c.FIRST_SEEN_AT), F.col(SEEN))
    cleaned = records.withColumns({name: _clean(name) for name in plan.attributes}).withColumn(SEEN, seen)
    row = F.struct(
        c.RECORD_KEY,
        c.SOURCE,
        *(place.alias(kind) for kind, place in seen_places(F.col(SEEN)).items()),
        *(_rank_expr(ranks).alias(f"rank_{index}") for index, ranks in enumerate(plan.rankings)),
        (-_filled_count(tuple(plan.attributes))).alias(FILLED),
        *((-_filled_count(parts)).alias(f"{FILLED}_{group}") for group, parts in plan.groups.items()),
        *plan.attributes,
        c.EMAILS,
        c.PHONES,
        c.ATTRIBUTES,
    )
    has_attributes = F.col(c.ENTITY_TYPE) != "visitor"
    sources = F.collect_set(F.coalesce(c.EVENT_SOURCES, F.array(c.SOURCE)))
    # A profile that holds a person's records and visitors' is a person's: account < person < visitor.
    return (
        cleaned.groupBy(c.UNIFIED_ID)
        .agg(
            F.min(c.ENTITY_TYPE).alias(c.ENTITY_TYPE),
            F.collect_list(F.when(has_attributes, row)).alias(ROWS),
            F.array_sort(F.array_distinct(F.flatten(sources))).alias(c.SOURCES),
            F.count(F.lit(1)).alias(c.RECORD_COUNT),
            F.timestamp_micros(F.min(first_seen)).alias(c.FIRST_SEEN_AT),
            F.timestamp_micros(F.max(SEEN)).alias(c.LAST_SEEN_AT),
        )
        .withColumns({name: _all_of(name) for name in (c.EMAILS, c.PHONES)})
    )


def _clean(attribute: str) -> Column:
    """An empty text is no value."""
    value = custom_value_expr(attribute) if is_grouped(attribute) else F.col(attribute)
    return _filled(value) if attribute_type(attribute) == _TEXT else value


def _filled(text: Column) -> Column:
    return F.when(F.trim(text) != "", text)


def _rank_expr(ranks: Ranks) -> Column:
    last = F.lit(len(ranks))
    if not ranks:
        return last
    pairs = [F.lit(item) for pair in ranks for item in pair]
    return F.coalesce(F.try_element_at(F.create_map(*pairs), F.col(c.SOURCE)), last)


def _filled_count(attributes: tuple[str, ...]) -> Column:
    return sum((F.col(name).isNotNull().cast("int") for name in attributes), start=F.lit(0))


def _all_of(contact_points: str) -> Column:
    return F.array_sort(F.array_distinct(F.array_compact(F.flatten(F.col(ROWS)[contact_points]))))


def _with_winners(gathered: DataFrame, plan: SurvivorshipPlan) -> DataFrame:
    """Order the records once per ordering, find each attribute's best and rival there, and tell them apart."""
    contested = {name: ordering for name, ordering in plan.attributes.items() if not ordering.takes_all}
    lines = {name: plan.line_of(name) for name in contested}
    ordered = gathered.withColumns({line: _in_order(line, lines, plan) for line in dict.fromkeys(lines.values())})
    placed = ordered.withColumns(
        {f"best_at_{name}": best_at_expr(F.col(line)[name]) for name, line in lines.items()}
        | {f"rival_at_{name}": rival_at_expr(F.col(line)[name]) for name, line in lines.items()}
    )
    winners = {
        name: winner_expr(
            F.col(line),
            name,
            contested[name].kinds,
            best_at=F.col(f"best_at_{name}"),
            rival_at=F.col(f"rival_at_{name}"),
        )
        for name, line in lines.items()
    }
    whole = {
        name: taken_together_expr(F.col(ROWS)[name], ordering, attribute_type(name))
        for name, ordering in plan.attributes.items()
        if ordering.takes_all
    }
    return placed.withColumns({WINNER + name: winner for name, winner in (winners | whole).items()})


def _in_order(line: str, lines: Mapping[str, str], plan: SurvivorshipPlan) -> Column:
    names = [name for name, of in lines.items() if of == line]
    ordering = plan.attributes[names[0]]
    rows = F.col(ROWS)
    values = {name: full_names_expr(rows[name]) if name in NAMES else rows[name] for name in names}
    return ordered_expr(rows, ordering, values, rank=plan.rank_of(ordering))


def _with_groups(decided: DataFrame, plan: SurvivorshipPlan) -> DataFrame:
    """Give a group's parts to the record that won most of them; a part that it lacks is null, not another record's."""
    parts_to_group = {part: group for group, parts in plan.groups.items() for part in parts}
    chosen = decided.withColumns({f"group_{group}": _group_at(parts) for group, parts in plan.groups.items()})
    return chosen.withColumns(
        {WINNER + part: _of_group(part, f"group_{group}") for part, group in parts_to_group.items()}
    ).drop(*(f"group_{group}" for group in plan.groups))


def _group_at(parts: tuple[str, ...]) -> Column:
    key = group_record_expr([F.col(WINNER + part) for part in parts])
    return (F.array_position(F.col(ROWS)[c.RECORD_KEY], key) - 1).cast("int")


def _of_group(part: str, group: str) -> Column:
    row, winner = F.get(F.col(ROWS), F.col(group)), F.col(WINNER + part)
    kept = F.when(winner[c.RECORD_KEY] == row[c.RECORD_KEY], winner)
    given = winner_struct(row[part], record_key=row[c.RECORD_KEY], source=row[c.SOURCE], rule=F.lit(GROUP))
    return kept.when(row[part].isNotNull(), given)


def _survivor_columns(plan: SurvivorshipPlan) -> tuple[str, ...]:
    kept = (c.UNIFIED_ID, c.ENTITY_TYPE, c.EMAILS, c.PHONES, c.SOURCES, c.RECORD_COUNT, c.FIRST_SEEN_AT, c.LAST_SEEN_AT)
    return (*kept, *(WINNER + name for name in plan.attributes if not is_grouped(name)), CUSTOM_WINNERS)
