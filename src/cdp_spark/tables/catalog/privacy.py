"""Privacy: what must not come back."""

from __future__ import annotations

from cdp_spark.tables.spec import TableKind, TableSpec, columns

SUPPRESSIONS = TableSpec(
    name="suppressions",
    grain="a keyed hash never to come back",
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
