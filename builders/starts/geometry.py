"""Which shape a start of two phases has: the body with the least surface in a periodic cube."""

from __future__ import annotations

import numpy as np

from binlj.builders.starts.coexistence_table import TwoPhases, start_phases, two_phases
from binlj.builders.starts.kinds import BY_NAME
from binlj.errors import InputError
from binlj.grid import N_PARTICLES, State
from binlj.theory.two_phase import surfaces

# Least surface in a periodic cube, by the share of the particle volume inside.
SPHERE_BELOW, CYLINDER_BELOW = 0.155, 0.318
EITHER = 300  # replicas from this number on enclose the smaller phase; older ones the B-rich phase, or have a slab


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


def a_rich_share(state: State) -> float:
    """Share of the particle volume that is the A-rich phase, for all starts of a state alike."""
    return 1.0 - enclosed(state, "supersaturated" if start_phases(state, "supersaturated") else "separated")


def encloses_a(state: State) -> bool:
    """Whether the body with the least surface is the A-rich phase, as a cylinder or sphere."""
    return a_rich_share(state) < CYLINDER_BELOW


def slab_surface(state: State) -> float:
    """Surface of a slab over that of the body with the least, where the A-rich phase is the smaller one; else 1."""
    share = a_rich_share(state)
    if share >= 0.5:
        return 1.0
    found = surfaces(np.array(share))
    return float(found[-1] / found.min())


def shape(state: State, start: str, replica: int = 0) -> str:
    """Geometry of the start: mixed, or the body that the B-rich phase is put into (the A-rich one: "A-...").

    Older replicas never enclose A. Where it is the minority by volume they have a slab, whose surface does not depend
    on the volume fraction and which may break up.
    """
    if start == "mixed":
        return "mixed"
    if replica >= EITHER and encloses_a(state):
        return "A-sphere" if a_rich_share(state) < SPHERE_BELOW else "A-cylinder"
    f = enclosed(state, start)
    return "sphere" if f < SPHERE_BELOW else "cylinder" if f < CYLINDER_BELOW else "slab"


def next_surface(share: float) -> float:
    """Surface of the second-best of sphere, cylinder and slab in a periodic cube over that of the best.

    Parameters
    ----------
    share : float
        Of the volume, of either phase: the bodies are those of the smaller one.
    """
    best, second, _ = np.sort(surfaces(np.array(share)))
    return float(second / best)
