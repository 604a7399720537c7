"""Browsers and devices: web events, advertisements and the mobile app; anonymous until somebody logs in."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.demo.files.delivery import Batch, Source, event_batches, spread, times_before
from cdp_spark.demo.files.lines import Format
from cdp_spark.demo.noise import chance
from cdp_spark.demo.sources.customers import shop_users
from cdp_spark.demo.sources.texts import counts, money, random_ids, timestamps, utc_text
from cdp_spark.demo.words import (
    Columns,
    Indices,
    Mask,
    Times,
    blank,
    draw,
    either,
    flat,
    is_set,
    join,
    read_words,
    stream,
)

if TYPE_CHECKING:
    from cdp_spark.demo.world import World

_NOBODY = -1
_VISIT_DAYS = 180
_DAY_MS = 86_400_000
_SECOND_COOKIE = 0.25
_HASH_SHARE = 0.06
_CLICK_SHARE = 0.08
_CAMPAIGN_SHARE = 0.15
_ABOUT_PRODUCT = ("product_view", "add_to_cart", "favourite")


@dataclass(frozen=True)
class Visits:
    """Events of browsers or devices before they have a source's form.

    Args:
        visitor: position of the browser or device of each event.
        user: position of the shop customer that is logged in; -1 before the log-in and for the anonymous.
        owner: person who uses the browser or device; -1 for nobody known.
        times: UTC.
    """

    visitor: Indices
    user: Indices
    owner: Indices
    times: Times


def cookie_ids(world: World) -> tuple[pa.Array, Indices]:
    """List the browsers that visit the web site.

    Args:
        world: the truth.
    Returns: cookie id and shop customer (position, -1 for a browser that stays anonymous) of each.
    """
    rng, rates = stream(world.seed, "cookies"), world.rates.source
    who, _, _ = shop_users(world)
    visiting = np.flatnonzero(chance(rng, len(who), min(rates.web_users / rates.shop, 1.0)))
    visiting = np.r_[visiting, visiting[chance(rng, len(visiting), _SECOND_COOKIE)]]
    anonymous = round(len(visiting) * rates.anonymous_cookies / (1 - rates.anonymous_cookies))
    user = rng.permutation(np.r_[visiting, np.full(anonymous, _NOBODY)])
    return random_ids(rng, "ck.", len(user)), user


def visit(rng: np.random.Generator, world: World, user: Indices, mean: float) -> Visits:
    """Draw the events of browsers or devices; each known one logs in at some event and stays logged in.

    Args:
        rng: the random stream.
        world: the shop's accounts.
        user: the account of each browser or device; -1 for the anonymous.
        mean: events each.
    Returns: the events, each visitor's in time's order.
    """
    many = counts(rng, len(user), mean)
    visitor = np.repeat(np.arange(len(user)), many)
    start = times_before(rng, len(user), days=_VISIT_DAYS)
    steps = (rng.exponential(0.2, len(visitor)) * _DAY_MS).astype(np.int64)
    first = np.cumsum(many) - many
    walked = np.cumsum(steps)
    elapsed = walked - walked[first][visitor]
    log_in = (rng.random(len(user)) * many).astype(np.int64)
    logged_in = (np.arange(len(visitor)) - first[visitor] >= log_in[visitor]) & (user[visitor] >= 0)
    who, _, _ = shop_users(world)
    owner = np.where(user >= 0, who[user], _NOBODY)[visitor]
    last = times_before(rng, len(visitor), days=1)
    times = np.minimum(start[visitor] + elapsed.astype("timedelta64[ms]"), last)
    return Visits(visitor, np.where(logged_in, user[visitor], _NOBODY), owner, times)


def _user_ids(world: World, user: Indices) -> pa.Array:
    _, _, users = shop_users(world)
    return blank(users.take(np.maximum(user, 0)), user < 0)


def _deliver_web(world: World, nights: int) -> list[Batch]:
    rng = stream(world.seed, "web_events")
    cookies, user = cookie_ids(world)
    visits = visit(rng, world, user, world.rates.source.events_a_cookie)
    times, night = spread(rng, visits.times, world.rates.delivery)
    size = len(visits.visitor)
    hashes, event = _email_hashes(rng, world, visits.owner), draw(rng, "phrases", size, kind="web_event")
    product = blank(draw(rng, "products", size, column="product_id"), ~_is_about_product(event))
    page = pc.coalesce(join("/products/", product), draw(rng, "phrases", size, kind="page"))
    campaign = draw(rng, "phrases", size, kind="campaign")
    columns = {
        "cookie_id": cookies.take(visits.visitor),
        "user_id": _user_ids(world, visits.user),
        "email_sha256": hashes,
        "event": event,
        "url": join("https://shop.example", page),
        "product_id": product,
        "category": _categories(product),
        "utm_campaign": blank(campaign, ~chance(rng, size, _CAMPAIGN_SHARE)),
        "referrer": draw(rng, "phrases", size, kind="referrer"),
        "ts": pa.array(times.astype(np.int64)),
    }
    return event_batches(world, nights, name="web_events", columns=columns, entity=visits.owner, night=night)


def _is_about_product(event: pa.Array) -> Mask:
    found: Mask = pc.is_in(event, pa.array(_ABOUT_PRODUCT)).to_numpy(zero_copy_only=False)
    return found


def _categories(product: pa.Array) -> pa.Array:
    words = read_words("products")
    return flat(words["category"]).take(pc.index_in(product, value_set=flat(words["product_id"])))


def _email_hashes(rng: np.random.Generator, world: World, owner: Indices) -> pa.Array:
    """Hash the owner's address in a few events, as links in newsletters carry it."""
    emails = world.people["email"].take(pa.array(owner, mask=owner < 0))
    linked = chance(rng, len(owner), _HASH_SHARE) & is_set(emails)
    hashes = [sha256(email.encode()).hexdigest() for email in emails.filter(pa.array(linked)).to_pylist()]
    return pc.replace_with_mask(pa.nulls(len(owner), pa.string()), pa.array(linked), pa.array(hashes, pa.string()))


def _deliver_ads(world: World, nights: int) -> list[Batch]:
    rng = stream(world.seed, "ad_events")
    cookies, user = cookie_ids(world)
    who, _, _ = shop_users(world)
    size = round(len(user) * world.rates.source.ads_a_cookie)
    visitor = rng.integers(0, len(user), size)
    clicked = chance(rng, size, _CLICK_SHARE)
    times, night = spread(rng, times_before(rng, size, days=_VISIT_DAYS), world.rates.delivery)
    columns = {
        "cookie_id": cookies.take(visitor),
        "campaign": draw(rng, "phrases", size, kind="campaign"),
        "channel": draw(rng, "phrases", size, kind="channel"),
        "event": either(clicked, "click", "impression"),
        "cost": money(np.where(clicked, rng.integers(20, 250, size), rng.integers(0, 3, size))),
        "ts": utc_text(times),
    }
    owner = np.where(user >= 0, who[user], _NOBODY)[visitor]
    return event_batches(world, nights, name="ad_events", columns=columns, entity=owner, night=night)


def _deliver_app(world: World, nights: int) -> list[Batch]:
    rng, rates = stream(world.seed, "app_events"), world.rates.source
    who, _, _ = shop_users(world)
    user = np.flatnonzero(chance(rng, len(who), min(rates.app_users / rates.shop, 1.0)))
    user = np.where(chance(rng, len(user), rates.anonymous_devices), _NOBODY, user)
    devices = random_ids(rng, "dev-", len(user))
    visits = visit(rng, world, user, rates.events_a_device)
    times, night = spread(rng, visits.times, world.rates.delivery)
    columns = _app_columns(rng, devices.take(visits.visitor), _user_ids(world, visits.user), times)
    tablet, users, night_of_tablet = _tablets(rng, world)
    columns = {name: pa.concat_arrays([columns[name], tablet[name]]) for name in columns}
    entity, night = np.r_[visits.owner, who[users]], np.r_[night, night_of_tablet]
    return event_batches(world, nights, name="app_events", columns=columns, entity=entity, night=night)


def _app_columns(rng: np.random.Generator, devices: pa.Array, users: pa.Array, times: Times) -> Columns:
    size = len(devices)
    event = draw(rng, "phrases", size, kind="app_event")
    product = draw(rng, "products", size, column="product_id")
    return {
        "device_id": devices,
        "user_id": users,
        "event": event,
        "occurred_at": timestamps(times),
        "screen": draw(rng, "phrases", size, kind="screen"),
        "product_id": blank(product, ~_is_about_product(event)),
    }


def _tablets(rng: np.random.Generator, world: World) -> tuple[Columns, Indices, Indices]:
    """Draw two log-ins of each member who is a shop customer on the tablets that the chosen households share."""
    who, _, _ = shop_users(world)
    household = world.people["household"].to_numpy()[who]
    homes, members = np.unique(household, return_counts=True)
    shared = members >= 2
    chosen = shared & chance(rng, len(homes), world.rates.source.households_with_shared_tablet)
    chosen[np.flatnonzero(shared)[:1]] = True
    users = np.repeat(np.flatnonzero(np.isin(household, homes[chosen])), 2)
    ids = random_ids(rng, "dev-", len(homes)).take(np.searchsorted(homes, household[users]))
    times, night = spread(rng, times_before(rng, len(users), days=_VISIT_DAYS), world.rates.delivery)
    return _app_columns(rng, ids, _user_ids(world, users), times), users, night


VISITOR_SOURCES = (
    Source("web_events", Format("json", ".jsonl.gz"), "cookie_id", "ts", _deliver_web),
    Source("app_events", Format("parquet", ".parquet"), "device_id", "occurred_at", _deliver_app),
    Source("ad_events", Format("csv", ".csv.gz"), "cookie_id", "ts", _deliver_ads),
)
