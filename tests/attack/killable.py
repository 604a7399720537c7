"""Do something to a shop's warehouse, for as long as nobody kills this process.

Usage: killable.py PROJECT WAREHOUSE night|rollback|UNIFIED_ID
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from tests.integration.killed.erasure_shop import options_of
from tests.integration.killed.killed_erasure import request_of
from tests.integration.small_project import open_small_store

from cdp_spark.config.load import load_project
from cdp_spark.errors import StateError
from cdp_spark.runs.releases import current_release
from cdp_spark.runs.rollback import roll_back
from cdp_spark.runs.runner import continue_erasures, erase, nightly
from cdp_spark.tables.catalog import ERASURES


def main(folder: str, warehouse: str, what: str) -> None:
    """Do it, or go on with it where an earlier start was killed."""
    store, project = open_small_store(warehouse), load_project(Path(folder))
    if what == "night":
        nightly(store, project, options_of(3))
    elif what == "rollback":
        if current_release(store).restored is None:
            roll_back(store, project, to=1, reason="the second night was wrong", author="kim")
    else:
        with suppress(StateError):  # none was begun
            continue_erasures(store, project)
        if what not in store.fetch(ERASURES)["unified_id"].to_pylist():
            erase(store, project, request_of(what))


if __name__ == "__main__":
    main(*sys.argv[1:])
