"""Addresses: one line taken apart, and streets in their parts.

A line is cut at its commas: the country off the end where the last part names one, then street before the first comma;
of the rest the postcode, the state's code at the end, and the city. A vCard's line has its parts between semicolons
(`;;33 Oak St;Portland;OR;97201;US`). A street loses its unit (`apt 4b`) and its house number, from its end or its
beginning, where these have no column of their own; a number that is the road's own stays.
All functions expect the result of `clean_text`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cdp_spark.normalise.people.countries import country_code
from cdp_spark.normalise.text import capitalised, display_case, first_word, match_form, without_float_tail, words

_LETTER = r"[^\W\d_]"
_POSTCODE = re.compile(
    r"(?<!-)(?<![^\W_])(?:[A-Za-z]{1,2}\d[A-Za-z\d]? ?\d[A-Za-z]{2}|[A-Za-z]\d[A-Za-z] ?\d[A-Za-z]\d|"
    r"\d{4} ?[A-Za-z]{2}(?= |,|$)|\d{5}-\d{3,4}|\d{3} \d{2}|\d{2}-\d{3}|\d{4,6})(?!-)(?![^\W_])"
)
_COUNTRIES_OF_TWO_LETTERS = frozenset({"UK", "US", "GB"})
_STATE_AT_END = re.compile(r"[ ,]+([A-Z]{2,3})$")

_DESIGNATORS = frozenset(
    words("apartment apt appt flat unit suite ste wohnung whg top room rm floor fl shop villa étage")
)
_DESIGNATOR = f"(?:{'|'.join(sorted(_DESIGNATORS, reverse=True))})"
_UNIT_NUMBER = r"(?:(?!_)[\w-])*\d(?:(?!_)[\w-])*"
_UNIT_AT_END = re.compile(
    rf"(.*[^ ,])[ ,]+((?:{_DESIGNATOR}\.? *#?|#) *{_UNIT_NUMBER}|{_DESIGNATOR}\.? *[a-z])", re.IGNORECASE
)
_UNIT_AT_START = re.compile(rf"({_DESIGNATOR}\.? *#? *{_UNIT_NUMBER})[ ,/]+(.+)", re.IGNORECASE)
_LETTERS_AND_DIGIT = re.compile(r"\D+\d")
_DIGIT = re.compile(r"\d")
_NUMBER_AT_START = re.compile(rf"(\d+[a-zA-Z]?(?:-\d+[a-zA-Z]?|/\d+)?(?: (?:bis|ter|quater))?),? +(.*{_LETTER}.*)")
_NUMBER = r"\d+(?: ?[a-zA-Z])?(?: ?[-/] ?\d+[a-zA-Z]?)?(?: (?:bis|ter|quater))?"
_NUMBER_AT_END = re.compile(rf"(.*(?:{_LETTER}|[.,]))[ ,]+(?:[Nn][ro°º]?\.? ?)?({_NUMBER})")
_NUMBERED_ROADS = frozenset(
    words(
        "highway hwy route rte road rd interstate box postfach bp apartado calle carrera avenue ave autobahn square "
        "quadrat km us"
    )
)
_VCARD_SEMICOLONS = 6
_AROUND_STREET = " ,;"

_ABBREVIATIONS = dict(
    pair.split("/")
    for pair in words(
        "street/st avenue/ave av/ave road/rd drive/dr lane/ln boulevard/blvd court/ct place/pl square/sq terrace/ter "
        "crescent/cres close/cl circuit/cct parkway/pkwy highway/hwy circle/cir trail/trl mount/mt saint/st "
        "apartment/apt north/n south/s east/e west/w northeast/ne northwest/nw southeast/se southwest/sw platz/pl "
        "calle/c rue/r gardens/gdns grove/gr"
    )
)
_STREET_ENDINGS = ("strasse", "straat")


class AddressLine(NamedTuple):
    """What one line says; the country is an ISO code."""

    street: str | None
    postcode: str | None
    city: str | None
    region: str | None
    country: str | None


class Street(NamedTuple):
    """A street in its parts."""

    street: str | None
    house_number: str | None
    unit: str | None


def split_address(line: str) -> AddressLine:
    """Take a line such as `5 High St, Leeds LS1 4AP, UK` apart."""
    if line.count(";") == _VCARD_SEMICOLONS:
        street, city, region, postcode, country = (part.strip(" ") or None for part in line.split(";")[2:])
        return AddressLine(street, postcode, city, region, country_code(country) if country else None)
    head, country = _without_country(line)
    street, comma, rest = head.partition(",")
    if not comma:
        return AddressLine(street.strip(" ") or None, None, None, None, country)
    place = rest.lstrip(" ")
    found = _POSTCODE.search(place)
    town = (_POSTCODE.sub("", place) if found else place).strip(" ,")
    state = _STATE_AT_END.search(f" {town}")
    city = f" {town}"[: state.start()] if state else town
    return AddressLine(
        street.strip(" ") or None,
        found[0] if found else None,
        city.rsplit(",", 1)[-1].strip(" ") or None,
        state[1] if state else None,
        country,
    )


def _without_country(line: str) -> tuple[str, str | None]:
    """Cut the country off the end; a state's code of two letters is none."""
    head, comma, last = line.rpartition(",")
    if not comma:
        return line, None
    name = last.strip(" ")
    is_state = len(name) == 2 and name.isascii() and name.isalpha() and name.isupper()
    if is_state and name not in _COUNTRIES_OF_TWO_LETTERS:
        return line, None
    country = country_code(name)
    return (head.rstrip(" "), country) if country else (line, None)


def read_street(street: str | None, house_number: str | None, unit: str | None) -> Street:
    """Take the unit and the house number out of the street where they have no value of their own.

    `12 HIGH STREET, APT 4B` becomes `High Street`, `12`, `Apt 4B`.
    """
    name = street or ""
    if unit is None:
        name, taken = split_unit(name)
        unit = taken and _unit_case(taken)
    else:
        unit = display_case(unit)
    if house_number is None:
        name, house_number = split_house_number(name)
    else:
        house_number = without_float_tail(house_number)
    name = name.strip(_AROUND_STREET)
    return Street(display_case(name) if name else None, house_number and house_number.upper(), unit)


def split_unit(street: str) -> tuple[str, str | None]:
    """Part `12 High St, apt 4b` into `12 High St` and `apt 4b`; the unit is None where there is none."""
    if first_word(street) in _DESIGNATORS:
        begins = _UNIT_AT_START.fullmatch(street)
        return (begins[2], begins[1]) if begins else (street, None)
    if not _may_end_in_unit(street):
        return street, None
    ends = _UNIT_AT_END.fullmatch(street)
    return (ends[1], ends[2]) if ends else (street, None)


def _may_end_in_unit(street: str) -> bool:
    last_two = street.rsplit(" ", 2)[-2:]
    before, last = first_word(last_two[0]), last_two[-1]
    return before in _DESIGNATORS or not before or "#" in last or _LETTERS_AND_DIGIT.match(last) is not None


def _unit_case(unit: str) -> str:
    """Return `Apt 4B` for `apt 4b`."""
    designator, space, number = unit.rpartition(" ")
    return f"{capitalised(designator)}{space}{number.upper()}"


def split_house_number(street: str) -> tuple[str, str | None]:
    """Part `12a High Street` or `Hauptstraße 12a` into the street and `12a`.

    The number is None where none stands at an end, or where it is the road's own: `Highway 61`, `5th Avenue`,
    `PO Box 7`.
    """
    if not _DIGIT.search(street):
        return street, None
    if street[0].isdecimal():
        begins = _NUMBER_AT_START.fullmatch(street)
        return (begins[2], begins[1]) if begins else (street, None)
    if first_word(street.rsplit(" ", 2)[-2:][0]) in _NUMBERED_ROADS:
        return street, None
    ends = _NUMBER_AT_END.fullmatch(street)
    return (ends[1], ends[2]) if ends else (street, None)


def street_match_form(street: str) -> str | None:
    """Return the form in which streets are compared: match form with the usual abbreviations.

    `Haupt-Straße`, `Hauptstr.` become `haupt str`, `hauptstr`; `North High Street` becomes `n high st`.
    """
    form = match_form(street)
    return form and " ".join(map(_abbreviated, form.split(" ")))


def _abbreviated(word: str) -> str:
    for ending in _STREET_ENDINGS:
        if word.endswith(ending):
            return f"{word.removesuffix(ending)}str"
    return _ABBREVIATIONS.get(word, word)
