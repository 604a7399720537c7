"""The sources that hold customers: CRM, marketing automation, the web shop, loyalty cards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.demo.files.delivery import Batch, Source, record_batches
from cdp_spark.demo.files.lines import Format
from cdp_spark.demo.noise import chance
from cdp_spark.demo.observe import observe
from cdp_spark.demo.sources.texts import (
    berlin_text,
    comma_money,
    dates,
    iso_utc,
    members,
    random_ids,
    serial,
    timestamps,
)
from cdp_spark.demo.words import Columns, Indices, Times, blank, draw, either, join, stream

if TYPE_CHECKING:
    from cdp_spark.demo.world import World

_TILL_EMAIL = "kasse@filiale.example"


def known_people(world: World, source: str) -> Indices:
    """List the people that a source's records are about, record by record.

    Args:
        world: the truth.
        source: a key of the world's presence.
    Returns: people's positions, some twice.
    """
    rng = stream(world.seed, source, "members")
    return members(rng, world.presence[source], world.rates.source.twice_in_a_source)


def shop_users(world: World) -> tuple[Indices, pa.Array, pa.Array]:
    """List the web shop's accounts.

    Args:
        world: the truth.
    Returns: the person, account id and user id of each.
    """
    who = known_people(world, "shop_customers")
    rng = stream(world.seed, "shop_customers", "ids")
    return who, serial("SC", 500_001, len(who)), random_ids(rng, "u", len(who))


def loyalty_cards(world: World) -> tuple[Indices, pa.Array]:
    """List the loyalty cards.

    Args:
        world: the truth.
    Returns: the person and card number of each.
    """
    who = known_people(world, "till_customers")
    return who, random_ids(stream(world.seed, "till_customers", "ids"), "9", len(who))


def _deliver_crm(world: World, nights: int) -> list[Batch]:
    who = known_people(world, "crm")
    ids = serial("K-", 100_001, len(who))
    return record_batches(world, nights, name="crm", who=who, ids=ids, build=_crm)


def _crm(world: World, who: Indices, ids: pa.Array, changed: Times, rng: np.random.Generator) -> Columns:
    seen = observe(world, who, rng)
    account = seen["account"].to_numpy()
    return {
        "customer_no": ids,
        "title": seen["title"],
        "first_name": seen["first"],
        "last_name": seen["last"],
        "birth_date": dates(seen["birth_date"], "%d.%m.%Y"),
        **{name: seen[name] for name in ("email", "phone", "mobile", "street", "house_no", "postcode", "city")},
        "country": seen["country"],
        "company": seen["company"],
        "account_no": blank(world.accounts["account_no"].take(np.maximum(account, 0)), account < 0),
        "changed_at": berlin_text(changed, "%d.%m.%Y %H:%M:%S"),
    }


def _deliver_marketing(world: World, nights: int) -> list[Batch]:
    who = known_people(world, "marketing")
    ids = random_ids(stream(world.seed, "marketing", "ids"), "00Q", len(who))
    return record_batches(world, nights, name="marketing", who=who, ids=ids, build=_marketing)


def _marketing(world: World, who: Indices, ids: pa.Array, changed: Times, rng: np.random.Generator) -> Columns:
    seen = observe(world, who, rng)
    return {
        "contact_id": ids,
        "full_name": join(seen["first"], seen["last"], separator=" "),
        "email": seen["email"],
        "phone": pc.coalesce(seen["mobile"], seen["phone"]),
        "country": seen["country"],
        "lead_status": draw(rng, "phrases", len(who), kind="lead_status"),
        "job_title": blank(world.people["job_title"].take(who), seen["account"].to_numpy() < 0),
        "company": seen["company"],
        "opt_in": pa.array(chance(rng, len(who), 0.6)),
        "updated_at": iso_utc(changed),
    }


def _deliver_shop(world: World, nights: int) -> list[Batch]:
    who, ids, _ = shop_users(world)
    return record_batches(world, nights, name="shop_customers", who=who, ids=ids, build=_shop)


def _shop(world: World, who: Indices, ids: pa.Array, changed: Times, rng: np.random.Generator) -> Columns:
    seen = observe(world, who, rng)
    _, all_ids, users = shop_users(world)
    return {
        "customer_id": ids,
        "user_id": users.take(pc.index_in(ids, all_ids)),
        "given_name": seen["first"],
        "family_name": seen["last"],
        "email": seen["email"],
        "phone": seen["mobile"],
        "street_line": join(seen["street"], seen["house_no"], separator=" "),
        "zip": seen["postcode"],
        "town": seen["city"],
        "country_code": pc.utf8_lower(seen["country"]),
        "updated_at": timestamps(changed),
    }


def _deliver_tills(world: World, nights: int) -> list[Batch]:
    who, ids = loyalty_cards(world)
    return record_batches(world, nights, name="till_customers", who=who, ids=ids, build=_till)


def _till(world: World, who: Indices, ids: pa.Array, changed: Times, rng: np.random.Generator) -> Columns:
    seen = observe(world, who, rng, has_country=False)
    name = pc.utf8_normalize(join(pc.utf8_upper(seen["last"]), seen["first"], separator=", "), form="NFC")
    default = chance(rng, len(who), world.rates.noise.till_default_email)
    return {
        "KARTE": ids,
        "NAME": name,
        "TELEFON": pc.coalesce(seen["phone"], seen["mobile"]),
        "EMAIL": either(default, _TILL_EMAIL, seen["email"]),
        "GEBDAT": dates(seen["birth_date"], "%d/%m/%Y"),
        "PLZ": seen["postcode"],
        "ORT": pc.utf8_upper(seen["city"]),
        "UMSATZ_VORJAHR": comma_money((rng.exponential(30_000, len(who))).astype(np.int64)),
        "GEAENDERT": berlin_text(changed, "%d/%m/%Y %H:%M"),
    }


CUSTOMER_SOURCES = (
    Source(
        "crm", Format("csv", ".csv", encoding="utf-8-sig"), "customer_no", "changed_at", _deliver_crm, "person", True
    ),
    Source("marketing", Format("json", ".jsonl"), "contact_id", "updated_at", _deliver_marketing, "person"),
    Source("shop_customers", Format("parquet", ".parquet"), "customer_id", "updated_at", _deliver_shop, "person"),
    Source("till_customers", Format("csv", ".csv", ";", "latin-1"), "KARTE", "GEAENDERT", _deliver_tills, "person"),
)
