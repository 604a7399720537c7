"""An erasure that kills itself with SIGKILL after a number of tables.

Usage: python -m tests.integration.killed.killed_erasure PROJECT WAREHOUSE UNIFIED_ID TABLES
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from tests.integration.small_project import open_small_store

from cdp_spark.config.load import load_project
from cdp_spark.privacy import erase as erasing
from cdp_spark.privacy.people.requests import Request
from cdp_spark.runs.runner import erase
from cdp_spark.tables.actions.removal import Matching, delete_matching
from cdp_spark.tables.spec import TableSpec
from cdp_spark.tables.store import Store


def request_of(unified_id: str) -> Request:
    return Request((unified_id,), "kim", "request 7", datetime(2026, 3, 2, tzinfo=UTC))


def main(folder: str, warehouse: str, unified_id: str, tables: str) -> None:
    """Run until killed."""
    store, left = open_small_store(warehouse), [int(tables)]

    def die_at_last(store: Store, spec: TableSpec, matching: Matching) -> None:
        delete_matching(store, spec, matching)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    with patch.object(erasing, "delete_matching", die_at_last):
        erase(store, load_project(Path(folder)), request_of(unified_id))


if __name__ == "__main__":
    main(*sys.argv[1:])
