"""Twelve nights of a small shop, and the picture of whose id each record bore."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from tests.integration.increments.increment_nights import CLOCK, NightlyWarehouse, World, label, model_of

from cdp_spark.resolution.models import FittedBy, write_model
from cdp_spark.tables.catalog import RECORDS

Change = Callable[[World, NightlyWarehouse], None]
_COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#9d755d", "#bab0ac")
_CELL, _LEFT, _TOP = 44, 140, 30


@dataclass(frozen=True)
class Night:
    """What happens before a night, in words and as a change of the world."""

    told: str
    change: Change


def first_world() -> World:
    """Ann is known to the CRM and the shop, Ben to a till, Cleo and Dora to two sources each; a cookie is nobody's."""
    world = World(random.Random(0), has_visitors=True)
    world.rows = {
        "ann_crm": _person("Ann", "Fox", phone="+12025550101", user_id="u1"),
        "ann_shop": _person("Ann", "Fox", phone="+12025550101"),
        "ben_till": _person("Ben", "Lee", phone="+12025550102"),
        "cleo_crm": _person("Cleo", "Ray", phone="+12025550103", email="cleo@x.org"),
        "cleo_shop": _person("Cleo", "Ray", phone="+12025550103", email="cleo@x.org"),
        "dora_crm": _person("Dora", "Orr", email="dora@x.org"),
        "dora_shop": _person("Dora", "Orr", email="dora@x.org"),
    }
    world.visitors = {"cookie_7": {"cookie_id": "c7"}}
    return world


def _person(given: str, family: str, **more: str) -> dict[str, str | None]:
    nothing = dict.fromkeys(("city", "email", "phone", "birth_date", "user_id", "loyalty_id"))
    return {"given_name": given, "family_name": family, **nothing, **more}


def clock_of(ordinal: int) -> datetime:
    """When a night is."""
    return CLOCK + timedelta(days=ordinal)


def _came(warehouse: NightlyWarehouse) -> dict[str, str | None]:
    return {"ingested_at_utc": clock_of(len(warehouse.runs) + 1).isoformat()}


def _set(key: str, **values: str) -> Change:
    return lambda world, warehouse: world.rows[key].update(values | _came(warehouse))


def _add(key: str, row: dict[str, str | None]) -> Change:
    return lambda world, warehouse: world.rows.update({key: row | _came(warehouse)})


def _remove(*keys: str) -> Change:
    def change(world: World, _: NightlyWarehouse) -> None:
        for key in keys:
            del world.rows[key]

    return change


def _say(left: str, right: str, word: str) -> Change:
    return lambda _, warehouse: label(warehouse.store, (left, right), word, day=len(warehouse.runs) + 1)


def _both(first: Change, second: Change) -> Change:
    def change(world: World, warehouse: NightlyWarehouse) -> None:
        first(world, warehouse)
        second(world, warehouse)

    return change


def _log_in(world: World, _: NightlyWarehouse) -> None:
    world.visitors["cookie_7_as_ann"] = {"cookie_id": "c7", "user_id": "u1"}


def _exchange_contacts(world: World, warehouse: NightlyWarehouse) -> None:
    one, other = world.rows["ben_crm"], world.rows["cleo_shop"]
    one.update(_came(warehouse))
    other.update(_came(warehouse))
    for name in ("phone", "email"):
        one[name], other[name] = other[name], one[name]


def _fit_a_stricter_model(world: World, warehouse: NightlyWarehouse) -> None:
    model = model_of(warehouse.store.read(RECORDS).where("entity_type = 'person'"))
    prior = np.full_like(model.parameters.prior, 0.001)
    stricter = replace(model, parameters=replace(model.parameters, prior=prior))
    write_model(warehouse.store, "person", stricter, version=2, by=FittedBy("hand", CLOCK))


STORY: tuple[Night, ...] = (
    Night("The first night: an id for each person, and one for an unknown cookie.", lambda _, __: None),
    Night("Nothing is new.", lambda _, __: None),
    Night(
        "A till sends a third record of Ann, by her phone number.",
        _add("ann_till", _person("Anne", "Fox", phone="+12025550101")),
    ),
    Night("The cookie logs in as Ann.", _log_in),
    Night("Somebody types Ann's number into Ben's record.", _set("ben_till", phone="+12025550101")),
    Night("Support says that they are two people: `cdp unlink`.", _say("ann_crm", "ben_till", "cannot_link")),
    Night(
        "Ben's number is put right, and the CRM gets to know him.",
        _both(_set("ben_till", phone="+12025550102"), _add("ben_crm", _person("Ben", "Lee", phone="+12025550102"))),
    ),
    Night("The shop deletes its record of Ann.", _remove("ann_shop")),
    Night("A faulty import exchanges phone and e-mail of a record of Ben and one of Cleo.", _exchange_contacts),
    Night(
        "It is put right; a stricter match model no longer believes that Dora's records are one person.",
        _both(_exchange_contacts, _fit_a_stricter_model),
    ),
    Night("Somebody who knows Dora says so: `cdp link`.", _say("dora_crm", "dora_shop", "must_link")),
    Night("Both of Cleo's records leave.", _remove("cleo_crm", "cleo_shop")),
)


def letters(nights: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """A letter for each id, in the order in which they appear: nights, then record keys."""
    ids = [night[key] for night in nights for key in sorted(night)]
    return {unified_id: chr(ord("A") + at) for at, unified_id in enumerate(dict.fromkeys(ids))}


def draw(nights: Sequence[Mapping[str, str]]) -> str:
    """The id of each record in each night as an SVG.

    Args:
        nights: record_key to unified_id, a night each.
    """
    names, keys = letters(nights), sorted({key for night in nights for key in night})
    width, height = _LEFT + _CELL * len(nights), _TOP + _CELL * len(keys)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="14" text-anchor="middle">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    parts += [f'<text x="{_middle(_LEFT, at)}" y="20">{at + 1}</text>' for at in range(len(nights))]
    for row, key in enumerate(keys):
        parts.append(f'<text x="{_LEFT - 8}" y="{_middle(_TOP, row) + 5}" text-anchor="end">{key}</text>')
        for at, night in enumerate(nights):
            if key in night:
                parts.append(_cell(at, row, names[night[key]]))
    return "\n".join([*parts, "</svg>", ""])


def _middle(start: int, at: int) -> int:
    return start + _CELL * at + _CELL // 2


def _cell(at: int, row: int, name: str) -> str:
    colour = _COLOURS[(ord(name) - ord("A")) % len(_COLOURS)]
    place = f'x="{_LEFT + _CELL * at + 1}" y="{_TOP + _CELL * row + 1}" width="{_CELL - 2}" height="{_CELL - 2}"'
    text = f'<text x="{_middle(_LEFT, at)}" y="{_middle(_TOP, row) + 5}" fill="#ffffff">{name}</text>'
    return f'<rect {place} rx="4" fill="{colour}"/>{text}'


def tell(changes: Sequence[Sequence[tuple[str, str, str | None, str, str]]], names: Mapping[str, str]) -> str:
    """The story as a table, with what `id_changes` says of each night.

    Args:
        changes: a night's rows: record_key, unified_id, previous_id, change, cause.
        names: letters of ids.
    """
    lines = ["| night | what happens | what `id_changes` says |", "|---|---|---|"]
    for at, (night, rows) in enumerate(zip(STORY, changes, strict=True)):
        said: dict[str, list[str]] = {}
        for key, unified_id, previous, change, cause in sorted(rows):
            came = f"{names[previous]} → " if previous and previous != unified_id else ""
            said.setdefault(f"{came}{names[unified_id]} {change} ({cause})", []).append(key)
        told = "; ".join(f"{what}: {', '.join(keys)}" for what, keys in said.items())
        lines.append(f"| {at + 1} | {night.told} | {told or 'nothing'} |")
    return "\n".join(lines)
