"""Addresses, e-mail addresses and phone numbers as they are in truth."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.demo.words import Columns, Indices, digits, draw_for, draw_rows_for, either, flat, join

NATIONAL_DIGITS = {"DE": 10, "GB": 10, "US": 10, "FR": 9}
COUNTRY_CODES = {"DE": "49", "GB": "44", "US": "1", "FR": "33"}
_UMLAUTS = (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("ø", "o"), ("ł", "l"), ("\u0131", "i"))


def build_addresses(rng: np.random.Generator, country: pa.Array) -> Columns:
    """Draw a postal address in each given country.

    Args:
        rng: the random stream.
        country: ISO codes of the supported countries.
    Returns: street, house_no, postcode, city and the city's phone area_code.
    """
    cities = draw_rows_for(rng, "cities", {"country": country})
    return {
        "street": _streets(rng, country),
        "house_no": _house_numbers(rng, country),
        "postcode": _postcodes(rng, country, flat(cities["postcode_prefix"])),
        "city": flat(cities["city"]),
        "area_code": flat(cities["area_code"]),
    }


def _streets(rng: np.random.Generator, country: pa.Array) -> pa.Array:
    stem = draw_for(rng, "streets", {"country": country}, kind="stem")
    kind = draw_for(rng, "streets", {"country": country}, kind="type")
    is_french = pc.equal(country, "FR").to_numpy(zero_copy_only=False)
    return either(is_french, join(kind, stem), join(stem, kind))


def _house_numbers(rng: np.random.Generator, country: pa.Array) -> pa.Array:
    size = len(country)
    number = 1 + (rng.exponential(28, size)).astype(np.int64)
    american = pc.equal(country, "US").to_numpy(zero_copy_only=False)
    number = np.where(american, 100 + number * 37, number)
    letter = np.where((rng.random(size) < 0.06) & ~american, rng.choice(list("abc"), size), "")
    return join(pc.cast(pa.array(number), pa.string()), pa.array(letter))


def _postcodes(rng: np.random.Generator, country: pa.Array, prefix: pa.Array) -> pa.Array:
    size = len(country)
    tail = digits(rng.integers(1, 1000, size), 3)
    five = pc.utf8_slice_codeunits(join(prefix, tail), 0, 5)
    letters = np.array(list("ABDEFGHJLNPQRSTUWXYZ"))
    pair = np.strings.add(rng.choice(letters, size), rng.choice(letters, size))
    british = join(prefix, " ", pc.cast(pa.array(rng.integers(1, 10, size)), pa.string()), pa.array(pair))
    return pc.if_else(pc.equal(country, "GB"), british, five)


def build_numbers(rng: np.random.Generator, country: pa.Array, area: pa.Array) -> pa.Array:
    """Draw valid national phone numbers in an area or a mobile network.

    Args:
        rng: the random stream.
        country: ISO codes.
        area: area code or mobile prefix, without the leading zero.
    Returns: national numbers without trunk zero or country code.
    """
    size = len(country)
    codes = pc.dictionary_encode(country)
    lengths = np.array([NATIONAL_DIGITS[code] for code in codes.dictionary.to_pylist()], dtype=np.int64)
    length = lengths[codes.indices.to_numpy()]
    tail = join(digits(rng.integers(2, 10, size), 1), digits(rng.integers(0, 10**9, size), 9))
    padded = pc.utf8_slice_codeunits(join(area, tail), 0, 10)
    return either(length == 9, pc.utf8_slice_codeunits(padded, 0, 9), padded)


def build_mobiles(rng: np.random.Generator, country: pa.Array, area: pa.Array) -> pa.Array:
    """Draw mobile numbers; American ones belong to the city's area.

    Args:
        rng: the random stream.
        country: ISO codes.
        area: the home city's area code.
    Returns: national numbers.
    """
    american = pc.equal(country, "US").to_numpy(zero_copy_only=False)
    networks = pc.if_else(pc.equal(country, "US"), "GB", country)
    prefix = draw_for(rng, "phrases", {"country": networks}, kind="mobile_prefix")
    return build_numbers(rng, country, either(american, area, prefix))


def ascii_words(names: pa.Array) -> pa.Array:
    """Write names as mail addresses and domains have them.

    Args:
        names: any text.
    Returns: lower-case a to z and digits only.
    """
    text = pc.utf8_lower(names)
    for letter, plain in _UMLAUTS:
        text = pc.replace_substring(text, letter, plain)
    return pc.replace_substring_regex(pc.utf8_normalize(text, form="NFD"), r"[^a-z0-9]", "")


def numbered(stems: pa.Array, tails: pa.Array) -> pa.Array:
    """Append numbers to repeated stems until all of stem and tail differ, dots and gmail's names aside.

    Args:
        stems: such as local parts of mail addresses.
        tails: such as `@gmail.com`.
    Returns: stem and tail joined, each once; null where one is null.
    """
    domains = pc.replace_substring(tails, "@googlemail.", "@gmail.")
    while True:
        repeats = _repeats(join(pc.replace_substring(stems, ".", ""), domains))
        if not repeats.any():
            return join(stems, tails)
        stems = either(repeats > 0, join(stems, pc.cast(pa.array(repeats + 1), pa.string())), stems)


def _repeats(keys: pa.Array) -> Indices:
    """Count for each key how often it came before; 0 for nulls."""
    codes = pc.fill_null(pc.dictionary_encode(keys).indices, -1).to_numpy().astype(np.int64)
    order = np.argsort(codes, kind="stable")
    ranked = codes[order]
    starts = np.r_[True, ranked[1:] != ranked[:-1]]
    first = np.maximum.accumulate(np.where(starts, np.arange(len(codes)), 0))
    repeats = np.empty(len(codes), dtype=np.int64)
    repeats[order] = np.arange(len(codes)) - first
    return np.where(codes < 0, 0, repeats)


def build_emails(rng: np.random.Generator, people: Columns) -> pa.Array:
    """Draw private mail addresses, not yet unique ones.

    Args:
        rng: the random stream.
        people: first, last, country and birth_date.
    Returns: local part and domain, parted by `@`.
    """
    first, last = ascii_words(people["first"]), ascii_words(people["last"])
    initial = pc.utf8_slice_codeunits(first, 0, 1)
    year = pc.utf8_slice_codeunits(pc.strftime(people["birth_date"], "%Y"), 2, 4)
    patterns = (
        join(first, ".", last),
        join(first, last),
        join(initial, ".", last),
        join(first, ".", last, year),
        join(initial, last, year),
        join(last, ".", first),
        join(first, "_", last),
    )
    choice = rng.choice(len(patterns), len(first), p=(0.38, 0.15, 0.12, 0.13, 0.08, 0.08, 0.06))
    domain = draw_for(rng, "phrases", {"country": people["country"]}, kind="email_domain")
    return join(pc.choose(pa.array(choice), *patterns), "@", domain)


def unique_emails(emails: pa.Array) -> pa.Array:
    """Number the repeated ones of all the world's mail addresses.

    Args:
        emails: addresses with one `@`, or null.
    Returns: the same addresses, each once.
    """
    local = pc.replace_substring_regex(emails, "@.*", "")
    tails = pc.replace_substring_regex(emails, "^[^@]*", "")
    return numbered(local, tails)
