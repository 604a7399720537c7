"""Write a source's batches to its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cdp_spark.demo.files.lines import (
    malformed_lines,
    parquet_bytes,
    shuffled_in,
    text_bytes,
    text_lines,
    unclosed_quote_lines,
)
from cdp_spark.demo.words import stream, take

if TYPE_CHECKING:
    from pathlib import Path

    from cdp_spark.demo.files.delivery import Batch, Source
    from cdp_spark.demo.world import World

_BROKEN_FILE_ROWS = 6


def write_source(world: World, source: Source, batches: list[Batch], out: Path) -> int:
    """Write a source's files.

    Args:
        world: rates and seed.
        source: its format.
        batches: one a file.
        out: the folder of all sources; the source's own folder is made in it.
    Returns: malformed lines written.
    """
    folder = out / source.name
    folder.mkdir(parents=True, exist_ok=True)
    malformed = sum(_write_batch(world, source, batch, folder) for batch in batches)
    return malformed + (_write_unclosed_quote(source, batches[0], folder) if source.has_unclosed_quote else 0)


def _write_batch(world: World, source: Source, batch: Batch, folder: Path) -> int:
    path = folder / f"{batch.file}{source.form.suffix}"
    if source.form.kind == "parquet":
        path.write_bytes(parquet_bytes(batch.columns))
        return 0
    rng = stream(world.seed, source.name, batch.file, "malformed")
    chosen = rng.permutation(len(batch.entity))[: _malformed_count(len(batch.entity), world)]
    bad = malformed_lines(take(batch.columns, np.sort(chosen)), source.form, key=source.key, time=source.time)
    lines = shuffled_in(rng, text_lines(batch.columns, source.form), bad)
    path.write_bytes(text_bytes(lines, batch.columns, source.form))
    return len(bad)


def _malformed_count(rows: int, world: World) -> int:
    """Share of a file's rows; a file of a hundred rows has all four defects."""
    return max(round(rows * world.rates.delivery.malformed), 4 if rows >= 100 else 0)


def _write_unclosed_quote(source: Source, batch: Batch, folder: Path) -> int:
    few = take(batch.columns, np.arange(min(_BROKEN_FILE_ROWS, len(batch.entity))))
    lines = unclosed_quote_lines(few, source.form)
    (folder / f"{batch.file}_broken{source.form.suffix}").write_bytes(text_bytes(lines, few, source.form))
    return 1
