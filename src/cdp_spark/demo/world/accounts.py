"""The companies: names, legal forms and firmographics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.demo.words import Columns, digits, draw, draw_for, either, join
from cdp_spark.demo.world.contacts import ascii_words, build_addresses, build_numbers, numbered

if TYPE_CHECKING:
    from cdp_spark.demo.rates import WorldRates

_DOMAIN_ENDS = {"DE": ".de.example", "GB": ".co.uk.example", "US": ".com.example", "FR": ".fr.example"}


def draw_countries(rng: np.random.Generator, size: int, rates: WorldRates) -> pa.Array:
    """Draw countries by the configured shares.

    Args:
        rng: the random stream.
        size: how many.
        rates: the shares of countries.
    Returns: ISO codes.
    """
    codes = [code for code, _ in rates.countries]
    shares = np.array([share for _, share in rates.countries])
    return pa.array(codes).take(rng.choice(len(codes), size, p=shares / shares.sum()))


def build_accounts(rng: np.random.Generator, *, people: int, rates: WorldRates) -> Columns:
    """Make the companies.

    Args:
        rng: the random stream.
        people: the world's size, which sets the number of companies.
        rates: people per company, countries.
    Returns: one row per company: account_no, stem (its name without legal form), legal_form, registration_number,
        domain, industry, employees, revenue_eur, the address, phone and country.
    """
    size = max(8, people // rates.people_per_account)
    country = draw_countries(rng, size, rates)
    address = build_addresses(rng, country)
    stem = _names(rng, country)
    employees = np.clip(rng.lognormal(3.2, 1.4, size), 1, 60_000).astype(np.int64)
    numbers = 20_000 + rng.permutation(size)
    return {
        "account_no": join("AC-", pc.cast(pa.array(numbers), pa.string())),
        "country": country,
        "stem": stem,
        "legal_form": draw_for(rng, "companies", {"country": country}, kind="legal_form"),
        "registration_number": _registrations(rng, country),
        "domain": numbered(ascii_words(stem), _by_country(country, _DOMAIN_ENDS)),
        "industry": draw(rng, "phrases", size, kind="industry"),
        "employees": pa.array(employees),
        "revenue_eur": pa.array((employees * rng.lognormal(11.8, 0.5, size)).astype(np.int64) // 1000 * 1000),
        "phone": build_numbers(rng, country, address["area_code"]),
        **address,
    }


def _names(rng: np.random.Generator, country: pa.Array) -> pa.Array:
    founder = draw_for(rng, "surnames", {"country": country}, kind="name")
    partner = draw_for(rng, "surnames", {"country": country}, kind="name")
    trade = draw_for(rng, "companies", {"country": country}, kind="trade")
    brand = draw(rng, "companies", len(country), kind="brand")
    patterns = (join(founder, " ", trade), join(brand, " ", trade), join(founder, " & ", partner, " ", trade))
    choice = rng.choice(len(patterns), len(country), p=(0.5, 0.3, 0.2))
    return pc.choose(pa.array(choice), *patterns)


def _registrations(rng: np.random.Generator, country: pa.Array) -> pa.Array:
    size = len(country)
    number = digits(rng.choice(10**9, size, replace=False), 9)
    eight = pc.utf8_slice_codeunits(number, 1, 9)
    american = join(pc.utf8_slice_codeunits(number, 0, 2), "-", pc.utf8_slice_codeunits(number, 2, 9))
    german = join("HRB ", pc.utf8_slice_codeunits(number, 3, 9))
    text = either(pc.equal(country, "DE").to_numpy(zero_copy_only=False), german, number)
    text = either(pc.equal(country, "GB").to_numpy(zero_copy_only=False), eight, text)
    return either(pc.equal(country, "US").to_numpy(zero_copy_only=False), american, text)


def _by_country(country: pa.Array, values: dict[str, str]) -> pa.Array:
    return pa.array([values[code] for code in country.to_pylist()], pa.string())
