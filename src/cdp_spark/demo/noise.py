"""Spoil true values the way that forms, call centres, scanners and exports do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.demo.words import Mask, either, is_set, join

if TYPE_CHECKING:
    from cdp_spark.demo.rates import NoiseRates

_SCANNED = {"o": "0", "l": "1", "i": "1", "s": "5", "m": "rn", "b": "6", "e": "c", "u": "v", "g": "9"}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"
_SHORT_STREETS = (
    ("straße", "str."),
    ("Straße", "Str."),
    (" Street", " St"),
    (" Road", " Rd"),
    (" Avenue", " Ave"),
    (" Lane", " Ln"),
    (" Drive", " Dr"),
    (" Boulevard", " Blvd"),
    ("Avenue ", "Av. "),
    ("Boulevard ", "Bd "),
    ("allee", "al."),
)
PLACEHOLDER_EMAILS = ("none@none.com", "test@test.com", "n/a", "noemail@example.com", "N/A")
PLACEHOLDER_PHONES = ("0000000000", "N/A", "123456789", "unknown", "9999999999")
PLACEHOLDER_NAMES = ("test", "N/A", "unknown", "-")


def chance(rng: np.random.Generator, size: int, rate: float) -> Mask:
    """Choose rows at random.

    Args:
        rng: the random stream.
        size: rows.
        rate: share of true values.
    Returns: a mask.
    """
    return rng.random(size) < rate


def misspell(text: str, *, edit: int, at: int, letter: int) -> str:
    """Make one typing mistake.

    Args:
        text: what was meant.
        edit: 0 insert, 1 delete, 2 replace, 3 transpose.
        at: where; taken modulo the length.
        letter: which wrong letter (or digit, beside a digit).
    Returns: the text with one mistake; unchanged when shorter than 3.
    """
    if len(text) < 3:
        return text
    at = 1 + at % (len(text) - 1)
    alphabet = _DIGITS if text[at].isdigit() else _LETTERS
    wrong = alphabet[letter % len(alphabet)]
    swapped = text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :]
    return (text[:at] + wrong + text[at:], text[:at] + text[at + 1 :], text[:at] + wrong + text[at + 1 :], swapped)[
        edit
    ]


def misread(text: str, *, at: int) -> str:
    """Make one mistake of optical character recognition.

    Args:
        text: what was printed.
        at: which of the confusable letters; taken modulo their number.
    Returns: the text with one confusion; unchanged when it has no such letter.
    """
    places = [place for place, letter in enumerate(text) if letter.lower() in _SCANNED]
    if not places:
        return text
    place = places[at % len(places)]
    return text[:place] + _SCANNED[text[place].lower()] + text[place + 1 :]


def with_typos(rng: np.random.Generator, values: pa.Array, rate: float, *, scanned: float = 0.0) -> pa.Array:
    """Put one mistake into a share of texts.

    Args:
        rng: the random stream.
        values: texts; null stays null.
        rate: share of texts with a mistake.
        scanned: share of the mistakes that are misreadings.
    Returns: the texts.
    """
    hit = chance(rng, len(values), rate) & is_set(values)
    draws = rng.integers(0, 2**16, (int(hit.sum()), 3)).tolist()
    by_scanner = chance(rng, len(draws), scanned).tolist()
    wrong = [
        misread(text, at=at) if scan else misspell(text, edit=edit % 4, at=at, letter=letter)
        for text, (edit, at, letter), scan in zip(
            values.filter(pa.array(hit)).to_pylist(), draws, by_scanner, strict=True
        )
    ]
    return pc.replace_with_mask(values, pa.array(hit), pa.array(wrong, pa.string()))


def with_placeholders(
    rng: np.random.Generator, values: pa.Array, placeholders: tuple[str, ...], rate: float
) -> pa.Array:
    """Replace a share of values by what people type to get past a required field.

    Args:
        rng: the random stream.
        values: texts.
        placeholders: what is typed instead.
        rate: share of rows, null ones included.
    Returns: the texts.
    """
    typed = pa.array(placeholders).take(rng.integers(0, len(placeholders), len(values)))
    return either(chance(rng, len(values), rate), typed, values)


def with_case_and_unicode(rng: np.random.Generator, values: pa.Array, rates: NoiseRates) -> pa.Array:
    """Write a share of names in capitals, in small letters, or with decomposed accents (NFD).

    Args:
        rng: the random stream.
        values: texts in NFC.
        rates: the shares.
    Returns: the texts.
    """
    size = len(values)
    values = either(chance(rng, size, rates.upper_case), pc.utf8_upper(values), values)
    values = either(chance(rng, size, rates.lower_case), pc.utf8_lower(values), values)
    return either(chance(rng, size, rates.decomposed_unicode), pc.utf8_normalize(values, form="NFD"), values)


def with_email_variants(rng: np.random.Generator, emails: pa.Array, rates: NoiseRates) -> pa.Array:
    """Write a share of addresses in another way that reaches the same mailbox.

    Args:
        rng: the random stream.
        emails: addresses or null.
        rates: the shares.
    Returns: addresses with capitals, a plus tag, or dots added to or left out of gmail's local part.
    """
    local = pc.replace_substring_regex(emails, "@.*", "")
    domain = pc.replace_substring_regex(emails, "^[^@]*@", "")
    is_gmail = pc.starts_with(domain, "g").fill_null(False).to_numpy(zero_copy_only=False)
    is_gmail &= pc.match_substring(domain, "mail.com").fill_null(False).to_numpy(zero_copy_only=False)
    dotless = either(is_gmail, pc.replace_substring(local, ".", ""), local)
    tagged = either(is_gmail, join(local, "+shop"), local)
    first, rest = pc.utf8_slice_codeunits(dotless, 0, 2), pc.utf8_slice_codeunits(dotless, 2)
    dotted = either(is_gmail, join(first, ".", rest), local)
    written = (
        join(pc.utf8_capitalize(local), "@", domain),
        pc.utf8_upper(emails),
        join(dotless, "@", domain),
        join(tagged, "@", domain),
        join(dotted, "@", domain),
        join(" ", emails),
    )
    variant = pc.choose(pa.array(rng.integers(0, len(written), len(emails))), *written)
    return either(chance(rng, len(emails), rates.email_variant), variant, emails)


def with_short_streets(rng: np.random.Generator, streets: pa.Array, rate: float) -> pa.Array:
    """Abbreviate the kind of street in a share of rows.

    Args:
        rng: the random stream.
        streets: street names or null.
        rate: share of rows.
    Returns: the street names.
    """
    short = streets
    for long, abbreviated in _SHORT_STREETS:
        short = pc.replace_substring(short, long, abbreviated)
    return either(chance(rng, len(streets), rate), short, streets)


def with_birth_mistakes(rng: np.random.Generator, births: pa.Array, rates: NoiseRates) -> pa.Array:
    """Swap day and month, miss the year, forget the date, or enter 1900-01-01 in a share of rows.

    Args:
        rng: the random stream.
        births: dates.
        rates: the shares.
    Returns: dates or null.
    """
    days = births.to_numpy(zero_copy_only=False).astype("datetime64[D]")
    months, years = days.astype("datetime64[M]"), days.astype("datetime64[Y]")
    day, month = (days - months).astype(np.int64), (months - years).astype(np.int64)
    swapped = (years.astype("datetime64[M]") + day).astype("datetime64[D]") + month
    swap = chance(rng, len(days), rates.birth_day_month_swapped) & (day < 12)
    days = np.where(swap, swapped, days)
    shift = rng.choice([-10, -1, 1, 10], len(days)) * 365
    days = np.where(chance(rng, len(days), rates.birth_other_year), days + shift, days)
    days = np.where(chance(rng, len(days), rates.placeholder), np.datetime64("1900-01-01"), days)
    days[chance(rng, len(days), rates.missing_birth_date)] = np.datetime64("NaT")
    return pa.array(days)
