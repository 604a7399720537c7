"""Visitors and their people: one letter per scenario, all of them side by side in one placing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from cdp_spark.clustering.identifiers.placing import place_visitors
from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.config.source import SourceConfig
from cdp_spark.tables.catalog import IDENTIFIERS

TODAY = datetime(2026, 6, 1, tzinfo=UTC)

PEOPLE = {
    "pa": "user_id=ua",
    "pb1": "user_id=ub1",
    "pb2": "user_id=ub2",
    "pc1": "phone=office",
    "pc2": "phone=office",
    "pd1": "user_id=ud1",
    "pd2": "user_id=ud2",
    "pe": "email_sha256=he",
    "pf": "email_sha256=hf",
    "pg": "user_id=ug",
    "ph": "email_sha256=till",
}
"""One record and so one cluster each, named by its record."""

VISITORS = {
    # anonymous, then a log-in: from then on and backwards
    "a1": ("cookie_id=ca", 9),
    "a2": ("cookie_id=ca user_id=ua", 5),
    # two log in on the family's tablet: nobody is merged, who did not log in stays alone
    "b1": ("device_id=tablet user_id=ub1", 5),
    "b2": ("device_id=tablet user_id=ub2", 5),
    "b3": ("device_id=tablet", 5),
    # a phone that two people share
    "c1": ("phone=office", 5),
    # two people on a browser, the one of them so long ago that it counts no more
    "d1": ("cookie_id=cd user_id=ud1", 400),
    "d2": ("cookie_id=cd user_id=ud2", 3),
    "d3": ("cookie_id=cd", 500),
    # a newsletter's link, forwarded to somebody who is logged in
    "e1": ("email_sha256=he user_id=ua", 5),
    # an account that no record has, with the mailbox of one person
    "f1": ("email_sha256=hf user_id=uf", 5),
    "f2": ("user_id=uf", 5),
    # more cookies than a person may have: the newest count
    "g1": ("cookie_id=cg1 user_id=ug", 30),
    "g2": ("cookie_id=cg2 user_id=ug", 20),
    "g3": ("cookie_id=cg3 user_id=ug", 10),
    "g4": ("cookie_id=cg1", 40),
    "g5": ("cookie_id=cg2", 40),
    # the till's default e-mail, shared by so many records that it is not usable
    "h1": ("!email_sha256=till", 5),
    "h2": ("!email_sha256=till cookie_id=ch", 5),
    # somebody logs in who is in no source of records
    "i1": ("cookie_id=ci user_id=ui", 5),
    "i2": ("user_id=ui", 5),
    "i3": ("cookie_id=ci", 5),
    # nobody ever logs in; a cookie and a device id come together in one event
    "j1": ("cookie_id=cj", 5),
    "j2": ("cookie_id=cj device_id=dj", 5),
    "j3": ("device_id=dj", 5),
    # the same, and one end belongs to a person
    "k1": ("cookie_id=ca device_id=dk", 5),
    "k2": ("device_id=dk", 5),
    # labels
    "l1": ("user_id=ua", 5),
    "l2": ("cookie_id=cl", 5),
}
LABELS = [("l1", "pa", "cannot_link"), ("l2", "pb1", "must_link")]

CLUSTERS = {
    "a1": "pa",
    "a2": "pa",
    "b1": "pb1",
    "b2": "pb2",
    "b3": "b3",
    "c1": "c1",
    "d1": "pd1",
    "d2": "pd2",
    "d3": "pd2",
    "e1": "pa",
    "f1": "pf",
    "f2": "pf",
    "g1": "pg",
    "g2": "pg",
    "g3": "pg",
    "g4": "g4",
    "g5": "pg",
    "h1": "h1",
    "h2": "h2",
    "i1": "i1",
    "i2": "i1",
    "i3": "i1",
    "j1": "j1",
    "j2": "j1",
    "j3": "j1",
    "k1": "pa",
    "k2": "pa",
    "l1": "l1",
    "l2": "pb1",
}
CUTS = [
    ("b1", "pb2", "max_people", "device_id"),
    ("b3", "pb2", "max_people", "device_id"),
    ("c1", "pc2", "max_people", "phone"),
    ("d1", "pd2", "priority", "cookie_id"),
    ("e1", "pe", "priority", "email_sha256"),
    ("g4", "pg", "max_per_person", "cookie_id"),
    ("l1", "pa", "cannot_link", "user_id"),
]


def project(types: tuple[str, ...] = ("cookie_id", "device_id", "user_id", "email_sha256", "phone")) -> Project:
    events = {"event_type": "event", "occurred_at": "at", "identifiers": {name: name for name in types}}
    settings = {"name": "web", "kind": "events", "format": "json", "path": "web", "events": events}
    web = SourceConfig.model_validate_json(json.dumps(settings))
    rules = MatchConfig.model_validate({"identifiers": {"cookie_id": {"max_per_person": 2}}})
    own = ProjectSettings(name="test", namespace=UUID(int=1), warehouse=Warehouse(path="w"))
    return Project(folder=".", settings=own, sources=(web,), match=rules, config_hash="x")


def _identifiers(entity_type: str, record: str, borne: str, days_ago: int) -> list[tuple[object, ...]]:
    seen = TODAY - timedelta(days=days_ago)
    split = [word.split("=") for word in borne.split()]
    return [
        (
            record,
            entity_type,
            kind.lstrip("!"),
            value,
            value,
            kind[0] != "!",
            "shared" if kind[0] == "!" else None,
            seen,
        )
        for kind, value in split
    ]


def frames(spark: SparkSession, *, partitions: int) -> tuple[DataFrame, DataFrame, DataFrame, DataFrame]:
    rows = [row for key, borne in PEOPLE.items() for row in _identifiers("person", key, borne, 50)]
    rows += [row for key, (borne, days) in VISITORS.items() for row in _identifiers("visitor", key, borne, days)]
    order = rows if partitions == 1 else rows[::-1]
    return (
        spark.createDataFrame(order, IDENTIFIERS.schema).repartition(partitions),
        spark.createDataFrame([(key,) for key in VISITORS], "record_key string").repartition(partitions),
        spark.createDataFrame([(key, key) for key in PEOPLE], "record_key string, cluster string"),
        spark.createDataFrame(LABELS, "record_key_l string, record_key_r string, label string"),
    )


@pytest.mark.parametrize("partitions", [1, 3])
def test_everybody_goes_where_they_belong_whatever_the_order(spark: SparkSession, partitions: int) -> None:
    placed = place_visitors(*frames(spark, partitions=partitions), project=project())
    clusters = [(key, cluster, cluster) for key, cluster in CLUSTERS.items()]
    expected = spark.createDataFrame(clusters, "record_key string, component string, cluster string")
    assert_df_equality(placed.clusters, expected, ignore_row_order=True, ignore_nullable=True)
    kept = placed.cuts.select("record_key_l", "record_key_r", "reason", "identifier_type")
    cuts = spark.createDataFrame(CUTS, kept.schema)
    assert_df_equality(kept, cuts, ignore_row_order=True, ignore_nullable=True)


def test_people_without_visitors_and_visitors_without_people(spark: SparkSession) -> None:
    identifiers, visitors, people, labels = frames(spark, partitions=1)
    none = place_visitors(identifiers, visitors.limit(0), people, labels, project=project(("cookie_id",)))
    assert none.clusters.collect() == []
    alone = place_visitors(identifiers, visitors, people.limit(0), labels, project=project(("cookie_id",)))
    assert {row.record_key: row.cluster for row in alone.clusters.collect()} == {
        **{key: key for key in VISITORS},
        "a2": "a1",
        "e1": "e1",
        "k1": "a1",
        "d2": "d1",
        "d3": "d1",
        "g4": "g1",
        "g5": "g2",
        "i3": "i1",
        "j2": "j1",
    }
