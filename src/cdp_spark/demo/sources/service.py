"""Support tickets and billing: customers as the service desk and the accountants know them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.demo.files.delivery import REFERENCE, Batch, Source, record_batches
from cdp_spark.demo.files.lines import Format
from cdp_spark.demo.noise import chance
from cdp_spark.demo.observe import observe
from cdp_spark.demo.sources.customers import known_people
from cdp_spark.demo.sources.texts import counts, iso_utc, money, serial, utc_text
from cdp_spark.demo.words import Columns, Indices, Times, blank, digits, draw, join, stream

if TYPE_CHECKING:
    from cdp_spark.demo.world import World

_TICKETS_A_REQUESTER = 1.3


def _deliver_tickets(world: World, nights: int) -> list[Batch]:
    rng = stream(world.seed, "support_tickets", "tickets")
    requesters = np.flatnonzero(world.presence["support_tickets"])
    who = rng.permutation(np.repeat(requesters, counts(rng, len(requesters), _TICKETS_A_REQUESTER)))
    ids = serial("T-", 200_001, len(who))
    return record_batches(world, nights, name="support_tickets", who=who, ids=ids, build=_tickets)


def _tickets(world: World, who: Indices, ids: pa.Array, opened: Times, rng: np.random.Generator) -> Columns:
    seen, size = observe(world, who, rng, has_country=False), len(who)
    score = pa.array(rng.integers(1, 6, size))
    return {
        "ticket_id": ids,
        "requester_name": join(seen["first"], seen["last"], separator=" "),
        "email": seen["email"],
        "phone": pc.coalesce(seen["mobile"], seen["phone"]),
        "subject": draw(rng, "phrases", size, kind="subject"),
        "body": draw(rng, "phrases", size, kind="body"),
        "opened_at": utc_text(opened),
        "status": draw(rng, "phrases", size, kind="ticket_status"),
        "satisfaction": blank(score, chance(rng, size, 0.5)),
    }


def _deliver_billing(world: World, nights: int) -> list[Batch]:
    who = known_people(world, "billing")
    ids = serial("B", 3_000_001, len(who))
    return record_batches(world, nights, name="billing", who=who, ids=ids, build=_billing)


def _billing(world: World, who: Indices, ids: pa.Array, changed: Times, rng: np.random.Generator) -> Columns:
    seen, size = observe(world, who, rng), len(who)
    plan = pc.split_pattern(draw(rng, "phrases", size, kind="plan"), ";")
    cents = np.rint(pc.cast(pc.list_element(plan, 1), pa.float64()).to_numpy() * 100).astype(np.int64)
    started = changed.astype("datetime64[D]") - rng.integers(0, 1500, size)
    cancelled = np.minimum(started + rng.integers(30, 1500, size), REFERENCE.astype("datetime64[D]"))
    return {
        "billing_id": ids,
        "account_holder": join(seen["first"], seen["last"], separator=" "),
        "company": seen["company"],
        "iban_last4": digits(rng.integers(0, 10_000, size), 4),
        "address": one_line_address(seen),
        "email": seen["email"],
        "plan": pc.list_element(plan, 0),
        "mrr": money(cents),
        "started_on": pc.strftime(pa.array(started), "%Y-%m-%d"),
        "cancelled_on": blank(pc.strftime(pa.array(cancelled), "%Y-%m-%d"), chance(rng, size, 0.75)),
        "updated_at": iso_utc(changed),
    }


def one_line_address(seen: Columns) -> pa.Array:
    """Write an address in one line, in the order of its country.

    Args:
        seen: street, house_no, postcode, city and country.
    Returns: such as `12 High Street, London SW1A 1AA` or `Hauptstraße 12, 10115 Berlin`.
    """
    street, number, postcode, city = (seen[name] for name in ("street", "house_no", "postcode", "city"))
    german = pc.equal(seen["country"], "DE")
    french = pc.equal(seen["country"], "FR")
    line = pc.if_else(german, join(street, " ", number), join(number, " ", street))
    place = pc.if_else(pc.or_(german, french), join(postcode, " ", city), join(city, " ", postcode))
    return join(line, place, separator=", ")


SERVICE_SOURCES = (
    Source("support_tickets", Format("csv", ".csv"), "ticket_id", "opened_at", _deliver_tickets, "person"),
    Source("billing", Format("csv", ".csv"), "billing_id", "updated_at", _deliver_billing, "person"),
)
