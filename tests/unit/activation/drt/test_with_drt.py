"""drt itself takes the project; needs `pip install drt-core`, the extra `drt`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.unit.activation.drt.test_drt import added, crm, gone

from cdp_spark.activation.drt.project import Mark, write_project

pytest.importorskip("drt", reason="drt-core is not installed: pip install 'cdp-spark[drt]'")

TOOLS: dict[str, dict[str, Any]] = {
    "hubspot": {"type": "hubspot", "id_property": "email", "auth": {"type": "bearer", "token_env": "TOKEN"}},
    "salesforce": {
        "type": "salesforce_bulk",
        "object_name": "Contact",
        "external_id_field": "CDP_Id__c",
        "instance_url_env": "SALESFORCE_URL",
        "client_id_env": "SALESFORCE_ID",
        "client_secret_env": "TOKEN",
        "username_env": "SALESFORCE_USER",
        "password_env": "TOKEN",
    },
    "klaviyo": {"type": "klaviyo", "api_key_env": "TOKEN"},
    "sheet": {"type": "google_sheets", "spreadsheet_id": "abc", "credentials_env": "TOKEN"},
    "slack": {"type": "slack", "webhook_url_env": "SLACK_URL", "message_template": "{{ row.email }}"},
    "rest": {"type": "rest_api", "url": "https://crm.example.com/people"},
}
ENV = {
    "TOKEN": "t",
    "SALESFORCE_URL": "https://shop.my.salesforce.com",
    "SALESFORCE_ID": "i",
    "SALESFORCE_USER": "u",
    "SLACK_URL": "https://hooks.slack.com/services/x",
}


def drt(folder: Path, *arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "-c", "from drt.cli.main import app; app()", *arguments]
    environment = {**os.environ, **env, "HOME": str(folder)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_drt_reads_every_sync_and_tries_all_of_them_out(tmp_path: Path) -> None:
    destinations = {name: crm(name=name, to=to, left=None, sync={}) for name, to in TOOLS.items()}
    destinations["rest"] = crm(name="rest", to=TOOLS["rest"], sync={"field_mappings": {"given_name": "firstname"}})
    rows = {name: [added("a"), added("b", given_name="Jo"), gone("c")] for name in destinations}
    write_project(tmp_path, Mark(7, "run-7", tuple(destinations)), destinations, rows)
    checked = drt(tmp_path, "validate", env=ENV)
    assert checked.returncode == 0, checked.stdout
    tried = drt(tmp_path, "run", "--dry-run", "--output", "json", env=ENV)
    syncs = json.loads(tried.stdout)["syncs"]
    assert {it["name"]: (it["status"], it["rows_synced"]) for it in syncs} == {
        **dict.fromkeys(TOOLS, ("success", 2)),
        "rest_left": ("success", 1),
    }
