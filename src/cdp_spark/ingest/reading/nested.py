"""Rows and columns of nested JSON: where a document keeps its rows, and one column for each nested field.

Rows are looked for in this order: an array of objects; an array of arrays under a header; the longest array of objects
inside of an object (`{"data": […]}`, `{"result": {"contacts": […]}}`), or of `{"node": {…}}`; columns of
cells by row number; objects by key. A nested field is called by its path (`address.city`); a list is its only item, or
stays a list; the fields of a list of objects are lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY = "key"


def rows_of(value: Any) -> list[Any]:  # noqa: ANN401 - whatever JSON can hold
    """Return the rows of a document; the document itself where it holds none."""
    if _is_table(value):
        return [dict(zip(map(str, value[0]), row, strict=False)) for row in value[1:]]
    if isinstance(value, list):
        return [_unwrapped(it) for it in value] if _are_objects(value) else value
    if not isinstance(value, dict):
        return [value]
    held = max(_lists_in(value), key=len, default=[])
    if held:
        return [_unwrapped(it) for it in held]
    return _turned(value) or [value]


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row's nested fields as fields of their own, called by their paths."""
    fields: dict[str, Any] = {}
    for path, value in _leaves(row, ""):
        fields.setdefault(path, value)
    return fields


def _leaves(value: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, it in value.items():
        if isinstance(it, dict) and it:
            yield from _leaves(it, f"{prefix}{name}.")
        elif isinstance(it, list) and _are_objects(it):
            rows = [flat(item) for item in it]
            for field in dict.fromkeys(field for row in rows for field in row):
                yield f"{prefix}{name}.{field}", _alone([row[field] for row in rows if row.get(field) is not None])
        else:
            yield f"{prefix}{name}", _alone(it) if isinstance(it, list) else it


def _alone(items: list[Any]) -> Any:  # noqa: ANN401
    """Return a list's only item, nothing for an empty one."""
    if len(items) > 1 or (items and isinstance(items[0], (dict, list))):
        return items
    return items[0] if items else None


def _lists_in(value: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """List the arrays of objects in an object and in the objects that it holds."""
    for it in value.values():
        if isinstance(it, list) and _are_objects(it):
            yield it
        elif isinstance(it, dict):
            yield from _lists_in(it)


def _turned(value: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Return the rows of an object of columns, or of rows by key; None where it is neither."""
    parts = list(value.values())
    if len(parts) < 2 or not _are_objects(parts):
        return None
    numbers = list(map(str, range(len(parts[0]))))
    if numbers and all(sorted(part, key=str) == sorted(numbers) for part in parts):
        return [{name: cells[number] for name, cells in value.items()} for number in numbers]
    return [{_KEY: key} | row for key, row in value.items()]


def _unwrapped(row: dict[str, Any]) -> dict[str, Any]:
    node = row.get("node")
    return node if isinstance(node, dict) and row.keys() <= {"node", "cursor"} else row


def _is_table(value: Any) -> TypeGuard[list[list[Any]]]:  # noqa: ANN401
    if not isinstance(value, list) or len(value) < 2 or not all(isinstance(it, list) for it in value):
        return False
    return all(isinstance(name, str) for name in value[0])


def _are_objects(values: list[Any]) -> TypeGuard[list[dict[str, Any]]]:
    return bool(values) and all(isinstance(it, dict) for it in values)
