"""Identifiers on the list do not come back, whatever kind of row holds them, and are stored nowhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests.unit.ingest.conftest import MakeContext

from cdp_spark.config.project import SuppressionKey
from cdp_spark.config.source import SourceConfig
from cdp_spark.errors import ConfigError, DataError, StateError
from cdp_spark.ingest.stage import run
from cdp_spark.ingest.suppression.frames import holds_listed_expr, is_listed_expr
from cdp_spark.ingest.suppression.listed import Listed
from cdp_spark.ingest.suppression.register import (
    Entry,
    add_suppressions,
    list_identifiers,
)
from cdp_spark.normalise.keyed_hashing import SOURCE_RECORD, keyed_hash
from cdp_spark.tables.catalog import CONSENTS, REJECTED_ROWS, SOURCE_EVENTS, SOURCE_RECORDS, SUPPRESSIONS
from cdp_spark.tables.run import RunContext
from cdp_spark.tables.suppressions import read_suppression_list

Make = Callable[..., SourceConfig]
KEY = SuppressionKey(secret_key="0123456789abcdef-not-shown")
NOW = datetime(2026, 10, 1, tzinfo=UTC)


ENTRY = Entry("kim", "asked by letter", NOW)


def keyed(context: RunContext, suppression: SuppressionKey | None = KEY) -> RunContext:
    settings = context.project.settings.model_copy(update={"suppression": suppression})
    project = context.project.model_copy(update={"settings": settings})
    return RunContext(context.store, project, context.run_id, context.ordinal, context.as_of)


def test_a_hash_needs_the_key_and_tells_types_apart() -> None:
    assert keyed_hash("email", "a@x.org", key=b"1") != keyed_hash("email", "a@x.org", key=b"2")
    assert keyed_hash("email", "7", key=b"1") != keyed_hash("phone", "7", key=b"1")


def test_listed_persons_are_counted_and_stored_nowhere(
    spark: SparkSession, make_context: MakeContext, source: Make, tmp_path: Path
) -> None:
    (tmp_path / "crm.csv").write_text(
        "id,name,email\n1,Ann,ANN@x.org \n2,Bob,bob@x.org\n,Ann,ann@x.org\n4,Ann,ann@x.org,too,many\n,Cy,cy@x.org\n"
        "5,A,mailto:ann%40x.org\n6,A,<ann@x.org>.\n7,A,bob@y.org; ann@x.org\n8,A,\uff41nn\uff20x.org\u200b\n"
    )
    visits = [
        {"id": "1", "type": "view", "at": "2026-10-01", "email": "ann@x.org"},
        {"id": "2", "type": "view", "at": "2026-10-01", "cookie": "c-1", "email": "x@x.org"},
        {"id": "3", "type": "view", "at": "2026-10-01", "cookie": "c-9"},
        {"id": "4", "type": "view", "at": "2026-10-01", "cookie": "c-8", "email": '["ann@x.org"]'},
    ]
    (tmp_path / "web.jsonl").write_text("".join(json.dumps(visit) + "\n" for visit in visits))
    (tmp_path / "preferences.csv").write_text(
        "contact,purpose,status,at,form\n[Ann@x.org],mail,yes,2026-10-01,f\nbob@x.org,mail,no,2026-10-01,f\n"
    )
    context = keyed(make_context(source("people"), source("visits"), source("choices")))
    store = context.store
    assert add_suppressions(store, context.project, "email", ["Ann@X.org"], ENTRY) == 2
    assert add_suppressions(store, context.project, "email", ["ann@x.org "], ENTRY) == 0
    assert add_suppressions(store, context.project, "cookie_id", ["c-1"], ENTRY) == 1
    result = run(context)
    counts = {name: value for name, value in result.metrics.items() if name.endswith(("suppressed", "rows_rejected"))}
    assert counts == {
        "crm.rows_rejected": 1,
        "crm.rows_suppressed": 7,
        "web.rows_rejected": 0,
        "web.rows_suppressed": 3,
        "preferences.rows_rejected": 0,
        "preferences.rows_suppressed": 1,
    }
    assert "11 rows suppressed" in result.detail
    assert [row.source_record_id for row in store.read(SOURCE_RECORDS).collect()] == ["2"]
    assert [row.identifiers for row in store.read(SOURCE_EVENTS).collect()] == [{"cookie_id": "c-9"}]
    assert store.read(CONSENTS).count() == 1
    everything = [store.read(spec).collect() for spec in (SOURCE_RECORDS, SOURCE_EVENTS, REJECTED_ROWS, SUPPRESSIONS)]
    assert "ann" not in str([[tuple(row) for row in rows] for rows in everything]).lower()


def test_a_source_record_stays_away_whatever_its_row_says(
    make_context: MakeContext, source: Make, tmp_path: Path
) -> None:
    context = keyed(make_context(source("people")))
    (tmp_path / "crm.csv").write_text("id,name,email\n1,Ann,\n2,Bob,\n")
    run(context)
    keys = {row.source_record_id: row.record_key for row in context.store.read(SOURCE_RECORDS).collect()}
    list_identifiers(context.store, KEY, {(SOURCE_RECORD, keys["1"])}, ENTRY)
    (tmp_path / "crm.csv").write_text("id,name,email\n1,Anna,new@x.org\n 1,Ann,,too,many\n2,Robert,\n")
    result = run(replace(context, run_id="run-2", ordinal=2))
    assert (result.metrics["crm.rows_suppressed"], result.metrics["crm.rows_new"]) == (1, 1)
    names = sorted(row.row["name"] for row in context.store.read(SOURCE_RECORDS).collect())
    assert names == ["Ann", "Bob", "Robert"]


def test_the_key_is_in_no_plan(
    spark: SparkSession, make_context: MakeContext, source: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    context = keyed(make_context())
    add_suppressions(context.store, context.project, "email", ["ann@x.org"], ENTRY)
    suppressions = read_suppression_list(context.store, context.project)
    assert suppressions is not None
    rows = spark.createDataFrame(
        [
            ({"email": "ann@x.org"}, None),
            ({"email": "bob@x.org"}, None),
            (None, '{"email": "Ann@x.org"}'),
            (None, None),
        ],
        "row map<string,string>, raw_text string",
    )
    identifiers = spark.createDataFrame([('{"email":"ann@x.org"}',), ('{"cookie_id":"c"}',), (None,)], "text string")
    listed = Listed(suppressions, "US", source("people"))
    marked = rows.select(is_listed_expr(listed).alias("is_listed"))
    held = identifiers.select(holds_listed_expr(F.col("text"), listed).alias("is_held"))
    marked.explain("extended")
    assert "0123456789abcdef" not in capsys.readouterr().out + repr(suppressions) + repr(context.project.settings)
    assert [row.is_listed for row in marked.collect()] == [True, False, True, False]
    assert [row.is_held for row in held.collect()] == [True, False, False]


def test_a_list_without_its_key_stops_the_run(spark: SparkSession, make_context: MakeContext) -> None:
    context = keyed(make_context())
    add_suppressions(context.store, context.project, "user_id", ["u1"], ENTRY)
    others = (
        None,
        SuppressionKey(secret_key="another-key-of-16"),
        SuppressionKey(secret_key=KEY.secret_key, key_id="k2"),
    )
    for suppression in others:
        other = keyed(context, suppression)
        with pytest.raises(StateError, match=r"entries of key k1-[0-9a-f]{16}, which the project does not have"):
            run(other)
        if suppression is not None:
            with pytest.raises(StateError, match="entries of key k1-"):
                add_suppressions(context.store, other.project, "user_id", ["u2"], ENTRY)
    assert read_suppression_list(context.store, context.project) is not None
    context.store.overwrite(SUPPRESSIONS, SUPPRESSIONS.table([]))
    with pytest.raises(StateError, match="table suppressions: got no entry, although some were written"):
        read_suppression_list(context.store, context.project)
    shutil.rmtree(context.store.identifier(SUPPRESSIONS))
    with pytest.raises(StateError, match="table suppressions: got nothing at"):
        read_suppression_list(context.store, context.project)


def test_a_key_or_a_value_that_is_none_is_refused(make_context: MakeContext) -> None:
    context = keyed(make_context())
    with pytest.raises(ConfigError, match="no section `suppression`"):
        add_suppressions(context.store, keyed(context, None).project, "user_id", ["u1"], ENTRY)
    with pytest.raises(ConfigError, match="a key that is too short"):
        add_suppressions(
            context.store, keyed(context, SuppressionKey(secret_key="short")).project, "phone", ["u"], ENTRY
        )
    with pytest.raises(DataError, match="value 2, which is no phone"):
        add_suppressions(context.store, context.project, "phone", ["+12025550123", "Ann"], ENTRY)
