"""docs/tables.md says what the code says."""

from __future__ import annotations

from pathlib import Path

from cdp_spark.cli.display.catalogue import find_makers, write_catalogue
from cdp_spark.tables.catalog import TABLES
from cdp_spark.tables.catalog.meanings import meaning_of, read_meanings

PAGE = Path(__file__).parents[3] / "docs" / "tables.md"


def test_the_page_of_tables_is_current() -> None:
    """Else: `make docs`."""
    assert PAGE.read_text(encoding="utf-8") == f"{write_catalogue()}\n"


def test_every_column_has_a_meaning() -> None:
    columns = [(spec, name) for spec in TABLES.values() for name in spec.schema.names]
    assert [f"{spec.name}.{name}" for spec, name in columns if not meaning_of(spec, name)] == []


def test_every_meaning_is_of_a_column() -> None:
    meanings = read_meanings()
    everywhere = {name for spec in TABLES.values() for name in spec.schema.names if name not in own_meanings(spec.name)}
    assert sorted({*meanings["columns"]} - everywhere) == []
    assert [
        f"{table}.{name}"
        for table in meanings["tables"]
        for name in own_meanings(table)
        if table not in TABLES or name not in TABLES[table].schema.names
    ] == []


def own_meanings(table: str) -> set[str]:
    return set(read_meanings()["tables"].get(table, {}))


def test_every_table_is_written_by_something() -> None:
    makers = find_makers()
    assert (makers["profiles"], makers["touched_records"]) == ("profiles", "matching, clustering")
    assert [name for name, maker in makers.items() if not maker] == []
