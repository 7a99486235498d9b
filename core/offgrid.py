"""The off-grid states: 100 states inside the grid's ranges whose mixtures are not mixtures of the grid."""

from __future__ import annotations

from functools import cache

from binlj.grid import GRID_C_B, GRID_EPS_AB, GRID_S, GRID_T, State

SEED = 2
N_STATES = 100


@cache
def offgrid() -> tuple[State, ...]:
    """The 100 off-grid states, sorted by (T, C_B, S, eps_AB).

    They are the first 100 points of a scrambled Sobol sequence (Owen scrambling, fixed seed) over the ranges of the
    grid: uniform in T*, S, eps_AB and the square root of C_B, rounded to two decimals (C_B to three).

    References
    ----------
    A. B. Owen, Journal of Complexity 14, 466 (1998).
    """
    import numpy as np
    from scipy.stats import qmc

    sobol = qmc.Sobol(d=4, scramble=True, rng=np.random.default_rng(SEED))
    points = sobol.random_base2(7)[:N_STATES]
    ranges = np.array([(values[0], values[-1]) for values in (GRID_T, GRID_C_B, GRID_S, GRID_EPS_AB)])
    ranges[1] = np.sqrt(ranges[1])
    T, root, S, eps_AB = (ranges[:, 0] + points * np.diff(ranges, axis=1).T).T
    columns = (T.round(2), (root**2).round(3), S.round(2), eps_AB.round(2))
    return tuple(sorted(State(*map(float, values)) for values in zip(*columns, strict=True)))
