"""Numbers and sums of money as sources write them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cdp_spark.normalise.amounts import (
    UNCLEAR,
    DecimalSign,
    Worth,
    choose_currency,
    currencies_of,
    read_amount,
    read_worth,
)
from cdp_spark.normalise.event_types import read_event_type

EUR, USD = ("EUR",), ("USD",)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", "12"),
        ("12.5", "12.5"),
        ("12,50", "12.5"),
        ("1.234,50", "1234.5"),
        ("1,234.50", "1234.5"),
        ("1.234.567", "1234567"),
        ("12,34,567.00", "1234567"),
        ("1 234,5", "1234.5"),
        ("1\u202f234,50", "1234.5"),
        ("1'234.50", "1234.5"),
        ("1\u2019234", "1234"),
        ("1234.567", "1234.567"),
        ("0.125", "0.125"),
        (",5", "0.5"),
        ("12.", "12"),
        ("-12,50", "-12.5"),
        ("\u221212.50", "-12.5"),
        ("12,50-", "-12.5"),
        ("(12.50)", "-12.5"),
        ("+7", "7"),
        ("1e3", "1000"),
        ("1.5E-3", "0.0015"),
        ("0.30000000000000004", "0.3"),
        ("0.00005", "0.0001"),
    ],
)
def test_numbers_are_read_in_every_notation_that_is_clear(text: str, number: str) -> None:
    found = read_amount(f" {text} ")
    assert (found.number, found.reason, found.currencies) == (Decimal(number), None, ())


@pytest.mark.parametrize(
    ("text", "number", "currencies"),
    [
        ("12,50 €", "12.5", EUR),
        ("€12.50", "12.5", EUR),
        ("EUR 1.234,50", "1234.5", EUR),
        ("1,234.50 usd", "1234.5", USD),
        ("-£5", "-5", ("GBP",)),
        ("£-5", "-5", ("GBP",)),
        ("US$ 3", "3", USD),
        ("99 zł", "99", ("PLN",)),
        ("$3", "3", ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN")),
    ],
)
def test_a_currency_stands_before_or_behind_the_number(text: str, number: str, currencies: tuple[str, ...]) -> None:
    assert read_amount(text) == (Decimal(number), currencies, None)


@pytest.mark.parametrize(
    ("text", "by_point", "by_comma"),
    [("1,234", "1234", "1.234"), ("1.234", "1.234", "1234"), ("-12.345", "-12.345", "-12345")],
)
def test_a_separator_before_three_digits_is_read_as_the_source_says(text: str, by_point: str, by_comma: str) -> None:
    signs: tuple[DecimalSign, DecimalSign] = ("point", "comma")
    assert read_amount(text) == (None, (), "ambiguous")
    assert [read_amount(text, sign).number for sign in signs] == [Decimal(by_point), Decimal(by_comma)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *[
            (text, "malformed")
            for text in ("free", "12 %", "3 pieces", "1.2.3", "1,2,3.4", "12.50.", "--5", "(5", "5)")
        ],
        *[(text, "malformed") for text in ("NaN", "inf", "-", "€", "€5€", "1'2", "12 5", "2026-01-05", "٣")],
        ("100000000000000", "too_large"),
        ("1e99", "too_large"),
        ("9" * 60, "too_large"),
    ],
)
def test_what_is_no_number_has_a_reason(text: str, reason: str) -> None:
    found = read_amount(text)
    assert (found.number, found.reason) == (None, reason)


def test_a_sign_of_several_currencies_is_the_projects_own_or_unclear() -> None:
    texts = ("eur", " GBP ", "€", "Euro", "$", "kr", "EURO1", "12")
    found = [choose_currency(currencies_of(text), "CAD") for text in texts]
    assert found == ["EUR", "GBP", "EUR", "EUR", "CAD", UNCLEAR, None, None]


def test_a_line_is_worth_its_value_or_its_price_times_its_pieces() -> None:
    two, price, bad = read_amount("2"), read_amount("9.99"), read_amount("free")
    one, pieces = Decimal(1), Decimal(2)
    assert read_worth(two, price, None) == Worth(pieces, Decimal("19.98"))
    assert read_worth(None, price, None) == Worth(one, Decimal("9.99"))
    assert read_worth(two, None, price) == Worth(pieces, Decimal("9.99"))
    assert read_worth(two, None, None) == Worth(pieces, None)
    assert read_worth(two, bad, None) == Worth(pieces, None, "price_malformed")
    assert read_worth(bad, price, None) == Worth(None, None, "quantity_malformed")
    many = Decimal(99_999_999)
    assert read_worth(read_amount("99999999"), read_amount("9999999"), None) == Worth(many, None, "value_too_large")


def test_a_sources_words_come_before_the_standard_ones() -> None:
    words = {"Bestellung": "purchase", "view": "video_start"}
    texts = ("Bestellung", "view", "Add to Cart", "PAGE-VIEW", "Wishlist Add")
    found = [read_event_type(text, words) for text in texts]
    assert found == ["purchase", "video_start", "add_to_cart", "page_view", "Wishlist Add"]
