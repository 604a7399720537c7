"""What each column of each table means, from `meanings.yaml`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from cdp_spark.tables.spec import TableSpec


@cache
def read_meanings() -> dict[str, Any]:
    """Read all meanings: `columns` for every table, `tables` where one table's differ."""
    text = (files("cdp_spark.tables.catalog") / "meanings.yaml").read_text(encoding="utf-8")
    meanings: dict[str, Any] = yaml.safe_load(text)
    return meanings


def meaning_of(spec: TableSpec, column: str) -> str | None:
    """Say what a column means; None where nobody has said it."""
    meanings = read_meanings()
    found: str | None = meanings["tables"].get(spec.name, {}).get(column) or meanings["columns"].get(column)
    return found
