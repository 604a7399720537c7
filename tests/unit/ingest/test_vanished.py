from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cdp_spark.config.source import SourceConfig
from cdp_spark.ingest.stage import run
from cdp_spark.standardise.stage import find_outdated, snapshot_sources
from cdp_spark.tables.catalog import SOURCE_RECORDS
from cdp_spark.tables.run import RunContext


@pytest.mark.parametrize(("delivery", "left"), [("increment", ["1", "2"]), ("snapshot", ["2"])])
def test_a_source_that_vanishes_deletes_nothing_and_one_that_shrinks_only_from_a_snapshot(
    tmp_path: Path,
    make_context: Callable[..., RunContext],
    source: Callable[..., SourceConfig],
    delivery: str,
    left: list[str],
) -> None:
    crm = source("people", delivery=delivery, on_empty="warn")
    file = tmp_path / "crm.csv"
    file.write_text("id,name,email\n1,Ann,a\n2,Bob,b\n")
    context = make_context(crm)
    run(context)

    file.unlink()
    assert "no source delivered a row" in run(make_context(crm, run=2)).detail
    assert _current_ids(context) == ["1", "2"]

    file.write_text("id,name,email\n2,Bob,b\n")
    run(make_context(crm, run=3))
    assert _current_ids(context) == left


def _current_ids(context: RunContext) -> list[str]:
    records = context.store.read(SOURCE_RECORDS)
    outdated = find_outdated(context.store, sources=snapshot_sources(context.project)).rows
    ids = records.select("source_record_id").subtract(outdated.select("source_record_id"))
    return sorted(row[0] for row in ids.collect())
