"""Column helpers for text that is to be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column

_ACCENTED = "àáâãäåāăąçćčĉċďđèéêëēĕėęěĝğġģĥħìíîïĩīĭįıĵķĺļľŀłñńņňòóôõöøōŏőŕŗřśŝşšșţťŧțùúûüũūŭůűųŵýÿŷźżž"
_PLAIN = "aaaaaaaaacccccddeeeeeeeeegggghhiiiiiiiiijklllllnnnnooooooooorrrsssssttttuuuuuuuuuuwyyyzzz"
_LIGATURES = {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
_PLAIN_WORDS = "^[a-z0-9]+(?: [a-z0-9]+)*$"
_DROPPED = "'`\u2019\u02bc\u00b4"


def match_form_expr(value: Column) -> Column:
    """Lower-case letters and digits of any script, without accents and punctuation; null where nothing is left.

    `José  O'Brien-Müller` becomes `jose obrien muller`. Most values are plain already, and one pattern tells.
    """
    lower = F.lower(value)
    return F.when(lower.rlike(_PLAIN_WORDS), lower).otherwise(_folded_expr(lower))


def _folded_expr(lower: Column) -> Column:
    text = F.translate(lower, _ACCENTED + _DROPPED, _PLAIN)
    for ligature, letters in _LIGATURES.items():
        text = F.replace(text, F.lit(ligature), F.lit(letters))
    words = F.regexp_replace(F.regexp_replace(text, r"\p{M}+", ""), r"[^\p{L}\p{N}]+", " ")
    return null_if_empty_expr(F.trim(words))


def compact_form_expr(value: Column) -> Column:
    """Lower-case letters and digits without anything between them; null where nothing is left."""
    return null_if_empty_expr(F.regexp_replace(F.lower(value), r"[^\p{L}\p{N}]+", ""))


def null_if_empty_expr(value: Column) -> Column:
    """Null instead of an empty text."""
    return F.nullif(value, F.lit(""))
