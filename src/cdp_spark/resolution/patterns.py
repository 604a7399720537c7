"""The outcomes of a pair's comparisons: as levels, as one number, and as the text that tables hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEVEL_BITS = 4
"""Bits of a pattern that one comparison takes, so 15 comparisons of up to 16 levels fit 64 bits."""
_LEVELS = 1 << LEVEL_BITS
_DIGITS = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


def pack(levels: NDArray[np.int64]) -> NDArray[np.int64]:
    """One 64-bit pattern a pair from its levels, shape (pairs, comparisons) to (pairs,)."""
    shifts = np.arange(levels.shape[1], dtype=np.int64) * LEVEL_BITS
    return np.bitwise_or.reduce(levels << shifts, axis=1) if levels.shape[1] else np.zeros(len(levels), dtype=np.int64)


def unpack(patterns: NDArray[np.int64], comparisons: int) -> NDArray[np.int64]:
    """Levels from packed patterns, shape (pairs,) to (pairs, comparisons)."""
    shifts = np.arange(comparisons, dtype=np.int64) * LEVEL_BITS
    return (patterns[:, np.newaxis] >> shifts) & (_LEVELS - 1)


def as_texts(levels: NDArray[np.int64]) -> pa.Array:
    """A text a pair, one hexadecimal digit a comparison: an eighth of an array's work to pass on and to write.

    Args:
        levels: shape (pairs, comparisons).
    """
    pairs, comparisons = levels.shape
    ends = pa.array(np.arange(pairs + 1, dtype=np.int32) * comparisons)
    digits = np.ascontiguousarray(_DIGITS[levels])
    return pa.StringArray.from_buffers(pairs, ends.buffers()[1], pa.py_buffer(digits))


def from_texts(texts: Sequence[str], comparisons: int) -> NDArray[np.int64]:
    """Levels from what `as_texts` made, shape (pairs, comparisons)."""
    digits = [int(digit, _LEVELS) for text in texts for digit in text]
    return np.array(digits, dtype=np.int64).reshape(-1, comparisons)
