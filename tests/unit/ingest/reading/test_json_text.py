from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cdp_spark.config.source import SourceConfig

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
    (folder / "broken.json").write_text("[{")

    rows = read(source("visits", path="web", options={"multiLine": "true"}))

    assert sorted(rows, key=str) == [
        (None, "[{", "malformed_json"),
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
