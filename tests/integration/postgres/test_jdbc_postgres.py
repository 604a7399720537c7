"""A JDBC source read from a real PostgreSQL, with the driver that the project's Spark settings name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from tests.integration.postgres.server import Server, any_server

from cdp_spark.config.authoring.starter import write_starter
from cdp_spark.tables.catalog import REJECTED_ROWS, SOURCE_DELIVERIES, SOURCE_RECORDS
from cdp_spark.tables.store import Store

DRIVER = "org.postgresql:postgresql:42.7.7"
_SOURCE = """\
name: shop
kind: records
format: jdbc
options:
  url: {url}
  {what}
  user: ${{SHOP_USER}}
  password: ${{SHOP_PASSWORD}}
key: id
observed_at: changed_at
columns: {{full_name: name, email: mail, birth_date: born, phone: phone}}
attributes: {{balance: balance, loyalty_tier: "Tier, as said"}}
max_rejected_share: 0.5
"""
_TABLE = """
drop table if exists cdp_people;
create table cdp_people (
  id bigint, name text, mail varchar(80), born date, phone char(16), balance numeric(12,2),
  "Tier, as said" text, changed_at timestamptz, seen_at timestamp, picture bytea, tags text[], is_member boolean
);
insert into cdp_people values
  (9007199254740993, 'Zoë "Z" O''Neil', 'zoe@x.org', '1980-02-29', '+4930123456', 1234.50, 'gold',
   '2026-05-01 12:00:00+02', '2026-05-01 12:00:00.123456', '\\x00ff', array['a','b'], true),
  (2, E'two\\nlines', null, null, null, null, '', '2026-05-02 00:00:00+00', null, null, null, false),
  (null, 'No key', 'no@x.org', null, null, 0, null, '2026-05-02 00:00:00+00', null, null, null, null);
"""


def write_project(folder: Path, server: Server, what: str) -> None:
    if not folder.exists():
        write_starter(folder)
        (folder / "sources" / "customers.yaml").unlink()
        settings = folder / "project.yaml"
        settings.write_text(f"{settings.read_text()}\nspark: {{spark.jars.packages: '{DRIVER}'}}\n")
    (folder / "sources" / "shop.yaml").write_text(_SOURCE.format(url=server.jdbc_url, what=what), encoding="utf-8")


def ingest(folder: Path, server: Server, *, password: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SHOP_USER": server.user, "SHOP_PASSWORD": password}
    start = [sys.executable, "-c", "from cdp_spark.cli.main import main; main()"]
    command = [*start, "run", "--from", "ingest", "--to", "ingest", "--json", "--project", str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
    if "could not be fetched from Maven" in done.stderr:
        pytest.skip(f"the driver {DRIVER} is not in Ivy's cache and could not be fetched")
    return done


def figures(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    metrics = json.loads(done.stdout)["metrics"]
    return {name.removeprefix("shop.rows_"): count for name, count in metrics.items() if ".rows_" in name and count}


@pytest.mark.postgres
def test_a_table_and_a_query_of_a_database(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    store = Store(spark, str(folder / "warehouse"))
    with any_server() as server:
        server.execute(_TABLE)
        write_project(folder, server, "dbtable: cdp_people")
        first = figures(ingest(folder, server, password=server.password))
        assert first == {"delivered": 3, "rejected": 1, "new": 2}
        rows = {row.source_record_id: row for row in store.read(SOURCE_RECORDS).collect()}
        assert rows["9007199254740993"].row == {
            "id": "9007199254740993",
            "name": 'Zoë "Z" O\'Neil',
            "mail": "zoe@x.org",
            "born": "1980-02-29",
            "phone": "+4930123456     ",
            "balance": "1234.50",
            "Tier, as said": "gold",
            "changed_at": "2026-05-01T10:00:00Z",
            "seen_at": "2026-05-01T12:00:00.123456Z",
            "picture": "AP8=",
            "tags": '["a","b"]',
            "is_member": "true",
        }
        assert set(rows["2"].row) == {"id", "name", "Tier, as said", "changed_at", "is_member"}
        assert [row.reason for row in store.read(REJECTED_ROWS).collect()] == ["null_key"]
        [delivery] = store.read(SOURCE_DELIVERIES).collect()
        assert delivery.columns["balance"] == "decimal(12,2)"

        server.execute("update cdp_people set mail = 'two@x.org', changed_at = '2026-06-01' where id = 2")
        query = "query: select * from cdp_people where id is not null"
        write_project(folder, server, query)
        second = figures(ingest(folder, server, password=server.password))
        assert second == {"delivered": 2, "new": 1, "unchanged": 1}

        refused = ingest(folder, server, password="a-wrong-password")
        server.execute("drop table cdp_people")
    assert refused.returncode == 4
    assert "source shop: got a delivery that cannot be read as jdbc (FAILED_JDBC.CONNECTION)" in refused.stderr
    assert "wrong-password" not in refused.stderr + refused.stdout
