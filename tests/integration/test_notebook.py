"""The notebook is kept without outputs; it runs in test_run_commands.py, on the warehouse that is there."""

from __future__ import annotations

from tests.integration.notebook import code_cells, read_notebook


def test_the_notebook_holds_no_outputs() -> None:
    assert all(not cell.outputs and cell.execution_count is None for cell in code_cells(read_notebook()))
