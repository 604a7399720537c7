"""A project is changed, and what loading it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp_spark.config.load import load_project
from cdp_spark.errors import InvalidProjectError


def mistakes(folder: Path, env: dict[str, str] | None = None) -> list[str]:
    """Messages with the folder cut off."""
    with pytest.raises(InvalidProjectError) as caught:
        load_project(folder, env=env or {})
    return [str(error).replace(f"{folder}/", "") for error in caught.value.errors]


def change(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
