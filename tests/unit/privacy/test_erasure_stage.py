"""What is left of the tables when somebody is erased."""

from __future__ import annotations

from dataclasses import replace

import pytest
from chispa import assert_df_equality
from tests.unit.privacy.conftest import (
    EMAILS,
    FEBRUARY,
    JANUARY,
    OLD_ZOE,
    REQUEST,
    SHARED_PHONE,
    ZACK,
    ZOE,
    Warehouse2,
    names_in,
    row_of,
    sha256,
)

from cdp_spark.errors import ConfigError, DataError, StateError
from cdp_spark.privacy.people.identifiers import find_known
from cdp_spark.privacy.people.requests import Request, find_people, record_request
from cdp_spark.privacy.people.traces import Span, find_traces
from cdp_spark.privacy.rules import KEPT, RULES
from cdp_spark.privacy.stage import plan_erasure, run
from cdp_spark.runs.run_log import ERASURE
from cdp_spark.runs.stages import BY_NAME
from cdp_spark.tables.catalog import (
    CONSENTS,
    ERASURES,
    GOLD,
    ID_CHANGES,
    ID_REGISTRY,
    PROFILE_HISTORY,
    SEGMENT_CHANGES,
    SOURCE_RECORDS,
    SUPPRESSIONS,
    TABLES,
    TOUCHED_RECORDS,
    UNIFIED_IDS,
)
from cdp_spark.tables.spec import TableSpec


def test_every_table_has_a_rule_or_a_reason_to_be_kept() -> None:
    assert not RULES.keys() & KEPT.keys()
    assert RULES.keys() | KEPT.keys() == TABLES.keys()


def test_what_others_have_too_is_not_kept_from_coming_back(warehouse: Warehouse2) -> None:
    known = find_known(warehouse.context, find_people(warehouse.context, REQUEST))
    email = EMAILS[ZOE]
    assert known.own == {("email", email), ("email_sha256", sha256(email)), ("loyalty_id", "Z77")}
    assert known.source_records == (warehouse.records[ZOE],)
    assert (known.shared, known.shared_with) == ({"phone": 1}, {"phone": (ZACK,)})
    assert known.contact_hashes == (sha256(email),)


def test_traces_that_no_id_leads_to(warehouse: Warehouse2) -> None:
    store = warehouse.store
    unreleased = {"source_record_id": "3", "record_key": "of a refused night", "content_hash": "c"}
    row = {"id": "3", "email": EMAILS[ZOE].upper()}
    rows = SOURCE_RECORDS.table([row_of(SOURCE_RECORDS, row=row, **unreleased)])
    version = store.append(SOURCE_RECORDS, rows, application=None)
    context = replace(warehouse.context, base_versions={**warehouse.context.base_versions, "source_records": version})
    people = find_people(context, REQUEST)
    traces = find_traces(context, people, find_known(context, people))
    assert not traces.contested
    own = {ZOE, OLD_ZOE, warehouse.records[ZOE], warehouse.visitors[ZOE]}
    assert set(traces.names) == own | {"of a refused night"}
    assert traces.refused == (sha256(f"x,{EMAILS[ZOE]},too,many"),)
    assert traces.versions == ((warehouse.records[ZACK], "typed into the wrong row"),)
    assert traces.spans == (Span(ZACK, None, FEBRUARY),)


def test_nothing_is_left_but_tombstones(warehouse: Warehouse2) -> None:
    context, store = warehouse.context, warehouse.store
    people = find_people(context, REQUEST)
    record_request(context, people)
    before = {name: set(_head(warehouse, TABLES[name])) for name in RULES}
    _leave_a_night_without_release(warehouse)
    result = run(replace(context, store=store.limited_to(BY_NAME[ERASURE].access)))

    zoe, visitor = warehouse.records[ZOE], warehouse.visitors[ZOE]
    written = {SEGMENT_CHANGES.name, TOUCHED_RECORDS.name}
    for name in RULES.keys() - written:
        now = set(_head(warehouse, TABLES[name]))
        assert now < before[name], name
        assert not [text for text in now if EMAILS[ZOE] in text or zoe in text or visitor in text or ZOE in text], name
    assert names_in(store.fetch(CONSENTS)).count(sha256(SHARED_PHONE)) == 1
    assert [(row["unified_id"], row["valid_from_utc"]) for row in warehouse.rows(PROFILE_HISTORY)] == [(ZACK, FEBRUARY)]
    assert {
        row["entity_type"]: row["record_key"] for row in warehouse.rows(TOUCHED_RECORDS) if row["ordinal"] == 4
    } == {"person": warehouse.records[ZACK]}
    _assert_tombstones(warehouse)
    assert result.versions == {name: store.version(TABLES[name]) for name in result.versions}
    assert result.versions.keys() >= {spec.name for spec in GOLD}
    assert (result.metrics["erased.ids"], result.metrics["suppressed.new"], result.metrics["shared.phone"]) == (1, 4, 1)


def _leave_a_night_without_release(warehouse: Warehouse2) -> None:
    rows = UNIFIED_IDS.table([row_of(UNIFIED_IDS, record_key=warehouse.records[ZACK], unified_id="another")])
    warehouse.store.overwrite(UNIFIED_IDS, rows)


def _assert_tombstones(warehouse: Warehouse2) -> None:
    store, spark = warehouse.store, warehouse.store.spark
    keys = {warehouse.records[ZOE]: "person", warehouse.visitors[ZOE]: "visitor"}
    told = [(4, key, ZOE, kind, ZOE, "erased", "erasure") for key, kind in keys.items()]
    changes = store.read(ID_CHANGES).where("release = 4")
    assert_df_equality(
        changes, spark.createDataFrame(told, ID_CHANGES.schema), ignore_row_order=True, ignore_nullable=True
    )
    registry = [
        (ZOE, "person", "closed", None, None, 1, 4, "erasure"),
        (ZACK, "person", "live", None, None, 1, None, "new_record"),
        (OLD_ZOE, "person", "merged", ZOE, None, 1, 2, "new_record"),
    ]
    assert_df_equality(
        store.read(ID_REGISTRY),
        spark.createDataFrame(registry, ID_REGISTRY.schema),
        ignore_row_order=True,
        ignore_nullable=True,
    )
    left = [(1, "gold", ZACK, "enter", "data"), (4, "gold", ZOE, "exit", "erasure")]
    assert_df_equality(
        store.read(SEGMENT_CHANGES),
        spark.createDataFrame(left, SEGMENT_CHANGES.schema),
        ignore_row_order=True,
        ignore_nullable=True,
    )
    noted = {(row["record_key"], row["unified_id"], row["reason"]) for row in warehouse.rows(ERASURES)}
    assert noted == {(key, ZOE, "request 7") for key in keys}
    assert {row["type"] for row in warehouse.rows(SUPPRESSIONS)} == {
        "email",
        "email_sha256",
        "loyalty_id",
        "source_record",
    }


def _head(warehouse: Warehouse2, spec: TableSpec) -> list[str]:
    return sorted(map(str, warehouse.rows(spec)))


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        (("nobody",), DataError, "nobody, which no record bears"),
        ((OLD_ZOE,), DataError, "which no record bears"),
    ],
)
def test_ids_that_nobody_bears_are_refused(
    warehouse: Warehouse2, ids: tuple[str, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        find_people(warehouse.context, Request(ids, "kim", "-", JANUARY))


def test_an_account_is_no_person(warehouse: Warehouse2) -> None:
    rows = UNIFIED_IDS.table([row_of(UNIFIED_IDS, record_key="a", entity_type="account", unified_id="company")])
    version = warehouse.store.append(UNIFIED_IDS, rows, application=None)
    context = replace(warehouse.context, base_versions={**warehouse.context.base_versions, UNIFIED_IDS.name: version})
    with pytest.raises(DataError, match="company, accounts; allowed: people and anonymous visitors"):
        find_people(context, Request(("company",), "kim", "-", JANUARY))


def test_without_a_key_nobody_is_erased(warehouse: Warehouse2) -> None:
    project = warehouse.context.project
    keyless = project.model_copy(update={"settings": project.settings.model_copy(update={"suppression": None})})
    context = replace(warehouse.context, project=keyless)
    with pytest.raises(ConfigError, match="no section `suppression`"):
        plan_erasure(context, find_people(context, REQUEST))
    with pytest.raises(StateError, match="run erasure-4: got no request"):
        run(warehouse.context)
