"""Fixtures of the evaluator's tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from binlj.eval.truth import Truth, load_truth

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def truth(toy: Path) -> Truth:
    """The toy dataset's extrapolation test set."""
    return load_truth("extrapolation", dataset=toy)
