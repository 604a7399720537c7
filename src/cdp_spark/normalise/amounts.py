"""Numbers and sums of money as sources write them: `1.234,50 €`, `$1,234.50`, `12,50-`, `(12.50)`, `1e3`.

1. The currency is taken off, as a sign or three letters, before or behind the number; then the minus, wherever it is.
2. Of two different separators the last one is that of decimals. A separator that comes several times, a space and an
   apostrophe separate thousands.
3. One point or comma before exactly three digits may be either: `1,234` is read only by a source that says which sign
   separates decimals. After a zero, or after more than three digits, it can only be that of decimals.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Literal, NamedTuple

DecimalSign = Literal["point", "comma"]

PLACES = Decimal("0.0001")
MAX_AMOUNT = Decimal(10) ** 14
"""Amounts are decimal(18,4)."""

UNCLEAR = ""
"""Of a sign that several currencies share."""
MALFORMED, AMBIGUOUS, TOO_LARGE = "malformed", "ambiguous", "too_large"
_SIGNS: dict[str, tuple[str, ...]] = {
    "€": ("EUR",),
    "£": ("GBP",),
    "¥": ("JPY", "CNY"),
    "₹": ("INR",),
    "₺": ("TRY",),
    "₽": ("RUB",),
    "₩": ("KRW",),
    "₪": ("ILS",),
    "₴": ("UAH",),
    "₫": ("VND",),
    "฿": ("THB",),
    "zł": ("PLN",),
    "kč": ("CZK",),
    "ft": ("HUF",),
    "r$": ("BRL",),
    "us$": ("USD",),
    "ca$": ("CAD",),
    "c$": ("CAD",),
    "au$": ("AUD",),
    "a$": ("AUD",),
    "nz$": ("NZD",),
    "hk$": ("HKD",),
    "s$": ("SGD",),
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN"),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "kr.": ("DKK", "SEK", "NOK", "ISK"),
    "fr.": ("CHF",),
    "euro": ("EUR",),
}
"""A sign to the currencies that are written with it."""
_WRITTEN = re.compile(
    r"(?P<before>[^\d.,()+-]*)(?P<number>[(+-]*[\d.,' ]*\d[\d.,' ]*(?:e[+-]?\d{1,3})?[)-]*)(?P<behind>.*)", re.ASCII
)
_SCIENTIFIC = re.compile(r"\d+(?:\.\d+)?e[+-]?\d{1,3}", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}(?:[.,' ]\d{2,3})*[.,' ]\d{3}", re.ASCII)
_MINUS_FIRST = re.compile(r"-([^\d.,()+-]+)", re.ASCII)
_SPACES = re.compile(r"[\s\u00a0\u2007\u2009\u202f]+")
_AROUND = {"": False, "+": False, "-": True, "()": True}
"""What stands around the digits, and whether it makes them negative; the minus may come last."""
_CODE = re.compile(r"[A-Z]{3}")


class Amount(NamedTuple):
    """A number as a text has it, or why there is none.

    Args:
        number: rounded; None beside a reason.
        currencies: those that are written with the text's sign or code; none where it has neither.
        reason: `malformed`, `ambiguous` or `too_large`.
    """

    number: Decimal | None
    currencies: tuple[str, ...] = ()
    reason: str | None = None


@lru_cache(maxsize=65_536)
def read_amount(text: str, decimal: DecimalSign | None = None, *, places: Decimal = PLACES) -> Amount:
    """Read a number with or without a currency.

    Args:
        text: as the source has it.
        decimal: which sign separates decimals where the text alone does not tell.
        places: to round to.
    """
    plain = _SPACES.sub(" ", text).strip().replace("\u2212", "-").replace("\u2019", "'").lower()
    found = _WRITTEN.fullmatch(_MINUS_FIRST.sub(r"\1-", plain, count=1) if plain.startswith("-") else plain)
    if found is None:
        return Amount(None, reason=MALFORMED)
    before, number, behind = (part.strip() for part in found.group("before", "number", "behind"))
    currencies = currencies_of(before or behind)
    if (before and behind) or ((before or behind) and not currencies):
        return Amount(None, reason=MALFORMED)
    value, reason = _read_number(number, decimal)
    if value is None:
        return Amount(None, currencies, reason)
    if abs(value) >= MAX_AMOUNT - 1:
        return Amount(None, currencies, TOO_LARGE)
    return Amount(value.quantize(places, ROUND_HALF_UP), currencies)


def choose_currency(currencies: tuple[str, ...], own: str) -> str | None:
    """Choose among the currencies that a sign stands for: the only one, or the project's own.

    Returns: None where there are none; `UNCLEAR` where it may be any of several others.
    """
    if len(currencies) > 1:
        return own if own in currencies else UNCLEAR
    return currencies[0] if currencies else None


class Worth(NamedTuple):
    """How much an order line is.

    Args:
        quantity: pieces.
        value: of the whole line.
        reason: why one of them is missing, such as `price_malformed`; None where both are there or nothing is said.
    """

    quantity: Decimal | None
    value: Decimal | None
    reason: str | None = None


def read_worth(quantity: Amount | None, price: Amount | None, value: Amount | None) -> Worth:
    """Work out an order line's quantity and value.

    Args:
        quantity: None for one piece.
        price: of a piece.
        value: of the whole line; comes before the price.
    """
    parts = {"quantity": quantity, "price": price, "value": value}
    reasons = [f"{name}_{part.reason}" for name, part in parts.items() if part is not None and part.reason]
    pieces = Decimal(1) if quantity is None else quantity.number
    whole = value.number if value is not None else None
    if value is None and price is not None and price.number is not None and pieces is not None:
        whole = price.number * pieces
    if whole is not None and abs(whole) >= MAX_AMOUNT - 1:
        return Worth(pieces, None, f"value_{TOO_LARGE}")
    rounded = whole.quantize(PLACES, ROUND_HALF_UP) if whole is not None else None
    return Worth(pieces, rounded, next(iter(reasons), None))


def currencies_of(text: str) -> tuple[str, ...]:
    """List the currencies that a sign or a code stands for, the likeliest first; none where it is neither."""
    word = text.strip()
    return _SIGNS.get(word.lower()) or ((word.upper(),) if _CODE.fullmatch(word.upper()) else ())


def _read_number(written: str, decimal: DecimalSign | None) -> tuple[Decimal | None, str | None]:
    digits = written.strip("+-() ")
    around = written.replace(digits, "").replace(" ", "")
    if around not in _AROUND:
        return None, MALFORMED
    is_negative = _AROUND[around]
    if _SCIENTIFIC.fullmatch(digits):
        value: Decimal | None = Decimal(digits) if abs(int(digits.partition("e")[2])) < 20 else None
        reason = None if value is not None else TOO_LARGE
    else:
        plain, reason = _without_separators(digits, decimal)
        value = Decimal(plain) if plain else None
    return (-value if value is not None and is_negative else value), reason


def _without_separators(digits: str, decimal: DecimalSign | None) -> tuple[str | None, str | None]:
    """Write digits with a point before the decimals and no other separator."""
    marks = [mark for mark in digits if mark in ".,"]
    last = max(digits.rfind("."), digits.rfind(","))
    if not marks or digits.count(digits[last]) > 1:
        return _whole(digits)
    whole, places = digits[:last], digits[last + 1 :]
    if len(marks) == 1 and not _is_decimal(whole, places):
        if decimal is None:
            return None, AMBIGUOUS
        if {"point": ".", "comma": ","}[decimal] != digits[last]:
            return _whole(digits)
    integer, reason = _whole(whole or "0")
    if integer is None or (places and not places.isdigit()):
        return None, reason or MALFORMED
    return f"{integer}.{places or '0'}", None


def _is_decimal(whole: str, places: str) -> bool:
    """Whether the one separator of a number can only be that of decimals."""
    is_grouped = any(mark in whole for mark in "' ")
    return len(places) != 3 or not whole or whole.startswith("0") or len(whole) > 3 or is_grouped


def _whole(digits: str) -> tuple[str | None, str | None]:
    if digits.isdigit():
        return digits, None
    separators = {mark for mark in digits if not mark.isdigit()}
    if len(separators) != 1 or not _GROUPED.fullmatch(digits):
        return None, MALFORMED
    return digits.replace(separators.pop(), ""), None
