"""The off-grid states: 100 states inside the grid's ranges whose mixtures are not mixtures of the grid."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from binlj.grid import State

_TABLE = Path(__file__).with_name("offgrid.csv")  # SciPy's generators may change between versions


@cache
def offgrid() -> tuple[State, ...]:
    """The 100 off-grid states, sorted by (T, C_B, S, eps_AB).

    They are the first 100 points of a scrambled Sobol sequence (Owen scrambling, fixed seed) over the ranges of the
    grid: uniform in T*, S, eps_AB and the square root of C_B, rounded to two decimals (C_B to three).

    References
    ----------
    A. B. Owen, Journal of Complexity 14, 466 (1998).
    """
    with _TABLE.open(encoding="utf-8", newline="") as stream:
        return tuple(State(**{name: float(value) for name, value in row.items()}) for row in csv.DictReader(stream))
