"""Where a person lives, in forms that are equal for the same door, and the family name behind it.

A *site* is postcode (or town) and house number; a *home street* is the street without what kind of road it is, so
`Hauptstraße`, `Haupt-Str.` and `Hauptal.` are one: one house number and one name live in one of them only. Post boxes
and c/o addresses are nobody's home. A *family* is the family name in match form, the same for all genders.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cdp_spark.normalise.hashing import canonical_json
from cdp_spark.normalise.people.addresses import street_match_form
from cdp_spark.normalise.text import compact_form, match_form, words

_NOT_A_HOME = re.compile(
    r"^(?:p ?o ?box|pob|gpo box|postfach|pf|bp|b p|boite postale|apartado|casella postale|postbus|pmb|private bag|"
    r"locked bag|general delivery|poste restante|postlagernd|packstation|parcel locker)(?: |\d|$)|"
    r"(?:^| )(?:c o|care of|in care)(?: |$)"
)
_KIND_OF_ROAD = re.compile("(?<=...)(?:str|strase|allee|al|weg|wg|platz|pl|gasse|ave|rd|st|ln|dr|ct|laan|plein)$")
_UNIT_NUMBER = re.compile(r"\S*\d\S*")
_PARTICLES = frozenset(
    words("van von der den de del della di da do dos das du la le les el al bin ben ibn zu zum ter ten y e")
)
_FEMALE_ENDINGS = ((re.compile("(?:ov|ev)a?$"), ""), (re.compile("(?<=[sc])ka$"), "ki"))


class Home(NamedTuple):
    """A person's home; a part is None where the address does not say it.

    Args:
        site: postcode or town, and house number.
        street: without the kind of road; None for a post box or a c/o.
        flat: `Apt. 4B` and `#4b` are `4b`.
    """

    site: str | None
    street: str | None
    flat: str | None


def read_home(
    street: str | None,
    house_number: str | None,
    unit: str | None,
    city: str | None,
    postcode: str | None,
) -> Home:
    """Read where a person lives from the parts of the address."""
    return Home(_site(house_number, city, postcode), _home_street(street, unit), _flat(unit))


def _site(house_number: str | None, city: str | None, postcode: str | None) -> str | None:
    place = (postcode and compact_form(postcode)) or (city and match_form(city))
    number = house_number and compact_form(house_number)
    return canonical_json({"place": place, "number": number}) if place and number else None


def _home_street(street: str | None, unit: str | None) -> str | None:
    if street is None or _NOT_A_HOME.search(match_form(" ".join(filter(None, (street, unit)))) or ""):
        return None
    form = street_match_form(street)
    return form and _KIND_OF_ROAD.sub("", form.replace(" ", ""))


def _flat(unit: str | None) -> str | None:
    form = match_form(unit) if unit else None
    number = _UNIT_NUMBER.search(form) if form else None
    return number[0] if number else form


def family(name: str) -> str | None:
    """Return a family name in match form: `Nováková` and `Novák` are one, and so are `Kowalska` and `Kowalski`."""
    form = match_form(name)
    return form and _without_gender(form)


def family_parts(name: str) -> list[str]:
    """List the names in a family name: of `muller schmidt` both; particles do not count.

    Args:
        name: as `family` gives it.
    """
    parts = (_without_gender(word) for word in name.split(" ") if len(word) > 1 and word not in _PARTICLES)
    return list(dict.fromkeys(parts))


def _without_gender(name: str) -> str:
    for ending, replacement in _FEMALE_ENDINGS:
        shorter = ending.sub(replacement, name)
        name = shorter if len(shorter) > 1 else name
    return name
