"""Who lives together, and how households keep their ids."""

from __future__ import annotations

import random
from collections.abc import Collection
from typing import Any
from uuid import UUID, uuid5

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.unit.relations.conftest import profiles_of

from cdp_spark.config.match import HouseholdsConfig
from cdp_spark.relations.homes import family, family_parts, read_home
from cdp_spark.relations.household_ids import ReleasedHouseholds, build_households, build_previous_households
from cdp_spark.relations.households import build_household_groups
from cdp_spark.tables.catalog import HOUSEHOLDS, UNIFIED_IDS

HOME = {"street": "Hauptstraße", "house_number": "5", "postcode": "10115", "city": "Berlin"}
NAMESPACE = UUID(int=7)


def groups_of(
    spark: SparkSession,
    people: Collection[dict[str, Any]],
    accounts: Collection[dict[str, Any]] = (),
    **limits: Any,
) -> list[list[str]]:
    homes = [{**HOME, **person} for person in people]
    found = build_household_groups(
        profiles_of(spark, *homes), profiles_of(spark, *accounts), config=HouseholdsConfig(**limits)
    )
    members = found.groupBy("first_key").agg(F.array_sort(F.collect_list("unified_id")).alias("people"))
    return sorted(row["people"] for row in members.collect())


def person(unified_id: str, family_name: str | None = "Weber", **values: Any) -> dict[str, Any]:
    return {"unified_id": unified_id, "family_name": family_name, **values}


def test_one_door_and_one_name(spark: SparkSession) -> None:
    people = [
        person("a"),
        person("b", "WEBER", street="Haupt-Str.", city=None),
        person("c", "Weber-Lang"),
        person("d", "Schulz"),
        person("e", house_number="7"),
        person("f", postcode=None, city="Bonn"),
        person("g", None),
    ]
    assert groups_of(spark, people) == [["a", "b", "c"], ["d"], ["e"], ["f"], ["g"]]


def test_a_phone_or_mailbox_in_common_joins_other_names(spark: SparkSession) -> None:
    people = [
        person("a", phones=["+4930111"], emails=["family@home.example"]),
        person("b", "Schulz", phones=["+4930999", "+4930111"]),
        person("c", None, emails=["Family@home.example"]),
        person("d", "Lang", house_number="9", phones=["+4930111"]),
    ]
    assert groups_of(spark, people) == [["a", "b", "c"], ["d"]]
    assert groups_of(spark, people, shared_contacts=("email",)) == [["a", "c"], ["b"], ["d"]]
    assert groups_of(spark, people, shared_contacts=()) == [["a"], ["b"], ["c"], ["d"]]


def test_a_chain_is_joined_whatever_the_order(spark: SparkSession) -> None:
    chain = [person(f"p{i}", f"Name{i}x", phones=[f"+{i}", f"+{i + 1}"]) for i in range(6)]
    for seed in range(3):
        renamed = random.Random(seed).sample([f"p{i}" for i in range(6)], 6)
        people = [{**each, "unified_id": name} for each, name in zip(chain, renamed, strict=True)]
        assert groups_of(spark, people) == [sorted(renamed)]


def test_flats_part_a_house_and_the_only_flat_takes_in_who_leaves_it_out(spark: SparkSession) -> None:
    people = [
        person("a", unit="Apt 4B"),
        person("b", unit="#4b"),
        person("c"),
        person("d", "Lang", unit="1"),
        person("e", "Lang", unit="2"),
        person("f", "Lang"),
    ]
    assert groups_of(spark, people) == [["a", "b", "c"], ["d"], ["e"], ["f"]]


def test_no_home_no_household(spark: SparkSession) -> None:
    people = [
        person("a", street="Postfach"),
        person("b", street="PO Box 12"),
        person("c", street="c/o Lang, Hauptstraße"),
        person("d", unit="c/o Lang"),
        person("e", house_number=None),
        person("f", street=None),
        person("g", postcode=None, city=None),
    ]
    assert groups_of(spark, people) == []


def test_in_a_tower_only_the_name_joins_and_a_crowd_of_one_name_has_no_household(spark: SparkSession) -> None:
    families = [person(f"f{i}", "Meier", phones=["+49301"]) for i in range(2)]
    others = [person(f"o{i}", f"Name{i}x", phones=["+49301"]) for i in range(2)]
    crowd = [person(f"w{i}") for i in range(4)]
    limits: dict[str, Any] = {"max_people_per_address": 5, "max_people": 3}
    assert groups_of(spark, [*families, *others, *crowd], **limits) == [["f0", "f1"], ["o0"], ["o1"]]
    assert groups_of(spark, [*families, *others], **limits) == []
    assert groups_of(spark, crowd, max_people_per_address=5, max_people=4) == [["w0", "w1", "w2", "w3"]]


def test_a_switchboard_makes_no_household(spark: SparkSession) -> None:
    people = [person("a", phones=["+49301"]), person("b", "Lang", phones=["+49301"]), person("c")]
    company = {"unified_id": "x", "entity_type": "account", **HOME}
    assert groups_of(spark, people, [company]) == [["a", "c"], ["b"]]


@pytest.mark.parametrize(
    ("name", "form", "parts"),
    [
        ("Müller-Schmidt", "muller schmidt", ["muller", "schmidt"]),
        ("Nováková", "novak", ["novak"]),
        ("Novák", "novak", ["novak"]),
        ("Kowalska", "kowalski", ["kowalski"]),
        ("van der Berg", "van der berg", ["berg"]),
        ("García López", "garcia lopez", ["garcia", "lopez"]),
        ("Lev", "lev", ["lev"]),
    ],
)
def test_family_names(name: str, form: str, parts: list[str]) -> None:
    assert family(name) == form
    assert family_parts(form) == parts


@pytest.mark.parametrize(
    ("address", "home"),
    [
        (("High Street", "12 a", "Apt 3", "Leeds", "LS1 4AP"), ('{"number":"12a","place":"ls14ap"}', "high", "3")),
        (("High St", "12A", "Top floor", "Leeds", None), ('{"number":"12a","place":"leeds"}', "high", "top floor")),
        (("Am Weg", "1", None, "Ulm", None), ('{"number":"1","place":"ulm"}', "amweg", None)),
        (("PO Box", None, None, "Leeds", None), (None, None, None)),
        (("High Street", "1", "c/o Lee", None, None), (None, None, "c o lee")),
        ((None, None, None, None, None), (None, None, None)),
    ],
)
def test_addresses(address: tuple[str | None, ...], home: tuple[str | None, ...]) -> None:
    assert read_home(*address) == home


def test_a_street_may_be_misspelt_among_people_of_one_name(spark: SparkSession) -> None:
    streets = ["Bismarckstraße", "Bismarck-Str.", "Bismwrckstr.", "Bismarckallee", "Bremerstr."]
    people = [person(f"p{number}", street=street) for number, street in enumerate(streets)]
    other = person("x", "Lang", street="Bismwrckstr.")
    assert groups_of(spark, [*people, other]) == [["p0", "p1", "p2", "p3"], ["p4"], ["x"]]


def households_of(
    spark: SparkSession, members: dict[str, str], previous: list[tuple[str, str, int]], ordinal: int
) -> DataFrame:
    groups = spark.createDataFrame(sorted(members.items()), "unified_id string, first_key string")
    before = spark.createDataFrame(previous, "unified_id string, previous_id string, since_release long")
    return build_households(groups, before, namespace=NAMESPACE, ordinal=ordinal)


def assert_households(found: DataFrame, *expected: tuple[str, str, int, int]) -> None:
    wanted = found.sparkSession.createDataFrame(list(expected), HOUSEHOLDS.schema)
    assert_df_equality(found, wanted, ignore_row_order=True, ignore_nullable=True)


def test_the_first_night_issues_ids(spark: SparkSession) -> None:
    one, two = (str(uuid5(NAMESPACE, f"household:1:{first}")) for first in "ac")
    found = households_of(spark, {"a": "a", "b": "a", "c": "c"}, [], 1)
    assert_households(found, ("a", one, 2, 1), ("b", one, 2, 1), ("c", two, 1, 1))


def test_an_id_stays_while_members_come_and_go(spark: SparkSession) -> None:
    before = [("b", "H", 1), ("c", "H", 3), ("d", "H", 3)]
    found = households_of(spark, {"a": "a", "b": "a", "c": "a"}, before, 4)
    assert_households(found, ("a", "H", 3, 4), ("b", "H", 3, 1), ("c", "H", 3, 3))


def test_a_household_that_parts_goes_on_where_most_people_are(spark: SparkSession) -> None:
    new = str(uuid5(NAMESPACE, "household:2:a"))
    before = [("a", "H", 1), ("b", "H", 1), ("c", "H", 1)]
    found = households_of(spark, {"a": "a", "b": "b", "c": "b"}, before, 2)
    assert_households(found, ("a", new, 1, 2), ("b", "H", 2, 1), ("c", "H", 2, 1))


def test_of_two_that_become_one_the_older_goes_on(spark: SparkSession) -> None:
    before = [("a", "H2", 2), ("b", "H1", 1)]
    found = households_of(spark, {"a": "a", "b": "a"}, before, 3)
    assert_households(found, ("a", "H1", 2, 3), ("b", "H1", 2, 1))


def test_a_merged_person_takes_the_household_along(spark: SparkSession) -> None:
    then = [("r1", "person", "old"), ("r2", "person", "other"), ("v", "visitor", "old")]
    now = [("r1", "person", "new"), ("r2", "person", "new"), ("v", "visitor", "new")]
    households = spark.createDataFrame([("old", "H", 1, 2), ("other", "H", 1, 1)], HOUSEHOLDS.schema)
    released = ReleasedHouseholds(households, spark.createDataFrame(then, UNIFIED_IDS.schema))
    found = build_previous_households(spark.createDataFrame(now, UNIFIED_IDS.schema), released)
    assert [tuple(row) for row in found.collect()] == [("new", "H", 1)]
