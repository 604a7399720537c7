"""The truth: unique contact points, valid phones, families."""

from __future__ import annotations

import numpy as np
import phonenumbers
import pyarrow as pa
import pytest

from cdp_spark.demo.noise import misread, misspell
from cdp_spark.demo.rates import Rates, WorldRates
from cdp_spark.demo.sources.service import one_line_address
from cdp_spark.demo.sources.texts import berlin_text, comma_money
from cdp_spark.demo.world import World, build_world
from cdp_spark.demo.world.contacts import COUNTRY_CODES, numbered

PEOPLE = 4000


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(people=PEOPLE, seed=3, rates=Rates())


def test_there_are_as_many_people_as_asked_for(world: World) -> None:
    assert {len(values) for values in world.people.values()} == {PEOPLE}


def test_private_emails_belong_to_one_person(world: World) -> None:
    emails = [email for email in world.people["email"].to_pylist() if email]
    assert len(emails) == len(set(emails))
    assert len(emails) / PEOPLE == pytest.approx(1 - WorldRates().no_email, abs=0.02)


def test_mobile_numbers_are_valid(world: World) -> None:
    numbers = zip(world.people["country"].to_pylist(), world.people["mobile"].to_pylist(), strict=True)
    valid = [
        phonenumbers.is_valid_number(phonenumbers.parse(f"+{COUNTRY_CODES[country]}{number}"))
        for country, number in list(numbers)[:600]
        if number
    ]
    assert sum(valid) / len(valid) > 0.97


def test_households_share_address_and_mostly_surname(world: World) -> None:
    household = world.people["household"].to_numpy()
    together = np.flatnonzero(household[1:] == household[:-1])
    street, last = (np.array(world.people[name].to_pylist()) for name in ("street", "last"))
    assert (street[together] == street[together + 1]).all()
    assert (last[together] == last[together + 1]).mean() > 0.6


def test_everybody_is_in_a_source(world: World) -> None:
    assert np.any(list(world.presence.values()), axis=0).all()


def test_numbered_makes_mailboxes_unique_whatever_the_dots() -> None:
    stems = pa.array(["a.b", "ab", "ab", None, "ab"])
    tails = pa.array(["@gmail.com", "@googlemail.com", "@gmx.de", None, "@gmail.com"])
    expected = ["a.b@gmail.com", "ab2@googlemail.com", "ab@gmx.de", None, "ab3@gmail.com"]
    assert numbered(stems, tails).to_pylist() == expected


@pytest.mark.parametrize(("edit", "expected"), [(0, "mxueller"), (1, "meller"), (2, "mxeller"), (3, "umeller")])
def test_misspell_makes_one_edit(edit: int, expected: str) -> None:
    assert misspell("mueller", edit=edit, at=0, letter=23) == expected


def test_misread_confuses_one_letter() -> None:
    assert misread("Thomas", at=0) == "Th0mas"
    assert misread("Xyz", at=3) == "Xyz"


def test_berlin_time_follows_summer_time() -> None:
    times = np.array(["2025-07-01T10:00:00", "2025-12-01T10:00:00"], dtype="datetime64[ms]")
    assert berlin_text(times, "%H:%M").to_pylist() == ["12:00", "11:00"]


def test_comma_money() -> None:
    assert comma_money(np.array([5, 123450])).to_pylist() == ["0,05", "1234,50"]


def test_one_line_address_follows_its_country() -> None:
    seen = {
        "street": pa.array(["High Street", "Hauptstraße", None]),
        "house_no": pa.array(["12", "3a", None]),
        "postcode": pa.array(["SW1A 1AA", "10115", None]),
        "city": pa.array(["London", "Berlin", None]),
        "country": pa.array(["GB", "DE", "FR"]),
    }
    expected = ["12 High Street, London SW1A 1AA", "Hauptstraße 3a, 10115 Berlin", None]
    assert one_line_address(seen).to_pylist() == expected
