"""Silver: cleaned records and their identifiers."""

from __future__ import annotations

from cdp_spark.tables.spec import TableKind, TableSpec, columns

RECORDS = TableSpec(
    name="records",
    grain="a current, cleaned source record",
    schema=columns(
        record_key="string!",
        entity_type="string!",
        source="string!",
        source_record_id="string!",
        content_hash="string!",
        observed_at_utc="timestamp",
        ingested_at_utc="timestamp!",
        given_name="string",
        middle_name="string",
        family_name="string",
        name_suffix="string",
        full_name="string",
        birth_date="date",
        gender="string",
        email="string",
        phone="string",
        street="string",
        house_number="string",
        unit="string",
        city="string",
        postcode="string",
        region="string",
        country="string",
        national_id="string",
        company_name="string",
        company_core="string",
        job_title="string",
        domain="string",
        registration_number="string",
        industry="string",
        employees="long",
        revenue="double",
        emails="strings!",
        phones="strings!",
        attributes="string_map!",
        value_issues="strings!",
    ),
    keys=("record_key",),
    kind=TableKind.BATCH,
    constraints={"known_entity": "entity_type IN ('person', 'account', 'visitor')"},
)

IDENTIFIERS = TableSpec(
    name="identifiers",
    grain="a normalised identifier of a record, usable or not and why",
    schema=columns(
        record_key="string!",
        entity_type="string!",
        type="string!",
        value="string!",
        value_hash="string!",
        usable="boolean!",
        reason="string",
    ),
    keys=("record_key", "type", "value_hash"),
    kind=TableKind.BATCH,
)
