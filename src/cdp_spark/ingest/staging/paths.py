"""Nested values by their paths: `context.traits.email` is a field of an object in the column `context`.

A column of that very name comes first. The text of the longest beginning of the path that is a column is read as JSON.
In a list a number takes one item (`emails.0`); other parts are looked for in every item: of one item that has them it
is the value, of several the list of values. Rows keep their columns as delivered; what is found is added to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cdp_spark.ingest.reading.json_text import LENIENT, json_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence


def with_paths(rows: pa.Table, wanted: Iterable[str]) -> pa.Table:
    """Add a column for each path that leads into another column.

    Args:
        rows: columns of text.
        wanted: names of columns, and paths.
    """
    by_column: dict[str, list[str]] = {}
    for path in sorted(set(wanted) - set(rows.column_names)):
        column = column_of(path, rows.column_names)
        if column is not None:
            by_column.setdefault(column, []).append(path)
    for column, paths in by_column.items():
        distinct = rows[column].combine_chunks().dictionary_encode()
        values = [_read(text) for text in distinct.dictionary.to_pylist()]
        for path in paths:
            parts = path[len(column) + 1 :].split(".")
            found = pa.array([_text(_at(value, parts)) for value in values], pa.string())
            rows = rows.append_column(path, found.take(distinct.indices))
    return rows


def value_at(row: Mapping[str, str | None], path: str) -> str | None:
    """Return a row's value under a column's name or a path; None where there is none."""
    column = path if path in row else column_of(path, row)
    if column is None or column == path:
        return row.get(path)
    return _text(_at(_read(row[column]), path[len(column) + 1 :].split(".")))


def value_in(value: Any, path: str) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Return what a value that was read from JSON has at a path; None where it has nothing."""
    return _at(value, path.split("."))


def column_of(path: str, columns: Collection[str]) -> str | None:
    """Return the column that a path leads into: its longest beginning that is one."""
    parts = path.split(".")
    beginnings = (".".join(parts[:count]) for count in range(len(parts) - 1, 0, -1))
    return next((name for name in beginnings if name in columns), None)


def _read(text: str | None) -> Any:  # noqa: ANN401 - whatever JSON can hold
    if text is None or not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return LENIENT.decode(text.strip())
    except (ValueError, RecursionError):
        return None


def _at(value: Any, parts: Sequence[str]) -> Any:  # noqa: ANN401
    if not parts:
        return value
    if isinstance(value, dict):
        for count in range(len(parts), 0, -1):  # a field's own name may hold dots
            name = ".".join(parts[:count])
            if name in value:
                return _at(value[name], parts[count:])
    if not isinstance(value, list):
        return None
    if parts[0].isascii() and parts[0].isdecimal():
        place = int(parts[0][:9])
        return _at(value[place], parts[1:]) if place < len(value) else None
    found = [it for item in value if (it := _at(item, parts)) is not None]
    return found[0] if len(found) == 1 else found or None


def _text(value: Any) -> str | None:  # noqa: ANN401
    return value if isinstance(value, str) or value is None else json_text(value)
