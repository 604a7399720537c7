"""The commands that explain and label, where identifiers join records and visitors are with people."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.cli.calls import Calls
from tests.unit.matched_shop import AS_OF, Shop, record_of

from cdp_spark.clustering import stage as clustering
from cdp_spark.clustering.identifiers.claims import LimitReason
from cdp_spark.clustering.linkage.cuts import CutReason
from cdp_spark.config.load import load_project
from cdp_spark.explain.pairs.facts import RecordName
from cdp_spark.explain.pairs.verdict import CUT_WORDS
from cdp_spark.explain.visitors import place_visitors
from cdp_spark.runs.releases import Release, append_release
from cdp_spark.tables.catalog import CLUSTERS, CUTS, ID_REGISTRY, IDENTIFIERS, LABELS, RECORDS, UNIFIED_IDS

HELD = [
    ("a00", "person", "loyalty_id", "card"),
    ("a05", "person", "loyalty_id", "card"),
    ("a00", "person", "email_sha256", "mailbox"),
    ("v1", "visitor", "email_sha256", "mailbox"),
    ("v1", "visitor", "cookie_id", "browser"),
    ("v2", "visitor", "cookie_id", "browser"),
    ("v3", "visitor", "device_id", "tablet"),
    ("a03", "person", "device_id", "tablet"),
]


@pytest.fixture
def visited(own_shop: Shop) -> Calls:
    """A card joins `crm:0` and `crm:5`; two visitors are with them, a third one is kept from `crm:3` by a limit."""
    customers = own_shop.folder / "sources" / "customers.yaml"
    customers.write_text(customers.read_text(encoding="utf-8") + "\nidentifiers: {loyalty_id: card}\n")
    store = own_shop.store
    rows = [tuple(record_of(key, "events", f'{{"{key}":1}}', "visitor").values()) for key in ("v1", "v2", "v3")]
    store.append(RECORDS, RECORDS.table(rows), application=None)
    held = [(*it, it[3], True, None, None) for it in HELD]
    store.overwrite(IDENTIFIERS, IDENTIFIERS.table(held))
    shop = Shop(own_shop.folder, load_project(own_shop.folder), store)
    clustering.run(shop.context("run-2"))
    placed = [("v1", "visitor", "a00", "a00"), ("v2", "visitor", "a00", "a00"), ("v3", "visitor", "v3", "v3")]
    store.append(CLUSTERS, CLUSTERS.table(placed), application=None)
    cut = [("a03", "v3", "run-2", "visitor", None, "max_people", "device_id")]
    store.append(CUTS, CUTS.table(cut), application=None)
    return Calls(shop)


def test_how_counts_identifiers_as_evidence_and_tells_what_led_visitors_there(visited: Calls) -> None:
    [facts] = visited.json("how", "crm:0")
    assert [it["record_key"] for it in facts["records"]] == ["a00", "a05", "b00"]
    assert facts["replayed"]
    assert ("a00", "a05", "certain") in {(it["left"], it["right"], it["mean_log2"]) for it in facts["merges"]}
    led = [(it["visitor"]["record_key"], it["identifier_type"], it["shared_with"]) for it in facts["visitors"]]
    assert [(key, kind, other["record_key"]) for key, kind, other in led] == [
        ("v1", "email_sha256", "a00"),
        ("v2", "cookie_id", "v1"),
    ]
    text = visited.text("how", "crm:0")
    assert "of 3 records, 2 visitors" in text
    assert "scores or labels are newer" not in text
    cut = visited.text("how", "crm:3")
    assert "cut 1 time: more people were seen with the identifier than may share it" in cut
    assert "device_id" in cut
    [alone] = visited.json("how", "v3")
    assert (alone["records"], alone["merges"], alone["visitors"][0]["identifier_type"]) == ([], [], None)


def test_why_names_the_identifier_that_joins_a_pair(visited: Calls) -> None:
    told = visited.json("why", "crm:0", "crm:5")
    assert told["verdict"] == "Same person: joined by a shared loyalty_id, regardless of score"
    assert told["shared_identifiers"] == ["loyalty_id"]
    assert "share a loyalty_id" in visited.text("why", "crm:5", "crm:0")
    assert visited.json("why", "web:0", "crm:5")["surroundings"]["chain"][0]["weight_log2"] == "certain"


def told_of(calls: Calls, left: str, right: str) -> Any:
    return calls.json("why", left, right)["verdict"]


def test_why_explains_a_visitor_by_identifiers(visited: Calls) -> None:
    assert told_of(visited, "crm:0", "v1") == "Same person: both have the same email_sha256"
    assert told_of(visited, "v1", "v2") == "Same person: both have the same cookie_id"
    assert told_of(visited, "v2", "web:0").endswith("other records of the cluster lead the visitor there")
    limit = "apart: device_id would join them, but more people were seen with the identifier than may share it"
    assert told_of(visited, "v3", "crm:3") == limit
    assert told_of(visited, "v3", "crm:4").startswith("apart: no identifier in common")
    assert "identifiers in common: cookie_id" in visited.text("why", "v1", "v2")
    assert "--svg: got a visitor, of which there is nothing to draw" in str(
        visited.error("why", "crm:0", "v1", "--svg", "why.svg")
    )


def test_a_visitor_is_linked_to_a_persons_record_and_to_nothing_else(visited: Calls, own_shop: Shop) -> None:
    told = visited.text("link", "v3", "crm:3", "--author", "ann")
    assert "must-link, from the next run on" in told
    assert own_shop.store.read(LABELS).select("record_key_l", "record_key_r").collect() == [("a03", "v3")]
    assert told_of(visited, "v3", "crm:3") == "apart: but the next run joins them, by the must-link"
    assert "got two visitors" in str(visited.error("unlink", "v1", "v2", "--author", "ann"))


def test_a_unified_id_stands_for_the_records_of_a_person_with_visitors(visited: Calls, own_shop: Shop) -> None:
    store = own_shop.store
    ids = [("a00", "person", "u1"), ("v1", "visitor", "u1"), ("v3", "visitor", "u3")]
    registry = [(name, "person", "live", None, None, 1, None, "new_record") for name in ("u1", "u3")]
    versions = {
        "id_registry": store.overwrite(ID_REGISTRY, ID_REGISTRY.table(registry)),
        "unified_ids": store.overwrite(UNIFIED_IDS, UNIFIED_IDS.table(ids)),
    }
    append_release(store, Release(1, "run-1", AS_OF, versions))
    assert [it["cluster"] for it in visited.json("how", "u1")] == ["a00"]
    assert [it["cluster"] for it in visited.json("how", "u3")] == ["v3"]
    assert visited.json("why", "u1", "web:0")["left"]["record_key"] == "a00"
    assert told_of(visited, "u1", "u3").startswith("apart: ")


def test_every_reason_has_its_words() -> None:
    assert set(CUT_WORDS) == {*CutReason, *LimitReason}


def test_a_persons_record_goes_before_a_visitor_and_priority_before_the_key() -> None:
    visitor, other, person = (RecordName(key, "s", key, "-") for key in ("v", "w", "p"))
    holdings = {
        "v": frozenset({("user_id", "u"), ("cookie_id", "c"), ("phone", "t")}),
        "w": frozenset({("user_id", "u")}),
        "p": frozenset({("cookie_id", "c"), ("phone", "t")}),
    }
    types = ("user_id", "phone", "cookie_id")
    [first, second] = place_visitors([visitor, other], [person], holdings, types)
    assert (first.identifier_type, first.shared_with) == ("phone", person)
    assert (second.identifier_type, second.shared_with) == ("user_id", visitor)
    [alone] = place_visitors([visitor], [], holdings, types)
    assert (alone.identifier_type, alone.shared_with) == (None, None)
    [told] = place_visitors([visitor], [person], holdings, types, [("p", "v")])
    assert (told.labelled, told.identifier_type, told.shared_with) == (True, None, person)
