"""Which shape a separated start has: the body with the least surface in a periodic cube."""

from __future__ import annotations

import numpy as np

from binlj.builders.starts.coexistence_table import TwoPhases, start_phases, two_phases
from binlj.builders.starts.kinds import BY_NAME
from binlj.errors import InputError
from binlj.grid import N_PARTICLES, State

# Least surface in a periodic cube, by B's share of the particle volume (or A's, where that is less).
SPHERE_BELOW, CYLINDER_BELOW = 0.155, 0.318


def phases_of(state: State, start: str, n: int) -> TwoPhases | None:
    """The phases of a coexistence-seeded start of `n` particles; None for the other kinds.

    Raises
    ------
    InputError
        If the mixture does not demix, so that there is no such start.
    """
    if not BY_NAME[start].seeded:
        return None
    phases = start_phases(state, start)
    if phases is None:
        raise InputError(
            f"{start} start of {state.state_id}", ["by PeTS it has one phase only"],
            fix="use a mixed or a separated start",
        )  # fmt: skip
    n_a, n_b = state.counts(n)
    return two_phases(phases, n_a=n_a, n_b=n_b, S=state.S)


def enclosed(state: State, start: str) -> float:
    """Share of the particle volume that is B, or the B-rich phase of a coexistence-seeded start."""
    phases = phases_of(state, start, N_PARTICLES)
    return phases.share if phases else state.volume_fraction_B


def shape(state: State, start: str) -> str:
    """Geometry of the start: mixed, or where B is put (the minority's volume decides).

    Only B is ever enclosed: where A is the minority by volume, the slab is used, since its surface
    does not depend on the volume fraction.
    """
    if start == "mixed":
        return "mixed"
    f = enclosed(state, start)
    return "sphere" if f < SPHERE_BELOW else "cylinder" if f < CYLINDER_BELOW else "slab"


def next_surface(share: float) -> float:
    """Surface of the second-best of sphere, cylinder and slab in a periodic cube over that of the best.

    Parameters
    ----------
    share : float
        Of the volume; where it is the larger part, a slab is what is made, and nothing is compared (infinite).
    """
    if share > 0.5:
        return np.inf
    sphere, cylinder = (36 * np.pi) ** (1 / 3) * share ** (2 / 3), 2 * np.sqrt(np.pi * share)
    best, second, _ = sorted([sphere, cylinder, 2.0])
    return float(second / best)
