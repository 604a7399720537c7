"""The notebooks that explore a warehouse, as a test reads and runs them."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

_NOTEBOOKS = Path(__file__).parents[3] / "notebooks"
NAMES = ("explore_profiles", "behaviour_and_value", "segments_and_activation")


def read_notebook(name: str) -> nbformat.NotebookNode:
    """A notebook as it is kept."""
    notebook: nbformat.NotebookNode = nbformat.read(_NOTEBOOKS / f"{name}.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Its cells of code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def run_notebook(name: str, folder: Path) -> list[nbformat.NotebookNode]:
    """Run it in a folder, in a process of its own; returns what its cells put out."""
    notebook = read_notebook(name)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return [output for cell in code_cells(notebook) for output in cell.outputs]
