from __future__ import annotations

import gzip
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from cdp_spark.config.source import SourceConfig
from cdp_spark.errors import DataError
from cdp_spark.ingest import deliveries, write
from cdp_spark.ingest.stage import run
from cdp_spark.tables.catalog import (
    CONSENTS,
    REJECTED_ROWS,
    SOURCE_DELIVERIES,
    SOURCE_EVENTS,
    SOURCE_RECORDS,
    SOURCE_SNAPSHOTS,
)
from cdp_spark.tables.rows import Rows
from cdp_spark.tables.run import RunContext, StageResult
from cdp_spark.tables.spec import TableSpec
from cdp_spark.tables.store import Store

Make = Callable[..., SourceConfig]
MakeContext = Callable[..., RunContext]

_CRM = [
    "1,Ann,a@x,2026-10-01",
    "1,Ann,a@x,2026-10-01",
    "1,Anna,a@x,2026-10-02",
    ",Nobody,n@x,2026-10-01",
    "2,Bob,b@x,2027-01-01",
    "3,Cy",
    "4,D\x00,d@x,2026-10-01",
]
_WEB = [
    '{"id": 1, "type": "view", "at": "2026-10-31T10:00:00+02:00", "cookie": "c1"}',
    '{"id": 1, "type": "view", "at": "2026-10-31T10:00:00+02:00", "cookie": "c1"}',
    '{"id": 1, "type": "view", "at": "2026-10-30T10:00:00+02:00", "cookie": "c0"}',
    '{"id": 2, "type": "buy", "at": "2026-10-31T10:00:00Z", "email": "a@x", "items": [1]}',
    '{"id": 3, "type": "view", "at": "0001-01-01"}',
    '{"id": 4, "type": "view", "at": "yesterday"}',
    '{"id": 5, "at": "2026-10-31"}',
    '{"type": "view", "at": "2026-10-31"}',
    '{"id": 6',
]
_CHOICES = [
    " A@X.com ,email_marketing,Yes,2026-10-01,form",
    "(650) 253-0000,sms_marketing,withdrawn,2026-10-01,",
    "12,sms_marketing,no,2026-10-01,",
    "b@x.com,email_marketing,maybe,2026-10-01,",
    "b@x.com,email_marketing,no,soon,",
]


def _deliver(folder: Path, *, seed: int | None = None) -> None:
    """Write the three sources; with a seed in another order of rows and several files, and one event changed."""
    shuffle = random.Random(seed).shuffle if seed is not None else lambda _: None
    for name, header, lines in (
        ("crm", "id,name,email,updated\n", _CRM),
        ("web", "", _WEB),
        ("preferences", "contact,purpose,status,at,form\n", _CHOICES),
    ):
        rows = list(lines) if seed is None else [line.replace('"items": [1]', '"items": [2]') for line in lines]
        shuffle(rows)
        parts = [rows] if seed is None else [rows[:3], rows[3:]]
        (folder / name).mkdir(exist_ok=True)
        for number, part in enumerate(parts):
            (folder / name / f"part{number}").write_text(header + "\n".join(part) + "\n")


@pytest.fixture
def sources(source: Make) -> list[SourceConfig]:
    return [
        source("people", path="crm", observed_at={"column": "updated"}),
        source("visits", path="web"),
        source("choices", path="preferences"),
    ]


def _rows(store: Store, spec: TableSpec, *columns: str) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in store.read(spec).select(*columns).collect()), key=str)


def _content(store: Store) -> dict[str, Any]:
    """Every bronze table's rows without where and when they were read."""
    specs = (SOURCE_RECORDS, SOURCE_EVENTS, CONSENTS, REJECTED_ROWS, SOURCE_DELIVERIES)
    return {
        spec.name: _rows(store, spec, *[name for name in spec.schema.names if name != "source_file"]) for spec in specs
    }


@pytest.mark.parametrize("is_small", [True, False])
def test_all_kinds_of_sources_in_one_run(
    tmp_path: Path,
    make_context: MakeContext,
    sources: list[SourceConfig],
    monkeypatch: pytest.MonkeyPatch,
    is_small: bool,
) -> None:
    """Read in this process, or one of them here and the others in Spark's tasks."""
    _deliver(tmp_path)
    if not is_small:
        monkeypatch.setattr(deliveries, "INGEST_IN_PROCESS_BYTES", (tmp_path / "crm" / "part0").stat().st_size)
    context = make_context(*sources)

    result = run(context)

    store = context.store
    assert _rows(store, SOURCE_RECORDS, "source_record_id", "row", "observed_at_utc") == [
        ("1", {"id": "1", "name": "Ann", "email": "a@x", "updated": "2026-10-01"}, _day(1)),
        ("1", {"id": "1", "name": "Anna", "email": "a@x", "updated": "2026-10-02"}, _day(2)),
        ("2", {"id": "2", "name": "Bob", "email": "b@x", "updated": "2027-01-01"}, None),
    ]
    assert _rows(store, SOURCE_EVENTS, "event_type", "identifiers") == [
        ("buy", {"email": "a@x"}),
        ("view", {"cookie_id": "c1"}),
    ]
    assert _rows(store, CONSENTS, "contact_point_type", "contact_point_hash", "purpose", "status", "evidence") == [
        *sorted(
            [
                ("email", _sha("a@x.com"), "email_marketing", "granted", "form"),
                ("email", _sha("b@x.com"), "email_marketing", "denied", None),
            ]
        ),
        ("phone", _sha("+16502530000"), "sms_marketing", "withdrawn", None),
    ]
    assert _rows(store, REJECTED_ROWS, "source", "reason") == [
        ("crm", "column_count"),
        ("crm", "nul_character"),
        ("crm", "null_key"),
        ("preferences", "unreadable_withdrawal"),
        ("preferences", "unreadable_withdrawal"),
        ("web", "bad_time"),
        ("web", "malformed_json"),
        ("web", "null_event_type"),
        ("web", "null_key"),
        ("web", "time_out_of_range"),
    ]
    shown = {name: result.metrics[name] for name in result.metrics if name.startswith("crm.")}
    assert shown == {
        "crm.rows_delivered": 7,
        "crm.rows_new": 3,
        "crm.rows_unchanged": 0,
        "crm.rows_duplicate": 1,
        "crm.rows_rejected": 3,
        "crm.rows_suppressed": 0,
        "crm.rows_conflicting": 0,
        "crm.times_unusable": 1,
        "crm.columns_missing": 0,
        "crm.columns_new": 0,
        "crm.columns_retyped": 0,
        "crm.files_unread": 0,
        "crm.rejected.column_count": 1,
        "crm.rejected.nul_character": 1,
        "crm.rejected.null_key": 1,
    }
    assert result.detail.startswith("21 rows of 3 sources; 2 withdrawals cannot be read (preferences:")
    assert result.detail.endswith("): exports for email_marketing, sms_marketing are held; see `cdp consent list`")
    assert _flow(result, "web") == {"new": 2, "unchanged": 0, "duplicate": 2, "rejected": 5, "suppressed": 0}
    assert result.metrics["web.rows_delivered"] == 9
    assert result.warnings == (
        "source web: 1 row has the event_id (id) of another row and a different content. Only the latest is stored. "
        "If these are different events, add columns to `event_id`.",
    )


@pytest.mark.parametrize("is_small", [True, False])
def test_the_order_of_rows_and_files_and_a_second_delivery_change_nothing(
    tmp_path: Path,
    make_context: MakeContext,
    sources: list[SourceConfig],
    monkeypatch: pytest.MonkeyPatch,
    is_small: bool,
) -> None:
    """Read in this process at first, then here or in Spark's tasks."""
    _deliver(tmp_path)
    first = make_context(*sources)
    run(first)
    before = _content(first.store)

    _deliver(tmp_path, seed=7)
    versions = {spec.name: first.store.version(spec) for spec in (SOURCE_RECORDS, SOURCE_EVENTS, CONSENTS)}
    if not is_small:
        monkeypatch.setattr(deliveries, "INGEST_IN_PROCESS_BYTES", 0)
    result = run(make_context(*sources, run=2))

    assert _content(first.store) == before
    assert [result.metrics[f"{name}.rows_new"] for name in ("crm", "web", "preferences")] == [0, 0, 0]
    assert _flow(result, "crm") == {"new": 0, "unchanged": 3, "duplicate": 1, "rejected": 3, "suppressed": 0}
    assert _flow(result, "web") == {"new": 0, "unchanged": 1, "duplicate": 3, "rejected": 5, "suppressed": 0}
    assert result.warnings[1] == (
        "source web: 1 event came with another content than the warehouse has under the same event_id; the stored "
        "content stays. If these are different events, add columns to `event_id`."
    )
    assert not is_small or versions.items() <= result.versions.items()


def test_a_run_killed_between_its_tables_again_and_again_ends_as_if_it_had_not_been(
    tmp_path: Path,
    make_context: MakeContext,
    sources: list[SourceConfig],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _deliver(tmp_path)
    append = write._append
    for written in (SOURCE_EVENTS, REJECTED_ROWS, SOURCE_DELIVERIES):

        def kill(context: RunContext, spec: TableSpec, rows: Rows, only: TableSpec = written) -> int:
            if spec is not only:
                raise KeyboardInterrupt
            return append(context, spec, rows)

        monkeypatch.setattr(write, "_append", kill)
        with pytest.raises(KeyboardInterrupt):
            run(make_context(*sources))
    monkeypatch.undo()

    context = make_context(*sources)
    metrics = run(context).metrics

    assert {spec.name: context.store.read(spec).count() for spec in (SOURCE_RECORDS, SOURCE_EVENTS, CONSENTS)} == {
        "source_records": 3,
        "source_events": 2,
        "consents": 3,
    }
    assert context.store.read(REJECTED_ROWS).count() == 10
    assert [metrics[f"{name}.rows_new"] for name in ("crm", "web", "preferences")] == [3, 2, 3]


def test_a_refused_delivery_writes_nothing(tmp_path: Path, make_context: MakeContext, source: Make) -> None:
    (tmp_path / "crm.csv").write_text("id,name,email\n,secret,s@x\n1,Ann,a@x\n")
    context = make_context(source("people", max_rejected_share=0.1), source("visits", path="missing"))

    with pytest.raises(DataError) as caught:
        run(context)

    message = str(caught.value)
    assert "source crm: got 1 of 2 rows refused (50.0%): null_key 1" in message
    assert "source web: got an empty source: no rows at missing" in message
    assert "secret" not in message
    assert not context.store.exists(SOURCE_RECORDS)
    assert not context.store.exists(REJECTED_ROWS)


@pytest.mark.parametrize("is_small", [True, False])
def test_the_faults_of_all_sources_are_told_at_once(
    tmp_path: Path, make_context: MakeContext, source: Make, monkeypatch: pytest.MonkeyPatch, is_small: bool
) -> None:
    """Those found when files are opened, when they are read, here or in Spark's tasks, and when they are judged."""
    (tmp_path / "crm.csv").write_text("id,ID\n")
    (tmp_path / "web.jsonl.gz").write_bytes(gzip.compress(b'{"id": "%b"}\n' % (b"x" * 1000) * 3000)[:-9])
    (tmp_path / "preferences.csv").write_text("contact,purpose,status,at\n")
    (tmp_path / "shop.csv").write_text("id,name\n1,Ann\n")
    if not is_small:
        monkeypatch.setattr(deliveries, "INGEST_IN_PROCESS_BYTES", 0)
    shop = source("people", name="shop", path="shop.csv")
    context = make_context(source("people"), source("visits", path="web.jsonl.gz"), source("choices"), shop)

    with pytest.raises(DataError) as caught:
        run(context)

    told = [re.split("; allowed|[.] Fix| The file has", line)[0] for line in str(caught.value).splitlines()]
    assert told == [
        "ingest: got 4 deliveries or parts of them that cannot be used:",
        f"  - source crm, header of {tmp_path}/crm.csv: got the same column twice: 'id' and 'ID'",
        f"  - source web: got a gzip file that ends too early at {tmp_path}/web.jsonl.gz",
        "  - source preferences: got an empty source: no rows at preferences.csv",
        "  - source shop: Column 'email' not found.",
    ]
    assert not context.store.exists(SOURCE_RECORDS)


def test_all_sources_empty_with_a_warning(make_context: MakeContext, source: Make) -> None:
    assert run(make_context(source("people", on_empty="warn"))).detail == "no source delivered a row"


def test_a_snapshot_knows_what_is_gone_and_an_ignored_column_stays_out(
    tmp_path: Path, make_context: MakeContext, source: Make
) -> None:
    crm = source("people", delivery="snapshot", drift={"new": "ignore"})
    (tmp_path / "crm.csv").write_text("id,name,email\n1,Ann,a\n2,Bob,b\n")
    run(make_context(crm))
    (tmp_path / "crm.csv").write_text("id,age,email,name\n2,40,b,Bob\n3,50,c,Cy\n")

    context = make_context(crm, run=2)
    result = run(context)

    assert _rows(context.store, SOURCE_RECORDS, "source_record_id", "row", "run_id") == [
        ("1", {"id": "1", "name": "Ann", "email": "a"}, "run-1"),
        ("2", {"id": "2", "name": "Bob", "email": "b"}, "run-1"),
        ("3", {"id": "3", "name": "Cy", "email": "c"}, "run-2"),
    ]
    assert _rows(context.store, SOURCE_SNAPSHOTS, "source", "source_record_id") == [("crm", "2"), ("crm", "3")]
    assert result.detail == "2 rows of 1 sources; crm: new age"


def _flow(result: StageResult, source: str) -> dict[str, float]:
    """What became of a source's rows."""
    kinds = ("new", "unchanged", "duplicate", "rejected", "suppressed")
    return {kind: result.metrics[f"{source}.rows_{kind}"] for kind in kinds}


def _day(day: int) -> datetime:
    return datetime(2026, 10, day, tzinfo=UTC).astimezone().replace(tzinfo=None)


def _sha(text: str) -> str:
    return sha256(text.encode()).hexdigest()
