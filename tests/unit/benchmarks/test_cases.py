"""How cases from the field are read and scored."""

from pathlib import Path

import pytest
from benchmarks.cases import CaseRow, Command, commands_of, data_files, main, pairs_of


def test_a_command_stands_for_the_file_that_it_names_and_for_its_spellings() -> None:
    text = 'Command: `cdp resolve a.csv --id "Row ID" --out out.csv`.'
    options = ("--id", "Row ID")
    assert commands_of(text, ("a.csv", "b.csv")) == [Command(("a.csv",), options), Command(("b.csv",), options)]


def test_a_word_that_is_no_file_stands_for_all_files() -> None:
    assert commands_of("`cdp resolve FILE --id ???`", ("a.csv", "b.json")) == [
        Command(("a.csv",), ()),
        Command(("b.json",), ()),
    ]


def test_two_files_of_one_command_are_read_together() -> None:
    assert commands_of("`cdp resolve a.csv b.csv --id id`", ("a.csv", "b.csv", "c.csv")) == [
        Command(("a.csv", "b.csv"), ("--id", "id"))
    ]


def test_truth_and_notes_are_no_data(tmp_path: Path) -> None:
    for name in ("expected.md", "truth.csv", "truth-large.csv", "b.csv", "a.json"):
        (tmp_path / name).touch()
    assert data_files(tmp_path) == ("a.json", "b.csv")


def test_pairs_are_scored_against_the_truth() -> None:
    entities = {"1": "a", "2": "a", "3": "b"}
    row = CaseRow("x", 1.0, pairs_of({"1": "c", "2": "c", "3": "c"}, set(entities)), pairs_of(entities, set(entities)))
    assert str(row) == "| x | 0.333 | 1.000 | 0.500 | 2 |  | 1.0 |"
    assert row.differences() == ["false  1 3", "false  2 3"]


def test_without_cases_it_says_why_it_skips(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CDP_CASES_DIR", raising=False)
    main([])
    assert "CDP_CASES_DIR" in capsys.readouterr().out
