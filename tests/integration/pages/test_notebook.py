"""The notebooks are kept without outputs; they run in test_run_commands.py, on the warehouse that is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integration.pages.notebook import NAMES, code_cells, read_notebook


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_holds_no_outputs(name: str) -> None:
    assert all(not cell.outputs and cell.execution_count is None for cell in code_cells(read_notebook(name)))


def test_every_notebook_is_run() -> None:
    kept = (Path(__file__).parents[3] / "notebooks").glob("*.ipynb")
    assert sorted(path.stem for path in kept) == sorted(NAMES)
