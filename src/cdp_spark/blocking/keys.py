"""A record's blocking keys as Column expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.blocking.slots import MAX_TOKENS, Slot
from cdp_spark.keys import NO_KEY, keys_of_lists, pack_keys, unpack_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.match import BlockingKey, KeyTransform


def with_block_keys(features: DataFrame, slots: tuple[Slot, ...]) -> DataFrame:
    """Add `block_keys`, an array of 64-bit key hashes, one for each slot.

    Args:
        features: one row per record_key with the columns that the slots name, in match form.
        slots: the layout of the array.
    """
    return features.withColumn(c.BLOCK_KEYS, F.array(*[slot_key_expr(slot) for slot in slots]))


def packed_keys_expr(slots: int) -> Column:
    """`block_keys` as bytes, for a table: a file holds and a reader takes them in one piece."""

    @F.arrow_udf("binary")  # type: ignore[attr-defined,untyped-decorator] # Spark's stubs lack it
    def pack(lists: pa.Array) -> pa.Array:
        return pack_keys(keys_of_lists(lists, slots))

    return cast("Column", pack(F.col(c.BLOCK_KEYS)).alias(c.BLOCK_KEYS))


def unpacked_keys_expr(slots: int) -> Column:
    """What `packed_keys_expr` packed, as an array again."""

    @F.arrow_udf("array<bigint>")  # type: ignore[attr-defined,untyped-decorator] # Spark's stubs lack it
    def unpack(packed: pa.Array) -> pa.Array:
        keys = unpack_keys(packed, slots)
        return pa.ListArray.from_arrays(pa.array(np.arange(len(keys) + 1) * slots, pa.int32()), pa.array(keys.ravel()))

    return cast("Column", unpack(F.col(c.BLOCK_KEYS)).alias(c.BLOCK_KEYS))


def slot_key_expr(slot: Slot) -> Column:
    """The slot's key: a hash of the rule and its parts, or `NO_KEY` where a part is null or empty."""
    parts = [part_expr(key, slot.token) for key in slot.keys]
    complete = F.lit(True)
    for part in parts:
        complete = complete & (F.coalesce(part, F.lit("")) != "")
    kind = f"{slot.rule}{'s' if slot.splits is not None else ''}"
    return F.when(complete, F.xxhash64(F.lit(kind), *parts)).otherwise(F.lit(NO_KEY))


def part_expr(key: BlockingKey, token: int | None = None) -> Column:
    """One part of a key: the column's value, coarsened."""
    if key.transform == "minhash":
        return _minhash_expr(F.col(key.column), token or 0)
    if key.transform == "tokens":
        return F.get(_long_words_expr(F.col(key.column)), F.lit(token or 0))["word"]
    return _TRANSFORMS[key.transform](F.col(key.column), key.length)


def _long_words_expr(text: Column) -> Column:
    """The longest words of a text, or elements of a list, as structs with the field `word`: long ones are rare."""
    words = F.array_distinct(F.split(text, "[ \n]"))
    ranked = F.transform(words, lambda word: F.struct((-F.length(word)).alias("rank"), word.alias("word")))
    return F.slice(F.array_sort(ranked), 1, MAX_TOKENS)


_PIECE = 3
"""Letters of a piece of text; shorter texts have no key."""


def _minhash_expr(text: Column, band: int) -> Column:
    """Two minima of hashes of a text's three-letter pieces (Broder 1997).

    The chance that two texts share the key is their Jaccard similarity squared (Leskovec, Rajaraman & Ullman, ch. 3.4).
    Of eight keys, texts with half their pieces in common share one nine times in ten, those with a tenth in
    common one time in thirteen.
    """
    pieces = F.transform(
        F.sequence(F.lit(1), F.length(text) - (_PIECE - 1)), lambda at: F.substr(text, at, F.lit(_PIECE))
    )
    minima = [F.array_min(F.transform(pieces, _hash_with(2 * band + row))).cast("string") for row in range(2)]
    return F.when(F.length(text) >= _PIECE, F.concat_ws(" ", F.lit(str(band)), *minima))


def _hash_with(seed: int) -> Callable[[Column], Column]:
    return lambda piece: F.xxhash64(F.lit(seed), piece)


_TRANSFORMS: dict[KeyTransform, Callable[[Column, int], Column]] = {
    "exact": lambda value, _: value,
    "prefix": lambda value, length: F.substring(value, 1, length),
    "suffix": lambda value, length: F.when(F.length(value) >= length, F.right(value, F.lit(length))),
    "phonetic": lambda value, _: F.soundex(value),
    "initial": lambda value, _: F.substring(value, 1, 1),
    "year": lambda value, _: F.substring(value, 1, 4),
    "first_word": lambda value, _: F.substring_index(value, " ", 1),
    "last_word": lambda value, _: F.substring_index(value, " ", -1),
}
