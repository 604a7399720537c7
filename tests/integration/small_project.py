"""A project of a few hundred people in two sources, made from the starter project."""

from __future__ import annotations

import csv
import random
from pathlib import Path

from cdp_spark.config.authoring.starter import write_starter
from cdp_spark.session import SMALL_DATA, SessionSettings, get_session
from cdp_spark.tables.store import Store

_GIVEN = ("Anna", "Boris", "Clara", "David", "Elena", "Felix", "Greta", "Hugo", "Irene", "Jonas", "Katja", "Lukas")
_FAMILY = ("Albrecht", "Bauer", "Castro", "Dumont", "Eriksen", "Fischer", "Garcia", "Horvat", "Ivanova", "Jensen")
_STREETS = ("Oak", "Elm", "Maple", "Cedar", "Birch", "Walnut")
_HEADER = "customer_id,first_name,last_name,birth_date,email,phone,street,city,postcode,tier,updated_at"


def open_small_store(warehouse: str) -> Store:
    """Open a warehouse with a session of its own, for a process that a test kills."""
    conf = {**SMALL_DATA, "spark.sql.warehouse.dir": f"{warehouse}-spark"}
    settings = SessionSettings(master="local[2]", driver_memory="1g", shuffle_partitions=2, conf=conf)
    return Store(get_session(settings), warehouse)


def write_small_project(folder: Path, *, people: int) -> Path:
    """Write the project; a third of the people are in it twice, with a typo or an older address."""
    write_starter(folder)
    shuffled = random.Random(7)
    rows = [row for number in range(people) for row in _records(shuffled, number)]
    with (folder / "data" / "customers.csv").open("w", newline="", encoding="utf-8") as file:
        file.write(_HEADER + "\n")
        csv.writer(file, lineterminator="\n").writerows(rows)
    return folder


def _records(shuffled: random.Random, number: int) -> list[list[str]]:
    given, family = shuffled.choice(_GIVEN), shuffled.choice(_FAMILY)
    born = f"19{shuffled.randint(40, 99)}-{shuffled.randint(1, 12):02d}-{shuffled.randint(1, 28):02d}"
    email = f"{given}.{family}{number}@example.com".lower()
    phone = f"+1 202 555 {number:04d}"
    street = f"{shuffled.randint(1, 99)} {shuffled.choice(_STREETS)} Street"
    place = ["Springfield", f"{62700 + number % 40}", shuffled.choice(["gold", "silver"])]
    first = [f"{2 * number}", given, family, born, email, phone, street, *place, "2026-01-05T09:00:00Z"]
    if number % 3:
        return [first]
    typo = family[:-2] + family[-1] + family[-2]
    return [first, [f"{2 * number + 1}", given, typo, born, email, "", street, *place, "2026-02-05T09:00:00Z"]]
