"""The people and their households."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cdp_spark.demo.words import Columns, Indices, Mask, blank, digits, draw, draw_for, either, join, read_words, take
from cdp_spark.demo.world.accounts import draw_countries
from cdp_spark.demo.world.contacts import (
    ascii_words,
    build_addresses,
    build_emails,
    build_mobiles,
    build_numbers,
    unique_emails,
)

if TYPE_CHECKING:
    from cdp_spark.demo.rates import WorldRates

_NO_ACCOUNT = -1


def build_people(rng: np.random.Generator, *, people: int, accounts: Columns, rates: WorldRates) -> Columns:
    """Make the people, household by household.

    Args:
        rng: the random stream.
        people: how many.
        accounts: the companies that some work for.
        rates: sizes and shares.
    Returns: one row per person: household and account (positions; account -1 for none), country, gender, first, last,
        nickname, birth_date, the address, e-mail addresses, phone numbers (national), job_title; `*_before` is the
        state before a marriage or a move, null where nothing changed.
    """
    household, position = _households(rng, people, rates)
    homes = _build_homes(rng, household[-1] + 1, rates)
    members = _build_members(rng, household, position, take(homes, household), rates)
    members["account"] = _employers(rng, members["country"], position, accounts, rates)
    members["job_title"] = draw(rng, "phrases", people, kind="job_title")
    return members | _build_emails(rng, members, accounts, rates) | _build_mobiles(rng, members, position, rates)


def _households(rng: np.random.Generator, people: int, rates: WorldRates) -> tuple[Indices, Indices]:
    """Give each person a household and a position in it: 0 head, 1 partner, 2 and more children."""
    sizes = rng.choice(np.arange(1, len(rates.household_sizes) + 1), people, p=rates.household_sizes)
    household = np.repeat(np.arange(people), sizes)[:people]
    starts = np.r_[0, np.cumsum(sizes)[:-1]]
    return household, np.arange(people) - starts[household]


def _build_homes(rng: np.random.Generator, size: int, rates: WorldRates) -> Columns:
    country = draw_countries(rng, size, rates)
    now, before = build_addresses(rng, country), build_addresses(rng, country)
    stayed = rng.random(size) >= rates.household_moved
    landline = build_numbers(rng, country, now["area_code"])
    old = {f"{name}_before": blank(values, stayed) for name, values in before.items()}
    head_year = rng.integers(1940, 2002, size)
    return {
        "country": country,
        "surname": draw_surnames(rng, country, rates),
        "head_year": pa.array(head_year),
        "landline": blank(landline, rng.random(size) >= rates.household_landline),
        **now,
        **old,
    }


def draw_surnames(rng: np.random.Generator, country: pa.Array, rates: WorldRates) -> pa.Array:
    """Draw surnames: frequent ones from the list, the long tail composed of stem and suffix.

    Args:
        rng: the random stream.
        country: ISO codes.
        rates: the list's share.
    Returns: one surname a row.
    """
    listed = draw_for(rng, "surnames", {"country": country}, kind="name")
    stem = draw_for(rng, "surnames", {"country": country}, kind="stem")
    suffix = draw_for(rng, "surnames", {"country": country}, kind="suffix")
    return either(rng.random(len(country)) < rates.surname_from_list, listed, join(stem, suffix))


def _build_members(
    rng: np.random.Generator, household: Indices, position: Indices, home: Columns, rates: WorldRates
) -> Columns:
    size = len(household)
    head = np.arange(size) - position
    male = rng.random(size) < 0.5
    male = np.where((position == 1) & (rng.random(size) < 0.95), ~male[head], male)
    first = _first_names(rng, home["country"], male)
    namesake = (position >= 2) & male & male[head] & (rng.random(size) < rates.son_named_as_father)
    first = either(namesake, first.take(head), first)
    own = draw_surnames(rng, home["country"], rates)
    keeps = (position == 1) & (rng.random(size) < rates.partner_keeps_surname)
    married = (position == 1) & ~keeps & (rng.random(size) < rates.married_lately)
    return {
        "household": pa.array(household),
        "gender": either(male, "m", "f"),
        "first": first,
        "nickname": _nicknames(rng, first),
        "last": either(keeps, own, home["surname"]),
        "last_before": blank(own, ~married),
        "birth_date": _birth_dates(rng, head, position, home["head_year"].to_numpy(), rates),
        **{name: values for name, values in home.items() if name not in ("surname", "head_year")},
    }


def _first_names(rng: np.random.Generator, country: pa.Array, male: Mask) -> pa.Array:
    groups = {"country": country, "gender": either(male, "m", "f")}
    return draw_for(rng, "first_names", groups, column="name")


def _nicknames(rng: np.random.Generator, first: pa.Array) -> pa.Array:
    """Choose one nickname of those who have one; null for the others."""
    listed: dict[str, list[str]] = {}
    for row in read_words("nicknames").to_pylist():
        listed.setdefault(row["name"], []).append(row["nickname"])
    pick = rng.integers(0, 2**16, len(first)).tolist()
    options = [listed.get(name) for name in first.to_pylist()]
    return pa.array([of[at % len(of)] if of else None for of, at in zip(options, pick, strict=True)], pa.string())


def _birth_dates(
    rng: np.random.Generator, head: Indices, position: Indices, head_year: Indices, rates: WorldRates
) -> pa.Array:
    size = len(head)
    child = position >= 2
    parent_year = np.minimum(head_year, 1986)
    year = np.where(position == 1, head_year + rng.integers(-6, 7, size), head_year)
    year = np.where(child, parent_year + rng.integers(20, 38, size), np.minimum(year, 2004))
    days = (np.minimum(year, 2009) - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    days = days + rng.integers(0, 365, size)
    twin = (position >= 3) & (rng.random(size) < rates.twins)
    days = np.where(twin, np.roll(days, 1), days)
    return pa.array(days.astype("datetime64[D]"))


def _employers(
    rng: np.random.Generator, country: pa.Array, position: Indices, accounts: Columns, rates: WorldRates
) -> pa.Array:
    employed = (position < 2) & (rng.random(len(position)) < rates.employed_by_account)
    account = np.full(len(position), _NO_ACCOUNT, dtype=np.int64)
    ours, theirs = (np.array(values.to_pylist()) for values in (country, accounts["country"]))
    size = accounts["employees"].to_numpy().astype(float) ** 0.6
    for code, _ in rates.countries:
        staff, firms = np.flatnonzero(employed & (ours == code)), np.flatnonzero(theirs == code)
        if len(firms):
            account[staff] = rng.choice(firms, len(staff), p=size[firms] / size[firms].sum())
    return pa.array(account)


def _build_emails(rng: np.random.Generator, members: Columns, accounts: Columns, rates: WorldRates) -> Columns:
    size = len(members["first"])
    account, household = members["account"].to_numpy(), members["household"].to_numpy()
    domain = blank(accounts["domain"].take(np.maximum(account, 0)), account < 0)
    work = join(ascii_words(members["first"]), ".", ascii_words(members["last"]), "@", domain)
    main = blank(build_emails(rng, members), rng.random(size) < rates.no_email)
    second = blank(build_emails(rng, members), rng.random(size) >= rates.second_email)
    unique = unique_emails(pa.concat_arrays([main, second, work, _family_emails(rng, members, household)]))
    heads = np.searchsorted(household, household)
    shares = rng.random(household[-1] + 1)[household] < rates.household_family_email
    return {
        "email": unique.slice(0, size),
        "email_other": unique.slice(size, size),
        "email_work": unique.slice(2 * size, size),
        "email_family": blank(unique.slice(3 * size, size).take(heads), ~shares),
    }


def _family_emails(rng: np.random.Generator, members: Columns, household: Indices) -> pa.Array:
    number = digits(rng.integers(1, 100, len(household)), 2)
    domain = draw_for(rng, "phrases", {"country": members["country"]}, kind="email_domain")
    emails = join("family.", ascii_words(members["last"]), number, "@", domain)
    heads = np.searchsorted(household, household)
    return blank(emails, heads != np.arange(len(household)))


def _build_mobiles(rng: np.random.Generator, members: Columns, position: Indices, rates: WorldRates) -> Columns:
    size = len(position)
    mobile = build_mobiles(rng, members["country"], members["area_code"])
    shares = (position >= 2) & (rng.random(size) < rates.child_shares_mobile)
    mobile = mobile.take(np.where(shares, np.arange(size) - position, np.arange(size)))
    return {"mobile": blank(mobile, rng.random(size) < rates.no_mobile)}
