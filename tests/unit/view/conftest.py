"""A small warehouse in a folder, written and read without Spark.

Ada has two records, an account, and a household and a phone with Bob; her old id was merged into hers. Cy was erased,
Dan's records left. A visitor is nobody known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from pyspark.sql import SparkSession

from cdp_spark.config.authoring.starter import write_starter
from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import ConsentPolicy, Project, ProjectSettings, Warehouse
from cdp_spark.normalise.hashing import record_key
from cdp_spark.normalise.people.contact_points import contact_point_hash
from cdp_spark.runs.releases import Release, append_release
from cdp_spark.tables.catalog import (
    ACCOUNT_HIERARCHY,
    ACCOUNT_MEMBERS,
    ATTRIBUTIONS,
    CONSENTS,
    HOUSEHOLDS,
    ID_REGISTRY,
    IDENTIFIERS,
    PAIR_SCORES,
    PROFILE_HISTORY,
    PROFILE_VALUES,
    PROFILES,
    RECORDS,
    SEGMENT_MEMBERS,
    SESSIONS,
    UNIFIED_EVENTS,
    UNIFIED_IDS,
)
from cdp_spark.tables.spec import TableSpec
from cdp_spark.tables.store import Store
from cdp_spark.view.gather import Gatherer
from cdp_spark.view.warehouse import ReleasedWarehouse

ADA, BOB, ACME, VISITOR = "a0000000-0000-5000-8000-000000000001", "b0", "acme", "v0"
OLD_ADA, CY, DAN, HOME = "a0000000-0000-5000-8000-000000000000", "c0", "d0", "h0"
DAY, LATER = (datetime(2026, 1, day, 12, tzinfo=UTC) for day in (10, 20))
CRM, SHOP, TILL = record_key("crm", "K1"), record_key("shop", "S1"), record_key("till", "T1")
COOKIE = "cookie-key"
PHONE = "+493012345678"
_EMPTY: dict[str, Any] = {
    **{name: [] for name in ("emails", "phones", "sources", "value_issues")},
    **{name: {} for name in ("attributes", "consents", "properties")},
    "record_count": 1,
    "ingested_at_utc": DAY,
    "content_hash": "-",
    "run_id": "run",
}


def rows_of(spec: TableSpec, rows: Sequence[Mapping[str, Any]]) -> Sequence[Sequence[Any]]:
    return [[{**_EMPTY, **row}.get(name) for name in spec.schema.names] for row in rows]


_PROFILES = (
    {
        "unified_id": ADA,
        "entity_type": "person",
        "given_name": "Ada",
        "family_name": "Reed",
        "email": "ada@x.org",
        "emails": ["ada@x.org"],
        "street": "Long Lane",
        "city": "Leeds",
        "attributes": {"plan": "gold"},
        "sources": ["crm", "shop"],
        "record_count": 2,
        "consents": {"email_marketing": "granted"},
    },
    {"unified_id": BOB, "entity_type": "person", "given_name": "Bob", "family_name": "Reed"},
    {"unified_id": ACME, "entity_type": "account", "company_name": "Acme Ltd"},
    {"unified_id": "top", "entity_type": "account", "company_name": "Top Ltd"},
    {"unified_id": VISITOR, "entity_type": "visitor"},
)
_PERSON = {"entity_type": "person"}


def _tables() -> list[tuple[TableSpec, Sequence[Mapping[str, Any]]]]:
    registered = {"entity_type": "person", "created_release": 1, "cause": "new_record"}
    span = {"valid_from_utc": DAY, "is_current": True}
    return [
        (PROFILES, _PROFILES),
        (
            PROFILE_HISTORY,
            [
                {**_PROFILES[0], **span, "city": "York", "valid_to_utc": LATER, "is_current": False},
                {**_PROFILES[0], **span, "valid_from_utc": LATER},
            ],
        ),
        (
            ID_REGISTRY,
            [
                {**registered, "unified_id": ADA, "status": "live"},
                {**registered, "unified_id": OLD_ADA, "status": "merged", "merged_into": ADA},
                {**registered, "unified_id": CY, "status": "closed", "cause": "erasure", "closed_release": 3},
                {**registered, "unified_id": DAN, "status": "closed", "cause": "removed_record", "closed_release": 2},
                {**registered, "unified_id": ACME, "status": "live", "entity_type": "account"},
                {**registered, "unified_id": VISITOR, "status": "live", "entity_type": "visitor"},
            ],
        ),
        (
            UNIFIED_IDS,
            [{**_PERSON, "record_key": key, "unified_id": who} for key, who in ((CRM, ADA), (SHOP, ADA), (TILL, BOB))]
            + [{"entity_type": "visitor", "record_key": COOKIE, "unified_id": VISITOR}],
        ),
        (
            RECORDS,
            [
                {**_PERSON, "record_key": CRM, "source": "crm", "source_record_id": "K1", "full_name": "Ada Reed"},
                {**_PERSON, "record_key": SHOP, "source": "shop", "source_record_id": "S1", "emails": ["ada@x.org"]},
                {
                    "entity_type": "visitor",
                    "record_key": COOKIE,
                    "source": "events",
                    "source_record_id": '{"cookie_id":"ck7"}',
                },
            ],
        ),
        (
            IDENTIFIERS,
            [
                {
                    **_PERSON,
                    "record_key": SHOP,
                    "type": "email",
                    "value": "ada@x.org",
                    "value_hash": "h1",
                    "usable": True,
                },
                *(
                    {
                        **_PERSON,
                        "record_key": key,
                        "type": "phone",
                        "value": PHONE,
                        "value_hash": "h3",
                        "usable": True,
                    }
                    for key in (CRM, TILL)
                ),
                {
                    "entity_type": "visitor",
                    "record_key": COOKIE,
                    "type": "cookie_id",
                    "value": "ck7",
                    "value_hash": "h2",
                    "usable": True,
                },
            ],
        ),
        (
            PAIR_SCORES,
            [
                {
                    **_PERSON,
                    "record_key_l": min(CRM, SHOP),
                    "record_key_r": max(CRM, SHOP),
                    "model_version": 1,
                    "ordinal": 1,
                    "rule_mask": 1,
                    "levels": "0",
                    "weight_log2": 6.0,
                    "deterministic": False,
                }
            ],
        ),
        (
            PROFILE_VALUES,
            [
                {
                    "unified_id": ADA,
                    "attribute": "given_name",
                    "value": "Ada",
                    "record_key": CRM,
                    "source": "crm",
                    "rule": "unanimous",
                },
                {
                    "unified_id": ADA,
                    "attribute": "email",
                    "value": "ada@x.org",
                    "record_key": SHOP,
                    "source": "shop",
                    "rule": "most_recent",
                },
            ],
        ),
        (
            CONSENTS,
            [
                {
                    "contact_point_type": "email",
                    "contact_point_hash": contact_point_hash("ada@x.org"),
                    "purpose": "email_marketing",
                    "source": "crm",
                    "given_at_utc": DAY,
                    "status": "granted",
                }
            ],
        ),
        (
            ACCOUNT_MEMBERS,
            [
                {
                    "unified_id": ADA,
                    "account_id": ACME,
                    "relation": relation,
                    "is_primary": relation == "key",
                    "job_title": title,
                    "role": "influencer" if title else None,
                    "department": "procurement" if title else None,
                    "record_key": CRM,
                    "account_record_key": "-",
                }
                for relation, title in (("domain", None), ("key", "Buyer"))
            ],
        ),
        (
            ACCOUNT_HIERARCHY,
            [
                {
                    "unified_id": path[-1],
                    "parent_id": path[-2] if len(path) > 1 else None,
                    "ultimate_parent_id": path[0],
                    "depth": len(path) - 1,
                    "path": path,
                    "relation": "key" if len(path) > 1 else None,
                }
                for path in (["top"], ["top", ACME], ["top", ACME, "below"], ["top", "sister"])
            ],
        ),
        (
            HOUSEHOLDS,
            [{"unified_id": it, "household_id": HOME, "member_count": 2, "since_release": 1} for it in (ADA, BOB)],
        ),
        (
            SEGMENT_MEMBERS,
            [
                {"segment": "gold", "unified_id": ADA, "entered_at_utc": LATER, "definition_hash": "-"},
                {
                    "segment": "new",
                    "unified_id": ADA,
                    "entered_at_utc": DAY,
                    "exited_at_utc": LATER,
                    "definition_hash": "-",
                },
            ],
        ),
        (
            SESSIONS,
            [
                {
                    "session_id": "s1",
                    "unified_id": ADA,
                    "source": "web",
                    "session_number": 1,
                    "started_at_utc": LATER,
                    "ended_at_utc": LATER,
                    "duration_seconds": 90.0,
                    "events": 1,
                    "pages": 1,
                    "entry_event_type": "purchase",
                    "entry_url": "/a",
                    "channel": "search",
                    "value": Decimal("5"),
                }
            ],
        ),
        (ATTRIBUTIONS, []),
        (
            UNIFIED_EVENTS,
            [
                {
                    "event_key": f"e{number}",
                    "source": "web",
                    "event_type": kind,
                    "occurred_at_utc": time,
                    "unified_id": who,
                }
                for number, (kind, time, who) in enumerate(
                    [("view", DAY, ADA), ("purchase", LATER, ADA), ("view", LATER, VISITOR), ("visit", DAY, BOB)]
                )
            ],
        ),
    ]


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    settings = ProjectSettings(
        name="shop",
        namespace=UUID(int=1),
        warehouse=Warehouse(path="warehouse"),
        consent=ConsentPolicy(purposes=("email_marketing", "profiling")),
    )
    folder = tmp_path_factory.mktemp("view")
    write_starter(folder)
    return Project(folder=str(folder), settings=settings, sources=(), match=MatchConfig(), config_hash="-")


@pytest.fixture(scope="session")
def warehouse(project: Project) -> ReleasedWarehouse:
    folder = Path(project.folder) / "warehouse"
    folder.mkdir()
    store = Store(cast("SparkSession", None), str(folder))
    vars(store)["folder"] = folder  # which a session would be asked for
    versions = {spec.name: store.overwrite(spec, spec.table(rows_of(spec, rows))) for spec, rows in _tables()}
    release = Release(3, "run", LATER, versions)
    append_release(store, release)
    return ReleasedWarehouse(store, release)


@pytest.fixture(scope="session")
def gatherer(warehouse: ReleasedWarehouse, project: Project) -> Gatherer:
    return Gatherer(warehouse, project)
