"""Values that a steward set by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.profiles.rules import CUSTOM_PREFIX, attribute_type, is_custom
from cdp_spark.profiles.winners import CUSTOM_WINNERS, OVERRIDE, WINNER, recordless_struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.profile import StewardOverride

_OVERRIDES = "overrides"
_SCHEMA = T.StructType(
    [
        T.StructField(c.UNIFIED_ID, T.StringType()),
        T.StructField(_OVERRIDES, T.MapType(T.StringType(), T.StringType(), valueContainsNull=False)),
    ]
)


def follow_merges(overrides: tuple[StewardOverride, ...], id_registry: DataFrame) -> tuple[StewardOverride, ...]:
    """Point the overrides of merged ids at the ids that live on.

    Args:
        overrides: of the configuration; only the ids they name are looked up.
        id_registry: one row per id ever issued.
    """
    merged: dict[str, str] = {}
    unread = {override.unified_id for override in overrides}
    while unread:
        gone = id_registry.where(F.col(c.UNIFIED_ID).isin(*unread) & F.col(c.MERGED_INTO).isNotNull())
        found = {row[c.UNIFIED_ID]: row[c.MERGED_INTO] for row in gone.select(c.UNIFIED_ID, c.MERGED_INTO).collect()}
        merged |= found
        unread = set(found.values()) - merged.keys()
    return tuple(
        override.model_copy(update={c.UNIFIED_ID: _survivor_of(override.unified_id, merged)}) for override in overrides
    )


def _survivor_of(unified_id: str, merged: Mapping[str, str]) -> str:
    while unified_id in merged:
        unified_id = merged[unified_id]
    return unified_id


def with_overrides(survivors: DataFrame, overrides: tuple[StewardOverride, ...]) -> DataFrame:
    """Let a steward's values win, whatever rules and groups say; one for an id that is not there changes nothing.

    Args:
        survivors: one row per unified_id, from `build_survivors`.
        overrides: of two for one attribute of one profile the later in the list holds.
    """
    if not overrides:
        return survivors
    values: dict[str, dict[str, str]] = {}
    for override in overrides:
        values.setdefault(override.unified_id, {})[override.attribute] = override.value
    set_by_hand = survivors.sparkSession.createDataFrame(list(values.items()), _SCHEMA)
    own = sorted({override.attribute for override in overrides if not is_custom(override.attribute)})
    return (
        survivors.join(F.broadcast(set_by_hand), on=c.UNIFIED_ID, how="left")
        .withColumns({**{WINNER + name: _own(name) for name in own}, CUSTOM_WINNERS: _custom()})
        .drop(_OVERRIDES)
    )


def _own(attribute: str) -> Column:
    value = F.try_element_at(_OVERRIDES, F.lit(attribute))
    by_hand = recordless_struct(value.cast(attribute_type(attribute)), OVERRIDE)
    return F.when(value.isNotNull(), by_hand).otherwise(F.col(WINNER + attribute))


def _custom() -> Column:
    def name_of(entry: Column) -> Column:
        return F.substring(entry["key"], len(CUSTOM_PREFIX) + 1, 255)

    entries = F.filter(F.map_entries(_OVERRIDES), lambda entry: F.startswith(entry["key"], F.lit(CUSTOM_PREFIX)))
    by_hand = F.transform(
        entries,
        lambda entry: F.struct(
            name_of(entry).alias(c.ATTRIBUTE), recordless_struct(entry["value"], OVERRIDE).alias(c.VALUE)
        ),
    )
    kept = F.filter(
        CUSTOM_WINNERS,
        lambda item: ~F.map_contains_key(_OVERRIDES, F.concat(F.lit(CUSTOM_PREFIX), item[c.ATTRIBUTE])),
    )
    return F.when(F.col(_OVERRIDES).isNull(), F.col(CUSTOM_WINNERS)).otherwise(F.array_sort(F.concat(kept, by_hand)))
