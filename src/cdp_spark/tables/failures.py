"""What a failed write says: never the text of Spark's or delta-rs' error, which may print a row's values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cdp_spark.errors import ContractError, StateError

if TYPE_CHECKING:
    from cdp_spark.tables.spec import TableSpec


def unwritable(location: str, spec: TableSpec, error: Exception) -> StateError:
    """The warehouse cannot be written."""
    return StateError(
        f"warehouse {location}",
        got=f"table {spec.name} could not be written ({condition_of(error)})",
        fix="check that the location exists and that this user may write there",
    )


def other_columns(spec: TableSpec) -> StateError:
    """A table was made by another version of this program."""
    return StateError(
        f"table {spec.name}",
        got="other columns than this version of cdp-spark writes",
        fix="use the version that made the warehouse, or a new warehouse",
    )


def broken_constraint(spec: TableSpec, message: str) -> ContractError | None:
    """The constraint that rows broke, without the values that Delta's message prints."""
    check = re.search(r"CHECK constraint (\w+) \((.*)\) violated by row", message)
    if check:
        name, condition = check.groups()
        return ContractError(f"table {spec.name}", got=f"rows that break the constraint {name}", allowed=condition)
    null = re.search(r"NOT NULL constraint violated for column: (\S+)", message)
    if null:
        return null_in(spec, null[1].rstrip("."))
    if "failed validation check" in message:  # of delta-rs, which does not say which check
        names, conditions = " or ".join(spec.constraints), "; ".join(spec.constraints.values())
        return ContractError(f"table {spec.name}", got=f"rows that break the constraint {names}", allowed=conditions)
    return None


def null_in(spec: TableSpec, column: str) -> ContractError:
    """A column without a value where it has to have one."""
    return ContractError(f"table {spec.name}", got="null", allowed=f"a value in the column {column}")


def is_permission(message: str) -> bool:
    """True where the message says that this user may not write there."""
    return any(sign in message for sign in ("Permission denied", "AccessDenied", "AccessControlException", "Read-only"))


def is_conflict(error: Exception) -> bool:
    """True where another writer's commit came first; classic sessions and Connect raise other classes for it."""
    return re.search(r"DELTA_CONCURRENT|Concurrent\w*Exception|DELTA_METADATA_CHANGED", str(error)) is not None


def condition_of(error: Exception) -> str:
    """Spark's name of an error, or the Java class; never its text, which may hold values."""
    named = re.search(r"\[([A-Z][A-Z0-9_.]+)\]", str(error))
    java = re.search(r"([\w.]+(?:Exception|Error))\b", str(error))
    return named[1] if named else (java[1].rsplit(".", 1)[-1] if java else type(error).__name__)
