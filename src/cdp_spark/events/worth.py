"""What an event is worth in the project's currency.

1. A rate holds from the beginning of its day, where the project's days begin, until the currency's next rate. An
   amount in the project's own currency is worth itself; one without a rate is worth nothing that is known.
2. A return is negative, whatever its sign as given. A purchase of a negative value, or of a negative quantity, is one.
3. A purchase that a cancellation names is a cancelled order. A cancellation is worth nothing: its order counts no more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.normalise.amounts import MAX_AMOUNT
from cdp_spark.normalise.event_types import CANCELLATION, CANCELLED_ORDER, PURCHASE, RETURN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from numpy.typing import NDArray

AMOUNT, _RATE = pa.decimal128(18, 4), pa.decimal128(19, 10)
LINES = pa.list_(
    pa.struct({c.PRODUCT_ID: pa.string(), c.CATEGORY: pa.string(), c.QUANTITY: pa.float64(), c.VALUE: AMOUNT})
)
WORTH = pa.struct(
    {
        c.EVENT_TYPE: pa.string(),
        c.VALUE_GIVEN: AMOUNT,
        c.VALUE: AMOUNT,
        c.QUANTITY: pa.float64(),
        c.LINES: LINES,
    }
)
"""What becomes of an event's type, value, quantity and lines."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACES = 10


@dataclass(frozen=True)
class Rates:
    """What other currencies are worth.

    Args:
        own: the project's currency.
        by_currency: currency to the instants, in microseconds since 1970, from which its rates hold, in order, and to
            the rates.
    """

    own: str
    by_currency: Mapping[str, tuple[tuple[int, ...], tuple[float, ...]]] = field(default_factory=dict)


def build_rates(rows: Iterable[tuple[str, date, float]], *, own: str, time_zone: str) -> Rates:
    """Put rates in order.

    Args:
        rows: currency, day and rate; no two of one currency and day.
        own: the project's currency.
        time_zone: where days begin.
    """
    zone = ZoneInfo(time_zone)
    found: dict[str, list[tuple[int, float]]] = {}
    for currency, day, rate in rows:
        midnight = datetime.combine(day, time(), zone)
        found.setdefault(currency, []).append((int((midnight - _EPOCH).total_seconds()) * 1_000_000, rate))
    ordered = {currency: tuple(zip(*sorted(rates), strict=True)) for currency, rates in sorted(found.items())}
    return Rates(own, {currency: (starts, rates) for currency, (starts, rates) in ordered.items() if currency != own})


def find_changed_spans(before: Rates, after: Rates) -> pa.Table:
    """Find when a currency has another rate than it had.

    Returns: `rate_currency`, and the microseconds since 1970 `rate_from` and `rate_until`; the last is null for ever.
    """
    rows: list[tuple[str, int, int | None]] = []
    for currency in sorted({*before.by_currency, *after.by_currency}):
        sides = [rates.by_currency.get(currency, ((), ())) for rates in (before, after)]
        starts = sorted({start for side in sides for start in side[0]})
        for start, end in zip(starts, [*starts[1:], None], strict=True):
            was, now = (_rate_at(side, start) for side in sides)
            if was != now:
                rows.append((currency, start, end))
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    kinds = {"rate_currency": pa.string(), "rate_from": pa.int64(), "rate_until": pa.int64()}
    return pa.table([pa.array(values, kind) for values, kind in zip(columns, kinds.values(), strict=True)], [*kinds])


def are_in_spans(currencies: pa.Array, at: pa.Array, spans: pa.Table) -> pa.Array:
    """Say of which amounts the rate changed.

    Args:
        currencies: of the amounts.
        at: when.
        spans: of `find_changed_spans`.
    """
    instants, found = np.asarray(at.cast(pa.int64())), np.zeros(len(at), np.bool_)
    for currency in spans["rate_currency"].unique():
        own = spans.filter(pc.equal(spans["rate_currency"], currency))
        starts = own["rate_from"].to_numpy()
        ends = pc.fill_null(own["rate_until"], np.iinfo(np.int64).max).to_numpy()
        places = np.searchsorted(starts, instants, side="right") - 1
        is_inside = (places >= 0) & (instants < ends[places])
        found |= is_inside & np.asarray(pc.fill_null(pc.equal(currencies, currency), fill_value=False))
    return pa.array(found)


def _rate_at(side: tuple[tuple[int, ...], tuple[float, ...]], instant: int) -> float | None:
    place = int(np.searchsorted(np.array(side[0], np.int64), instant, side="right"))
    return side[1][place - 1] if place else None


def find_worth(events: pa.Table, rates: Rates) -> pa.StructArray:
    """Work out what events are worth.

    Args:
        events: event_type, value_given, currency, quantity, lines and occurred_at_utc as the source has them; and
            is_cancelled, whether a cancellation names the event's order.
        rates: of other currencies.
    Returns: the fields of `WORTH`.
    """
    columns = {
        name: pa.concat_arrays([pa.array([], it.type), *it.chunks])
        for name, it in zip(events.column_names, events.columns, strict=True)
    }
    lines, quantity = columns[c.LINES], columns[c.QUANTITY]
    given = pc.coalesce(columns[c.VALUE_GIVEN], _sums(lines))
    types, is_return = _types(columns[c.EVENT_TYPE], given, quantity, columns["is_cancelled"])
    rate = _rates_of(columns[c.CURRENCY], columns[c.OCCURRED_AT], rates)
    flips = pc.and_(is_return, pc.greater_equal(pc.coalesce(given, _sign_of(quantity)), _amount(0)))
    value = _converted(given, rate)
    value = pc.if_else(flips, pc.negate(value), value)
    return pa.StructArray.from_arrays(
        [
            types,
            given,
            pc.if_else(pc.equal(types, CANCELLATION), None, value),
            pc.if_else(is_return, pc.negate(pc.abs(quantity)), quantity),
            _converted_lines(lines, rate, np.asarray(pc.fill_null(flips, fill_value=False))),
        ],
        fields=list(WORTH),
    )


def _types(
    types: pa.Array, given: pa.Array, quantity: pa.Array, is_cancelled: pa.Array
) -> tuple[pa.Array, pa.BooleanArray]:
    """What happened, by the signs of value and quantity and by what was cancelled; and which events are returns."""
    is_negative = pc.or_kleene(pc.less(given, _amount(0)), pc.less(quantity, 0.0))
    is_purchase = pc.equal(types, PURCHASE)
    taken_back = pc.and_(is_purchase, pc.fill_null(is_negative, fill_value=False))
    found = pc.if_else(taken_back, RETURN, types)
    cancelled = pc.and_(pc.equal(found, PURCHASE), pc.fill_null(is_cancelled, fill_value=False))
    found = pc.if_else(cancelled, CANCELLED_ORDER, found)
    return found, pc.equal(found, RETURN)


def _sign_of(quantity: pa.Array) -> pa.Array:
    """An amount with the sign of a quantity, where there is no other; a return without any sign is to be turned."""
    return pc.if_else(pc.fill_null(pc.less(quantity, 0.0), fill_value=False), _amount(-1), _amount(1))


def _amount(number: int) -> pa.Scalar:
    return pa.scalar(Decimal(number), AMOUNT)


def _rates_of(currencies: pa.Array, at: pa.Array, rates: Rates) -> pa.Array:
    """The rate of each currency at each instant; null where there is none."""
    encoded = currencies.dictionary_encode()
    codes = np.asarray(pc.fill_null(encoded.indices, -1))
    instants = np.asarray(at.cast(pa.int64()))
    found = np.full(len(codes), np.nan)
    for code, currency in enumerate(encoded.dictionary.to_pylist()):
        places = np.flatnonzero(codes == code)
        found[places] = 1.0 if currency == rates.own else _rates_at(rates, currency, instants[places])
    rounded = pc.round(pa.array(found, mask=np.isnan(found)), ndigits=_PLACES)
    return rounded.cast(_RATE, safe=False)


def _rates_at(rates: Rates, currency: str, instants: NDArray[np.int64]) -> NDArray[np.float64]:
    starts, values = rates.by_currency.get(currency, ((), ()))
    places = np.searchsorted(np.array(starts, np.int64), instants, side="right")
    return np.array([np.nan, *values])[places]


def _converted(amounts: pa.Array, rate: pa.Array) -> pa.Array:
    """Amounts times rates, to four places; null where a rate is missing or the result has no room."""
    exact = pc.multiply(amounts, rate)
    fits = pc.less(pc.abs(exact), pa.scalar(MAX_AMOUNT - 1, pa.decimal128(38, 14)))
    rounded = pc.round(pc.if_else(fits, exact, None), ndigits=4, round_mode="half_towards_infinity")
    return rounded.cast(pa.decimal128(38, 4)).cast(AMOUNT)


def _sums(lines: pa.Array) -> pa.Array:
    """The value of all lines of each event; null where one is missing, or there are none."""
    values = pc.struct_field(pc.list_flatten(lines), c.VALUE)
    of_rows = pa.table({"row": pc.list_parent_indices(lines), c.VALUE: values})
    sums = of_rows.group_by("row").aggregate([(c.VALUE, "sum"), (c.VALUE, "count"), ([], "count_all")])
    is_whole = pc.equal(sums[f"{c.VALUE}_count"], sums["count_all"])
    whole = sums.filter(is_whole)
    places = pc.index_in(pa.array(np.arange(len(lines))), value_set=whole["row"].combine_chunks().cast(pa.int64()))
    return whole[f"{c.VALUE}_sum"].combine_chunks().cast(AMOUNT).take(places)


def _converted_lines(lines: pa.Array, rate: pa.Array, flips: NDArray[np.bool_]) -> pa.Array:
    """Lines in the project's currency; those of an event that is turned are negative."""
    parents, parts = pc.list_parent_indices(lines), pc.list_flatten(lines)
    turned = pa.array(flips[np.asarray(parents)])
    value = _converted(pc.struct_field(parts, c.VALUE), rate.take(parents))
    quantity = pc.struct_field(parts, c.QUANTITY)
    fields = [
        pc.struct_field(parts, c.PRODUCT_ID),
        pc.struct_field(parts, c.CATEGORY),
        pc.if_else(turned, pc.negate(quantity), quantity),
        pc.if_else(turned, pc.negate(value), value),
    ]
    items = pa.StructArray.from_arrays(fields, fields=list(LINES.value_type))
    sizes = np.asarray(pc.fill_null(pc.list_value_length(lines), 0))
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    mask = np.concatenate([np.asarray(pc.is_null(lines)), [False]])
    return pa.ListArray.from_arrays(pa.array(ends, mask=mask), items, type=LINES)
