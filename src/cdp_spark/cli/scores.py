"""A profile's scores and offers, as a release shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.tables.catalog import OFFERS, SCORES

if TYPE_CHECKING:
    from cdp_spark.cli.lookup import ReleasedWarehouse
    from cdp_spark.tables.spec import TableSpec


def describe_scores(warehouse: ReleasedWarehouse, unified_id: str) -> dict[str, Any]:
    """What models say of a profile, and what it is offered.

    Args:
        warehouse: where to look.
        unified_id: of the profile.

    Returns:
        `scores`, one row a model, and `offers`, the best first; without those that the release does not have.
    """
    found: dict[str, Any] = {}
    if SCORES.name in warehouse.release.versions:
        rows = sorted(_own(warehouse, SCORES, unified_id), key=lambda row: str(row[c.MODEL]))
        found["scores"] = [{**row, c.DETAILS: dict(row[c.DETAILS])} for row in rows]
    if OFFERS.name in warehouse.release.versions:
        found["offers"] = sorted(_own(warehouse, OFFERS, unified_id), key=lambda row: int(row[c.RANK]))
    return found


def _own(warehouse: ReleasedWarehouse, spec: TableSpec, unified_id: str) -> list[dict[str, Any]]:
    only, version = {c.UNIFIED_ID: pa.array([unified_id])}, warehouse.release.versions[spec.name]
    rows: list[dict[str, Any]] = warehouse.store.fetch(spec, only=only, version=version).to_pylist()
    return [{name: value for name, value in row.items() if name != c.UNIFIED_ID} for row in rows]
