"""Every size that decides where something runs, with its reason."""

from __future__ import annotations

IN_PROCESS_BYTES = 400_000_000
"""Bytes of files that `cdp resolve` reads into this process: their texts take some five times as much in memory."""
IN_PROCESS_RECORDS = 1_000_000
"""Records that `cdp resolve` matches in this process: half of them fit 8 GiB with room to spare."""
INGEST_IN_PROCESS_BYTES = 250_000_000
"""Bytes of files that ingest reads into the driver: a million records, which take it some ten seconds and 1 GB."""
PART_BYTES = 64_000_000
"""Bytes of a file of lines that one task reads: seconds of work, beside which starting the task is nothing."""
