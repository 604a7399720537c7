"""The notations in which sources write times, dates and amounts, and the ids that they give."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.demo.noise import chance
from cdp_spark.demo.words import Indices, Mask, Times, digits, join


def timestamps(times: Times) -> pa.Array:
    """Type times for Parquet.

    Args:
        times: UTC.
    Returns: timestamps in UTC, microseconds.
    """
    return pa.array(times.astype("datetime64[us]"), pa.timestamp("us", tz="UTC"))


def iso_utc(times: Times) -> pa.Array:
    """Write times as `2026-01-30T21:03:00Z`.

    Args:
        times: UTC.
    Returns: texts.
    """
    return pc.strftime(_seconds(times), "%Y-%m-%dT%H:%M:%SZ")


def utc_text(times: Times) -> pa.Array:
    """Write times as `2026-01-30 21:03:00`, in UTC.

    Args:
        times: UTC.
    Returns: texts.
    """
    return pc.strftime(_seconds(times), "%Y-%m-%d %H:%M:%S")


def berlin_text(times: Times, pattern: str) -> pa.Array:
    """Write times by the clock of Berlin.

    Args:
        times: UTC.
        pattern: of strftime.
    Returns: texts without a zone.
    """
    local = pc.local_timestamp(pc.cast(pc.assume_timezone(_seconds(times), "UTC"), pa.timestamp("s", "Europe/Berlin")))
    return pc.strftime(local, pattern)


def _seconds(times: Times) -> pa.Array:
    return pa.array(times.astype("datetime64[s]"))


def dates(values: pa.Array, pattern: str) -> pa.Array:
    """Write dates.

    Args:
        values: dates or null.
        pattern: of strftime.
    Returns: texts or null.
    """
    return pc.strftime(values, pattern)


def money(cents: Indices) -> pa.Array:
    """Write amounts as decimals.

    Args:
        cents: hundredths.
    Returns: decimal(10, 2).
    """
    hundredth = pa.scalar("0.01", pa.string()).cast(pa.decimal128(3, 2))
    return pc.cast(pc.multiply(pa.array(cents).cast(pa.decimal128(19, 0)), hundredth), pa.decimal128(10, 2))


def comma_money(cents: Indices) -> pa.Array:
    """Write amounts as `1234,50`.

    Args:
        cents: hundredths.
    Returns: texts.
    """
    return pc.replace_substring(pc.cast(money(cents), pa.string()), ".", ",")


def serial(prefix: str, start: int, size: int) -> pa.Array:
    """Number rows.

    Args:
        prefix: of each id.
        start: first number.
        size: how many.
    Returns: ids in ascending order.
    """
    return join(prefix, pc.cast(pa.array(np.arange(start, start + size)), pa.string()))


def random_ids(rng: np.random.Generator, prefix: str, size: int) -> pa.Array:
    """Draw ids that have no order.

    Args:
        rng: the random stream.
        prefix: of each id.
        size: how many.
    Returns: different ids of 12 digits.
    """
    return join(prefix, digits(rng.choice(10**12, size, replace=False), 12))


def members(rng: np.random.Generator, present: Mask, twice: float) -> Indices:
    """List whom a source knows, in no order, some of them twice.

    Args:
        rng: the random stream.
        present: who is in the source.
        twice: share of them that have two records.
    Returns: positions.
    """
    once = np.flatnonzero(present)
    return rng.permutation(np.r_[once, once[chance(rng, len(once), twice)]])


def counts(rng: np.random.Generator, size: int, mean: float) -> Indices:
    """Draw how many rows each entity has: many have few, few have many.

    Args:
        rng: the random stream.
        size: entities.
        mean: rows an entity; above 1.
    Returns: at least 1 each.
    """
    return np.minimum(rng.geometric(1 / mean, size), 60).astype(np.int64)
