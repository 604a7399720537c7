"""Words by which column names tell what they hold, in the languages that customer data is kept in."""

from __future__ import annotations

import re
from typing import Literal

Meaning = Literal[
    "given_name",
    "middle_name",
    "family_name",
    "full_name",
    "birth_date",
    "date",
    "gender",
    "email",
    "phone",
    "street",
    "house_number",
    "unit",
    "address",
    "city",
    "postcode",
    "region",
    "country",
    "national_id",
    "company_name",
    "code",
    "category",
    "text",
    "number",
    "ignored",
]

_NAMES: tuple[tuple[Meaning, str], ...] = (
    (
        "full_name",
        r"full_?name complete_?name whole_?name first_and_(sur|last)_?name "
        r"(customer|contact|person|client|patient|holder)_?name",
    ),
    (
        "given_name",
        r"given_?names?\d? first_?names? fore_?names? christian_?name f_?name vorname prenom nombre nome "
        r"voornaam fornamn imie",
    ),
    ("middle_name", r"middle_?(name|initial)s? second_?name m_?name zweitname"),
    (
        "family_name",
        r"sur_?names? last_?names? family_?names? l_?name nachname familienname nom(_de_famille)? "
        r"apellidos? cognome achternaam efternamn nazwisko maiden_?name",
    ),
    (
        "birth_date",
        r"dob d_?o_?b (date|day|year)_?of_?birth birth_?(date|day|dt|year) bdate geburts(datum|tag) "
        r"date_naissance fecha_nacimiento geboortedatum born(_on)?",
    ),
    ("gender", r"gender sex geschlecht sexe sexo salutation"),
    ("email", r"e_?mail(_?(address|addr|adresse))? mail"),
    (
        "phone",
        r"(tele)?phones?(_?(no|num|number|nr))? tel(efon|efono|_?no|_?nr)? mobile?(_?(phone|no|number))? "
        r"cell(_?phone)? handy contact_?number",
    ),
    ("house_number", r"(street|house|building|str)_?(no|num|number|nr) hausn(umme)?r numero"),
    ("unit", r"unit apt apartment flat suite address_?(line_?)?[23] addr_?[23]"),
    ("street", r"street(_?(name|address))? address_?(line_?)?1 addr_?1 str(asse)? strasse rue calle via road"),
    (
        "address",
        r"address full_?address postal_?address mailing_?address addr adresse anschrift direccion "
        r"residence",
    ),
    ("postcode", r"(post(al)?|zip)_?(code|cd)? zip plz cp code_postal codigo_postal cap"),
    (
        "city",
        r"city town suburb locality ort stadt ville ciudad place municipality birth_?place place_of_birth "
        r"plaats comune",
    ),
    ("region", r"state region province county bundesland departement territory"),
    ("country", r"country(_?(code|name))? land pays pais nation(ality)?"),
    (
        "national_id",
        r"(soc(ial)?_?sec(urity)?|national|tax|fiscal|passport|id_?card|identity|insurance)"
        r"(_?(id|no|num|number|nr|code))? ssn nino nin tin vat(_?(id|no|number))? nhs(_?no)? bsn cpf dni pesel aadhaar",
    ),
    (
        "company_name",
        r"compan(y|ies)(_?name)? organi[sz]ation(_?name)? org(_?name)? business(_?name)? employer firma "
        r"firm(_?name)? societe empresa account_?name legal_?name trading_?name manufacturer brand venue",
    ),
    ("category", r"occupation job(_?title)? profession type category status title industry"),
    ("full_name", r"name names customer person contact"),
)
"""Meaning to the patterns of its names, apart by spaces; the first that fits wins."""

_NUMBERED = re.compile(r"_?\d+$")


def meaning_of_name(column: str) -> Meaning | None:
    """The meaning that a column's name tells, or None; words before or after it, as in `cust_email`, do not matter."""
    name = snake_case(column)
    for candidate in (name, _NUMBERED.sub("", name), *_shorter(name)):
        for meaning, pattern in _NAMES:
            if re.fullmatch(pattern.replace(" ", "|"), candidate):
                return meaning
    return None


def snake_case(name: str) -> str:
    """`DateOfBirth`, `Date of birth` and `date-of-birth` all become `date_of_birth`."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.strip())
    return re.sub(r"[^0-9a-zäöüéèàçñ]+", "_", spaced.lower()).strip("_")


def _shorter(name: str) -> list[str]:
    """The name without its first one or two words, then without its last one or two."""
    words = name.split("_")
    cuts = [cut for cut in (1, 2) if cut < len(words)]
    return ["_".join(words[cut:]) for cut in cuts] + ["_".join(words[:-cut]) for cut in cuts]
