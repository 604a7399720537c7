"""The first lines of a delivery's files: what is read here is what a job reads."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from cdp_spark.ingest.readers.heads import LINE_BYTES, FileHead, read_heads
from cdp_spark.ingest.readers.local_heads import read_local_heads

MARK = b"\xef\xbb\xbf"
CONTENTS = {
    "empty": b"",
    "one line": b"a,b",
    "ends": b"a\nb\r\nc\rd\n\re\n\n",
    "returns only": b"a\r\rb\r",
    "a mark": MARK + b"a,b\n1,2\n",
    "a mark alone": MARK,
    "a mark and an end": MARK + b"\n",
    "two marks": MARK + MARK + b"a\n",
    "a mark in the second line": b"a\n" + MARK + b"b\n",
    "UTF-16": "a,b\n1,2\n".encode("utf-16"),
    "other bytes": b"\xe4\xf6\xfc\x85\x1c,\x00b\x0c\x0b\n1,2\n",
    "separators of Unicode": "a\u2028b\u2029c\u0085d\n".encode(),
    "many lines": b"".join(b"%d\n" % number for number in range(50)),
    "lines as long as the limit": b"x" * LINE_BYTES + b"\n" + b"y" * (LINE_BYTES + 1) + b"\r\n" + b"z" * LINE_BYTES,
    "a line of three limits": b"x" * (3 * LINE_BYTES) + b"\nlast",
    "a mark before a long line": MARK + b"x" * (LINE_BYTES + 5) + b"\nlast\r",
    "an end across a buffer": b"x" * 8191 + b"\r\n" + b"y" * 8190 + b"\r\nlast",
}
NAMES = (
    "plain.csv",
    "a b.tsv",
    "ä ö 日本.txt",
    "p%20q.json",
    "plus+&=;'.jsonl",
    "tab\tline\n.csv",
    "_k=1.csv",
    "a.b.csv",
)
HIDDEN = ("_hidden.csv", ".hidden.csv")


def by_job(text: DataFrame) -> tuple[FileHead, ...]:
    return read_heads({"s": text})["s"]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_contents_are_read_alike(spark: SparkSession, tmp_path: Path, suffix: str) -> None:
    for number, content in enumerate(CONTENTS.values()):
        data = gzip.compress(content) if suffix.endswith(".gz") else content
        (tmp_path / f"{number:02}{suffix}").write_bytes(data)
    text = spark.read.text(str(tmp_path))
    assert read_local_heads(text) == by_job(text)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.lists(st.text('ab,"\r\n\u00e4\ufeff', max_size=60), min_size=1, max_size=20))
def test_any_contents_are_read_alike(spark: SparkSession, tmp_path: Path, contents: list[str]) -> None:
    folder = tmp_path / str(abs(hash(tuple(contents))))
    folder.mkdir(exist_ok=True)
    for number, content in enumerate(contents):
        (folder / f"{number:02}.csv").write_bytes(content.encode())
    text = spark.read.text(str(folder))
    assert read_local_heads(text) == by_job(text)


@pytest.mark.parametrize("place", ["", "*", "{a,p}*", "sub", "a b.tsv", "tab\tline\n.csv", "p%20q.json", "_hidden.csv"])
def test_paths_are_spelled_alike(spark: SparkSession, tmp_path: Path, place: str) -> None:
    folder = tmp_path / "fol der%"
    for name in (*NAMES, *HIDDEN, "sub/in sub.csv", "_sub/hidden.csv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"a,b\n1,2\n")
    text = spark.read.text(str(folder / place))
    assert read_local_heads(text) == by_job(text)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({"pathGlobFilter": "*.csv"}, 1),
        ({"recursiveFileLookup": "true"}, 3),
        ({"modifiedBefore": "2020-01-01T00:00:00"}, 1),
        ({}, 2),
    ],
)
def test_options_choose_the_files_alike(
    spark: SparkSession, tmp_path: Path, options: dict[str, str], count: int
) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("a.csv", "b.txt", "sub/c.txt"):
        (tmp_path / name).write_bytes(b"a,b\n")
    os.utime(tmp_path / "b.txt", (0, 0))
    text = spark.read.options(**options).text(str(tmp_path))
    heads = read_local_heads(text)
    assert heads == by_job(text)
    assert heads is not None
    assert len(heads) == count


@pytest.mark.parametrize("name", ["a.csv.bz2", "a.csv.GZ", "a", "a.dat"])
def test_other_names_are_left_to_a_job(spark: SparkSession, tmp_path: Path, name: str) -> None:
    (tmp_path / "b.csv").write_bytes(b"a,b\n")
    (tmp_path / name).write_bytes(b"a,b\n")
    assert read_local_heads(spark.read.text(str(tmp_path))) is None


@pytest.mark.parametrize("data", [b"no gzip", gzip.compress(b"a,b\n" * 20)[:-12]], ids=["no gzip", "torn"])
def test_a_broken_file_is_left_to_a_job(spark: SparkSession, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.csv.gz").write_bytes(data)
    assert read_local_heads(spark.read.text(str(tmp_path))) is None


def test_another_machine_s_files_are_left_to_a_job(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\n")
    monkeypatch.setattr("cdp_spark.ingest.readers.local_heads.is_on_this_machine", lambda _: False)
    assert read_local_heads(spark.read.text(str(tmp_path))) is None
