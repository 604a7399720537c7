"""People and firms to draw customer files from: names and addresses of many countries, from Faker.

1. A file has a country and rates of its own: how many records a person has, how often they hold typing errors, former
   addresses, a family's mailbox; how often a column is empty.
2. People live in households, which share a home, mostly a family name, sometimes a telephone and a mailbox; children
   may bear a parent's name, twins a birth date.
3. One to six people share a firm, its address and its switchboard.
"""

from __future__ import annotations

import random
import string
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faker import Faker

LOCALES = (
    *("de_DE", "en_US", "en_GB") * 2,
    *("fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "pt_BR", "sv_SE", "en_IN", "de_AT", "ro_RO", "da_DK", "cs_CZ"),
)
"""Countries of the files; three of them come twice as often."""
_LEGAL_FORMS = {
    "de_DE": ("GmbH", "AG", "GmbH & Co. KG", "e.K."),
    "de_AT": ("GmbH", "AG"),
    "en_US": ("Inc.", "LLC", "Corp.", "Co."),
    "en_GB": ("Ltd", "Limited", "PLC"),
    "en_IN": ("Pvt. Ltd.", "Ltd"),
    "fr_FR": ("SARL", "SAS", "SA"),
    "es_ES": ("S.L.", "S.A."),
    "it_IT": ("S.r.l.", "S.p.A."),
    "nl_NL": ("B.V.",),
    "pl_PL": ("Sp. z o.o.", "S.A."),
    "pt_BR": ("Ltda", "S.A."),
    "sv_SE": ("AB",),
    "da_DK": ("ApS", "A/S"),
    "ro_RO": ("S.R.L.", "S.A."),
    "cs_CZ": ("s.r.o.", "a.s."),
}
_PHONES = {
    "de_DE": "+49151########",
    "de_AT": "+43664%%%%%%%",
    "en_US": "+1415%%%####",
    "en_GB": "+4477########",
    "en_IN": "+9198########",
    "fr_FR": "+3361#######",
    "es_ES": "+346########",
    "it_IT": "+39347#######",
    "nl_NL": "+3161#######",
    "pl_PL": "+4851#######",
    "pt_BR": "+55119########",
    "sv_SE": "+4670#######",
    "da_DK": "+4522######",
    "ro_RO": "+4072#######",
    "cs_CZ": "+420602######",
}
"""Mobile numbers by country; # is any digit, % one from 2 to 9."""
_TRADES = [
    "Logistik",
    "Systems",
    "Bau",
    "Foods",
    "Media",
    "Tools",
    "Consult",
    "Energy",
    "Pharma",
    "Design",
    "Works",
    "Partners",
]
_MAIL_HOSTS = ["gmail.com", "gmx.de", "yahoo.com", "outlook.com", "web.de", "icloud.com", "posteo.de"]
_FIRMS_OWN_MAIL = ("{given}.{family}", "{given[0]}{family}", "{given}", "{given}_{family}")


@dataclass(frozen=True)
class Rates:
    """How a file's records differ from the people; each a probability.

    Args:
        another_record: that a person has one more record.
        typo: that a value has a typing error.
        family_mail: that somebody gives the household's mailbox.
        home_phone: that somebody gives the household's telephone.
        moved: that a later record has the next address.
        second_mail: that a later record has another mailbox.
        second_phone: that a later record has another telephone.
        nickname: that a later record has one.
        initial: that a later record has only the given name's first letter.
        married: that a woman's later record has another family name, or two.
        swapped: that given and family name are exchanged.
        namesake: that a child bears the name of the household's first person.
        default_day: that a birth date is 1 January.
        switchboard: that somebody at work gives the firm's telephone.
        role_mail: that somebody at work gives `info@` or the like.
        missing: that a column is empty, by column.
    """

    another_record: float
    typo: float
    family_mail: float
    home_phone: float
    moved: float
    second_mail: float
    second_phone: float
    nickname: float
    initial: float
    married: float
    swapped: float
    namesake: float
    default_day: float
    switchboard: float
    role_mail: float
    missing: Mapping[str, float]


@dataclass(frozen=True)
class Place:
    """An address and what is shared there: a telephone and, at home, a mailbox."""

    street: str
    city: str
    postcode: str
    phone: str = ""
    mail: str = ""


@dataclass(frozen=True)
class Firm:
    """Where people work.

    Args:
        number: of the firm in its file.
        name: without the legal form.
        form: legal form.
        domain: of its mailboxes.
        mail_pattern: how a mailbox is made from a name.
        place: with the switchboard.
    """

    number: int
    name: str
    form: str
    domain: str
    mail_pattern: str
    place: Place


@dataclass(frozen=True)
class Person:
    """Somebody, as they are.

    Args:
        household: number of the household in its file.
        given: name.
        family: name.
        middle: a second given name.
        maiden: another family name.
        suffix: `Jr.`, or empty.
        is_male: whether the names are those of a man.
        birth_date: year-month-day.
        mails: mailboxes, the first the usual one.
        phones: telephones, the first the usual one.
        home: with the household's telephone and mailbox.
        next_home: after moving.
    """

    household: int
    given: str
    family: str
    middle: str
    maiden: str
    suffix: str
    is_male: bool
    birth_date: str
    mails: tuple[str, ...]
    phones: tuple[str, ...]
    home: Place
    next_home: Place


@dataclass(frozen=True)
class World:
    """What a file is drawn from.

    Args:
        chance: all that is drawn at random, except for what Faker makes.
        faker: of the file's country.
        locale: the country.
        rates: of the file.
        people: in the order of their households.
        firms: of each person.
    """

    chance: random.Random
    faker: Faker
    locale: str
    rates: Rates
    people: list[Person] = field(default_factory=list)
    firms: list[Firm] = field(default_factory=list)

    def happens(self, rate: float) -> bool:
        """Draw whether something of this probability happens."""
        return self.chance.random() < rate


def draw_world(seed: str, *, people: int) -> World:
    """Draw people with their households and firms.

    Args:
        seed: the same seed gives the same people.
        people: at least so many.
    """
    chance = random.Random(seed)
    locale = chance.choice(LOCALES)
    faker = _faker_of(locale, seed)
    world = World(chance, faker, locale, _draw_rates(chance))
    while len(world.people) < people:
        world.people.extend(_household(world, len(world.people)))
    cities = [faker.city() for _ in range(max(3, people // 8))]
    while len(world.firms) < len(world.people):
        firm = _firm(world, len(world.firms), chance.choice(cities))
        world.firms.extend([firm] * chance.choice([1, 1, 2, 3, 4, 6]))
    return world


def _faker_of(locale: str, seed: str) -> Faker:
    from faker import Faker  # noqa: PLC0415 - all but drawing files works without it

    faker = Faker(locale)
    for provider in faker.get_providers():
        if isinstance(cities := getattr(provider, "cities", None), list):
            cities.sort()  # Italy's come from a set, in another order in every process
    faker.seed_instance(seed)
    return faker


def _draw_rates(chance: random.Random) -> Rates:
    columns = ("birth_date", "email", "phone", "street", "postcode", "city", "company", "job")
    missing = {column: chance.choice([0, 0, 0.05, 0.15, 0.3, 0.5]) for column in columns}
    return Rates(
        another_record=chance.uniform(0.1, 0.6),
        typo=chance.uniform(0, 0.06),
        family_mail=chance.betavariate(1, 4),
        home_phone=chance.betavariate(2, 4),
        moved=chance.uniform(0.02, 0.2),
        second_mail=chance.uniform(0.1, 0.5),
        second_phone=chance.uniform(0.1, 0.5),
        nickname=chance.uniform(0, 0.06),
        initial=chance.choice([0, 0, 0.02, 0.08]),
        married=chance.uniform(0, 0.05),
        swapped=chance.choice([0, 0, 0, 0.02]),
        namesake=chance.uniform(0, 0.05),
        default_day=chance.choice([0, 0, 0.01, 0.03]),
        switchboard=chance.uniform(0.2, 0.8),
        role_mail=chance.choice([0, 0.05, 0.15]),
        missing={**missing, "first": chance.choice([0, 0, 0, 0.03, 0.1])},
    )


def _household(world: World, number: int) -> list[Person]:
    """One to four people; the third and fourth are children."""
    chance, faker = world.chance, world.faker
    size = chance.choices([1, 2, 3, 4], [0.45, 0.25, 0.15, 0.15])[0]
    family = faker.last_name()
    plain = letters(family)
    box = chance.choice([f"familie.{plain}", f"{plain}{chance.randrange(1, 99)}", f"die.{plain}s"])
    mail = f"{box}@{chance.choice(['gmail.com', 'gmx.de'])}"
    home = Place(_street(world), faker.city(), faker.postcode(), _phone(world), mail)
    people: list[Person] = []
    for place in range(size):
        name = family if place != 1 or world.happens(0.75) else faker.last_name()
        people.append(_person(world, people, name, home, number))
    return people


def _person(world: World, before: Sequence[Person], family: str, home: Place, household: int) -> Person:
    """One of a household, after those before them."""
    faker = world.faker
    is_male, is_child = world.happens(0.5), len(before) >= 2
    given, suffix = _given_name(world, is_male=is_male), ""
    birth_date = _birth_date(world, 2000, 2015) if is_child else _birth_date(world, 1945, 2000)
    if is_child and world.happens(world.rates.namesake):
        given, family, suffix = before[0].given, before[0].family, "Jr."
    if len(before) == 3 and world.happens(0.06):  # twins
        birth_date = before[2].birth_date
    next_city = faker.city() if world.happens(0.7) else home.city
    return Person(
        household=household,
        given=given,
        family=family,
        middle=_given_name(world, is_male=is_male),
        maiden=faker.last_name(),
        suffix=suffix,
        is_male=is_male,
        birth_date=birth_date,
        mails=tuple(_mailbox(world, given, family, birth_date) for _ in range(3)),
        phones=(_phone(world), _phone(world)),
        home=home,
        next_home=Place(_street(world), next_city, faker.postcode()),
    )


def _firm(world: World, number: int, city: str) -> Firm:
    chance, faker = world.chance, world.faker
    named = world.happens(0.6)
    name = f"{faker.last_name()} {chance.choice(_TRADES)}" if named else faker.company().split(",")[0]
    return Firm(
        number=number,
        name=name,
        form=chance.choice(_LEGAL_FORMS[world.locale]),
        domain=letters(name)[:18] + chance.choice([".com", ".net", ".example", ".org"]),
        mail_pattern=chance.choice(_FIRMS_OWN_MAIL),
        place=Place(_street(world), city, faker.postcode(), _phone(world)),
    )


def _given_name(world: World, *, is_male: bool) -> str:
    return str(world.faker.first_name_male() if is_male else world.faker.first_name_female())


def _street(world: World) -> str:
    return str(world.faker.street_address().split("\n")[0])


def _phone(world: World) -> str:
    digits = {"#": string.digits, "%": string.digits[2:]}
    return "".join(world.chance.choice(digits.get(sign, sign)) for sign in _PHONES[world.locale])


def _birth_date(world: World, first_year: int, end_year: int) -> str:
    chance = world.chance
    return f"{chance.randrange(first_year, end_year)}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"


def _mailbox(world: World, given: str, family: str, birth_date: str) -> str:
    chance = world.chance
    given, family = letters(given), letters(family)
    name = chance.choice(
        [
            f"{given}.{family}",
            f"{given}{family}",
            f"{given[:1]}.{family}",
            f"{family}.{given}",
            f"{given}{birth_date[2:4]}",
            f"{given}.{family}{chance.randrange(1, 99)}",
            f"{family}{chance.randrange(1, 999)}",
            f"{given}_{family}",
            "".join(chance.choice(string.ascii_lowercase) for _ in range(7)),
        ]
    )
    return f"{name}@{chance.choice(_MAIL_HOSTS)}"


def letters(text: str) -> str:
    """Return the letters and digits in lower case, without accents."""
    return "".join(sign for sign in without_accents(text.lower()) if sign.isalnum())


def without_accents(text: str) -> str:
    """Return the text in ASCII; accents and letters of other scripts are left out."""
    plain = unicodedata.normalize("NFD", text.replace("ß", "ss").replace("ł", "l").replace("ø", "o"))
    return "".join(sign for sign in plain if sign.isascii())
