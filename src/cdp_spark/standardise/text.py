"""Text, cleaned for people to read."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark.text import null_if_empty_expr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

_STABLE_LETTERS = (
    "\u00c0-\u0131\u0134-\u013e\u0141-\u0148\u014a-\u017e\u0180-\u01c3\u01cd-\u01f0\u01f4-\u024f"
    "\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03ce\u0400-\u0482\u048a-\u052f\u4e00-\u9fff\uac00-\ud7a3"
)
NOT_PLAIN = f"[^ -~{_STABLE_LETTERS}]|  "
"""What `clean_text` might change beyond trimming: anything but letters that NFKC keeps, and double spaces."""


WHITE_SPACE = " \t\r\n\u00a0\u200b\ufeff"
"""What stands around a value without being part of it."""


_AROUND_WORDS = ".,#;"


def clean_text(value: str) -> str:
    """Unicode NFKC, no control or zero-width characters, single spaces, none at the ends."""
    visible = "".join(_visible(character) for character in value) if not value.isascii() else value
    spaced = unicodedata.normalize("NFKC", visible).translate(_CONTROLS)
    return " ".join(spaced.split())


def _visible(character: str) -> str:
    return "" if unicodedata.category(character) == "Cf" else character


_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), " ")


@F.arrow_udf(T.ArrayType(T.StringType()))  # type: ignore[attr-defined,untyped-decorator] # Spark's stubs lack it
def _clean_texts(rows: pa.Array) -> pa.Array:
    cleaned = [row and [text and clean_text(text) for text in row] for row in rows.to_pylist()]
    return pa.array(cleaned, pa.list_(pa.string()))


def cleaned_texts_expr(names: Sequence[str]) -> Column:
    """The row's cleaned texts in an array, or null where every text is plain and trimming is enough.

    Only rows with a text that is not plain travel to Python; one pattern over all of a row's texts finds them.
    """
    is_dirty = F.concat_ws("|", *names).rlike(NOT_PLAIN)
    found: Column = _clean_texts(F.when(is_dirty, F.array(*names)))
    return found


def with_clean_texts(df: DataFrame, names: Sequence[str], *, cleaned: str) -> DataFrame:
    """Put cleaned texts in their columns' place; a blank one becomes null.

    Args:
        df: rows with the named string columns.
        names: as given to `cleaned_texts_expr`.
        cleaned: the column with its result.
    """
    texts = {name: F.coalesce(F.col(cleaned)[at], F.trim(name)) for at, name in enumerate(names)}
    return df.withColumns({name: null_if_empty_expr(text) for name, text in texts.items()})


def display_case_expr(text: Column) -> Column:
    """Give words capitals where the text is ALL CAPITALS or all lower; a text in mixed case is left alone."""
    return F.when(is_caseless_expr(text), capitalised_expr(text)).otherwise(text)


def is_caseless_expr(text: Column) -> Column:
    """True where the case of the letters says nothing."""
    return (text == F.lower(text)) | (text == F.upper(text))


def capitalised_expr(text: Column) -> Column:
    """`jean-luc o'brien` → `Jean-Luc O'Brien`."""
    spaced = F.replace(F.replace(text, F.lit("-"), F.lit("-\u0001 ")), F.lit("'"), F.lit("'\u0001 "))
    return F.replace(F.initcap(spaced), F.lit("\u0001 "), F.lit(""))


def without_float_tail_expr(text: Column) -> Column:
    """`80331.0` → `80331`: what is left of an integer that passed through a spreadsheet or a data frame."""
    return F.when(text.endswith(".0") & text.rlike(r"^\d+\.0$"), F.substring_index(text, ".", 1)).otherwise(text)


def alphanumeric_expr(text: Column) -> Column:
    """Letters and digits only, upper-case; null where nothing is left."""
    return null_if_empty_expr(F.upper(F.regexp_replace(text, r"[^\p{L}\p{N}\p{M}]+", "")))


def first_word_expr(text: Column) -> Column:
    """The first word, lower-case, without punctuation around it: what to look up before trying a costly pattern."""
    return F.lower(F.btrim(F.substring_index(text, " ", 1), F.lit(_AROUND_WORDS)))


def last_word_expr(text: Column) -> Column:
    """The last word, as in `first_word_expr`."""
    return F.lower(F.btrim(F.substring_index(text, " ", -1), F.lit(_AROUND_WORDS)))
