"""Every size that decides where something runs, with its reason."""

from __future__ import annotations

IN_PROCESS_BYTES = 400_000_000
"""Bytes of files that `cdp resolve` reads into this process: their texts take some five times as much in memory."""
IN_PROCESS_RECORDS = 1_000_000
"""Records that `cdp resolve` matches in this process: half of them fit 8 GiB with room to spare."""
