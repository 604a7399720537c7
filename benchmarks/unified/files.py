"""What a shop delivers, night by night: its customers, clicks of cookies with some log-ins, orders with lines.

A third of the cookies are nobody's. The others belong to customers, of whom some log in with them: an event that bears
both the cookie and the customer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

AS_OF = datetime(2026, 11, 1, 2, tzinfo=UTC)
COOKIES_A_PERSON = 2.5
_ORDERS, _LOGINS = 0.2, 0.04
"""Shares of the events."""
_KNOWN = 2 / 3
"""Share of the cookies that belong to a customer."""
_CLICKS_A_VISIT = 6
_YEAR_SECONDS = 31_000_000
_PRODUCTS = 5_000

Row = dict[str, object]


@dataclass(frozen=True)
class Shop:
    """Who can be drawn, and where the files go.

    Args:
        folder: of the deliveries.
        people: customers.
        rng: draws.
        web: the format of the clicks.
    """

    folder: Path
    people: int
    rng: np.random.Generator
    web: Literal["json", "csv"]

    @property
    def cookies(self) -> int:
        """How many cookies there are."""
        return round(self.people * COOKIES_A_PERSON)

    def owner(self, cookie: int) -> int:
        """The customer of a cookie."""
        return cookie % self.people

    def write_people(self) -> None:
        """Write the customers and the rates of their currencies."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = [f"K{it},Given{it % 997},Family{it},mail{it}@shop.example\n" for it in range(self.people)]
        (self.folder / "crm.csv").write_text("customer_id,given_name,family_name,email\n" + "".join(lines))
        days = [date(2025, 10, 1) + timedelta(days=7 * week) for week in range(60)]
        rates = [f"{code},{day},{rate}\n" for code, rate in (("USD", 0.9), ("GBP", 1.2)) for day in days]
        (self.folder / "rates.csv").write_text("code,day,rate\n" + "".join(rates))

    def write_events(self, events: int, *, first: int, seconds: tuple[int, int] = (3_600, _YEAR_SECONDS)) -> None:
        """Write clicks, log-ins and orders, instead of those that were delivered before.

        Args:
            events: how many.
            first: number of the first order.
            seconds: before `AS_OF`, from and to.
        """
        orders, logins = round(events * _ORDERS), round(events * _LOGINS)
        visits = self._visits(events - orders - logins, seconds)
        clicks = [self._click(number, *row) for number, row in enumerate(visits)]
        known = round(self.cookies * _KNOWN) // 2  # half of the customers' cookies never log in
        clicks += [self._login(row[0] % known, row[1]) for row in self._draws(logins, seconds)]
        self._write_web(clicks)
        rows = enumerate(self._draws(orders, seconds), start=first)
        self._write_orders(self._order_line(number, *row) for number, row in rows)

    def write_logins(self, share: float) -> None:
        """Write a log-in for a share of the cookies, all with cookies that nobody had logged in with."""
        first = round(self.cookies * _KNOWN) // 2
        self._write_web([self._login(cookie, 60) for cookie in range(first, first + round(self.cookies * share))])
        self._write_orders(())

    def _draws(self, size: int, seconds: tuple[int, int]) -> list[list[int]]:
        """Cookie, seconds before `AS_OF` and product of each event."""
        draw = self.rng.integers
        columns = (draw(0, self.cookies, size), draw(*seconds, size), draw(0, _PRODUCTS, size))
        rows: list[list[int]] = np.stack(columns, axis=1).tolist()
        return rows

    def _visits(self, size: int, seconds: tuple[int, int]) -> list[list[int]]:
        """Draw clicks, several a visit with half a minute between them."""
        visits = np.array(self._draws(size // _CLICKS_A_VISIT + 1, seconds))
        clicks = visits[np.sort(self.rng.integers(0, len(visits), size))]
        place = np.arange(size)
        clicks[:, 1] -= 30 * (place % _CLICKS_A_VISIT)
        clicks[:, 2] = (clicks[:, 2] + place) % _PRODUCTS
        rows: list[list[int]] = clicks.tolist()
        return rows

    def _click(self, number: int, cookie: int, second: int, product: int) -> Row:
        what = ("page_view", "product_view", "add_to_cart")[number % 3]
        url = f"https://shop.example/p/{product}"
        row = {"what": what, "at": _millis(second, number), "cookie": f"c{cookie}", "customer": None}
        return row | {"product": f"P{product}", "url": url, "campaign": ("spring", "brand", None)[number % 3]}

    def _login(self, cookie: int, second: int) -> Row:
        row: Row = {"what": "login", "at": _millis(second, cookie), "cookie": f"c{cookie}"}
        nothing = {"product": None, "url": "https://shop.example/login", "campaign": None}
        return row | {"customer": f"K{self.owner(cookie)}"} | nothing

    def _order_line(self, number: int, cookie: int, second: int, product: int) -> str:
        at = (AS_OF - timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")
        items = [
            {"sku": f"P{(product + it) % _PRODUCTS}", "n": 1 + it, "price": 9.9 + product}
            for it in range(1 + number % 3)
        ]
        text = json.dumps(items).replace('"', '""')
        return f'O{number},{at},K{self.owner(cookie)},{("EUR", "USD", "GBP")[number % 3]},"{text}"\n'

    def _write_web(self, rows: Iterable[Row]) -> None:
        folder = self.folder / f"web_{self.web}"
        folder.mkdir(exist_ok=True)
        lines = _json_lines(rows) if self.web == "json" else _csv_lines(rows)
        with (folder / f"events.{self.web}").open("w") as file:
            file.writelines(lines)

    def _write_orders(self, lines: Iterable[str]) -> None:
        (self.folder / "orders").mkdir(exist_ok=True)
        with (self.folder / "orders" / "orders.csv").open("w") as file:
            file.write("order,at,customer,currency,items\n")
            file.writelines(lines)


def _millis(second: int, number: int) -> int:
    return int(AS_OF.timestamp() - second) * 1000 + number % 1000


def _json_lines(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        yield json.dumps({name: value for name, value in row.items() if value is not None}) + "\n"


def _csv_lines(rows: Iterable[Row]) -> Iterator[str]:
    yield "what,at,cookie,customer,product,url,campaign\n"
    for row in rows:
        yield ",".join("" if value is None else str(value) for value in row.values()) + "\n"
