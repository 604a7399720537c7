"""SQL conditions over two records, checked and answered by DuckDB in this process, which can reach nothing else.

`x_l` and `x_r` are a column of the one and of the other record. Source of the dialect: https://duckdb.org/docs/sql.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa

from cdp_spark.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

UNKNOWN, NONE_HOLDS = 0, 1
_REFUSED = {"SUBQUERY": "a subquery", "WINDOW": "a window", "STAR": "*", "PARAMETER": "a parameter"}
_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "enable_external_access": False,
    "python_enable_replacements": False,
    "lock_configuration": True,
}


def grade_pairs(pairs: pa.Table, conditions: Sequence[str]) -> NDArray[np.int64]:
    """The first condition that holds, counted from the last: 2 for the last one, one more for each before it.

    Args:
        pairs: one row per pair, text columns `x_l` and `x_r`.
        conditions: the best first.

    Returns: shape (pairs,): `NONE_HOLDS` where all are false, `UNKNOWN` where none is true and one of them null.

    Raises:
        DataError: a condition fails on these values.
    """
    asked = [duckdb.SQLExpression(f"({text})") for text in conditions]
    case = duckdb.CaseExpression(asked[0], duckdb.ConstantExpression(len(asked) + 1))
    for place, condition in enumerate(asked[1:]):
        case = case.when(condition, duckdb.ConstantExpression(len(asked) - place))
    for condition in asked:
        case = case.when(condition.isnull(), duckdb.ConstantExpression(UNKNOWN))
    answer = case.otherwise(duckdb.ConstantExpression(NONE_HOLDS)).alias("grade")
    try:
        grades = _connection().from_arrow(pairs).select(answer).fetchnumpy()["grade"]
    except duckdb.Error as error:
        fix = "make the condition null for such values, as try_cast does"
        raise DataError("a condition of match.yaml", got=_first_line(error), fix=fix) from error
    return np.asarray(grades, dtype=np.int64)


def find_mistake(condition: str, columns: Sequence[str]) -> str | None:
    """What keeps a text from being a condition over two records; None where nothing does.

    Args:
        condition: SQL of DuckDB.
        columns: that it may name, with `_l` or `_r` behind.
    """
    parsed = json.loads(_answer("SELECT json_serialize_sql($1)", [f"SELECT {condition}"])[0][0])
    if parsed["error"]:
        return str(parsed["error_message"])
    nodes = [statement["node"] for statement in parsed["statements"]]
    if len(nodes) != 1 or len(nodes[0].get("select_list", ())) != 1 or not _is_bare(nodes[0]):
        return "more than one expression"
    sides = {f"{name}_{side}" for name in columns for side in "lr"}
    for part in _parts(nodes[0]["select_list"]):
        if part.get("class") in _REFUSED:
            return _REFUSED[part["class"]]
        called = {str(part.get("function_name", "")), *part.get("column_names", ())} - sides
        for name in sorted(called & _other_functions()):
            return f"the function {name}"
    try:
        nobody = pa.schema([(side, pa.string()) for side in sorted(sides)]).empty_table()
        answer = _connection().from_arrow(nobody).select(duckdb.SQLExpression(f"({condition})").alias("held"))
    except duckdb.Error as error:
        return _first_line(error)
    kind = str(answer.types[0])
    return None if kind == "BOOLEAN" else f"an expression of type {kind}"


def _is_bare(node: dict[str, Any]) -> bool:
    """Whether a SELECT has nothing behind its expressions."""
    clauses = ("where_clause", "having", "sample", "qualify", "group_expressions", "modifiers")
    return node["from_table"]["type"] == "EMPTY" and not any(node.get(clause) for clause in clauses)


def _parts(tree: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON
    """Every object of a JSON tree."""
    if isinstance(tree, dict):
        yield tree
    for child in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _parts(child)


@cache
def _other_functions() -> frozenset[str]:
    """The functions whose result depends on more than the arguments of one row, such as a sum or the time."""
    rows = _answer(
        "SELECT DISTINCT function_name FROM duckdb_functions() "
        "WHERE function_type <> 'macro' AND (function_type <> 'scalar' OR stability <> 'CONSISTENT')",
        [],
    )
    return frozenset(name for (name,) in rows)


def _answer(question: str, values: list[str]) -> list[tuple[Any, ...]]:
    return _connection().execute(question, values).fetchall()


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config=_CLOSED)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
