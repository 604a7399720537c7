"""Operations: runs, their figures, releases and deliveries."""

from __future__ import annotations

from cdp_spark.tables.spec import TableKind, TableSpec, columns

RUNS = TableSpec(
    name="runs",
    grain="a state that a run's stage reached; the stage `run` is the run itself",
    schema=columns(
        run_id="string!",
        stage="string!",
        status="string!",
        at_utc="timestamp!",
        ordinal="long!",
        as_of_utc="timestamp!",
        config_hash="string!",
        seconds="double",
        detail="string",
        warnings="strings",
        versions="long_map",
        metrics="double_map",
    ),
    keys=("run_id", "stage", "status"),
    kind=TableKind.APPEND,
    constraints={"known_status": "status IN ('started', 'finished', 'failed', 'refused')"},
)

RUN_METRICS = TableSpec(
    name="run_metrics",
    grain="a figure of a run",
    schema=columns(run_id="string!", name="string!", metric="double!", stage="string!"),
    keys=("run_id", "name"),
    kind=TableKind.APPEND,
)

DATA_QUALITY = TableSpec(
    name="data_quality",
    grain="a measure of a source, or of a field of its current rows, in a run",
    schema=columns(
        run_id="string!",
        ordinal="long!",
        at_utc="timestamp!",
        source="string!",
        field="string",
        measure="string!",
        value="double!",
    ),
    keys=("run_id", "source", "field", "measure"),
    kind=TableKind.APPEND,
)

RELEASES = TableSpec(
    name="releases",
    grain="a published set of table versions",
    schema=columns(
        release="long!",
        run_id="string!",
        published_at_utc="timestamp!",
        status="string!",
        versions="long_map!",
        restored_release="long",
        reason="string",
    ),
    keys=("release",),
    kind=TableKind.APPEND,
    constraints={"known_status": "status IN ('published', 'expired')"},
)

DELIVERIES = TableSpec(
    name="deliveries",
    grain="what a destination got of a release, in counts",
    schema=columns(
        destination="string!",
        idempotency_key="string!",
        release="long!",
        segment="string!",
        status="string!",
        row_count="long!",
        withheld_count="long!",
        withheld_by="long_map!",
        location="string",
        delivered_at_utc="timestamp!",
        run_id="string!",
    ),
    keys=("destination", "idempotency_key"),
    kind=TableKind.APPEND,
)
