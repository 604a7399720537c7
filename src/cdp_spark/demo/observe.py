"""How a source sees people: which of their values it has, how old they are and how they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.demo.noise import (
    PLACEHOLDER_EMAILS,
    PLACEHOLDER_NAMES,
    PLACEHOLDER_PHONES,
    chance,
    with_birth_mistakes,
    with_case_and_unicode,
    with_email_variants,
    with_placeholders,
    with_short_streets,
    with_typos,
)
from cdp_spark.demo.words import Columns, Indices, Mask, blank, draw_for, either, is_set, join, take
from cdp_spark.demo.world.contacts import COUNTRY_CODES

if TYPE_CHECKING:
    from cdp_spark.demo.rates import NoiseRates
    from cdp_spark.demo.world import World

HOME_COUNTRY = "DE"


def observe(world: World, who: Indices, rng: np.random.Generator, *, has_country: bool = True) -> Columns:
    """Write down people as one source has them.

    Args:
        world: the truth.
        who: people's positions.
        rng: the record source's random stream.
        has_country: the source knows the country, so that phones may lack the country code; without it only
            German ones do.
    Returns: one row a person: title, first, last, birth_date, email, phone, mobile, street, house_no, postcode, city,
        country, account (position or -1), company (or null).
    """
    people, rates = take(world.people, who), world.rates.noise
    outdated = chance(rng, len(who), rates.outdated)
    titles = join("title_", people["gender"])
    return {
        "title": draw_for(rng, "phrases", {"country": people["country"], "kind": titles}),
        **_names(rng, people, outdated & is_set(people["last_before"]), rates),
        "birth_date": with_birth_mistakes(rng, people["birth_date"], rates),
        "email": _emails(rng, people, rates),
        **_phones(rng, people, world.accounts, has_country=has_country, rates=rates),
        **_address(rng, people, outdated & is_set(people["street_before"]), rates),
        "country": people["country"],
        "account": people["account"],
        "company": _companies(world, people["account"]),
    }


def _companies(world: World, account: pa.Array) -> pa.Array:
    rows = pa.array(account.to_numpy(), mask=account.to_numpy() < 0)
    return join(world.accounts["stem"].take(rows), world.accounts["legal_form"].take(rows), separator=" ")


def _names(rng: np.random.Generator, people: Columns, unmarried: Mask, rates: NoiseRates) -> Columns:
    size = len(people["first"])
    called = chance(rng, size, rates.nickname) & is_set(people["nickname"])
    first = either(called, people["nickname"], people["first"])
    last = either(unmarried, people["last_before"], people["last"])
    first = with_typos(rng, first, rates.name_typo, scanned=rates.ocr_share_of_typos)
    last = with_typos(rng, last, rates.name_typo, scanned=rates.ocr_share_of_typos)
    swapped = chance(rng, size, rates.names_swapped)
    first, last = either(swapped, last, first), either(swapped, first, last)
    written = with_case_and_unicode(rng, join(first, last, separator="\t"), rates)
    parts = pc.split_pattern(written, "\t")
    return {
        "first": with_placeholders(rng, pc.list_element(parts, 0), PLACEHOLDER_NAMES, rates.placeholder / 3),
        "last": pc.list_element(parts, 1),
    }


def _emails(rng: np.random.Generator, people: Columns, rates: NoiseRates) -> pa.Array:
    size = len(people["email"])
    other = pc.coalesce(people["email_work"], people["email_other"])
    emails = either(chance(rng, size, rates.alternative_email) & is_set(other), other, people["email"])
    family = chance(rng, size, rates.family_email) & is_set(people["email_family"])
    emails = with_email_variants(rng, either(family, people["email_family"], emails), rates)
    emails = with_typos(rng, emails, rates.contact_typo, scanned=rates.ocr_share_of_typos)
    emails = blank(emails, chance(rng, size, rates.missing_email))
    return with_placeholders(rng, emails, PLACEHOLDER_EMAILS, rates.placeholder)


def _phones(
    rng: np.random.Generator, people: Columns, accounts: Columns, *, has_country: bool, rates: NoiseRates
) -> Columns:
    size = len(people["mobile"])
    account = people["account"].to_numpy()
    office = accounts["phone"].take(np.maximum(account, 0))
    at_work = (account >= 0) & chance(rng, size, rates.office_phone)
    numbers = {"phone": either(at_work, office, people["landline"]), "mobile": people["mobile"]}
    local = np.full(size, has_country) | pc.equal(people["country"], HOME_COUNTRY).to_numpy(zero_copy_only=False)
    return {name: _spoilt_phones(rng, values, people["country"], local, rates) for name, values in numbers.items()}


def _spoilt_phones(
    rng: np.random.Generator, national: pa.Array, country: pa.Array, local: Mask, rates: NoiseRates
) -> pa.Array:
    mistyped = with_typos(rng, national, rates.contact_typo)
    written = write_phones(rng, mistyped, country, local)
    kept = blank(written, chance(rng, len(written), rates.missing_phone))
    return with_placeholders(rng, kept, PLACEHOLDER_PHONES, rates.placeholder)


def write_phones(rng: np.random.Generator, national: pa.Array, country: pa.Array, local: Mask) -> pa.Array:
    """Write phone numbers in one of many notations.

    Args:
        rng: the random stream.
        national: numbers without trunk zero; null stays null.
        country: ISO codes.
        local: where a notation without country code is allowed.
    Returns: texts such as `+49 (0)170 1234567`, `0170/1234567`, `(212) 555-0123`.
    """
    codes = pa.array([COUNTRY_CODES[code] for code in country.to_pylist()], pa.string())
    american = pc.equal(country, "US").to_numpy(zero_copy_only=False)
    trunk = either(american, "", "0")
    area, rest = pc.utf8_slice_codeunits(national, 0, 3), pc.utf8_slice_codeunits(national, 3)
    middle, end = pc.utf8_slice_codeunits(rest, 0, 3), pc.utf8_slice_codeunits(rest, 3)
    spaced = join(area, middle, end, separator=" ")
    dialled = either(american, join("1-", area, "-", rest), join("00", codes, national))
    worldwide = (
        join("+", codes, national),
        join("+", codes, " ", spaced),
        dialled,
        _with_zero(codes, area, rest, american),
    )
    at_home = (
        join(trunk, national),
        join(trunk, area, either(american, "-", "/"), rest),
        join("(", trunk, area, ") ", middle, "-", end),
        join(trunk, spaced),
    )
    kind = rng.integers(0, len(worldwide) + len(at_home), len(national))
    kind = np.where(local, kind, kind % len(worldwide))
    return pc.choose(pa.array(kind), *worldwide, *at_home)


def _with_zero(codes: pa.Array, area: pa.Array, rest: pa.Array, american: Mask) -> pa.Array:
    return join("+", codes, either(american, " (", " (0)"), area, either(american, ") ", " "), rest)


def _address(rng: np.random.Generator, people: Columns, moved: Mask, rates: NoiseRates) -> Columns:
    seen = {
        name: either(moved, people[f"{name}_before"], people[name])
        for name in ("street", "house_no", "postcode", "city")
    }
    seen["street"] = with_short_streets(rng, seen["street"], rates.abbreviated_street)
    for name in ("street", "city"):
        seen[name] = with_typos(rng, seen[name], rates.address_typo, scanned=rates.ocr_share_of_typos)
    seen["postcode"] = with_typos(rng, seen["postcode"], rates.address_typo / 4)
    missing = chance(rng, len(moved), rates.missing_address)
    return {name: blank(values, missing) for name, values in seen.items()}
