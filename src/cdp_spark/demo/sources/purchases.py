"""Orders of the web shop with what became of them, and receipts of the tills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.demo.files.delivery import REFERENCE, Batch, Source, event_batches, spread
from cdp_spark.demo.files.lines import Format
from cdp_spark.demo.noise import chance, with_email_variants
from cdp_spark.demo.sources.customers import loyalty_cards, shop_users
from cdp_spark.demo.sources.texts import berlin_text, comma_money, iso_utc, money, random_ids, serial, timestamps
from cdp_spark.demo.words import (
    Columns,
    Indices,
    Times,
    blank,
    digits,
    draw,
    draw_rows,
    either,
    flat,
    read_words,
    stream,
    take,
)

if TYPE_CHECKING:
    from cdp_spark.demo.world import World

_SPAN_DAYS = 1095
_MEAN_LIFE_DAYS = 500
_RATE_SHAPE = 0.8
_DAY_MS = 86_400_000
_CURRENCIES = {"DE": "EUR", "FR": "EUR", "GB": "GBP", "US": "USD"}
_BRANCHES = 25
_MORE_ITEMS = 0.25
"""Share of orders with another product, and of these with a third."""


def purchase_times(rng: np.random.Generator, size: int, mean: float) -> tuple[Indices, Times]:
    """Draw purchases of customers who come, buy at their own pace and stop coming.

    Args:
        rng: the random stream.
        size: customers.
        mean: purchases a customer.
    Returns: the customer's position and the time of each purchase, in time's order.
    Source: Schmittlein, Morrison & Colombo 1987 (Pareto/NBD): gamma pace, exponential life.
    """
    start = rng.random(size) * _SPAN_DAYS
    active = np.minimum(rng.exponential(_MEAN_LIFE_DAYS, size), _SPAN_DAYS - start)
    pace = rng.gamma(_RATE_SHAPE, 1 / _RATE_SHAPE, size) * active
    bought = rng.poisson((mean - 0.8) * pace / pace.mean()) + (rng.random(size) < 0.8)
    customer = np.repeat(np.arange(size), bought)
    days = start[customer] + rng.random(len(customer)) * active[customer]
    order = np.argsort(days, kind="stable")
    span = ((_SPAN_DAYS - days[order]) * _DAY_MS).astype("timedelta64[ms]")
    return customer[order], REFERENCE - 1 - span


def _cents(prices: pa.Array, quantity: Indices) -> Indices:
    price: Indices = np.rint(pc.cast(prices, pa.float64()).to_numpy() * 100).astype(np.int64)
    return price * quantity


@dataclass(frozen=True)
class _Orders:
    """All orders of the web shop.

    Args:
        columns: as the shop delivers them.
        person: who ordered.
        times: UTC.
        night: first night of each.
    """

    columns: Columns
    person: Indices
    times: Times
    night: Indices


def _draw_orders(world: World) -> _Orders:
    rng = stream(world.seed, "shop_orders")
    who, accounts, _ = shop_users(world)
    customer, times = purchase_times(rng, len(who), world.rates.source.orders_a_customer)
    times, night = spread(rng, times, world.rates.delivery)
    size, person = len(customer), who[customer]
    products = draw_rows(rng, read_words("products"), size)
    quantity = np.minimum(rng.geometric(0.75, size), 9).astype(np.int64)
    countries = world.people["country"].take(person).to_pylist()
    items, cents = _items(world, products, quantity)
    columns = {
        "order_id": serial("O", 7_000_001, size),
        "customer_id": blank(accounts.take(customer), chance(rng, size, world.rates.source.guest_orders)),
        "email": with_email_variants(rng, world.people["email"].take(person), world.rates.noise),
        "ordered_at": timestamps(times),
        "items": items,
        "amount": money(cents),
        "currency": pa.array([_CURRENCIES[code] for code in countries], pa.string()),
        "status": draw(rng, "phrases", size, kind="order_status"),
    }
    return _Orders(columns, person, times, night)


def _items(world: World, first: pa.Table, quantity: Indices) -> tuple[pa.Array, Indices]:
    """Make orders of a product each and, for some, of one or two more; returns them and their sums in cents."""
    rng, size = stream(world.seed, "shop_orders", "items"), len(quantity)
    more = np.minimum(rng.geometric(1 - _MORE_ITEMS, size) - 1, 2).astype(np.int64)
    others = draw_rows(rng, read_words("products"), int(more.sum()))
    order = np.argsort(np.r_[np.arange(size), np.repeat(np.arange(size), more)], kind="stable")
    rows = pa.concat_tables([first, others]).take(order).combine_chunks()
    pieces = np.r_[quantity, np.ones(len(order) - size, np.int64)][order]
    price = flat(rows["price_eur"])
    values = {
        "product_id": flat(rows["product_id"]),
        "category": flat(rows["category"]),
        "quantity": pa.array(pieces, pa.int32()),
        "unit_price": money(_cents(price, np.ones(len(order), np.int64))),
    }
    ends = np.concatenate([[0], np.cumsum(1 + more)]).astype(np.int32)
    items = pa.StructArray.from_arrays(list(values.values()), names=list(values))
    return pa.ListArray.from_arrays(pa.array(ends), items), np.add.reduceat(_cents(price, pieces), ends[:-1])


def _deliver_orders(world: World, nights: int) -> list[Batch]:
    orders = _draw_orders(world)
    found = {"columns": orders.columns, "entity": orders.person, "night": orders.night}
    return event_batches(world, nights, name="shop_orders", **found)  # type: ignore[arg-type]


def _deliver_returns(world: World, nights: int) -> list[Batch]:
    """Give a few orders back, each as a whole, and cancel fewer."""
    rng, orders = stream(world.seed, "shop_returns"), _draw_orders(world)
    size = len(orders.person)
    is_cancelled = chance(rng, size, world.rates.source.cancelled_orders)
    hours = np.where(is_cancelled, rng.integers(1, 12, size), rng.integers(72, 500, size))
    times = orders.times + hours.astype("timedelta64[h]")
    is_chosen = is_cancelled | chance(rng, size, world.rates.source.returned_orders)
    chosen = np.flatnonzero(is_chosen & (orders.night == 1) & (times < REFERENCE))
    kept = take(orders.columns, chosen)
    columns = {
        "return_no": serial("R", 1_000_001, len(chosen)),
        "kind": either(is_cancelled[chosen], "Cancelled", "Returned"),
        "order_id": kept["order_id"],
        "customer_id": kept["customer_id"],
        "email": kept["email"],
        "refund": blank(kept["amount"], is_cancelled[chosen]),
        "currency": kept["currency"],
        "booked_at": iso_utc(times[chosen]),
    }
    night = np.ones(len(chosen), np.int64)
    return event_batches(world, nights, name="shop_returns", columns=columns, entity=orders.person[chosen], night=night)


def _deliver_receipts(world: World, nights: int) -> list[Batch]:
    rng = stream(world.seed, "till_receipts")
    who, cards = loyalty_cards(world)
    customer, times, night = _receipt_times(world, rng, len(who))
    size = len(customer)
    products = draw_rows(rng, read_words("products"), size)
    quantity = np.minimum(rng.geometric(0.6, size), 20).astype(np.int64)
    columns = {
        "BON": random_ids(rng, "", size),
        "KARTE": cards.take(customer),
        "FILIALE": digits(rng.integers(1, _BRANCHES + 1, size), 3),
        "ZEIT": berlin_text(times, "%d/%m/%Y %H:%M"),
        "ARTIKEL": flat(products["product_id"]),
        "WARENGRUPPE": flat(products["category"]),
        "MENGE": pa.array(quantity),
        "BETRAG": comma_money(_cents(flat(products["price_eur"]), quantity)),
        "ZAHLART": draw(rng, "phrases", size, kind="payment"),
    }
    return event_batches(world, nights, name="till_receipts", columns=columns, entity=who[customer], night=night)


def _receipt_times(world: World, rng: np.random.Generator, cards: int) -> tuple[Indices, Times, Indices]:
    customer, times = purchase_times(rng, cards, world.rates.source.receipts_a_card)
    return customer, *spread(rng, times, world.rates.delivery)


def purchases_of_people(world: World) -> tuple[Indices, Times]:
    """Who bought when, in the web shop and at the tills, of what the first night delivers."""
    orders, who = _draw_orders(world), loyalty_cards(world)[0]
    customer, times, night = _receipt_times(world, stream(world.seed, "till_receipts"), len(who))
    early = [orders.night == 1, night == 1]
    return (
        np.r_[orders.person[early[0]], who[customer][early[1]]],
        np.r_[orders.times[early[0]], times[early[1]]],
    )


PURCHASE_SOURCES = (
    Source("shop_orders", Format("parquet", ".parquet"), "order_id", "ordered_at", _deliver_orders),
    Source("shop_returns", Format("csv", ".csv"), "return_no", "booked_at", _deliver_returns),
    Source("till_receipts", Format("csv", ".csv", ";", "latin-1"), "BON", "ZEIT", _deliver_receipts),
)
