"""Who is found when somebody is erased, and whose data is left alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
from tests.unit.privacy.conftest import (
    EMAILS,
    JANUARY,
    OLD_ZOE,
    REQUEST,
    ZACK,
    ZOE,
    Warehouse2,
    row_of,
    sha256,
)

from cdp_spark.privacy.people.beside import note_beside
from cdp_spark.privacy.people.identifiers import find_known
from cdp_spark.privacy.people.requests import find_people
from cdp_spark.privacy.people.traces import Span, find_spans
from cdp_spark.privacy.stage import plan_erasure
from cdp_spark.tables.catalog import (
    CLUSTERS,
    ID_CHANGES,
    ID_REGISTRY,
    IDENTIFIERS,
    RECORDS,
    REJECTED_ROWS,
    SOURCE_RECORDS,
    TOUCHED_RECORDS,
)
from cdp_spark.tables.increments.touched import ERASURE
from cdp_spark.tables.run import RunContext
from cdp_spark.tables.spec import TableSpec


def with_rows(warehouse: Warehouse2, spec: TableSpec, *rows: dict[str, Any]) -> Warehouse2:
    """The warehouse with more rows, in the version that the erasure begins with."""
    table = spec.table([row_of(spec, **row) for row in rows])
    version = warehouse.store.append(spec, table, application=None)
    versions = {**warehouse.context.base_versions, spec.name: version}
    return replace(warehouse, context=replace(warehouse.context, base_versions=versions))


def names_of(context: RunContext) -> set[str]:
    return {*plan_erasure(context, find_people(context, REQUEST)).traces.names}


def test_a_merge_that_was_not_released_is_nobodys(warehouse: Warehouse2) -> None:
    merged = row_of(ID_REGISTRY, unified_id=ZACK, status="merged", merged_into=ZOE, cause="-")
    warehouse.store.overwrite(ID_REGISTRY, ID_REGISTRY.table([merged]))
    assert find_people(warehouse.context, REQUEST).merged_ids == (OLD_ZOE,)


def test_records_that_left_with_an_id_are_theirs(warehouse: Warehouse2) -> None:
    left = {"unified_id": OLD_ZOE, "previous_id": OLD_ZOE, "change": "removed", "cause": "-"}
    found = with_rows(
        warehouse, ID_CHANGES, left | {"record_key": "gone"}, left | {"record_key": warehouse.records[ZACK]}
    )
    people = find_people(found.context, REQUEST)
    assert people.former == ("gone",)
    assert find_known(found.context, people).source_records == tuple(sorted(("gone", warehouse.records[ZOE])))


def test_an_unreleased_record_is_theirs_only_where_it_was_clustered_with_them(warehouse: Warehouse2) -> None:
    email = {"type": "email_sha256", "value": sha256(EMAILS[ZOE]), "value_hash": "-"}
    found = with_rows(warehouse, IDENTIFIERS, email | {"record_key": "new"})
    known = find_known(found.context, find_people(found.context, REQUEST))
    assert known.shared_with == {
        **dict.fromkeys(("email", "email_sha256"), ("a record of no release",)),
        "phone": (ZACK,),
    }
    found = with_rows(found, CLUSTERS, {"record_key": "new", "cluster": ZOE})
    known = find_known(found.context, find_people(found.context, REQUEST))
    assert ("email", EMAILS[ZOE]) in known.own


def test_the_same_text_of_another_type_is_another_identifier(warehouse: Warehouse2) -> None:
    card = {"record_key": warehouse.records[ZACK], "type": "user_id", "value": "Z77", "value_hash": "-"}
    found = with_rows(warehouse, IDENTIFIERS, card)
    known = find_known(found.context, find_people(found.context, REQUEST))
    assert ("loyalty_id", "Z77") in known.own


def test_what_is_blocked_is_nobodys(warehouse: Warehouse2) -> None:
    blocked = {"type": "email", "value": EMAILS[ZOE], "value_hash": "-", "usable": False, "reason": "blocked"}
    found = with_rows(warehouse, IDENTIFIERS, blocked | {"record_key": warehouse.records[ZOE]})
    known = find_known(found.context, find_people(found.context, REQUEST))
    assert {kind for kind, _ in known.own} == {"loyalty_id", "email_sha256"}


def test_an_identifier_in_what_another_record_says_now_is_left_alone(warehouse: Warehouse2) -> None:
    zack = {"source_record_id": "2", "record_key": warehouse.records[ZACK], "content_hash": "now"}
    row = {"id": "2", "email": f"a@x.example; b@x.example; {EMAILS[ZOE]}"}
    found = with_rows(warehouse, SOURCE_RECORDS, zack | {"row": row})
    rows = [it | {"content_hash": "now"} for it in found.store.fetch(RECORDS).to_pylist()]
    version = found.store.overwrite(RECORDS, pa.Table.from_pylist(rows, RECORDS.table([]).schema))
    context = replace(found.context, base_versions={**found.context.base_versions, RECORDS.name: version})
    plan = plan_erasure(context, find_people(context, REQUEST))
    assert plan.known.own == {("loyalty_id", "Z77")}
    assert (plan.known.shared["email"], plan.traces.versions, plan.traces.contact_hashes) == (1, (), ())
    assert warehouse.records[ZACK] not in plan.traces.names


def test_refused_rows_are_found_by_key_and_in_sources_that_are_no_more(warehouse: Warehouse2) -> None:
    rows = [
        {"source": "crm", "row_hash": "by key", "raw_text": '{"id": "1", "name": "Zoe"}'},
        {"source": "old shop", "row_hash": "by e-mail", "raw_text": f"7;Zoe;<{EMAILS[ZOE].upper()}>"},
        {"source": "old shop", "row_hash": "another's", "raw_text": f"8;Zack;{EMAILS[ZACK]}"},
    ]
    found = with_rows(warehouse, REJECTED_ROWS, *[row | {"reason": "-"} for row in rows])
    plan = plan_erasure(found.context, find_people(found.context, REQUEST))
    assert set(plan.traces.refused) >= {"by key", "by e-mail"}
    assert not set(plan.traces.refused) & {"another's", sha256(f"x,{EMAILS[ZACK]},too,many")}


def test_others_lose_the_spans_in_which_they_bore_a_record_of_theirs(warehouse: Warehouse2) -> None:
    came = {"record_key": warehouse.records[ZOE], "unified_id": ZACK, "change": "merged", "cause": "-", "release": 1}
    found = with_rows(warehouse, ID_CHANGES, came)
    spans = find_spans(found.context, find_people(found.context, REQUEST))
    [span] = spans
    assert (span.unified_id, span.since, span.until > JANUARY) == (ZACK, JANUARY, True)
    assert isinstance(span, Span)


def test_what_an_erasure_noted_is_noted_again_by_the_next_one(warehouse: Warehouse2) -> None:
    noted = {"ordinal": 3, "stage": ERASURE, "entity_type": "person"}
    rows = [noted | {"record_key": key} for key in ("beside another", warehouse.records[ZOE])]
    found = with_rows(warehouse, TOUCHED_RECORDS, *rows, noted | {"ordinal": 2, "record_key": "long ago"})
    note_beside(found.context, find_people(found.context, REQUEST))
    tonight = [row for row in found.rows(TOUCHED_RECORDS) if row["ordinal"] == 4]
    assert {row["record_key"] for row in tonight} == {warehouse.records[ZACK], "beside another"}
