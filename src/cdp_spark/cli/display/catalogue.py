"""The table catalogue as a page of Markdown, made from the tables' specs and the stage table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.runs.stages import ERASING, NIGHTLY, OUTSIDE
from cdp_spark.tables.catalog import TABLES
from cdp_spark.tables.catalog.meanings import meaning_of
from cdp_spark.tables.spec import TableKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql.types import StructField

    from cdp_spark.tables.spec import TableSpec

_HEAD = """# Tables

<!-- Written by `make docs` from the tables' specs and the stage table; do not edit. -->

Every table of the warehouse: what one row is, what identifies it, who writes it, what its columns mean. **Gold** tables
are published together and read as a release shows them; **batch** tables are the work of the last run; **append**
tables only grow, and are read as they are now. A column marked ● always has a value. Times are UTC. An erasure takes
people out of all tables; `cdp model fit` and `cdp consent settle` append to `match_models` and `withdrawal_issues`.
"""
_KINDS = {
    TableKind.GOLD: "gold",
    TableKind.BATCH: "batch",
    TableKind.APPEND: "append",
}


def write_catalogue() -> str:
    """Write the page: all tables in one list, then each with its columns."""
    makers = find_makers()
    rows = [
        f"| [{it.name}](#{it.name}) | {it.grain} | {_KINDS[it.kind]} | {makers[it.name]} |" for it in TABLES.values()
    ]
    listed = "\n".join(["| table | one row is | kind | written by |", "|---|---|---|---|", *rows])
    return "\n".join([_HEAD, listed, *(_section(spec, makers[spec.name]) for spec in TABLES.values())])


def find_makers() -> dict[str, str]:
    """Say who writes each table: its stages, or what else does."""
    makers: dict[str, list[str]] = {name: [] for name in TABLES}
    for stage in NIGHTLY:
        for spec in (*stage.writes, *stage.logs):
            makers[spec.name].append(stage.name)
    for who, specs in OUTSIDE.items():
        for spec in specs:
            makers[spec.name].append(who)
    return {name: ", ".join(found) for name, found in makers.items()}


def _section(spec: TableSpec, maker: str) -> str:
    facts = [f"One row is {spec.grain}. Key: {', '.join(f'`{key}`' for key in spec.keys)}. Written by: {maker}."]
    if spec.dated_by:
        facts.append("A row counts until a later run marks one of its records in `outdated_records`.")
    if spec.has_change_feed:
        facts.append("Delta's change data feed is on.")
    facts += [f"Constraint `{name}`: `{condition}`." for name, condition in spec.constraints.items()]
    readers = [it.name for it in (*NIGHTLY, *ERASING[:-1]) if spec in (*it.reads, *it.earlier)]
    if readers:
        facts.append(f"Read by: {', '.join(dict.fromkeys(readers))}.")
    rows = "\n".join(_columns(spec))
    return f"\n## {spec.name}\n\n{' '.join(facts)}\n\n| column | type | meaning |\n|---|---|---|\n{rows}"


def _columns(spec: TableSpec) -> Iterator[str]:
    for field in spec.schema:
        yield f"| `{field.name}`{'' if field.nullable else ' ●'} | {_type_of(field)} | {meaning_of(spec, field.name)} |"


def _type_of(field: StructField) -> str:
    return field.dataType.simpleString().replace("bigint", "long")
