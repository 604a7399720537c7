"""Keys of visitors, whom an event's identifiers show: a hash of these in order of their types."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.normalise.batches import encode, map_distinct
from cdp_spark.normalise.hashing import KEY_LENGTH, sha256

_TO_ESCAPE = r'["\\\\\x00-\x1f]'
_SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_ESCAPES = str.maketrans({**{chr(it): f"\\u{it:04X}" for it in range(32)}, **_SHORT})
"""Signs as Spark's `to_json` writes them."""


def identifier_sets(identifiers: pa.MapArray) -> pa.Array:
    """Write each row's identifiers as one text, equal for equal sets: `{"cookie_id":"c1","user_id":"u1"}`.

    Args:
        identifiers: maps of type to value.
    Returns: null where there are none; as `tables.hashing.identifier_set_expr` has Spark write them.
    """
    offsets = identifiers.offsets.to_numpy()
    start, sizes = int(offsets[0]), np.diff(offsets)
    types, values = (it.slice(start, int(offsets[-1]) - start) for it in (identifiers.keys, identifiers.items))
    codes = encode(types)
    names = codes.dictionary.to_pylist()
    rank = np.argsort(np.argsort(np.array(names, dtype=object))) if names else np.zeros(0, np.int64)
    place = np.repeat(np.arange(len(sizes)), sizes) * (len(names) + 1) + rank[np.asarray(codes.indices)]
    if np.any(place[1:] <= place[:-1]):
        order = pa.array(np.argsort(place, kind="stable"))
        types, values = types.take(order), values.take(order)
    entries = pc.binary_join_element_wise(_quoted(types), _quoted(values), ":")
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets - start), entries), ",")
    return pc.if_else(pa.array(sizes > 0), pc.binary_join_element_wise("{", joined, "}", ""), None)


def visitor_keys(sets: pa.Array) -> pa.Array:
    """Return the key of the visitor of each set of identifiers; null where there is none."""
    return map_distinct(sets, _visitor_key)


def _visitor_key(identifier_set: str) -> str:
    return sha256(f'{{"kind":"visitor","identifiers":"{identifier_set.translate(_ESCAPES)}"}}')[:KEY_LENGTH]


def _quoted(texts: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring_regex(texts, _TO_ESCAPE), min_count=0).as_py():
        texts = map_distinct(texts, lambda text: text.translate(_ESCAPES))
    return pc.binary_join_element_wise('"', texts, '"', "")
