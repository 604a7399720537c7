"""A column's values, times, amounts and reasons, as staging reads them: once for each distinct value."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.ingest.staging.texts import join_filled, json_strings
from cdp_spark.normalise.amounts import AMBIGUOUS, MALFORMED, UNCLEAR, choose_currency, currencies_of, read_amount
from cdp_spark.normalise.batches import as_array, map_distinct, map_fields
from cdp_spark.normalise.times import compile_time, is_of_other_unit, micros_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.config.mapping import ColumnMapping, TimeField
    from cdp_spark.ingest.staging.rows import Staging

TIME = pa.timestamp("us", "UTC")
AMOUNT = pa.decimal128(18, 4)
MISSING = "missing"
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_USUAL_FROM = datetime(1995, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
_PLAIN_NUMBER = {scale: f"^[0-9]{{1,{18 - len(str(scale))}}}$" for scale in (1_000_000, 1_000, 1)}
"""By microseconds: whole numbers that `compile_time` reads, none of them too large for it."""


@dataclass(frozen=True)
class Meaning:
    """What the rows of one kind of source say.

    Args:
        key: identifies the record, event, contact point, order line, product or currency within the source; null where
            it is missing.
        at: when it was observed, happened, was given or begins to hold, as far as that can be read.
        reason: against the row; null where there is none.
        extra: further staged columns of this kind.
        is_judged: rows of which `reason` is the last word, whatever their text looks like; None for none.
    """

    key: pa.Array
    at: pa.Array
    reason: pa.Array
    extra: Mapping[str, pa.Array] = field(default_factory=dict)
    is_judged: pa.Array | None = None


def column_values(rows: pa.Table, column: str) -> pa.Array:
    """Return a column's values without the white space around them, null where nothing is left."""
    if column not in rows.column_names:
        return pa.nulls(rows.num_rows, pa.string())
    trimmed = pc.utf8_trim_whitespace(rows[column])
    return as_array(pc.if_else(pc.equal(trimmed, ""), None, trimmed))


def times(rows: pa.Table, time: TimeField, staging: Staging) -> pa.Array:
    """Return a column's times in UTC; null where one cannot be read."""
    parse, texts = compile_time(time.formats, time.time_zone), column_values(rows, time.column)
    scale = micros_of(time.formats)
    if scale is None:
        return map_distinct(texts, parse, pa.int64(), memo=staging.memo("time")).cast(TIME)
    is_plain = pc.match_substring_regex(texts, _PLAIN_NUMBER[scale])
    numbers = pc.multiply(pc.if_else(is_plain, texts, None).cast(pa.int64()), scale)
    others = map_distinct(pc.if_else(is_plain, None, texts), parse, pa.int64(), memo=staging.memo("time"))
    return pc.coalesce(numbers, others).cast(TIME)


def plausible(at: pa.Array, as_of: datetime) -> pa.Array:
    """Put null instead of a time before 1900 or more than a day after the run's clock."""
    first, last = pa.scalar(_EARLIEST, TIME), pa.scalar(as_of + _AHEAD, TIME)
    return pc.if_else(pc.and_(pc.greater_equal(at, first), pc.less_equal(at, last)), at, None)


def time_issue(at: pa.Array, as_of: datetime) -> pa.Array:
    """Return why a time cannot be used."""
    out_of_range = where(pc.is_null(plausible(at, as_of)), "time_out_of_range")
    return pc.coalesce(where(pc.is_null(at), "bad_time"), out_of_range)


def epoch_issue(rows: pa.Table, time: TimeField, at: pa.Array, as_of: datetime) -> pa.Array:
    """Return `wrong_epoch_unit` where a number is a time in another unit than the formats say.

    Args:
        rows: of text.
        time: the field.
        at: the times as the formats say; those between 1995 and the run's clock are asked no further.
        as_of: the run's clock.
    """
    latest = as_of + _AHEAD
    is_usual = pc.and_(pc.greater_equal(at, pa.scalar(_USUAL_FROM, TIME)), pc.less_equal(at, pa.scalar(latest, TIME)))
    asked = pc.if_else(pc.fill_null(is_usual, fill_value=False), None, column_values(rows, time.column))
    found = map_distinct(asked, lambda text: is_of_other_unit(text, time.formats, latest), pa.bool_())
    return where(pc.fill_null(found, fill_value=False), "wrong_epoch_unit")


def where(condition: pa.Array, reason: str) -> pa.Array:
    """Return the reason where the condition holds, null elsewhere."""
    return pc.if_else(condition, pa.scalar(reason), None)


def record_ids(rows: pa.Table, key: Sequence[str]) -> pa.Array:
    """Return what identifies each record within its source; null where a column of the key is empty."""
    values = [column_values(rows, column) for column in key]
    if len(values) == 1:
        return values[0]
    pieces = [part for value in values for part in (json_strings(value), ",")][:-1]
    return pc.binary_join_element_wise("[", *pieces, "]", "")


def mapped(rows: pa.Table, mapping: ColumnMapping | None) -> pa.Array:
    """Return what a mapping gives: a constant, the first filled column, or several joined; nulls for no mapping."""
    if mapping is None:
        return pa.nulls(rows.num_rows, pa.string())
    if mapping.value is not None:
        return pa.repeat(pa.scalar(mapping.value), rows.num_rows)
    values = [column_values(rows, column) for column in mapping.from_]
    if mapping.join is None:
        return pc.coalesce(*values)
    joined = join_filled(values, mapping.join, rows.num_rows)
    return pc.if_else(pc.equal(joined, ""), None, joined)


class Amounts(NamedTuple):
    """Numbers of a column.

    Args:
        numbers: null where there is none.
        signs: currency that the text itself says; `UNCLEAR` for a sign of several.
        reasons: why a text could not be read.
    """

    numbers: pa.Array
    signs: pa.Array
    reasons: pa.Array


def amounts(texts: pa.Array, staging: Staging) -> Amounts:
    """Read sums of money."""

    def read(text: str) -> tuple[object, ...]:
        found = read_amount(text, staging.decimal)
        return found.number, choose_currency(found.currencies, staging.currency), found.reason

    return Amounts(*map_fields(texts, read, (AMOUNT, pa.string(), pa.string()), memo=staging.memo("amount")))


def quantities(texts: pa.Array, staging: Staging) -> tuple[pa.Array, pa.Array]:
    """Read numbers of pieces; returns them and why one could not be read."""
    numbers, signs, reasons = amounts(texts, staging)
    is_money = pc.is_valid(signs)
    return pc.if_else(is_money, None, numbers).cast(pa.float64()), pc.coalesce(reasons, where(is_money, MALFORMED))


def currencies(
    rows: pa.Table, mapping: ColumnMapping | None, signs: pa.Array, staging: Staging
) -> tuple[pa.Array, pa.Array]:
    """Find the currency of each row's amounts.

    Args:
        rows: of text.
        mapping: of the currency; without it, amounts that have no sign are in the project's.
        signs: that the amounts have.
        staging: of the source.
    Returns: the currencies, and why there is none.
    """
    told = pc.coalesce(signs, staging.currency) if mapping is None else mapped(rows, mapping)
    read = map_distinct(told, partial(_read_currency, own=staging.currency))
    found = pc.coalesce(read, signs)
    is_unclear = pc.fill_null(pc.equal(found, UNCLEAR), fill_value=False)
    is_malformed = pc.and_(pc.is_null(found), pc.is_valid(told))
    reasons = (where(is_unclear, AMBIGUOUS), where(is_malformed, MALFORMED), where(pc.is_null(found), MISSING))
    return pc.if_else(is_unclear, None, found), pc.coalesce(*reasons)


def _read_currency(text: str, own: str) -> str | None:
    return choose_currency(currencies_of(text), own) if text else UNCLEAR


def issue_lists(reasons: Mapping[str, pa.Array], count: int) -> pa.Array:
    """List each row's values that could not be read, as `field:reason`.

    Args:
        reasons: by field.
        count: rows.
    """
    texts = [pc.binary_join_element_wise(name, found, ":") for name, found in reasons.items()]
    values = pa.concat_arrays([pa.array([], pa.string()), *texts])
    by_row = np.arange(len(values)).reshape(len(texts), count).T.ravel()
    taken = by_row[np.asarray(values.is_valid())[by_row]]
    sizes = np.bincount(taken % count, minlength=count) if count else np.zeros(0, np.int64)
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), values.take(pa.array(taken)))
