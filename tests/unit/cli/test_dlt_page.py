"""The source of docs/sources-with-dlt.md reads what dlt writes."""

from __future__ import annotations

import json
import re
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from typer.testing import CliRunner

from cdp_spark.cli.main import app
from cdp_spark.config.authoring.starter import write_starter

PAGE = Path(__file__).parents[3] / "docs" / "sources-with-dlt.md"
AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_the_source_of_the_page_reads_what_dlt_writes(tmp_path: Path) -> None:
    [source] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    write_starter(tmp_path / "shop")
    (tmp_path / "shop" / "sources" / "helpdesk.yaml").write_text(textwrap.dedent(source), encoding="utf-8")
    folder = tmp_path / "shop" / "data" / "dlt" / "helpdesk" / "customers"
    folder.mkdir(parents=True)
    rows = {
        "id": pa.array([1, 2]),
        "email": pa.array(["jo@example.com", "mia@example.com"]),
        "updated_at": pa.array([AT, AT], pa.timestamp("us", tz="UTC")),
        "name__first": pa.array(["Jo", "Mia"]),
        "name__last": pa.array(["Novak", "Okafor"]),
        "_dlt_load_id": pa.array(["1795885119.2288413"] * 2),
        "_dlt_id": pa.array(["cGupO86sgfzLlQ", "zf2ogk4NNi/EDQ"]),
    }
    pq.write_table(pa.table(rows), folder / "1795885119.2288413.0265e74e54.parquet")
    call = ["--project", str(tmp_path / "shop"), "validate", "--data", "--json"]
    done = CliRunner().invoke(app, call, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found = {it["source"]: (it["rows read"], it["refused"]) for it in json.loads(done.stdout)["data"]}
    assert found["helpdesk"] == (2, 0)
