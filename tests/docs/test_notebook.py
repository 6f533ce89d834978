"""The notebook runs from top to bottom, and its stored outputs are fit to be read."""

import re
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "main_job.ipynb"
_ABSOLUTE_PATH = re.compile(r"(?:^|[\s\"'(=])/[A-Za-z][\w.-]*/\w")
_MOST_BYTES = 300_000


@pytest.fixture
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(notebook):
    """Return the texts of all outputs, pictures left out."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    streams = [output.text for output in outputs if output.output_type == "stream"]
    shown = [output.data for output in outputs if "data" in output]
    return [*streams, *(text for data in shown for kind, text in data.items() if "text/" in kind)]


def test_runs_without_errors_and_warnings(notebook, tmp_path):
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources=resources
    ).execute()
    assert (tmp_path / "digits.tflite").stat().st_size > 10_000
    # How busy the machine is that tests run on is no fault of theirs.
    found = re.compile(r"\b(?!NoisyTiming)\w+Warning:")
    assert not [text for text in printed(notebook) if found.search(text)]


def test_stored_outputs_are_complete(notebook):
    nbformat.validate(notebook)
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    assert code_cells(notebook)[-1].outputs
    assert NOTEBOOK.stat().st_size < _MOST_BYTES


def test_stored_outputs_hold_no_noise(notebook):
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert not [text for text in printed(notebook) if _ABSOLUTE_PATH.search(text)]
