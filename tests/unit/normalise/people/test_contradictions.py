from __future__ import annotations

from datetime import date

import pytest

from cdp_spark.normalise.people.contradictions import Person, are_several_people

BORN, OTHER = date(1980, 2, 3), date(2011, 7, 19)


@pytest.mark.parametrize(
    ("one", "other", "several"),
    [
        (Person("Ann", "Lee", BORN), Person("Tom", "Lee", OTHER), True),
        (Person("Ann", "Lee", None), Person("Tom", "Moe", None), True),
        (Person("Ann", None, None, "A1"), Person("Tom", None, None, "B2"), True),
        (Person("Ann", "Lee", BORN), Person("Ann", "Moe", BORN), False),
        (Person("Ann", "Lee", BORN), Person("Ann", "Lee", OTHER), False),
        (Person("Bob", "Lee", BORN), Person("Robert", "Moe", BORN), False),
        (Person("Ann", "Lee", BORN), Person("Tom", "Lee", None), False),
        (Person("José", "García", date(1980, 2, 3)), Person("jose maria", "GARCIA", date(1980, 3, 2)), False),
        (Person(None, None, None), Person("Ann", "Lee", BORN), False),
    ],
)
def test_two_contradictions_are_two_people(one: Person, other: Person, several: bool) -> None:
    assert are_several_people([one, other]) is several
    assert are_several_people([other, one]) is several
