"""Delivery: what destinations of rows have, what they are to be sent, and each attempt."""

from __future__ import annotations

from cdp_spark.tables.spec import TableKind, TableSpec, columns

TO_SEND = TableSpec(
    name="to_send",
    grain="a profile's row at a destination: what it has, and the change to be sent",
    schema=columns(
        destination="string!",
        unified_id="string!",
        target="string!",
        sequence="long!",
        action="string",
        content_hash="string",
        idempotency_key="string!",
        status="string!",
        tries="long!",
        refusals="long!",
        sent_hash="string",
        is_certain="boolean!",
        release="long!",
    ),
    keys=("destination", "unified_id"),
    kind=TableKind.BATCH,
)

DELIVERY_ATTEMPTS = TableSpec(
    name="delivery_attempts",
    grain="a step of an attempt to send a row: that it began, or what became of it",
    schema=columns(
        destination="string!",
        unified_id="string!",
        idempotency_key="string!",
        attempt="long!",
        action="string!",
        status="string!",
        reason="string",
        at_utc="timestamp!",
        release="long!",
        run_id="string!",
    ),
    keys=("destination", "idempotency_key", "attempt", "status"),
    kind=TableKind.APPEND,
)
