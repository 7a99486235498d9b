"""Pair counts from the RDF input script's output: nothing wrong passes as counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from binlj.builders.md.counting import read_counts
from binlj.errors import EngineError
from binlj.schema import N_FINE, shell_volumes


def test_wrong_volume_does_not_pass_as_counts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 2000, (1, 3, N_FINE)).astype(float)
    ordered = np.array([90 * 89.0, 90 * 10, 10 * 9.0])
    doubled = counts * np.array([2, 1, 2])[None, :, None]
    g = doubled / ordered[None, :, None] / shell_volumes(N_FINE) * 1000.0
    lines = ["# a", "# b", "# c", f"100 {N_FINE}"]
    lines += [f"{i + 1} 0 {g[0, 0, i]:.15g} 0 {g[0, 1, i]:.15g} 0 {g[0, 2, i]:.15g} 0" for i in range(N_FINE)]
    path = tmp_path / "rdf.txt"
    path.write_text("\n".join(lines) + "\n")
    steps = np.array([100.0])
    np.testing.assert_array_equal(read_counts(path, steps, np.array([1000.0]), n_a=90, n_b=10), counts)
    with pytest.raises(EngineError, match="whole pair counts"):
        read_counts(path, steps, np.array([1001.0]), n_a=90, n_b=10)
    with pytest.raises(EngineError, match="frames at"):
        read_counts(path, np.array([200.0]), np.array([1000.0]), n_a=90, n_b=10)
    path.write_text("\n".join(lines[:-3]) + "\n")
    with pytest.raises(EngineError, match="lines"):
        read_counts(path, steps, np.array([1000.0]), n_a=90, n_b=10)
