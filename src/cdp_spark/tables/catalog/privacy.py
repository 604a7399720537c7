"""Privacy: what must not come back, and who was erased."""

from __future__ import annotations

from cdp_spark.tables.spec import TableKind, TableSpec, columns

SUPPRESSIONS = TableSpec(
    name="suppressions",
    grain="a suppressed identifier (keyed hash)",
    schema=columns(
        value_hash="string!",
        scope="string!",
        type="string!",
        key_id="string!",
        at_utc="timestamp!",
        author="string!",
        reason="string!",
    ),
    keys=("value_hash", "scope"),
    kind=TableKind.APPEND,
    constraints={"known_scope": "scope IN ('ingest')"},
)

ERASURES = TableSpec(
    name="erasures",
    grain="a record of a person whose erasure was asked for",
    schema=columns(
        run_id="string!",
        unified_id="string!",
        record_key="string!",
        entity_type="string!",
        at_utc="timestamp!",
        author="string!",
        reason="string!",
    ),
    keys=("run_id", "record_key"),
    kind=TableKind.APPEND,
)
