"""Everything about a person, a visitor, an account and a household, at a release and at a time."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.view.conftest import ACME, ADA, BOB, DAY, HOME, LATER, OLD_ADA, PHONE, VISITOR

from cdp_spark.errors import DataError
from cdp_spark.tables.catalog import UNIFIED_EVENTS
from cdp_spark.tables.rows import texts
from cdp_spark.tables.store import Store
from cdp_spark.view.facts import build_people
from cdp_spark.view.gather import Gatherer
from cdp_spark.view.model import as_facts

_PURCHASE = {
    "event_key": "e1",
    "occurred_at": LATER,
    "event_type": "purchase",
    "source": "web",
    "details": "",
    "who": None,
}
_VIEW = {**_PURCHASE, "event_key": "e0", "occurred_at": DAY, "event_type": "view"}


def test_a_person_is_shown_with_all_that_is_known(gatherer: Gatherer) -> None:
    [view] = gatherer.find("crm:K1")
    assert as_facts(view) == {
        "unified_id": ADA,
        "entity_type": "person",
        "name": "Ada Reed",
        "release": 3,
        "at": None,
        "merged_from": None,
        "profile": {
            "given_name": "Ada",
            "family_name": "Reed",
            "email": "ada@x.org",
            "street": "Long Lane",
            "city": "Leeds",
            "emails": ["ada@x.org"],
            "sources": ["crm", "shop"],
            "record_count": 2,
            "plan": "gold",
        },
        "values": [
            {"attribute": "given_name", "value": "Ada", "record": "crm:K1", "rule": "unanimous"},
            {"attribute": "email", "value": "ada@x.org", "record": "shop:S1", "rule": "most_recent"},
        ],
        "identity": {
            "records": 2,
            "visitors": 0,
            "sureness": "weakest link: crm:K1 and shop:S1, probability 98.5% (+6.0 bits)",
            "weakest": ("crm:K1", "shop:S1"),
            "weakest_log2": 6.0,
        },
        "records": [
            {"key": "crm:K1", "full_name": "Ada Reed", "emails": []},
            {"key": "shop:S1", "full_name": None, "emails": ["ada@x.org"]},
        ],
        "segments": [{"segment": "gold", "since": LATER}],
        "consents": [
            {
                "purpose": "email_marketing",
                "now": "granted",
                "said": "granted",
                "on": DAY,
                "for": "ada@x.org",
                "in": "crm",
            },
            {"purpose": "profiling", "now": "unknown", "said": None, "on": None, "for": None, "in": None},
        ],
        "accounts": [
            {
                "account": "Acme Ltd",
                "job_title": "Buyer",
                "role": "influencer",
                "seniority": None,
                "department": "procurement",
                "by": "key, domain",
                "primary": True,
                "record": "crm:K1",
                "account_id": ACME,
            }
        ],
        "household": [
            {"name": "Ada Reed", "since_release": 1, "unified_id": ADA, "household_id": HOME},
            {"name": "Bob Reed", "since_release": 1, "unified_id": BOB, "household_id": HOME},
        ],
        "identifiers": [
            {"type": "email", "identifier": "ada@x.org", "used": "yes", "records": 1, "in": "shop:S1"},
            {"type": "phone", "identifier": PHONE, "used": "yes", "records": 1, "in": "crm:K1"},
        ],
        "sessions": [
            {"started": LATER, "minutes": 1.5, "source": "web", "events": 1, "came_by": "search", "entry": "/a"}
        ],
        "attributions": [],
        "timeline": [_PURCHASE, _VIEW],
    }
    assert [it.wins for it in view.records] == [("full_name",), ("emails",)]


def test_a_merged_id_shows_the_profile_it_was_merged_into(gatherer: Gatherer) -> None:
    [view] = gatherer.find(OLD_ADA)
    assert (view.unified_id, view.merged_from) == (ADA, OLD_ADA)


def test_at_a_time_nothing_later_is_shown(gatherer: Gatherer) -> None:
    [view] = replace(gatherer, at=DAY).find(ADA)
    facts = as_facts(view)
    assert (facts["profile"]["city"], facts["values"], facts["timeline"]) == ("York", [], [_VIEW])
    assert facts["segments"] == [{"segment": "new", "since": DAY}]
    with pytest.raises(DataError, match=re.escape(f"{ADA}, which had no profile at 2026-01-09")):
        replace(gatherer, at=DAY - timedelta(days=1)).find(ADA)


def test_a_visitor_is_shown_by_its_identifiers(gatherer: Gatherer) -> None:
    [view] = gatherer.find(VISITOR)
    assert (view.name, view.records, [it.event_key for it in view.timeline]) == ("Unnamed visitor", (), ["e2"])
    assert view.identity is not None
    assert view.identity.sureness == "visitors only, nobody known"
    [identifiers] = [it for it in view.sections if it.name == "identifiers"]
    assert identifiers.rows == (
        {"type": "cookie_id", "identifier": "ck7", "used": "yes", "records": 1, "in": "cookie_id ck7"},
    )


def test_an_account_is_shown_with_its_group_and_its_people_by_role(gatherer: Gatherer) -> None:
    [view] = gatherer.find(ACME)
    sections = {it.name: it.rows for it in view.sections}
    told = {"role": "influencer", "seniority": None, "department": "procurement", "by": "domain, key", "primary": True}
    assert view.name == "Acme Ltd"
    assert sections["people"] == ({"name": "Ada Reed", "job_title": "Buyer", **told, "unified_id": ADA},)
    assert [(*row.values(),) for row in sections["hierarchy"]] == [
        ("Top Ltd", 0, "above", None, None, "top"),
        ("Acme Ltd", 1, "this account", "key", None, ACME),
        ("", 2, "below", "key", None, "below"),
    ]


def test_people_of_an_account_are_listed_by_role_and_name() -> None:
    titles = {"p1": "user", "p2": None, "p3": "decision_maker", "p4": "decision_maker"}
    members = [
        {"unified_id": it, "relation": "key", "is_primary": True, "job_title": role and "x", "role": role}
        | dict.fromkeys(("seniority", "department"))
        for it, role in titles.items()
    ]
    section = build_people(members, {"p3": "Zoe", "p4": "Ann"})
    assert [row["unified_id"] for row in section.rows] == ["p4", "p3", "p1", "p2"]


def test_a_household_is_shown_with_its_people_and_what_each_did(gatherer: Gatherer) -> None:
    [view] = gatherer.find(HOME)
    assert (view.entity_type, view.name) == ("household", "Household Reed")
    assert [(it.name, it.value) for it in view.attributes] == [("street", "Long Lane"), ("city", "Leeds")]
    assert [(it.event_key, it.who) for it in view.timeline] == [
        ("e1", "Ada Reed"),
        ("e0", "Ada Reed"),
        ("e3", "Bob Reed"),
    ]


def test_a_table_that_delta_rs_cannot_read_is_read_by_spark(
    gatherer: Gatherer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    store = gatherer.warehouse.store

    def open_with_spark() -> Store:
        asked.append("opened")
        return store

    warehouse = replace(gatherer.warehouse, through_spark=open_with_spark)
    warehouse.fetch(UNIFIED_EVENTS, only={"unified_id": texts([ADA])})
    assert asked == []
    monkeypatch.setattr(Store, "open_local", lambda *_: None)
    monkeypatch.setattr(Store, "fetch", lambda *_, **__: "rows by Spark")
    assert warehouse.fetch(UNIFIED_EVENTS) == "rows by Spark"
    assert asked == ["opened"]
