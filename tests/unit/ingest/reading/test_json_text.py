from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark.config.source import SourceConfig
from cdp_spark.errors import DataError
from cdp_spark.ingest.reading import json_text

Make = Callable[..., SourceConfig]
Read = Callable[[SourceConfig], Any]


def test_fields_differ_numbers_stay_plain_and_nested_values_are_json(tmp_path: Path, source: Make, read: Read) -> None:
    lines = [
        '{"id": 10000000000, "amount": 12345678.5, "rate": 10000000000.0, "n": {"x": [1, "t"]}, "none": null}',
        '{"a b.c;d": true}',
        "",
        "{}",
        '{"id": 1e3, "amount": 1.50, "rate": 1E-7, "n": {"b": [0.10, {}], "a": null}, "w": "\\ud800"}',
    ]
    with gzip.open(tmp_path / "web.jsonl.gz", "wt") as packed:
        packed.write("\ufeff" + "\n".join(lines) + "\n")

    rows = [dict(sorted(row.items())) for row, _, _ in read(source("visits", path="web.jsonl.gz"))]

    assert sorted(rows, key=str) == [
        {"a b.c;d": "true"},
        {"amount": "1.5", "id": "1000", "n": '{"a":null,"b":[0.1,{}]}', "rate": "0.0000001", "w": "\ufffd"},
        {"amount": "12345678.5", "id": "10000000000", "n": '{"x":[1,"t"]}', "rate": "10000000000"},
        {},
    ]


def test_lines_that_are_no_object_are_refused_with_their_text(tmp_path: Path, source: Make, read: Read) -> None:
    bad = [
        '{"a": 1',
        '["a"]',
        '"a"',
        "null",
        '{"a": 1} more',
        '{"a": 1}{"a": 2}',
        '{"a": 1, "a": 2}',
        '{"a": NaN}',
        "[" * 9999,
    ]
    (tmp_path / "web.jsonl").write_bytes("\n".join(bad).encode() + b'\n{"a": "J\xe9r"}\n')

    assert sorted(read(source("visits")), key=str) == sorted(
        [
            *[(None, line, "malformed_json") for line in bad],
            (None, '{"a": "J\ufffdr"}', "bad_encoding"),
        ],
        key=str,
    )


def test_a_document_a_file(tmp_path: Path, source: Make, read: Read) -> None:
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "list.json").write_text(json.dumps([{"id": 1}, {"id": 2}], indent=2))
    (folder / "single.json").write_text(json.dumps({"id": 3}, indent=2))
    (folder / "none.json").write_text("[]")

    rows = read(source("visits", path="web", options={"multiLine": "true"}))

    assert sorted(rows, key=str) == [
        ({"id": "1"}, None, None),
        ({"id": "2"}, None, None),
        ({"id": "3"}, None, None),
    ]


def test_latin1_when_declared(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "web.jsonl").write_bytes('{"a": "Zoë"}\n'.encode("latin-1"))

    assert read(source("visits", options={"encoding": "ISO-8859-1"})) == [({"a": "Zoë"}, None, None)]


def test_only_objects_without_a_field_are_rows_too(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "web.jsonl").write_text("{}\n{}\r\n\r\n{}")

    assert read(source("visits")) == [({}, None, None)] * 3


def test_a_large_array_on_one_line_is_read_as_it_comes_in(
    tmp_path: Path, source: Make, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_text, "BLOCK_BYTES", 50)
    rows = [{"id": number, "text": '[{,]}"' * (number % 7), "in": {"x": [number]}} for number in range(100)]
    (tmp_path / "web.jsonl").write_text(json.dumps(rows))

    assert read(source("visits")) == [
        ({"id": str(row["id"]), "text": row["text"], "in": f'{{"x":[{row["id"]}]}}'}, None, None) for row in rows
    ]


def test_what_is_no_object_in_an_array_is_refused_alone(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "web.jsonl").write_bytes(
        b'[{"id": 1},\n{"a": 1, "a": 2}, 17, "x", {"a": NaN}, {"b": "\xe9"}]\n[{"id": 2}]'
    )

    assert read(source("visits")) == [
        ({"id": "1"}, None, None),
        ({"id": "2"}, None, None),
        (None, '{"a": 1, "a": 2}', "malformed_json"),
        (None, "17", "malformed_json"),
        (None, '"x"', "malformed_json"),
        (None, '{"a": NaN}', "malformed_json"),
        (None, '{"b": "\ufffd"}', "bad_encoding"),
    ]


@pytest.mark.parametrize("rest", ['{"id": 2', "", '{"id": "a"b"}]', "[" * 9999])
def test_an_array_that_breaks_off_is_refused_whole(tmp_path: Path, source: Make, read: Read, rest: str) -> None:
    (tmp_path / "web.jsonl").write_text(f'[{{"id": 1}},\n{rest}')

    with pytest.raises(DataError, match=r"source web: got JSON that breaks off, or cannot be read, in line 2 at file:"):
        read(source("visits"))


_READABLE = st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd")
"""What stands for bytes that are no text is refused."""


@given(
    rows=st.lists(
        st.dictionaries(st.text(_READABLE, max_size=4), st.text(_READABLE, max_size=9), max_size=3), max_size=9
    ),
    indent=st.sampled_from([None, 1]),
    cut=st.integers(1, 30),
)
def test_every_array_survives(rows: list[dict[str, str]], indent: int | None, cut: int) -> None:
    text = json.dumps(rows, indent=indent, ensure_ascii=False)

    batches = json_text.read_document((text[at : at + cut] for at in range(0, len(text), cut)), "f")

    read = [{n: v for n, v in row.items() if v is not None} for it in batches for row in it.rows.to_pylist()]
    assert read == rows
