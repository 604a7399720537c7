"""Mails, social media and consents: rows that name a contact point rather than a customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.demo.files.delivery import Batch, Source, event_batches, spread, times_before
from cdp_spark.demo.files.lines import Format
from cdp_spark.demo.noise import chance, with_email_variants
from cdp_spark.demo.observe import write_phones
from cdp_spark.demo.sources.texts import counts, iso_utc
from cdp_spark.demo.words import Indices, blank, digits, draw, either, is_set, join, stream
from cdp_spark.demo.world.contacts import ascii_words

if TYPE_CHECKING:
    from cdp_spark.demo.world import World

_MAIL_DAYS = 365
_MAIL_EVENTS = np.array(["sent", "open", "click", "bounce", "unsubscribe"])
_MAIL_SHARES = (0.55, 0.30, 0.10, 0.03, 0.02)
_SOCIAL_EMAIL = 0.45
_PHONE_CONSENT = 0.15
_STATUSES = np.array(["granted", "denied", "withdrawn"])
_STATUS_SHARES = (0.62, 0.20, 0.18)
_PURPOSES_A_CONTACT = 2.0


def _deliver_mails(world: World, nights: int) -> list[Batch]:
    rng = stream(world.seed, "email_engagement")
    contacts = np.flatnonzero(world.presence["marketing"] & is_set(world.people["email"]))
    who = np.repeat(contacts, counts(rng, len(contacts), world.rates.source.mails_a_contact))
    size = len(who)
    times, night = spread(rng, times_before(rng, size, days=_MAIL_DAYS), world.rates.delivery)
    columns = {
        "email": with_email_variants(rng, world.people["email"].take(who), world.rates.noise),
        "campaign": draw(rng, "phrases", size, kind="campaign"),
        "event": pa.array(rng.choice(_MAIL_EVENTS, size, p=_MAIL_SHARES)),
        "ts": iso_utc(times),
    }
    return event_batches(world, nights, name="email_engagement", columns=columns, entity=who, night=night)


def _deliver_social(world: World, nights: int) -> list[Batch]:
    rng = stream(world.seed, "social")
    people = np.flatnonzero(world.presence["social"])
    handles = _handles(rng, world, people)
    emails = blank(world.people["email"].take(people), ~chance(rng, len(people), _SOCIAL_EMAIL))
    names = _display_names(rng, world, people)
    poster = np.repeat(np.arange(len(people)), counts(rng, len(people), world.rates.source.posts_a_handle))
    poster, size = rng.permutation(poster), len(poster)
    times, night = spread(rng, times_before(rng, size, days=_MAIL_DAYS), world.rates.delivery)
    columns = {
        "handle": handles.take(poster),
        "display_name": names.take(poster),
        "email": emails.take(poster),
        "interaction": draw(rng, "phrases", size, kind="interaction"),
        "post_id": join("post-", pc.cast(pa.array(rng.integers(1000, 1400, size)), pa.string())),
        "ts": iso_utc(times),
    }
    return event_batches(world, nights, name="social", columns=columns, entity=people[poster], night=night)


def _handles(rng: np.random.Generator, world: World, people: Indices) -> pa.Array:
    stem = pc.utf8_slice_codeunits(ascii_words(world.people["last"].take(people)), 0, 5)
    first = ascii_words(world.people["first"].take(people))
    number = digits(rng.permutation(10 * len(people))[: len(people)], 4)
    return join("@", first, stem, number)


def _display_names(rng: np.random.Generator, world: World, people: Indices) -> pa.Array:
    first = pc.coalesce(world.people["nickname"], world.people["first"]).take(people)
    last = world.people["last"].take(people)
    initial = join(first, " ", pc.utf8_slice_codeunits(last, 0, 1), ".")
    return either(chance(rng, len(people), 0.3), initial, join(first, " ", last))


def _deliver_consents(world: World, nights: int) -> list[Batch]:
    rng = stream(world.seed, "consents")
    people = np.flatnonzero(chance(rng, world.person_count, world.rates.source.consent))
    person = np.repeat(people, counts(rng, len(people), _PURPOSES_A_CONTACT))
    mobiles, emails = world.people["mobile"].take(person), world.people["email"].take(person)
    by_phone = is_set(mobiles) & (chance(rng, len(person), _PHONE_CONSENT) | ~is_set(emails))
    country = world.people["country"].take(person)
    phones = write_phones(rng, mobiles, country, np.full(len(person), False))
    contact = either(by_phone, phones, with_email_variants(rng, emails, world.rates.noise))
    purpose = either(by_phone, "sms_marketing", draw(rng, "phrases", len(person), kind="purpose"))
    times, night = spread(rng, times_before(rng, len(person), days=900), world.rates.delivery)
    columns = {
        "contact": contact,
        "purpose": purpose,
        "status": pa.array(rng.choice(_STATUSES, len(person), p=_STATUS_SHARES)),
        "at": iso_utc(times),
        "evidence": draw(rng, "phrases", len(person), kind="evidence"),
    }
    reachable = is_set(contact)
    columns = {name: values.filter(pa.array(reachable)) for name, values in columns.items()}
    person, night = person[reachable], night[reachable]
    return event_batches(world, nights, name="consents", columns=columns, entity=person, night=night)


ENGAGEMENT_SOURCES = (
    Source("email_engagement", Format("json", ".jsonl"), "email", "ts", _deliver_mails),
    Source("social", Format("json", ".jsonl"), "handle", "ts", _deliver_social, "person"),
    Source("consents", Format("csv", ".csv"), "contact", "at", _deliver_consents),
)
