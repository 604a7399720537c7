"""Small customer files drawn at random, with their truth.

1. People are drawn with households and firms (`world`).
2. Every person has one to five records. The first is as the person is; in later ones they may have moved, married, go
   by a nickname or use another mailbox.
3. Then typing errors come in and values go missing.

The same kind, seed and size give the same file, with the same version of Faker.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from benchmarks.small.files import SmallFile
from benchmarks.small.world import draw_world, letters, without_accents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.small.world import Firm, Person, World


@dataclass(frozen=True)
class Kind:
    """What a file tells of people.

    Args:
        columns: keys of a record, in the order of the file.
        at_work: whether contacts are those of the firm.
    """

    columns: tuple[str, ...]
    at_work: bool = False


_HOME = ("street", "city", "postcode")
KINDS: Mapping[str, Kind] = {
    "people": Kind(("first", "last", "birth_date", "email", "phone", *_HOME)),
    "shop": Kind(("first", "last", "email", "phone", *_HOME)),
    "newsletter": Kind(("first", "last", "email", "phone")),
    "fullname": Kind(("name", "email", "phone", "city")),
    "contacts": Kind(("first", "last", "email", "phone", "company", "job", "city"), at_work=True),
    "dob": Kind(("first", "last", "birth_date", "city", "postcode")),
    "crm": Kind(("first", "last", "email", "phone", "company", *_HOME), at_work=True),
    "maildob": Kind(("first", "last", "birth_date", "email")),
    "pipedrive": Kind(("name", "email", "phone", "company"), at_work=True),
}
_HEADER = {"first": "First Name", "last": "Last Name", "job": "Job Title"}
_NICKNAMES = {
    "Robert": "Bob",
    "William": "Bill",
    "Elizabeth": "Liz",
    "Michael": "Mike",
    "Thomas": "Tom",
    "James": "Jim",
    "Katharina": "Kathi",
    "Alexander": "Alex",
    "Johannes": "Hannes",
    "Jennifer": "Jen",
    "Christopher": "Chris",
    "Margaret": "Maggie",
    "Joseph": "Joe",
    "Daniel": "Dan",
    "Matthew": "Matt",
    "Anthony": "Tony",
    "Friedrich": "Fritz",
    "Susanne": "Susi",
    "Charles": "Charlie",
    "Samantha": "Sam",
    "Benjamin": "Ben",
    "Nicholas": "Nick",
    "Patricia": "Pat",
}
_ROLES = ["info", "sales", "office", "kontakt", "contact", "admin"]
_JOBS = ["Manager", "CEO", "Buyer", "Sales", "IT", "HR"]
_SHORT_STREETS = {"Street": "St", "straße": "str.", "Road": "Rd", "Avenue": "Ave"}
_MOST_RECORDS = 5


def why_missing() -> str | None:
    """Say why no files can be drawn here; None where they can."""
    return None if find_spec("faker") else "drawn files: left out, the package is not installed (pip install faker)"


def draw_file(name: str, *, seed: int, records: int) -> SmallFile:
    """Draw a file.

    Args:
        name: of `KINDS`.
        seed: the same seed gives the same file.
        records: how many.
    """
    kind, world = KINDS[name], draw_world(f"{name} {seed} {records}", people=records)
    drawn: list[tuple[int, tuple[str, ...]]] = []
    for number in range(len(world.people)):
        for count in range(_MOST_RECORDS):
            record = _record(world, number, later=count > 0, at_work=kind.at_work)
            drawn.append((number, tuple(record[column] for column in kind.columns)))
            if not world.happens(world.rates.another_record):
                break
    drawn = drawn[:records]
    world.chance.shuffle(drawn)
    people = [number for number, _ in drawn]
    return SmallFile(
        kind=name,
        records=records,
        number=seed,
        header=tuple(_HEADER.get(column, column) for column in kind.columns),
        rows=tuple(row for _, row in drawn),
        entities=tuple(str(number) for number in people),
        households=tuple(str(world.people[number].household) for number in people),
        firms=tuple(str(world.firms[number].number) for number in people) if kind.at_work else (),
    )


def _record(world: World, number: int, *, later: bool, at_work: bool) -> dict[str, str]:
    """One record of a person: all columns that any kind has.

    Args:
        world: with the people.
        number: of the person.
        later: whether it is not the person's first.
        at_work: whether contacts are those of the firm.
    """
    chance, person, firm = world.chance, world.people[number], world.firms[number]
    given, family = _names(world, person, later=later)
    place = person.next_home if later and world.happens(world.rates.moved) else person.home
    if at_work:
        place = firm.place if world.happens(0.8) else place
        mail, phone = _work_mail(world, person, firm), _work_phone(world, person, firm)
    else:
        mail, phone = _own_mail(world, person, later=later), _own_phone(world, person, later=later)
    record = {
        "first": _typed(world, given),
        "last": _typed(world, family),
        "birth_date": _written_date(world, person.birth_date),
        "email": _typed(world, mail) if world.happens(0.3) else mail,
        "phone": phone if world.happens(0.98) else phone[:-1] + str(chance.randrange(10)),
        "street": _typed(world, _written_street(world, place.street)),
        "city": _typed(world, place.city),
        "postcode": place.postcode,
        "company": _typed(world, chance.choice([firm.name, f"{firm.name} {firm.form}", f"{firm.name} {firm.form}"])),
        "job": chance.choice(_JOBS),
    }
    missing = {column for column, rate in world.rates.missing.items() if world.happens(rate)}
    capitals = {"first", "last", "city"} if world.happens(0.1) else set()
    record = {
        column: "" if column in missing else value.upper() if column in capitals else value
        for column, value in record.items()
    }
    return {**record, "name": f"{record['first']} {record['last']}".strip()}


def _names(world: World, person: Person, *, later: bool) -> tuple[str, str]:
    """Given and family name as a record has them."""
    given, family = _changed_names(world, person) if later else (person.given, person.family)
    if world.happens(world.rates.swapped):
        given, family = family, given
    if person.suffix and world.happens(0.5):
        family = f"{family} {person.suffix}"
    return given, family


def _changed_names(world: World, person: Person) -> tuple[str, str]:
    """A nickname, an initial, a married woman's name, names without accents, a second given name; or none of these."""
    given, family, rates = person.given, person.family, world.rates
    if world.happens(rates.nickname):
        given = _NICKNAMES.get(given, given)
    if world.happens(rates.initial):
        given = f"{given[0]}."
    if not person.is_male and world.happens(rates.married):
        family = world.chance.choice([person.maiden, f"{family}-{person.maiden}"])
    if world.happens(0.05):
        given, family = (without_accents(name) if name.isalpha() else name for name in (given, family))
    return f"{given} {person.middle}" if world.happens(0.04) else given, family


def _own_mail(world: World, person: Person, *, later: bool) -> str:
    if world.happens(world.rates.family_mail):
        return person.home.mail
    if later and world.happens(world.rates.second_mail):
        return world.chance.choice(person.mails[1:])
    return person.mails[0]


def _own_phone(world: World, person: Person, *, later: bool) -> str:
    if world.happens(world.rates.home_phone):
        return person.home.phone
    return person.phones[1] if later and world.happens(world.rates.second_phone) else person.phones[0]


def _work_mail(world: World, person: Person, firm: Firm) -> str:
    if world.happens(world.rates.role_mail):
        return f"{world.chance.choice(_ROLES)}@{firm.domain}"
    if not world.happens(0.75):
        return person.mails[0]
    return f"{firm.mail_pattern.format(given=letters(person.given), family=letters(person.family))}@{firm.domain}"


def _work_phone(world: World, person: Person, firm: Firm) -> str:
    return firm.place.phone if world.happens(world.rates.switchboard) else person.phones[0]


def _written_street(world: World, street: str) -> str:
    if world.happens(0.1):
        for word, short in _SHORT_STREETS.items():
            street = street.replace(word, short)
    return street


def _written_date(world: World, date: str) -> str:
    """A date with day and month exchanged, another day, or the year before or after; or 1 January."""
    chance, (year, month, day) = world.chance, date.split("-")
    if world.happens(world.rates.typo / 2):
        another_day, another_year = f"{chance.randrange(1, 29):02d}", str(int(year) + chance.choice([-1, 1]))
        exchanged = f"{year}-{day}-{month}" if int(day) < 13 else date
        date = chance.choice([exchanged, f"{year}-{month}-{another_day}", f"{another_year}-{month}-{day}"])
    return f"{date[:4]}-01-01" if world.happens(world.rates.default_day) else date


def _typed(world: World, text: str) -> str:
    """The text as somebody types it: at times a letter is left out, exchanged, replaced or doubled."""
    if len(text) < 3 or not world.happens(world.rates.typo):
        return text
    chance = world.chance
    at, kind = chance.randrange(len(text) - 1), chance.random()
    if kind < 0.3:
        return text[:at] + text[at + 1 :]
    if kind < 0.55:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if kind < 0.8:
        return text[:at] + chance.choice("aeioulnrst") + text[at + 1 :]
    return text[:at] + text[at] + text[at:]
