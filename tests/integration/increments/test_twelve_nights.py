"""The story of docs/identity.md, run; `CDP_WRITE_DOCS=1` writes its table and picture anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.integration.increments.increment_nights import NightlyWarehouse, start
from tests.integration.increments.twelve_nights import STORY, clock_of, draw, first_world, letters, tell

from cdp_spark.tables.catalog import ID_CHANGES, ID_REGISTRY, RELEASES, UNIFIED_IDS

DOCS = Path(__file__).parents[3] / "docs"
_BEGIN, _END = "<!-- twelve nights -->\n", "<!-- end of the twelve nights -->"


def publish(warehouse: NightlyWarehouse, ordinal: int) -> None:
    """Note the release: whatever came in after it is tomorrow's cause of a change."""
    row: tuple[object, ...] = (ordinal, f"run-{ordinal}", clock_of(ordinal), "published", {}, None, None)
    warehouse.store.append(RELEASES, RELEASES.table([row]), application=None)


def ids_of(warehouse: NightlyWarehouse) -> dict[str, str]:
    return {row.record_key: row.unified_id for row in warehouse.store.read(UNIFIED_IDS).collect()}


@pytest.mark.slow
def test_twelve_nights_are_those_of_the_docs(spark: SparkSession, tmp_path: Path) -> None:
    world = first_world()
    warehouse = start(spark, tmp_path / "warehouse", world, visitors=True)
    publish(warehouse, 1)
    nights = [ids_of(warehouse)]
    for ordinal, night in enumerate(STORY[1:], start=2):
        night.change(world, warehouse)
        warehouse.night(world.write(warehouse.store), ordinal=ordinal, full=True)
        publish(warehouse, ordinal)
        nights.append(ids_of(warehouse))

    rows = warehouse.store.read(ID_CHANGES).select(
        "release", "record_key", "unified_id", "previous_id", "change", "cause"
    )
    changes = [[tuple(row[1:]) for row in rows.collect() if row.release == at] for at in range(1, len(STORY) + 1)]
    names = letters(nights)
    live = {names[it.unified_id] for it in warehouse.store.read(ID_REGISTRY).collect() if it.status == "live"}
    assert live == {names[unified_id] for unified_id in nights[-1].values()}
    table, picture = tell(changes, names), draw(nights)
    page = DOCS / "identity.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    if os.environ.get("CDP_WRITE_DOCS"):
        page.write_text(f"{before}{_BEGIN}{table}\n{_END}{after}", encoding="utf-8")
        (DOCS / "identity-nights.svg").write_text(picture, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == f"{before}{_BEGIN}{table}\n{_END}{after}"
    assert (DOCS / "identity-nights.svg").read_text(encoding="utf-8") == picture
