"""What others wrote is shown on a terminal and never obeyed."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cdp_spark.cli import main as cli
from cdp_spark.cli.display.output import PlainFormatter, Terminal, print_json, print_rows, printable
from cdp_spark.cli.display.progress import show_progress
from cdp_spark.errors import DataError
from cdp_spark.runs.stages import StageEvent
from cdp_spark.session.launch import is_java_noise

HOSTILE = "a\x1b]0;title\x07\x9b2J\r\u202eb\x00\x7f"
SHOWN = r"a\x1b]0;title\x07\x9b2J\r\u202eb\x00\x7f".replace(r"\r", r"\x0d")
MARKED = "[red]x[/] [link=https://example.org]y[/link] [/] :smile:"


def test_what_a_terminal_would_obey_is_made_visible() -> None:
    assert printable(HOSTILE) == SHOWN
    assert printable("Zoë\tØ\n北京 👩‍👧 नमस्ते") == "Zoë\tØ\n北京 👩‍👧 नमस्ते"


def test_tables_and_lines_show_values_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"name": HOSTILE, "note": MARKED}], title=f"{HOSTILE} {MARKED}")
    Terminal(stderr=True).print(f"{HOSTILE} {MARKED}", style="yellow", soft_wrap=True)
    told = capsys.readouterr()
    assert told.out.splitlines()[0] == f"# {SHOWN} {MARKED}"
    assert SHOWN in told.out.splitlines()[2]
    assert MARKED in told.out.splitlines()[2]
    assert told.err == f"{SHOWN} {MARKED}\n"


def test_a_table_for_another_program_is_tab_separated(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"id": "a\tb", "rows": 12345, "share": 0.25, "at": datetime(2026, 2, 1, 2, tzinfo=UTC), "none": None}]
    print_rows(rows)
    assert capsys.readouterr().out == "id\trows\tshare\tat\tnone\na\\tb\t12345\t0.25\t2026-02-01T02:00:00+00:00\t\n"


def test_a_long_detail_stands_below_its_stage_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cdp_spark.cli.display.output.WIDTH_OF_A_PIPE", 80)
    first, second = "person: model 1, full run (first run with model 1)", "account: model 1, full run (requested)"
    with show_progress(quiet=False) as progress:
        progress(StageEvent("matching", "finished", 20210, 8.1, f"{first}; {second}"))
        progress(StageEvent("publish", "finished", None, 0.5, "release 1"))
    lines = [line.rstrip() for line in capsys.readouterr().err.splitlines()]
    assert [line for line in lines if line] == [
        "✓  matching       20,210 rows      8.1 s",
        f"   {first}",
        f"   {second}",
        "✓  publish                         0.5 s  release 1",
    ]


def test_warnings_of_java_about_itself_are_left_out_and_errors_are_not() -> None:
    noise = b"WARNING: Using incubator modules: jdk.incubator.vector\n"
    library = b"26/02/01 02:00:00 WARN NativeCodeLoader: Unable to load native-hadoop library for your platform\n"
    error = b"26/02/01 02:00:00 ERROR Executor: Exception in task 0.0\n"
    assert [is_java_noise(line) for line in (noise, library, error, b"WARNING: disk is full\n")] == [
        True,
        True,
        False,
        False,
    ]


def test_json_gives_back_the_value_and_obeys_it_not(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": HOSTILE})
    told = capsys.readouterr().out
    assert json.loads(told) == {"name": HOSTILE}
    assert printable(told) == told


def test_progress_shows_a_stages_words_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress(quiet=False) as progress:
        progress(StageEvent("ingest", "failed", None, 1.0, f"{HOSTILE} {MARKED}"))
    assert capsys.readouterr().err.endswith(f" s  {SHOWN} {MARKED}\n")


@pytest.mark.parametrize("debug", [False, True])
def test_an_error_shows_a_files_name_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], debug: bool
) -> None:
    def broken(**_: object) -> None:
        raise DataError(HOSTILE, got="nothing")

    monkeypatch.setattr(cli, "app", broken)
    monkeypatch.setattr(sys, "argv", ["cdp", "tables", *(["--debug"] if debug else [])])
    with pytest.raises(SystemExit, match="4"):
        cli.main()
    told = capsys.readouterr().err
    assert told.endswith(f"cdp: {SHOWN}: got nothing\n")
    assert printable(told) == told


def test_the_log_shows_a_files_name_as_it_is() -> None:
    record = logging.LogRecord("cdp_spark", logging.WARNING, __file__, 1, "%s is odd", (HOSTILE,), None)
    assert PlainFormatter("%(levelname)s %(message)s").format(record) == f"WARNING {SHOWN} is odd"


def test_a_folders_name_is_shown_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["cdp", "validate", str(tmp_path / "\x1b[2J")])
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    told = capsys.readouterr().err
    assert r"\x1b[2J" in told
    assert printable(told) == told
