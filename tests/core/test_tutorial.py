"""The tutorial runs as it is printed, and is stored without outputs."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "docs" / "tutorial.ipynb"


def shown(cell: nbformat.NotebookNode, kind: str = "text/plain") -> str:
    """What the cell shows in one format."""
    return "\n".join(output["data"][kind] for output in cell.outputs if kind in output.get("data", {}))


@pytest.mark.slow
def test_the_tutorial_runs(tmp_path: Path) -> None:
    book = nbformat.read(NOTEBOOK, as_version=4)
    cells = {cell.source.splitlines()[-1]: cell for cell in book.cells if cell.cell_type == "code"}
    assert not any(cell.outputs or cell.execution_count for cell in cells.values())
    NotebookClient(
        book, kernel_name="python3", timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    errors = [o.get("text") for cell in cells.values() for o in cell.outputs if o.get("name") == "stderr"]
    assert not errors
    assert "num_rows: 900" in shown(cells['binlj.load("extrapolation")'])
    assert shown(cells["g.shape"]) == "(600, 100)"
    # Trees do not extrapolate: the text says whose scores they get.
    (output,) = cells["scores"].outputs
    table = [line.split() for line in re.sub("<[^>]*>", "", output["data"]["text/html"]).splitlines()]
    assert "Scores('extrapolation'" in shown(cells["scores"])
    naive = next(row[1:] for row in table if row[:1] == ["nearest_temperature"])
    own = next(row[2:] for row in table if row[:2] == ["this", "submission"])
    assert naive == own and len(own) == 8
    assert len(shown(cells["scores.plot()"], "image/png")) > 10_000
    assert shown(cells["check(folder).tracks"]) == "('extrapolation',)"
    assert not list(tmp_path.iterdir())
