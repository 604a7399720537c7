"""What `pacing` is told of a run: people's time zones, and the rows that went by each channel before."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.activation.sending.pacing import follow_sent, waiting
from cdp_spark.id_moves import MOVE_COLUMNS, read_moves
from cdp_spark.normalise.times import zones_of
from cdp_spark.tables.catalog import DELIVERY_ATTEMPTS, ID_REGISTRY
from cdp_spark.tables.rows import as_table, tuples_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    import pyarrow as pa
    from pyspark.sql import Column

    from cdp_spark.activation.sending.pacing import Due, Sent, Wait
    from cdp_spark.config.destination import AnyDestination
    from cdp_spark.id_moves import IdMoves
    from cdp_spark.tables.run import RunContext

_ZONE, _COUNTRY = "zone_of_person", "country_of_person"
ZONE_COLUMNS = (_ZONE, _COUNTRY)
"""Columns beside the values, which are not sent."""


def zone_columns(context: RunContext, destination: AnyDestination) -> list[Column]:
    """The columns of an audience that tell people's time zones; none without quiet hours."""
    quiet = context.project.destinations.quiet_hours.get(destination.channel or "")
    if quiet is None:
        return []
    nothing = F.lit(None).cast("string")
    given = F.try_element_at(F.col(c.ATTRIBUTES), F.lit(quiet.zone_attribute)) if quiet.zone_attribute else nothing
    return [given.alias(_ZONE), F.col(c.COUNTRY).alias(_COUNTRY)]


def zones_by_id(audience: pa.Table, default: str) -> dict[str, str]:
    """The time zone of each person of a destination that has quiet hours.

    Args:
        audience: with the columns of `zone_columns`, if there are some.
        default: the project's zone.
    """
    if _ZONE not in audience.column_names:
        return {}
    zones = zones_of(audience[_ZONE].combine_chunks(), audience[_COUNTRY].combine_chunks(), default)
    return dict(zip(audience[c.UNIFIED_ID].to_pylist(), zones.to_pylist(), strict=True))


def find_waits(context: RunContext, due: Sequence[Due], *, now: datetime) -> dict[str, dict[str, Wait]]:
    """Choose the rows that are left for a later run: destination to unified_id to why.

    Args:
        context: of the run.
        due: of the destinations that are sent to.
        now: the time of sending.
    """
    config = context.project.destinations
    channels = {it.channel for it in due if it.channel is not None and it.keys}
    capped = sorted(channels & config.caps.keys())
    sent = list(_sent(context, capped, now)) if capped and context.store.exists(DELIVERY_ATTEMPTS) else []
    return waiting(due, sent, caps=config.caps, quiet_hours=config.quiet_hours, now=now)


def _sent(context: RunContext, channels: Sequence[str], now: datetime) -> Iterator[Sent]:
    """The rows that may have arrived by channels within the time of their caps (an action for each, and one of ids)."""
    config, moves = context.project.destinations, _fetch_moves(context)
    for channel in channels:
        names = [it.name for it in config.destinations if it.channel == channel]
        since = now - timedelta(days=config.caps[channel].within_days)
        attempts = context.store.read(DELIVERY_ATTEMPTS).where(
            F.col(c.DESTINATION).isin(*names)
            & (F.col(c.AT) > F.lit(since))
            & F.col(c.ACTION).isin("add", "update")
            & F.col(c.STATUS).isin("acknowledged", "unknown")
        )
        found = attempts.groupBy(c.UNIFIED_ID, c.IDEMPOTENCY_KEY).agg(F.min(c.RELEASE))
        yield from follow_sent(tuples_of(as_table(found)), moves, channel=channel)


def _fetch_moves(context: RunContext) -> IdMoves:
    registry = context.read_released(ID_REGISTRY)
    moved = registry.where((F.col(c.STATUS) != "live") | F.col(c.SPLIT_FROM).isNotNull())
    return read_moves(as_table(moved.select(*MOVE_COLUMNS)))
