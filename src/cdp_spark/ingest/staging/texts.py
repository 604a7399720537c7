"""Rows as canonical JSON texts, hashes and maps, column by column: the row is never a Python object.

The text of a row is what `normalise.hashing.canonical_json` gives for its names and values, nulls left out.
"""

from __future__ import annotations

import hashlib
from json.encoder import encode_basestring
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.normalise.batches import map_distinct
from cdp_spark.normalise.hashing import KEY_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

STRING_MAP = pa.map_(pa.string(), pa.string())
_TO_ESCAPE = r'["\\\x00-\x1f]'
_QUOTE = pa.scalar('"')


def row_texts(rows: pa.Table) -> pa.Array:
    """Write each row as canonical JSON: names in order, nulls left out.

    Args:
        rows: columns of text; no two of one name.
    """
    fields = [_field_texts(name, rows[name]) for name in sorted(rows.column_names)]
    return pc.binary_join_element_wise("{", _join_led(fields, ",", rows.num_rows), "}", "")


def join_filled(values: Sequence[pa.Array], separator: str, count: int) -> pa.Array:
    """Join each row's texts, nulls left out; empty where none is left.

    Args:
        values: any number of columns.
        separator: between two texts.
        count: rows.
    """
    led = [pc.binary_join_element_wise(separator, value, "") for value in values]
    return _join_led(led, separator, count)


def _join_led(values: Sequence[pa.Array], separator: str, count: int) -> pa.Array:
    """Join texts that begin with the separator; Arrow's own way of leaving nulls out drops rows of nulls altogether."""
    if not values:
        return pa.array([""] * count, pa.string())
    joined = pc.binary_join_element_wise(*values, "", null_handling="replace", null_replacement="")
    return pc.utf8_slice_codeunits(joined, len(separator))


def object_texts(parts: Mapping[str, pa.Array | str]) -> pa.Array:
    """Write an object of several named parts as canonical JSON; null where a part is.

    Args:
        parts: a text of every row, or one for all of them.
    """
    pieces: list[pa.Array | str] = []
    for name in sorted(parts):
        part = parts[name]
        value = encode_basestring(part) if isinstance(part, str) else json_strings(part)
        pieces += [f"{',' if pieces else '{'}{encode_basestring(name)}:", value]
    return pc.binary_join_element_wise(*pieces, "}", "")


def json_strings(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Write texts as JSON strings."""
    return pc.binary_join_element_wise(_QUOTE, _escaped(values), _QUOTE, "")


def sha256_hex(texts: pa.Array, *, length: int | None = None) -> pa.Array:
    """Return the SHA-256 of each text, as hexadecimal characters; of a null null."""
    hashed = [None if it is None else hashlib.sha256(it).hexdigest()[:length] for it in _bytes(texts)]
    return pa.array(hashed, pa.string())


def hash_keys(parts: Mapping[str, pa.Array | str]) -> pa.Array:
    """Return what `normalise.hashing.hash_key` gives for each row's parts; null where a part is."""
    return sha256_hex(object_texts(parts), length=KEY_LENGTH)


def row_maps(columns: Mapping[str, pa.Array | pa.ChunkedArray], present: NDArray[np.bool_]) -> pa.Array:
    """Put each row's texts into a map by name, nulls left out.

    Args:
        columns: by name, all of one length.
        present: rows that have a map; of the others it is null.
    """
    count, names = len(present), sorted(columns)
    if not names:
        return _maps(np.zeros(count, np.int64), present, pa.array([], pa.string()), pa.array([], pa.string()))
    values = pa.concat_arrays([chunk for name in names for chunk in _chunks(columns[name])])
    by_row = np.arange(count * len(names)).reshape(len(names), count)[:, present].T.ravel()
    filled = np.asarray(values.is_valid())[by_row]
    taken = by_row[filled]
    sizes = np.bincount(taken % count, minlength=count) if count else np.zeros(0, np.int64)
    keys = pa.array(names, pa.string()).take(pa.array(taken // max(count, 1)))
    return _maps(sizes, present, keys, values.take(pa.array(taken)))


def _maps(sizes: NDArray[np.int64], present: NDArray[np.bool_], keys: pa.Array, values: pa.Array) -> pa.Array:
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    mask = np.concatenate([~present, [False]])
    return pa.MapArray.from_arrays(pa.array(ends, mask=mask), keys, values)


def _field_texts(name: str, values: pa.ChunkedArray) -> pa.Array:
    return pc.binary_join_element_wise(f',{encode_basestring(name)}:"', _escaped(values), _QUOTE, "")


def text_bytes(values: pa.Array | pa.ChunkedArray) -> list[NDArray[np.uint8]]:
    """Return the bytes of texts, chunk by chunk, one after the other: to search them all at once."""
    return [_chunk_bytes(chunk) for chunk in _chunks(values) if len(chunk)]


def _chunk_bytes(texts: pa.Array) -> NDArray[np.uint8]:
    _, ends, data = texts.buffers()
    places = np.frombuffer(ends, np.int32, count=len(texts) + 1, offset=4 * texts.offset)
    if data is None or places[0] == places[-1]:
        return np.zeros(0, np.uint8)
    return np.frombuffer(data, np.uint8, count=int(places[-1] - places[0]), offset=int(places[0]))


def _may_need_escapes(characters: NDArray[np.uint8]) -> bool:
    return bool(np.any(characters < ord(" ")) or np.any(characters == ord('"')) or np.any(characters == ord("\\")))


def _escaped(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if not any(map(_may_need_escapes, text_bytes(values))):
        return values
    needed = pc.match_substring_regex(values, _TO_ESCAPE)
    chosen = pc.if_else(needed, values, None)
    return pc.coalesce(map_distinct(chosen, _escape), values)


def _escape(text: str) -> str:
    return encode_basestring(text)[1:-1]


def _bytes(texts: pa.Array | pa.ChunkedArray) -> Iterable[bytes | None]:
    values: list[bytes | None] = texts.cast(pa.binary()).to_pylist()
    return values


def _chunks(values: pa.Array | pa.ChunkedArray) -> Sequence[pa.Array]:
    if isinstance(values, pa.ChunkedArray):
        return values.chunks or [pa.array([], values.type)]
    return [values]
