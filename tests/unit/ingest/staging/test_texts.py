from __future__ import annotations

from hashlib import sha256

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark.ingest.staging.texts import hash_keys, row_maps, row_texts, sha256_hex
from cdp_spark.normalise.hashing import canonical_json, content_hash, hash_key

_TEXTS = st.one_of(st.none(), st.text(max_size=8), st.text(st.sampled_from('"\\\n\x00\x1f\x7fä,{}'), max_size=5))
_ROWS = st.lists(st.fixed_dictionaries({"b": _TEXTS, "a": _TEXTS, 'c"\\': _TEXTS}), max_size=8)


@given(_ROWS)
def test_texts_hashes_and_maps_are_those_of_each_row(rows: list[dict[str, str | None]]) -> None:
    table = pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in ("b", "a", 'c"\\')]))
    table = table.slice(len(rows) // 3)
    rows = rows[len(rows) // 3 :]
    texts = row_texts(table)
    filled = [{name: value for name, value in row.items() if value is not None} for row in rows]
    present = np.array([number % 3 > 0 for number in range(len(rows))], dtype=bool)
    maps = row_maps(dict(zip(table.column_names, table.columns, strict=True)), present)

    assert texts.to_pylist() == [canonical_json(row) for row in filled]
    assert sha256_hex(texts).to_pylist() == [content_hash(row) for row in rows]
    assert [None if it is None else dict(it) for it in maps.to_pylist()] == [
        row if it else None for row, it in zip(filled, present, strict=True)
    ]


def test_rows_without_columns() -> None:
    table = pa.Table.from_batches([pa.RecordBatch.from_struct_array(pa.array([{}, {}], pa.struct([])))])

    assert row_texts(table).to_pylist() == ["{}", "{}"]
    assert row_maps({}, np.array([True, False])).to_pylist() == [[], None]


def test_a_hashed_key_keeps_its_parts_apart() -> None:
    pairs = [("a", "bc"), ("ab", "c"), ("a", '"\\'), ("a", None), (None, "a")]
    left, right = (pa.array(part, pa.string()) for part in zip(*pairs, strict=True))

    keys = hash_keys({"source": left, "source_record_id": right}).to_pylist()

    assert keys[0] == sha256(b'{"source":"a","source_record_id":"bc"}').hexdigest()[:32]
    assert keys[:3] == [hash_key(source=source, source_record_id=own) for source, own in pairs[:3]]  # type: ignore[arg-type]
    assert keys[3:] == [None, None]
