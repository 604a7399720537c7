"""Imports beside other work."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

from cdp_spark.cli.meanwhile import import_meanwhile


def test_an_import_waits_for_the_one_that_was_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow_module.py").write_text("import time\ntime.sleep(0.2)\nVALUE = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    import_meanwhile("slow_module")
    assert import_module("slow_module").VALUE == 1


def test_what_cannot_be_imported_is_told_by_the_import_that_needs_it(capsys: pytest.CaptureFixture[str]) -> None:
    import_meanwhile("no_such_module")
    with pytest.raises(ModuleNotFoundError):
        import_module("no_such_module")
    assert "no_such_module" not in sys.modules
    assert capsys.readouterr().err == ""
