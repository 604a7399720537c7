"""What drt 1.2 leaves in its project after a run, written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def drt_ran(folder: Path, *results: dict[str, Any], refused: dict[str, list[dict[str, Any]]] | None = None) -> None:
    """Write the results of a run, and the rows that each sync was refused."""
    defaults = {"status": "success", "rows_failed": 0, "rows_skipped": 0, "dry_run": False, "sync_run_id": "s1"}
    content = {"invocation": {"run_id": "r1"}, "results": [{**defaults, **it} for it in results]}
    path = folder / "target" / "drt" / "run_results.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    for sync, letters in (refused or {}).items():
        queue = folder / ".drt" / "dlq" / f"{sync}.jsonl"
        queue.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps({"error_message": "", "http_status": None, "sync_run_id": "s1", **it}) for it in letters]
        queue.write_text("".join(f"{line}\n" for line in lines))
