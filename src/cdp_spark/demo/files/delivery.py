"""What arrives when: whole exports, late and repeated rows, corrections, later nights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cdp_spark.demo.noise import chance
from cdp_spark.demo.words import Columns, Indices, Times, stack, stream, take

if TYPE_CHECKING:
    from cdp_spark.demo.files.lines import Format
    from cdp_spark.demo.rates import DeliveryRates
    from cdp_spark.demo.world import World

REFERENCE = np.datetime64("2026-01-31T00:00:00", "ms")
MAX_NIGHTS = 7
_DAY_MS = 86_400_000
_LATE_DAYS = 90


@dataclass(frozen=True)
class Batch:
    """The rows of one file.

    Args:
        file: name without suffix.
        columns: as the source delivers them.
        entity: position of the person or account that each row is about; -1 for nobody.
    """

    file: str
    columns: Columns
    entity: Indices


@dataclass(frozen=True)
class Source:
    """One source of the demo.

    Args:
        name: of its folder.
        form: how its files are written.
        key: the column that identifies a row, or the record that a row is about.
        time: the column with the row's time.
        deliver: makes the batches of the first so many nights.
        entity_type: person or account for the sources of records, None for those of events only.
        has_unclosed_quote: one extra file has a quote that nothing closes.
    """

    name: str
    form: Format
    key: str
    time: str
    deliver: Callable[[World, int], list[Batch]]
    entity_type: str | None = None
    has_unclosed_quote: bool = False


Build = Callable[["World", Indices, pa.Array, Times, np.random.Generator], Columns]


def night_file(night: int, part: int = 1) -> str:
    """Name the file of a night.

    Args:
        night: 1 is the first.
        part: of several files of one night.
    Returns: such as `2026-01-31` or `2026-01-31_2`.
    """
    date = REFERENCE.astype("datetime64[D]") + (night - 1)
    return f"{date}" if part == 1 else f"{date}_{part}"


def first_nights(rng: np.random.Generator, size: int, rates: DeliveryRates) -> Indices:
    """Draw the night on which each row is first delivered.

    Args:
        rng: the random stream.
        size: rows.
        rates: new rows a night.
    Returns: 1 for most, up to MAX_NIGHTS; the same however many nights are written.
    """
    later = 2 + (rng.random(size) / rates.new_a_night).astype(np.int64)
    return np.where(later <= MAX_NIGHTS, later, 1)


def times_before(rng: np.random.Generator, size: int, *, days: int) -> Times:
    """Draw times evenly.

    Args:
        rng: the random stream.
        size: how many.
        days: the span before the reference date.
    Returns: times in UTC, milliseconds.
    """
    return REFERENCE - 1 - (rng.random(size) * days * _DAY_MS).astype("timedelta64[ms]")


def times_of_night(rng: np.random.Generator, night: Indices) -> Times:
    """Draw times on the day that a later night's file covers.

    Args:
        rng: the random stream.
        night: at least 2.
    Returns: times in UTC, milliseconds.
    """
    return REFERENCE + ((night - 2 + rng.random(len(night))) * _DAY_MS).astype("timedelta64[ms]")


def spread(rng: np.random.Generator, times: Times, rates: DeliveryRates) -> tuple[Times, Indices]:
    """Move a share of events to later nights.

    Args:
        rng: the random stream.
        times: before the reference date.
        rates: new rows a night.
    Returns: the times and each event's first night.
    """
    night = first_nights(rng, len(times), rates)
    return np.where(night > 1, times_of_night(rng, np.maximum(night, 2)), times), night


def record_batches(world: World, nights: int, *, name: str, who: Indices, ids: pa.Array, build: Build) -> list[Batch]:
    """Deliver records: all that exist; then again, late, corrected; then each night's changed and new ones.

    Args:
        world: the truth.
        nights: how many nights to deliver.
        name: the source.
        who: entity of each record.
        ids: of the records.
        build: writes some of them down, as they were at the given times.
    Returns: one batch a file.
    """
    rates, rng = world.rates.delivery, stream(world.seed, name, "delivery")
    night = first_nights(rng, len(who), rates)
    changed = times_before(rng, len(who), days=900)
    known = np.flatnonzero(night == 1)

    def batch(file: str, rows: Indices, times: Times) -> Batch:
        return Batch(file, build(world, who[rows], ids.take(rows), times, stream(world.seed, name, file)), who[rows])

    first = batch(night_file(1), known, changed[known])
    batches = [first, _second_file(world, name, first, known, changed, batch)]
    for later in range(2, nights + 1):
        rng = stream(world.seed, name, "night", later)
        rows = np.r_[known[chance(rng, len(known), rates.changed_a_night)], np.flatnonzero(night == later)]
        batches.append(batch(night_file(later), rows, times_of_night(rng, np.full(len(rows), later))))
    return batches


def _second_file(
    world: World,
    name: str,
    first: Batch,
    known: Indices,
    changed: Times,
    batch: Callable[[str, Indices, Times], Batch],
) -> Batch:
    rates, rng = world.rates.delivery, stream(world.seed, name, "second file")
    again = np.flatnonzero(chance(rng, len(known), rates.delivered_twice))
    late = known[chance(rng, len(known), rates.late)]
    corrected = known[chance(rng, len(known), rates.corrected)]
    older = changed[late] - (rng.random(len(late)) * _LATE_DAYS * _DAY_MS).astype("timedelta64[ms]")
    newer = changed[corrected] + (
        rng.random(len(corrected)) * (REFERENCE - changed[corrected]).astype(np.int64)
    ).astype("timedelta64[ms]")
    revised = batch(night_file(1, part=2), np.r_[late, corrected], np.r_[older, newer])
    columns = stack([take(first.columns, again), revised.columns])
    return Batch(night_file(1, part=2), columns, np.r_[first.entity[again], revised.entity])


def event_batches(
    world: World, nights: int, *, name: str, columns: Columns, entity: Indices, night: Indices
) -> list[Batch]:
    """Deliver events: most; then some again and some late; then each night's.

    Args:
        world: rates and seed.
        nights: how many nights to deliver.
        name: the source.
        columns: all its events.
        entity: who each is about.
        night: first night of each.
    Returns: one batch a file.
    """
    rates, rng = world.rates.delivery, stream(world.seed, name, "delivery")
    late = chance(rng, len(night), rates.late) & (night == 1)
    again = chance(rng, len(night), rates.delivered_twice) & (night == 1)
    rows = {night_file(1): np.flatnonzero((night == 1) & ~late), night_file(1, part=2): np.flatnonzero(late | again)}
    rows |= {night_file(later): np.flatnonzero(night == later) for later in range(2, nights + 1)}
    return [Batch(file, take(columns, chosen), entity[chosen]) for file, chosen in rows.items()]
