"""The command line without Spark: global options, help, errors."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cdp_spark.cli import main as cli
from cdp_spark.cli.lazy import COMMANDS
from cdp_spark.normalise.times import parse_time
from cdp_spark.version import __version__


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["cdp", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("written", "ordered"),
    [
        (["tables", "--project", "demo", "--json"], ["--project", "demo", "tables", "--json"]),
        (["--quiet", "run", "nightly", "--project=demo"], ["--quiet", "--project=demo", "run", "nightly"]),
        (["run", "nightly", "--debug"], ["--debug", "run", "nightly"]),
        (["resolve", "--", "--project"], ["resolve", "--", "--project"]),
        (["tables", "--project"], ["--project", "tables"]),
    ],
)
def test_global_options_may_stand_anywhere(written: list[str], ordered: list[str]) -> None:
    assert cli.global_options_first(written) == ordered


def test_the_help_lists_every_command_without_importing_spark() -> None:
    code = (
        "import sys; sys.argv = ['cdp', '--help']\n"
        "from cdp_spark.cli.main import main\n"
        "try: main()\n"
        "finally: print('imported', [m for m in ('pyspark', 'pydantic', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "imported []" in done.stdout
    for name in COMMANDS:
        assert f" {name} " in done.stdout


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_a_help(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, name, "--help") == 0
    assert f"cdp {name}" in capsys.readouterr().out


def test_the_version_is_that_of_the_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"cdp-spark {__version__}\n"


def test_a_known_error_is_one_message_and_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert call(monkeypatch, "validate", "--project", str(tmp_path / "nowhere")) == 2
    told = capsys.readouterr().err
    assert told.startswith("cdp: 1 configuration error:\n  - ")
    assert "Traceback" not in told


def test_debug_shows_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert call(monkeypatch, "validate", "--debug", "--project", str(tmp_path / "nowhere")) == 2
    told = capsys.readouterr().err
    assert told.startswith("Traceback (most recent call last)")
    assert "\ncdp: 1 configuration error:" in told


def test_an_unexpected_error_says_how_to_see_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: object) -> None:
        raise ValueError("someone@example.org")

    monkeypatch.setattr(cli, "app", broken)
    assert call(monkeypatch, "tables") == 70
    assert capsys.readouterr().err == "cdp: unexpected ValueError. Run the same command with --debug for details.\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run"], "cdp run: got no stages; allowed: nightly, or --from and --to. Fix: cdp run nightly"),
        (["run", "--from", "nowhere"], "--from: got 'nowhere'; allowed: ingest, standardise, quality, matching"),
        (["run", "--from", "ingest", "nightly"], "cdp run: got --from or --to with nightly"),
        (["suppress", "add", "x", "--reason", "r", "--type", "shoe"], "--type: got 'shoe'; allowed: user_id, "),
        (["suppress", "add", "x", "--reason", " "], "cdp suppress add: got no reason"),
        (["rollback", "--reason", " "], "--reason: got nothing; allowed: a sentence"),
        (["changes", "--since", "1", "--csv", "--json"], "cdp changes: got --csv and --json; allowed: one of them"),
        (["run", "nightly", "--as-of", "yesterday"], "--as-of: got 'yesterday'; allowed: a time in ISO 8601"),
    ],
)
def test_wrong_arguments_are_refused_before_spark_starts(
    arguments: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, *arguments) == 2
    assert f"cdp: {told}" in capsys.readouterr().err


def test_a_time_without_a_zone_is_utc() -> None:
    assert parse_time("--at", "2026-11-23") == datetime(2026, 11, 23, tzinfo=UTC)
    assert parse_time("--at", "2026-11-23T02:00:00+01:00") == datetime(2026, 11, 23, 1, tzinfo=UTC)
    assert parse_time("--at", None) is None


def test_a_starter_project_validates(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "shop"
    assert call(monkeypatch, "init", str(folder)) == 0
    assert f"next: cdp --project {folder} run nightly" in capsys.readouterr().out
    assert call(monkeypatch, "validate", "--project", str(folder)) == 0
    assert "valid; project shop with 1 source, 1 segment, 1 destination" in capsys.readouterr().out


def test_schemas_are_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert call(monkeypatch, "schema", "--out", str(tmp_path / "schemas")) == 0
    assert (tmp_path / "schemas" / "project.schema.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("id",), "cdp erase: got no reason"),
        (("--reason", "-"), "cdp erase: got nobody to erase"),
        (("id", "--reason", "-"), "cdp erase: got no terminal to ask on"),
        (("--continue", "id"), "cdp erase: got --continue and people"),
        (("--continue", "--dry-run"), "cdp erase: got --continue and --dry-run"),
    ],
)
def test_an_erasure_is_asked_for_in_full(
    arguments: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert call(monkeypatch, "erase", *arguments) == 2
    assert message in capsys.readouterr().err
