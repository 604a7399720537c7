r"""Patterns of `like` as regular expressions that are never tried again.

Spark makes `.*a.*a.*a.*` of `%a%a%a%` and tries every place of each `a`: with ten of them, a text of some hundred
letters keeps it busy for years. It is enough to take each text between two `%` where it first occurs, as that leaves
most of the text to the next one; an atomic group says so. Java and Python read these expressions alike; but not `\z`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_PART = re.compile(r"\\(.)|(%+)|(_)|([^\\%_]+)", re.DOTALL)


def like_regex(pattern: str) -> str:
    """Write a pattern of `like` as a regular expression over the whole text.

    Args:
        pattern: `%` for any text, `_` for one character, each itself after a backslash.
    """
    return texts_in_order(_fixed_texts(pattern))


def texts_in_order(texts: Sequence[str]) -> str:
    """Write a regular expression of a whole text that begins with the first, ends with the last and has all in order.

    Args:
        texts: regular expressions, each of which takes as many characters wherever it is found.
    """
    if len(texts) == 1:
        return rf"(?s)\A{texts[0]}(?!.)"
    first, *middle, last = texts
    return rf"(?s)\A{first}{''.join(f'(?>.*?{text})' for text in middle)}.*{last}(?!.)"


def _fixed_texts(pattern: str) -> list[str]:
    texts = [""]
    for escaped, any_text, any_character, literal in _PART.findall(pattern):
        if any_text:
            texts.append("")
        else:
            texts[-1] += "." if any_character else re.escape(escaped or literal)
    return texts
