"""What others wrote is shown on a terminal and never obeyed."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pytest

from cdp_spark.cli import main as cli
from cdp_spark.cli.display.output import Terminal, print_json, print_rows
from cdp_spark.cli.display.plain import PlainFormatter, printable
from cdp_spark.cli.display.progress import show_progress
from cdp_spark.errors import DataError
from cdp_spark.runs.stages import StageEvent

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
    assert told.out.splitlines()[0].strip() == f"{SHOWN} {MARKED}"
    assert SHOWN in told.out.splitlines()[2]
    assert MARKED in told.out.splitlines()[2]
    assert told.err == f"{SHOWN} {MARKED}\n"


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
