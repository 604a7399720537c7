"""Whether all quotes of a text are as they should be: found by their places, without reading the records.

The first quote opens, the second closes, and so on. An opening one stands at the beginning of a value, a closing one at
its end; or, where quotes are doubled, a closing one stands right before an opening one, and the pair is one quote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.ingest.reading.dialect import Dialect

_NEWLINE = ord("\n")


def sound_end(data: bytes, dialect: Dialect) -> int:
    r"""Return the end of the last line that no quote reaches over, where all quotes before it are sound.

    Args:
        data: text in UTF-8 whose lines end in `\n`; it begins outside quotes.
        dialect: how it is written; its delimiter and quote are ASCII.
    Returns: 0 where a quote is not sound, or an escape needs a closer look.
    """
    quote, escape = dialect.quote.encode(), dialect.escape.encode()
    if not quote or quote not in data:
        return len(data)
    if escape and escape != quote and escape in data:
        return 0
    characters = np.frombuffer(data, np.uint8)
    quotes, breaks = np.flatnonzero(characters == quote[0]), np.flatnonzero(characters == _NEWLINE)
    end = len(data)
    if len(quotes) % 2:
        outside = breaks[np.searchsorted(quotes, breaks) % 2 == 0]
        end = int(outside[-1]) + 1 if len(outside) else 0
        quotes = quotes[quotes < end]
    opening, closing = quotes[::2], quotes[1::2]
    if not dialect.multi_line and np.any(np.searchsorted(breaks, opening) != np.searchsorted(breaks, closing)):
        return 0
    ends = (ord(dialect.delimiter), _NEWLINE)
    return end if _are_sound(characters, opening, closing, ends=ends, is_doubled=escape == quote) else 0


def _are_sound(
    characters: NDArray[np.uint8],
    opening: NDArray[np.int64],
    closing: NDArray[np.int64],
    *,
    ends: tuple[int, int],
    is_doubled: bool,
) -> bool:
    padded = np.concatenate([[_NEWLINE], characters, [_NEWLINE]])
    opens, closes = np.isin(padded[opening], ends), np.isin(padded[closing + 2], ends)
    if is_doubled and len(opening):
        pairs = closing[:-1] + 1 == opening[1:]
        opens[1:] |= pairs
        closes[:-1] |= pairs
    return bool(opens.all() and closes.all())
