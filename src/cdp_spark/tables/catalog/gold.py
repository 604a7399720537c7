"""Gold: ids, profiles and segments, published together."""

from __future__ import annotations

from pyspark.sql import types as T

from cdp_spark.tables.catalog.bronze import ABOUT_EVENTS
from cdp_spark.tables.catalog.silver import RECORDS
from cdp_spark.tables.spec import TableKind, TableSpec, columns

UNIFIED_IDS = TableSpec(
    name="unified_ids",
    grain="a record's unified id",
    schema=columns(record_key="string!", entity_type="string!", unified_id="string!"),
    keys=("record_key",),
    kind=TableKind.GOLD,
)

ID_REGISTRY = TableSpec(
    name="id_registry",
    grain="an id ever issued, live or where it went",
    schema=columns(
        unified_id="string!",
        entity_type="string!",
        status="string!",
        merged_into="string",
        split_from="string",
        created_release="long!",
        closed_release="long",
        cause="string!",
    ),
    keys=("unified_id",),
    kind=TableKind.GOLD,
    constraints={"known_status": "status IN ('live', 'merged', 'closed')"},
)

ID_CHANGES = TableSpec(
    name="id_changes",
    grain="a change of a record's id",
    schema=columns(
        release="long!",
        record_key="string!",
        unified_id="string!",
        entity_type="string!",
        previous_id="string",
        change="string!",
        cause="string!",
    ),
    keys=("release", "record_key", "unified_id"),
    kind=TableKind.GOLD,
    has_change_feed=True,
)

IDENTITY_ISSUES = TableSpec(
    name="identity_issues",
    grain="a cluster over a limit, or an identifier's limit that kept records from a cluster",
    schema=columns(
        run_id="string!",
        cluster="string!",
        entity_type="string!",
        identifier_type="string!",
        reason="string!",
        distinct_values="long!",
        record_count="long!",
        example_record_keys="strings!",
    ),
    keys=("run_id", "cluster", "identifier_type", "reason"),
    kind=TableKind.GOLD,
)

_VALUE_COLUMNS = (
    "given_name",
    "middle_name",
    "family_name",
    "name_suffix",
    "birth_date",
    "gender",
    "email",
    "phone",
    "street",
    "house_number",
    "unit",
    "city",
    "postcode",
    "region",
    "country",
    "national_id",
    "company_name",
    "job_title",
    "domain",
    "registration_number",
    "industry",
    "employees",
    "revenue",
    "revenue_currency",
    "legal_form",
    "owner",
    "parent_account",
)

PROFILE_ATTRIBUTES: tuple[str, ...] = _VALUE_COLUMNS
"""The attributes of `records` that survive into a profile by a survivorship rule."""

_PROFILE_FIELDS = [RECORDS.schema[name] for name in _VALUE_COLUMNS] + list(
    columns(
        emails="strings!",
        phones="strings!",
        attributes="string_map!",
        sources="strings!",
        record_count="long!",
        first_seen_at_utc="timestamp",
        last_seen_at_utc="timestamp",
        consents="string_map!",
    )
)

PROFILES = TableSpec(
    name="profiles",
    grain="a person, account or visitor now",
    schema=T.StructType([*columns(unified_id="string!", entity_type="string!"), *_PROFILE_FIELDS]),
    keys=("unified_id",),
    kind=TableKind.GOLD,
)

PROFILE_HISTORY = TableSpec(
    name="profile_history",
    grain="a profile's values over a time span (SCD2)",
    schema=T.StructType(
        [
            *columns(
                unified_id="string!",
                valid_from_utc="timestamp!",
                valid_to_utc="timestamp",
                is_current="boolean!",
                content_hash="string!",
                entity_type="string!",
            ),
            *_PROFILE_FIELDS,
        ]
    ),
    keys=("unified_id", "valid_from_utc"),
    kind=TableKind.GOLD,
    constraints={"ordered_span": "valid_to_utc IS NULL OR valid_to_utc > valid_from_utc"},
)

PROFILE_VALUES = TableSpec(
    name="profile_values",
    grain="the winning record and rule of an attribute",
    schema=columns(
        unified_id="string!",
        attribute="string!",
        value="string",
        record_key="string",
        source="string",
        rule="string!",
    ),
    keys=("unified_id", "attribute"),
    kind=TableKind.GOLD,
)

ACCOUNT_MEMBERS = TableSpec(
    name="account_members",
    grain="a person's relation to an account, of one kind, with its newest evidence",
    schema=columns(
        unified_id="string!",
        account_id="string!",
        relation="string!",
        is_primary="boolean!",
        job_title="string",
        role="string",
        seniority="string",
        department="string",
        record_key="string!",
        account_record_key="string!",
        record_count="long!",
        observed_at_utc="timestamp",
    ),
    keys=("unified_id", "account_id", "relation"),
    kind=TableKind.GOLD,
    constraints={"known_relation": "relation IN ('key', 'domain', 'employer')"},
)

ACCOUNT_HIERARCHY = TableSpec(
    name="account_hierarchy",
    grain="an account that has a parent or a subsidiary, or whose parent was not found",
    schema=columns(
        unified_id="string!",
        parent_id="string",
        ultimate_parent_id="string!",
        depth="long!",
        path="strings!",
        relation="string",
        record_key="string",
        issue="string",
    ),
    keys=("unified_id",),
    kind=TableKind.GOLD,
    constraints={
        "known_relation": "relation IS NULL OR relation IN ('key', 'identifier', 'name')",
        "known_issue": "issue IS NULL OR issue IN ('unknown_parent', 'ambiguous_parent', 'account_cycle')",
    },
)

HOUSEHOLDS = TableSpec(
    name="households",
    grain="a person's household",
    schema=columns(unified_id="string!", household_id="string!", member_count="long!", since_release="long!"),
    keys=("unified_id",),
    kind=TableKind.GOLD,
)

SEGMENT_MEMBERS = TableSpec(
    name="segment_members",
    grain="a membership span",
    schema=columns(
        segment="string!",
        unified_id="string!",
        entered_at_utc="timestamp!",
        exited_at_utc="timestamp",
        definition_hash="string!",
    ),
    keys=("segment", "unified_id", "entered_at_utc"),
    kind=TableKind.GOLD,
)

SEGMENT_CHANGES = TableSpec(
    name="segment_changes",
    grain="an enter or exit with its reason",
    schema=columns(
        release="long!",
        segment="string!",
        unified_id="string!",
        change="string!",
        reason="string!",
    ),
    keys=("release", "segment", "unified_id"),
    kind=TableKind.GOLD,
    constraints={
        "known_change": "change IN ('enter', 'exit')",
        "known_reason": "reason IN ('data', 'definition', 'identity', 'consent', 'erasure')",
    },
)

UNIFIED_EVENTS = TableSpec(
    name="unified_events",
    grain="an event with the profile of its visitor",
    schema=columns(
        event_key="string!",
        source="string!",
        event_type="string!",
        occurred_at_utc="timestamp!",
        received_at_utc="timestamp",
        record_key="string",
        unified_id="string",
        value="decimal",
        **ABOUT_EVENTS,
        properties="string_map!",
    ),
    keys=("event_key",),
    kind=TableKind.GOLD,
)
