"""A warehouse of two people, written by hand: every table has a row about Zoe and one about Zack."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, SuppressionKey, Warehouse
from cdp_spark.config.source import SourceConfig
from cdp_spark.privacy.people.requests import Request
from cdp_spark.tables import catalog as tables
from cdp_spark.tables.hashing import identifier_set_expr, record_key_expr, visitor_key_expr
from cdp_spark.tables.run import RunContext
from cdp_spark.tables.spec import TableSpec
from cdp_spark.tables.store import Store

JANUARY, FEBRUARY, MARCH = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3))
ZOE, ZACK, OLD_ZOE = "id-of-zoe", "id-of-zack", "id-merged-into-zoe"
EMAILS = {ZOE: "zoe@zoe.example", ZACK: "zack@zack.example"}
SHARED_PHONE = "+12025559001"
REQUEST = Request((ZOE,), "kim", "request 7", MARCH)

_CRM = SourceConfig.model_validate(
    {
        "name": "crm",
        "kind": "records",
        "format": "csv",
        "path": "crm.csv",
        "key": ("id",),
        "columns": {"email": {"from": ("email",)}, "phone": {"from": ("phone",)}},
    }
)
_WEB = SourceConfig.model_validate(
    {
        "name": "web",
        "kind": "events",
        "format": "json",
        "path": "web.jsonl",
        "events": {
            "event_type": {"from": ("type",)},
            "occurred_at": {"column": "at"},
            "identifiers": {"cookie_id": "cookie", "user_id": "user"},
            "lines_from": {"source": "items", "order_id": "order"},
        },
    }
)
_WORDS: dict[str, Any] = {
    "entity_type": "person",
    "label": "must_link",
    "relation": "key",
    "change": "enter",
    "source": "crm",
    "type": "email",
    "stage": "matching",
    "kind": "browse",
    "origin": "drawn",
}
_BY_TYPE: dict[str, Any] = {
    "string": "-",
    "long": 1,
    "integer": 1,
    "double": 1.0,
    "decimal": Decimal(1),
    "boolean": True,
    "timestamp": JANUARY,
    "date": JANUARY.date(),
    "binary": b"-",
    "array": [],
    "map": {},
}


@dataclass(frozen=True)
class Warehouse2:
    """The warehouse, its context, and the record keys of its people: of the CRM and of a visitor."""

    context: RunContext
    records: Mapping[str, str]
    visitors: Mapping[str, str]

    @property
    def store(self) -> Store:
        return self.context.store

    def rows(self, spec: TableSpec) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.store.fetch(spec).to_pylist()
        return rows


def row_of(spec: TableSpec, **values: Any) -> tuple[Any, ...]:
    """A row with the given values, and something in every column that may not be empty."""
    unknown = values.keys() - set(spec.schema.names)
    assert not unknown, unknown
    filled = {
        field.name: None if field.nullable else _WORDS.get(field.name, _BY_TYPE[field.dataType.typeName()])
        for field in spec.schema
    }
    return tuple((filled | values).values())


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(scope="session")
def written(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Warehouse2:
    """The warehouse that is copied for each test."""
    keys = _keys(spark)
    records, visitors = {ZOE: keys.zoe, ZACK: keys.zack}, {ZOE: keys.of_zoe, ZACK: keys.of_zack}
    folder = tmp_path_factory.mktemp("two_people")
    store = Store(spark, str(folder / "warehouse"))
    for name, rows in {**_bronze(records), **_middle(records), **_gold(records, visitors)}.items():
        store.append(tables.TABLES[name], tables.TABLES[name].table(rows), application=None)
    return Warehouse2(_context(store, folder), records, visitors)


@pytest.fixture
def warehouse(written: Warehouse2, tmp_path: Path) -> Warehouse2:
    shutil.copytree(written.store.location, tmp_path / "warehouse")
    store = Store(written.store.spark, str(tmp_path / "warehouse"))
    return replace(written, context=_context(store, tmp_path))


def _context(store: Store, folder: Path) -> RunContext:
    settings = ProjectSettings(
        name="test",
        namespace=UUID(int=7),
        warehouse=Warehouse(path="warehouse"),
        suppression=SuppressionKey(secret_key="0123456789abcdef-not-shown"),
    )
    project = Project(folder=str(folder), settings=settings, sources=(_CRM, _WEB), match=MatchConfig(), config_hash="0")
    versions = {name: store.version(spec) for name, spec in tables.TABLES.items() if store.exists(spec)}
    return RunContext(store, project, "erasure-4", 4, FEBRUARY, versions)


def _keys(spark: SparkSession) -> Row:
    def visitor(user: str) -> Any:
        return visitor_key_expr(identifier_set_expr(F.create_map(F.lit("user_id"), F.lit(user))))

    zoe, zack = (record_key_expr(F.lit("crm"), F.lit(number)) for number in ("1", "2"))
    return (
        spark.range(1)
        .select(
            zoe.alias("zoe"), zack.alias("zack"), visitor("u-zoe").alias("of_zoe"), visitor("u-zack").alias("of_zack")
        )
        .collect()[0]
    )


def _bronze(records: Mapping[str, str]) -> dict[str, list[tuple[Any, ...]]]:
    def delivered(held: str, number: str, email: str, content: str) -> tuple[Any, ...]:
        row = {"id": number, "email": email, "phone": SHARED_PHONE}
        keys = {"source_record_id": number, "content_hash": content, "record_key": records[held], "row": row}
        return row_of(tables.SOURCE_RECORDS, **keys)

    def refused(text: str) -> tuple[Any, ...]:
        return row_of(tables.REJECTED_ROWS, row_hash=sha256(text), reason="too_many", raw_text=text)

    users = {ZOE: "u-zoe", ZACK: "u-zack"}
    return {
        "source_records": [
            delivered(ZOE, "1", EMAILS[ZOE], "a"),
            delivered(ZACK, "2", EMAILS[ZACK], "b"),
            delivered(ZACK, "2", f"{EMAILS[ZOE]}; other@x.example", "typed into the wrong row"),
        ],
        "source_events": [
            row_of(
                tables.SOURCE_EVENTS,
                event_key=held,
                source="web",
                identifiers={"user_id": user},
                lines_key=f"order of {held}",
            )
            for held, user in users.items()
        ],
        "source_order_lines": [
            row_of(tables.SOURCE_ORDER_LINES, line_key=f"{held} {line}", order_key=f"order of {held}")
            for held in users
            for line in (1, 2)
        ],
        "consents": [
            row_of(tables.CONSENTS, contact_point_hash=sha256(text), status="granted")
            for text in (*EMAILS.values(), SHARED_PHONE)
        ],
        "withdrawal_issues": [
            *(
                row_of(tables.WITHDRAWAL_ISSUES, row_hash=sha256(f"x,{email},too,many"), status="open")
                for email in EMAILS.values()
            ),
            row_of(tables.WITHDRAWAL_ISSUES, status="settled", contact_point_hash=sha256(EMAILS[ZOE])),
        ],
        "rejected_rows": [refused(f"x,{email},too,many") for email in EMAILS.values()],
        "source_snapshots": [
            row_of(tables.SOURCE_SNAPSHOTS, source_record_id=number, content_hash="a") for number in ("1", "2")
        ],
    }


def _middle(records: Mapping[str, str]) -> dict[str, list[tuple[Any, ...]]]:
    zoe, zack = records[ZOE], records[ZACK]
    pair = dict(zip(("record_key_l", "record_key_r"), sorted((zoe, zack)), strict=True))
    others = {"record_key_l": zack, "record_key_r": f"{zack}+"}
    people = {
        held: {"record_key": key, "email": EMAILS[held], "emails": [EMAILS[held]], "phones": [SHARED_PHONE]}
        for held, key in records.items()
    }
    known = [(held, "phone", SHARED_PHONE) for held in records] + [(held, "email", EMAILS[held]) for held in records]
    known += [(held, "email_sha256", sha256(EMAILS[held])) for held in records] + [(ZOE, "loyalty_id", "Z77")]
    identifiers = [
        row_of(tables.IDENTIFIERS, record_key=records[held], type=kind, value=value, value_hash=sha256(value))
        for held, kind, value in known
    ]
    by_pair = (tables.LABELS, tables.PAIR_SCORES, tables.CUTS)
    by_record = (tables.MATCH_INPUTS, tables.OUTDATED_RECORDS, tables.TOUCHED_RECORDS)
    return {
        "records": [row_of(tables.RECORDS, **person) for person in people.values()],
        "identifiers": identifiers,
        "clusters": [
            row_of(tables.CLUSTERS, record_key=key, component="one component", cluster=held)
            for held, key in records.items()
        ],
        **{spec.name: [row_of(spec, **pair), row_of(spec, **others)] for spec in by_pair},
        **{spec.name: [row_of(spec, record_key=key) for key in records.values()] for spec in by_record},
    }


def _gold(records: Mapping[str, str], visitors: Mapping[str, str]) -> dict[str, list[tuple[Any, ...]]]:
    ids = {**{key: held for held, key in records.items()}, **{key: held for held, key in visitors.items()}}
    kinds = {key: "visitor" if key in visitors.values() else "person" for key in ids}
    zack_was_with_zoe = {"record_key": records[ZOE], "unified_id": ZOE, "previous_id": ZACK, "change": "moved"}
    registry = [(ZOE, "live", None, None), (ZACK, "live", None, None), (OLD_ZOE, "merged", ZOE, 2)]
    spans = [(ZOE, JANUARY, None), (OLD_ZOE, JANUARY, FEBRUARY), (ZACK, JANUARY, FEBRUARY), (ZACK, FEBRUARY, None)]
    by_person = (
        tables.SESSIONS,
        tables.ATTRIBUTIONS,
        tables.PROFILES,
        tables.PROFILE_VALUES,
        tables.ACCOUNT_HIERARCHY,
        tables.HOUSEHOLDS,
        tables.ABANDONED,
        tables.SCORES,
        tables.OFFERS,
        tables.EXPERIMENT_ASSIGNMENTS,
        tables.TO_SEND,
        tables.DELIVERY_ATTEMPTS,
    )
    clocks = {1: JANUARY, 2: FEBRUARY}
    return {
        "releases": [row_of(tables.RELEASES, release=3, status="published")],
        "runs": [
            row_of(tables.RUNS, run_id=f"run-{number}", status="finished", ordinal=number, as_of_utc=clock)
            for number, clock in clocks.items()
        ],
        "unified_ids": [
            row_of(tables.UNIFIED_IDS, record_key=key, entity_type=kinds[key], unified_id=held)
            for key, held in ids.items()
        ],
        "id_registry": [
            row_of(
                tables.ID_REGISTRY,
                unified_id=held,
                status=status,
                merged_into=into,
                closed_release=closed,
                cause="new_record",
            )
            for held, status, into, closed in registry
        ],
        "id_changes": [row_of(tables.ID_CHANGES, release=2, cause="label", **zack_was_with_zoe)],
        "identity_issues": [
            row_of(tables.IDENTITY_ISSUES, cluster=key, example_record_keys=[key]) for key in records.values()
        ],
        "unified_events": [
            row_of(tables.UNIFIED_EVENTS, event_key=held, record_key=visitors[held], unified_id=held)
            for held in visitors
        ],
        "profile_history": [
            row_of(
                tables.PROFILE_HISTORY,
                unified_id=held,
                valid_from_utc=start,
                valid_to_utc=end,
                is_current=end is None,
                emails=[EMAILS[ZOE]] if held != ZACK else [EMAILS[ZACK]],
            )
            for held, start, end in spans
        ],
        "segment_members": [row_of(tables.SEGMENT_MEMBERS, segment="gold", unified_id=held) for held in EMAILS],
        "segment_changes": [
            row_of(tables.SEGMENT_CHANGES, release=1, segment="gold", unified_id=held, reason="data") for held in EMAILS
        ],
        **{
            spec.name: [row_of(spec), row_of(spec, name="many", profiles=2)]
            for spec in (tables.FUNNELS, tables.RETENTION)
        },
        "experiment_results": [
            row_of(tables.EXPERIMENT_RESULTS, status="control", kind="rate"),
            row_of(tables.EXPERIMENT_RESULTS, experiment="many", people=2, status="control", kind="rate"),
        ],
        **{spec.name: [row_of(spec, unified_id=held) for held in EMAILS] for spec in by_person},
        "account_members": [
            row_of(tables.ACCOUNT_MEMBERS, unified_id=held, account_id=f"account-of-{held}") for held in EMAILS
        ],
        "traits": [
            row_of(tables.TRAITS, unified_id=whose) for held in EMAILS for whose in (held, f"account-of-{held}")
        ],
    }


def names_in(rows: pa.Table) -> str:
    """All that the rows say, as one text."""
    return str(rows.to_pylist())
