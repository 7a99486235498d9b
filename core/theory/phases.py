"""Which phases a state has by the PeTS equation of state: one density, or two phases and the box they fill."""

from __future__ import annotations

from dataclasses import dataclass

from binlj.grid import N_PARTICLES, State
from binlj.pets import pets_coexistence, pets_density
from binlj.theory.two_phase import Box, lever

REFERENCE_DENSITY = 0.8  # packing of a dense liquid, in units of the mean sigma^3; only where PeTS has no solution


@dataclass(frozen=True)
class Phases:
    """The bulk phases of a state.

    Attributes
    ----------
    bulk : tuple of (C_B, density)
        One phase, or the A-rich and the B-rich one.
    box : Box or None
        How two phases share the box.
    density_from : str
        ``PeTS``, or ``packing`` where the equation of state has no solution.
    """

    bulk: tuple[tuple[float, float], ...]
    box: Box | None
    density_from: str


def phases(state: State, *, n: int = N_PARTICLES) -> Phases:
    """The phases of a state in a box of `n` particles, by the lever rule and without a cost of the interface."""
    two = pets_coexistence(state)
    if two is not None:
        low, high = ((p.C_B, p.density) for p in two)
        return Phases((low, high), lever(state.C_B, low, high, n=n), "PeTS")
    density, _ = pets_density(state)
    if density is not None:
        return Phases(((state.C_B, density),), None, "PeTS")
    volume = 1.0 - state.C_B + state.C_B * state.S**3
    return Phases(((state.C_B, REFERENCE_DENSITY / volume),), None, "packing")
