"""Which files a path means."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cdp_spark.config.source import SourceConfig
from cdp_spark.ingest.deliveries import find_unread
from cdp_spark.ingest.reading.files import file_uri, find_files, find_unread_files, local_path

Make = Callable[..., SourceConfig]


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


def test_a_glob_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "a.csv").touch()
    monkeypatch.chdir(tmp_path)

    assert find_files("shop/*.csv", {}) == [Path("shop/a.csv")]


def _untidy_folder(folder: Path) -> Path:
    (folder / "below").mkdir(parents=True)
    for name in ("a.csv", ".late.csv", "_old.csv", "notes.pdf", "_SUCCESS", ".a.csv.crc", "below/b.csv"):
        (folder / name).write_text("id\n1\n")
    (folder / "none.csv").touch()
    (folder / "gone.csv").symlink_to(folder / "moved away.csv")
    return folder


def test_what_is_not_read_is_listed_with_the_reason(tmp_path: Path) -> None:
    folder = _untidy_folder(tmp_path / "data")
    hidden, broken, empty = "hidden: the name begins with . or _", "a link to nothing", "empty"
    left_out = {".late.csv": hidden, "_old.csv": hidden, "gone.csv": broken, "none.csv": empty}

    def unread(place: str, **options: str) -> dict[str, str]:
        return {file.name: why for file, why in find_unread_files(f"{folder}{place}", options).items()}

    assert unread("") == {**left_out, "below": "a folder below the source's"}
    assert unread("", recursiveFileLookup="true") == left_out
    assert unread("/[a-z]*.csv") == {**left_out, "notes.pdf": "not matched by the path of any source"}
    assert unread("/gone.csv") == {"gone.csv": broken}
    assert unread("/_old.csv") == {"_old.csv": hidden}
    assert unread("/a.csv") == unread("/missing") == {}
    assert [file.name for file in find_files(f"{folder}/*.csv", {})] == ["a.csv", "none.csv"]


def test_a_file_that_another_source_reads_is_not_told(tmp_path: Path, source: Make) -> None:
    _untidy_folder(tmp_path / "data")
    people, notes = source("people", path="data/a*.csv"), source("people", name="notes", path="data/*.pdf")

    alone = find_unread([people], folder=str(tmp_path))
    both = find_unread([people, notes, source("people", name="below", path="data/below")], folder=str(tmp_path))

    assert "notes.pdf" in alone["crm"]
    assert sorted(both["crm"]) == [".late.csv", "_old.csv", "gone.csv", "none.csv"]
    assert both.keys() == {"crm"}
