"""Which files a path means."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cdp_spark.ingest.reading.files import file_uri, find_files, local_path


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("", ["_k=1.csv", "a b.tsv", "a.csv", "p%20q.json", "ä.txt"]),
        ("*", ["_k=1.csv", "a b.tsv", "a.csv", "in sub.csv", "p%20q.json", "ä.txt"]),
        ("{a,p}*", ["a b.tsv", "a.csv", "p%20q.json"]),
        ("[a-b]?b.tsv", ["a b.tsv"]),
        ("*/*.csv", ["in sub.csv"]),
        ("sub [1]", ["in sub.csv"]),
        ("sub \\[1\\]", ["in sub.csv"]),
        ("a b.tsv", ["a b.tsv"]),
        ("p%20q.json", ["p%20q.json"]),
        ("_hidden.csv", []),
        ("missing", []),
        ("missing/*", []),
    ],
)
def test_a_path_is_a_file_a_folder_or_a_glob(tmp_path: Path, place: str, names: list[str]) -> None:
    folder = tmp_path / "fol der%"
    for name in (
        "a.csv",
        "a b.tsv",
        "ä.txt",
        "p%20q.json",
        "_k=1.csv",
        "_hidden.csv",
        ".hidden.csv",
        "sub [1]/in sub.csv",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()

    assert sorted(file.name for file in find_files(f"{folder}/{place}", {})) == names


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"pathGlobFilter": "*.csv"}, ["a.csv"]),
        ({"recursiveFileLookup": "true"}, ["a.csv", "b.txt", "c.txt"]),
        ({"modifiedBefore": "2020-01-01T00:00:00"}, ["b.txt"]),
        ({"modifiedAfter": "2020-01-01T00:00:00"}, ["a.csv"]),
        ({}, ["a.csv", "b.txt"]),
    ],
)
def test_options_choose_the_files(tmp_path: Path, options: dict[str, str], names: list[str]) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("a.csv", "b.txt", "sub/c.txt"):
        (tmp_path / name).touch()
    os.utime(tmp_path / "b.txt", (0, 0))

    assert [file.name for file in find_files(str(tmp_path), options)] == names


def test_paths_and_uris() -> None:
    assert local_path("crm/a.csv", "/project/") == "/project/crm/a.csv"
    assert local_path("/crm/a b.csv", "/project") == "/crm/a b.csv"
    assert local_path("file:///crm/a%20b.csv", "/project") == "/crm/a b.csv"
    assert local_path("s3://bucket/a.csv", "/project") is None
    assert file_uri(Path("/crm/a b%.csv")) == "file:/crm/a%20b%25.csv"
