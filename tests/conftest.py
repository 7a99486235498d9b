"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

import pytest

# One thread for linear algebra, here and in the processes that tests start: the workers of pytest share the cores
# already, and on small matrices threads that wait for one another take twice the time. Set before NumPy is imported.
os.environ.update({"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"})

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a toy dataset with the published schema (see ``toy.py``)."""
    from toy import write_toy_dataset

    return write_toy_dataset(tmp_path_factory.mktemp("toy") / "binlj-rdf")


@pytest.fixture(scope="session")
def toy_offgrid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy dataset with the off-grid states."""
    from toy import write_toy_dataset

    return write_toy_dataset(tmp_path_factory.mktemp("toy-offgrid") / "binlj-rdf", off_grid=True)


@pytest.fixture
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start the process that reads a submission's file once for each content of it, however often a test asks."""
    from binlj.eval import predictions, sandbox

    @cache
    def reading(path: Path, kind: str, changed: int) -> tuple:
        return sandbox.open_table(path, kind)

    def open_table(path: Path, kind: str = "predictions") -> tuple:
        table, problems, warnings = reading(path, kind, path.stat().st_mtime_ns if path.exists() else 0)
        return table, [*problems], [*warnings]

    monkeypatch.setattr(predictions, "open_table", open_table)
