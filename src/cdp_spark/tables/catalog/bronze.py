"""Bronze: what the sources delivered, as received."""

from __future__ import annotations

from pyspark.sql import types as T

from cdp_spark.tables.spec import TableKind, TableSpec, columns

SOURCE_RECORDS = TableSpec(
    name="source_records",
    grain="a delivered version of a source row",
    schema=columns(
        source="string!",
        source_record_id="string!",
        content_hash="string!",
        record_key="string!",
        entity_type="string!",
        observed_at_utc="timestamp",
        ingested_at_utc="timestamp!",
        run_id="string!",
        source_file="string",
        row="string_map!",
    ),
    keys=("source", "source_record_id", "content_hash"),
    kind=TableKind.BATCH,
    constraints={"known_entity": "entity_type IN ('person', 'account')"},
)

ORDER_LINES = T.ArrayType(
    T.StructType(
        [
            T.StructField("product_id", T.StringType()),
            T.StructField("category", T.StringType()),
            T.StructField("quantity", T.DoubleType()),
            T.StructField("value", T.DecimalType(18, 4)),
        ]
    )
)
"""What an order is made of, in the order of the order; values are of whole lines: in the event's currency as received,
in the project's in `unified_events`."""

ABOUT_EVENTS: dict[str, str | T.DataType] = {
    "value_given": "decimal",
    "currency": "string",
    "quantity": "double",
    "product_id": "string",
    "category": "string",
    "campaign": "string",
    "channel": "string",
    "url": "string",
    "lines": ORDER_LINES,
}
"""Columns that say what an event is worth and of what, as received and in `unified_events`."""

SOURCE_EVENTS = TableSpec(
    name="source_events",
    grain="an event as received",
    schema=columns(
        event_key="string!",
        source="string!",
        content_hash="string!",
        event_type="string!",
        occurred_at_utc="timestamp!",
        ingested_at_utc="timestamp!",
        run_id="string!",
        source_file="string",
        identifiers="string_map!",
        received_at_utc="timestamp",
        **ABOUT_EVENTS,
        order_key="string",
        cancels_key="string",
        lines_key="string",
        value_issues="strings!",
        properties="string_map!",
    ),
    keys=("event_key",),
    kind=TableKind.BATCH,
)

SOURCE_ORDER_LINES = TableSpec(
    name="source_order_lines",
    grain="a line of an order, from a source of its own, as received",
    schema=columns(
        line_key="string!",
        source="string!",
        order_key="string!",
        line_id="string",
        content_hash="string!",
        product_id="string",
        category="string",
        quantity="double",
        value_given="decimal",
        value_issues="strings!",
        ingested_at_utc="timestamp!",
        run_id="string!",
        source_file="string",
    ),
    keys=("line_key",),
    kind=TableKind.BATCH,
)

CONSENTS = TableSpec(
    name="consents",
    grain="a consent as given, with evidence",
    schema=columns(
        contact_point_type="string!",
        contact_point_hash="string!",
        purpose="string!",
        source="string!",
        given_at_utc="timestamp!",
        status="string!",
        evidence="string",
        ingested_at_utc="timestamp!",
        run_id="string!",
    ),
    keys=("contact_point_hash", "purpose", "source", "given_at_utc", "status"),
    kind=TableKind.APPEND,
    constraints={"known_status": "status IN ('granted', 'denied', 'withdrawn')"},
)

REJECTED_ROWS = TableSpec(
    name="rejected_rows",
    grain="a row refused, with raw text and reason",
    schema=columns(
        run_id="string!",
        source="string!",
        row_hash="string!",
        reason="string!",
        raw_text="string",
        source_file="string",
        line="long",
        rejected_at_utc="timestamp!",
    ),
    keys=("run_id", "source", "row_hash"),
    kind=TableKind.APPEND,
)

WITHDRAWAL_ISSUES = TableSpec(
    name="withdrawal_issues",
    grain="a refusal of consent that could not be read as it came, or what became of it",
    schema=columns(
        source="string!",
        row_hash="string!",
        status="string!",
        at_utc="timestamp!",
        given_at_utc="timestamp",
        purpose="string",
        consent_status="string",
        frame_hash="string",
        alike="long",
        contact_point_hash="string",
        author="string",
        reason="string",
        run_id="string",
    ),
    keys=("source", "row_hash", "status"),
    kind=TableKind.APPEND,
    constraints={"known_status": "status IN ('undated', 'open', 'readable', 'settled', 'ignored')"},
)

SOURCE_DELIVERIES = TableSpec(
    name="source_deliveries",
    grain="a source's delivery whose rows or columns differ from the one before it",
    schema=columns(
        source="string!",
        run_id="string!",
        delivered_at_utc="timestamp!",
        rows_delivered="long!",
        rows_rejected="long!",
        columns="string_map!",
        identity="string!",
        reading="string!",
    ),
    keys=("source", "run_id"),
    kind=TableKind.APPEND,
)

SOURCE_SNAPSHOTS = TableSpec(
    name="source_snapshots",
    grain="a record that the newest delivery of a snapshot source holds, and which version of it",
    schema=columns(source="string!", source_record_id="string!", content_hash="string!"),
    keys=("source", "source_record_id"),
    kind=TableKind.BATCH,
)
