"""Create an empty Delta table in a folder: one small file, written whole or not at all."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

from cdp_spark.tables.creation import first_commit

if TYPE_CHECKING:
    from pathlib import Path

    from cdp_spark.tables.spec import TableSpec

_FIRST = f"{0:020}.json"


def create_in_folder(spec: TableSpec, folder: Path) -> None:
    """Create the table unless another writer did so meanwhile.

    Raises:
        OSError: the folder cannot be written.
    """
    log = folder / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    table_id = str(uuid.uuid4())
    draft = log / f".{_FIRST}.{table_id}.tmp"
    draft.write_text(first_commit(spec, table_id=table_id, at_ms=time.time_ns() // 1_000_000), encoding="utf-8")
    try:
        (log / _FIRST).hardlink_to(draft)  # which fails where the file is there, as a rename would not
    except FileExistsError:
        pass
    finally:
        draft.unlink()
