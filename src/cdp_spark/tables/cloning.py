"""A warehouse beside another one, which shares its files until it writes its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cdp_spark.tables.spec import TableSpec
    from cdp_spark.tables.store import Store


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
