"""Pair counts from the output of the RDF input script."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from binlj.errors import EngineError
from binlj.schema import N_FINE, shell_volumes


def blocks_in(frames: int) -> int:
    """Blocks a segment's counts are kept in: five equal ones if its frames allow it, else two, else one."""
    return next(n for n in (5, 2, 1) if frames % n == 0)


def read_counts(path: Path, steps: np.ndarray, volumes: np.ndarray, *, n_a: int, n_b: int) -> np.ndarray:
    """Pair counts of every frame from the RDF input script's output, int64 (frames, 3, 500).

    LAMMPS prints g; undoing its normalisation, N_i (N_j - delta_ij) shell / V, must give whole numbers,
    and that is checked: a wrong volume, label or normalisation cannot pass.

    Raises
    ------
    EngineError
        If the file does not hold the frames of `steps`, or the counts are not whole numbers.
    """
    rows = []
    with open(path) as stream:
        for line in stream:
            if not line.startswith("#"):
                rows.append(line.split())
    per_frame = N_FINE + 1
    found = [int(row[0]) for row in rows[::per_frame]]
    if len(rows) % per_frame or found != [int(step) for step in steps]:
        raise EngineError(
            f"{path}: {len(rows)} lines with frames at {found}, expected {N_FINE} bins at {steps.tolist()}"
        )
    g = np.array([[row[2], row[4], row[6]] for i, row in enumerate(rows) if i % per_frame], dtype=np.float64)
    g = g.reshape(len(volumes), N_FINE, 3).transpose(0, 2, 1)
    ordered = np.array([n_a * (n_a - 1.0), n_a * float(n_b), n_b * (n_b - 1.0)])
    raw = g * ordered[None, :, None] * shell_volumes(N_FINE)[None, None, :] / volumes[:, None, None]
    raw[:, [0, 2]] /= 2  # LAMMPS counts a pair of equal species from both ends
    counts = np.rint(raw)
    worst = float(np.max(np.abs(raw - counts) / np.maximum(1.0, 1e-6 * counts)))
    if worst > 0.05:
        raise EngineError(f"{path}: g(r) does not come back to whole pair counts (off by {worst:.3g})")
    return counts.astype(np.int64)
