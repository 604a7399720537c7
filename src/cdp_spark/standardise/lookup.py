"""Word lists, and tables of words that travel inside an expression: no join, no broadcast, no Python."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from zlib import crc32

from pyspark.sql import functions as F
from pyspark.sql import types as T

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyspark.sql import Column

_WORDS_PER_BUCKET = 4


def lookup_expr(table: Mapping[str, str], word: Column) -> Column:
    """The table's value for a word, null where it has none.

    Spark scans a map from its start, so the table is cut into small maps that the word's checksum chooses from.
    The tables are one constant: Spark folds it once a query, however many rows there are.

    Args:
        table: word to value.
        word: string column.
    """
    buckets = [{key: table[key] for key in bucket} for bucket in _buckets(table)]
    return F.try_element_at(_bucket_expr(buckets, T.MapType(T.StringType(), T.StringType()), word), word)


def is_listed_expr(listed: Iterable[str], word: Column) -> Column:
    """True where a list has the word; one constant instead of a literal for each of the list's words.

    Args:
        listed: distinct words.
        word: string column.
    """
    return F.array_contains(_bucket_expr(_buckets(listed), T.ArrayType(T.StringType()), word), word)


def _buckets(listed: Iterable[str]) -> list[list[str]]:
    ordered = sorted(listed)
    buckets: list[list[str]] = [[] for _ in range(max(1, len(ordered) // _WORDS_PER_BUCKET))]
    for word in ordered:
        buckets[crc32(word.encode()) % len(buckets)].append(word)
    return buckets


def _bucket_expr(buckets: Sequence[object], kind: T.DataType, word: Column) -> Column:
    constant = F.from_json(F.lit(json.dumps(buckets)), T.ArrayType(kind))
    return F.get(constant, (F.crc32(word.cast("binary")) % len(buckets)).cast("int"))
