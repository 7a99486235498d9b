"""The off-grid states: where they lie, and that they stay the same."""

from __future__ import annotations

import numpy as np
from scipy.stats import qmc

from binlj.grid import GRID_C_B, GRID_EPS_AB, GRID_S, GRID_T, grid
from binlj.offgrid import offgrid


def test_states_lie_in_the_ranges_of_the_grid_and_off_it() -> None:
    states = offgrid()
    assert len({s.state_id for s in states}) == 100 and list(states) == sorted(states)
    for name, values in (("T", GRID_T), ("C_B", GRID_C_B), ("S", GRID_S), ("eps_AB", GRID_EPS_AB)):
        column = [getattr(s, name) for s in states]
        assert values[0] <= min(column) and max(column) <= values[-1]
    mixtures = {(s.C_B, s.S, s.eps_AB) for s in grid()}
    assert not any((s.C_B, s.S, s.eps_AB) in mixtures for s in states), "no mixture of the grid"


def test_states_fill_the_ranges_more_evenly_than_random_ones() -> None:
    low, high = np.array([0.6, 0.1, 0.5, 0.2]), np.array([1.4, np.sqrt(0.5), 2.0, 1.0])
    points = np.array([(s.T, np.sqrt(s.C_B), s.S, s.eps_AB) for s in offgrid()])
    unit = np.clip((points - low) / (high - low), 0.0, 1.0)
    random = [qmc.discrepancy(np.random.default_rng(i).random(unit.shape)) for i in range(20)]
    assert qmc.discrepancy(unit) < min(random)


def test_states_do_not_change() -> None:
    """The published off-grid RDFs belong to these states; another generator must not move them."""
    ids = {s.state_id for s in offgrid()}
    assert {"T0.80-C0.178-S0.98-E0.63", "T1.13-C0.112-S1.81-E0.40", "T0.67-C0.014-S1.51-E0.42"} <= ids
