"""dbt's `sources.yml` of a release: its gold tables with what they mean, and tests of what their specs promise.

1. Each table has one entry, which dbt-spark and dbt-duckdb both read: dbt-spark takes the source's schema and the
   table's identifier, dbt-duckdb the `external_location`. Of tables in a folder or below a URI both name the Delta
   version that the release shows.
2. A column's tests come from the table's spec: always filled, its key, the values that a constraint allows.
   `_REFERENCES` names the columns that refer to a row of another table.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from cdp_spark import columns as c
from cdp_spark.config.base import Secret
from cdp_spark.tables.catalog import (
    ACCOUNT_MEMBERS,
    GOLD,
    HOUSEHOLDS,
    ID_REGISTRY,
    OFFERS,
    PROFILE_VALUES,
    PROFILES,
    SCORES,
    UNIFIED_IDS,
)
from cdp_spark.tables.catalog.meanings import meaning_of
from cdp_spark.tables.direct.place import identifier_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cdp_spark.tables.spec import TableSpec
    from cdp_spark.tables.store import Store

SOURCE = "cdp"
"""The source's name: a model reads `{{ source('cdp', 'profiles') }}`."""
_HEAD = (
    "# Written by `cdp tables --dbt` for release {release}: write it anew after each run. For dbt 1.10.5 or newer.\n"
)
_PROFILE = (PROFILES, c.UNIFIED_ID)
_REFERENCES: dict[tuple[str, str], tuple[TableSpec, str]] = {
    (UNIFIED_IDS.name, c.UNIFIED_ID): (ID_REGISTRY, c.UNIFIED_ID),
    (PROFILES.name, c.UNIFIED_ID): (ID_REGISTRY, c.UNIFIED_ID),
    **{(spec.name, c.UNIFIED_ID): _PROFILE for spec in (PROFILE_VALUES, HOUSEHOLDS, ACCOUNT_MEMBERS, SCORES, OFFERS)},
    (ACCOUNT_MEMBERS.name, c.ACCOUNT_ID): _PROFILE,
}
"""Columns of tables whose every value is in another table of the same release."""
_ONE_OF = re.compile(r"^(\w+) IN \((.*)\)$")
_ENTITY_TYPES = ("person", "account", "visitor")
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def write_sources(store: Store, versions: Mapping[str, int], *, release: int) -> str:
    """Write `sources.yml`.

    Args:
        store: the warehouse.
        versions: Delta version of each gold table that the release has.
        release: its number.
    """
    specs = [spec for spec in GOLD if spec.name in versions]
    source: dict[str, Any] = {
        "name": SOURCE,
        "description": f"Gold tables of cdp-spark, as release {release} shows them.",
        **_place(store),
        "tables": [_table(store, spec, versions) for spec in specs],
    }
    content = {"version": 2, "sources": [source]}
    return _HEAD.format(release=release) + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def _place(store: Store) -> dict[str, Any]:
    if store.kind == "path":
        return {"schema": "delta", "quoting": {"identifier": True}}
    database, _, schema = _text(store.location).rpartition(".")
    return {"database": database, "schema": schema} if database else {"schema": schema}


def _table(store: Store, spec: TableSpec, versions: Mapping[str, int]) -> dict[str, Any]:
    told: dict[str, Any] = {"name": spec.name, "description": f"One row is {spec.grain}."}
    if store.kind == "path":
        path, version = identifier_of(_text(store.location), spec.name, is_path=True), versions[spec.name]
        told |= {"identifier": f"{path}@v{version}", "config": {"meta": {"external_location": _scan(path, version)}}}
    if len(spec.keys) > 1:
        told["data_tests"] = [{"unique": {"arguments": {"column_name": _key(spec)}}}]
    told["columns"] = [_column(spec, name, versions) for name in spec.schema.names]
    return told


def _text(location: str) -> str:
    """The location; what came from an environment variable is named as dbt names it."""
    return _VARIABLE.sub(r'{{ env_var("\1") }}', location.template) if isinstance(location, Secret) else location


def _scan(path: str, version: int) -> str:
    """How DuckDB reads a version of a Delta table; it calls `s3a` `s3`."""
    place = re.sub(r"^s3a://", "s3://", path).replace("'", "''")
    return f"delta_scan('{place}', version => {version})"


def _key(spec: TableSpec) -> str:
    """One text of a key of several columns, in words that Spark and DuckDB share."""
    parts = []
    for name in spec.keys:
        text = f"cast({name} as string)"
        parts.append(f"coalesce({text}, '')" if spec.schema[name].nullable else text)
    return f"concat_ws('|', {', '.join(parts)})"


def _column(spec: TableSpec, name: str, versions: Mapping[str, int]) -> dict[str, Any]:
    told: dict[str, Any] = {"name": name, "description": meaning_of(spec, name)}
    tests = list(_tests(spec, name, versions))
    return told | ({"data_tests": tests} if tests else {})


def _tests(spec: TableSpec, name: str, versions: Mapping[str, int]) -> Iterator[str | dict[str, Any]]:
    if not spec.schema[name].nullable:
        yield "not_null"
    if spec.keys == (name,):
        yield "unique"
    if values := _allowed(spec, name):
        yield {"accepted_values": {"arguments": {"values": values}}}
    target = _REFERENCES.get((spec.name, name))
    if target is not None and target[0].name in versions:
        table, field = target
        to = f"source('{SOURCE}', '{table.name}')"
        yield {"relationships": {"arguments": {"to": to, "field": field}}}


def _allowed(spec: TableSpec, name: str) -> list[str]:
    """The values that a constraint of the table allows in a column; none where there is no such constraint."""
    if name == c.ENTITY_TYPE:
        return list(_ENTITY_TYPES)
    for condition in spec.constraints.values():
        found = _ONE_OF.match(condition)
        if found and found[1] == name:
            return [value.strip().strip("'") for value in found[2].split(",")]
    return []
