"""How a table is created, and copied."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cdp_spark.tables.spec import TableSpec
    from cdp_spark.tables.store import Store

_SKIPPED_BY = "delta.dataSkippingStatsColumns"


COMMITS_A_CHECKPOINT = 100
"""Delta's 10 are for thousands of files: of a small table a checkpoint takes up to ten times a commit."""


_WITHOUT_BOUNDS = frozenset(
    {
        *(c.RECORD_KEY, c.RECORD_KEY_L, c.RECORD_KEY_R, c.UNIFIED_ID, c.CLUSTER, c.EVENT_KEY),
        *(c.SOURCE_RECORD_ID, c.CONTENT_HASH, c.ROW_HASH, c.VALUE_HASH, c.CONTACT_POINT_HASH),
    }
)
"""Columns of which every file holds values from end to end, so that their smallest and largest skip nothing.

Nor does the log, which keeps what it says of old files for weeks, tell a value of a person that way.
"""


def properties_of(spec: TableSpec) -> dict[str, str]:
    """List the Delta properties that a table is created with, its constraints among them."""
    skipped_by = [name for name in spec.keys if name not in _WITHOUT_BOUNDS]
    return {
        **({_SKIPPED_BY: ",".join(skipped_by)} if skipped_by else {"delta.dataSkippingNumIndexedCols": "0"}),
        "delta.checkpointInterval": str(COMMITS_A_CHECKPOINT),
        **({"delta.enableChangeDataFeed": "true"} if spec.has_change_feed else {}),
        **{f"delta.constraints.{name}": condition for name, condition in spec.constraints.items()},
    }


def create_statement(spec: TableSpec, name: str) -> str:
    """Write the SQL that creates the table, with its columns, constraints and properties, unless it is there.

    Args:
        spec: the table.
        name: in SQL.
    """
    columns = ", ".join(
        f"`{it.name}` {it.dataType.simpleString()}{'' if it.nullable else ' NOT NULL'}" for it in spec.schema
    )
    properties = ", ".join(f"{_literal(key)} = {_literal(value)}" for key, value in properties_of(spec).items())
    about = f"USING delta COMMENT {_literal(spec.grain)} TBLPROPERTIES ({properties})"
    return f"CREATE TABLE IF NOT EXISTS {name} ({columns}) {about}"


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def first_commit(spec: TableSpec, *, table_id: str, at_ms: int) -> str:
    """Write the first commit of an empty table's log, as JSON lines; Spark needs half a second and more for the same.

    Args:
        spec: the table.
        table_id: a UUID.
        at_ms: milliseconds since 1970.
    Source: Delta's protocol, "Actions": `commitInfo`, `metaData` and `protocol`; writers enforce CHECK constraints from
        version 3 on, and keep a change feed from version 4 on.
    """
    properties = properties_of(spec)
    writer = 4 if spec.has_change_feed else 3 if spec.constraints else 2
    about = {"description": spec.grain, "partitionBy": "[]", "properties": json.dumps(properties)}
    actions: tuple[dict[str, object], ...] = (
        {"commitInfo": {"timestamp": at_ms, "operation": "CREATE TABLE", "operationParameters": about}},
        {"protocol": {"minReaderVersion": 1, "minWriterVersion": writer}},
        {
            "metaData": {
                "id": table_id,
                "description": spec.grain,
                "format": {"provider": "parquet", "options": {}},
                "schemaString": spec.schema.json(),
                "partitionColumns": [],
                "configuration": properties,
                "createdTime": at_ms,
            }
        },
    )
    return "".join(f"{json.dumps(action)}\n" for action in actions)


def clone_tables(
    store: Store, specs: Iterable[TableSpec], target: Store, *, versions: Mapping[str, int]
) -> dict[str, int]:
    """Clone tables to another place, their log only: no row is copied, and nothing that the clone writes is seen here.

    Args:
        store: the warehouse.
        specs: tables; those that do not exist are left out.
        target: a folder or URI.
        versions: the version of a table to clone, by name; of others the head.

    Returns:
        the clones' versions by name.

    Raises:
        StateError: the target is no folder or URI, or holds one of the tables already.
    """
    if target.kind != "path":
        raise StateError(target.shown, got="a schema", allowed="a folder or URI")
    target.guard.begin()
    cloned = {}
    for spec in specs:
        if not store.exists(spec):
            continue
        if target.exists(spec):
            fix = "name an empty place"
            raise StateError(target.shown, got=f"a table {spec.name}", allowed="nothing yet", fix=fix)
        version = versions[spec.name] if spec.name in versions else store.version(spec)
        source = f"{store.sql_name(spec)} VERSION AS OF {version}"
        store.spark.sql(f"CREATE TABLE {target.sql_name(spec)} SHALLOW CLONE {source}")
        cloned[spec.name] = target.version(spec)
        target.guard.note(spec.name, cloned[spec.name])
    return cloned
