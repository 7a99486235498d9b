"""Which phases a state has in a box of N particles: the split that minimises the Gibbs energy, interface included."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from binlj.errors import InputError
from binlj.grid import N_PARTICLES, StatePoint
from binlj.theory.gibbs import GibbsCurve, binodal, gibbs_curve, tension
from binlj.theory.two_phase import Box, lever, surface

REFERENCE_DENSITY = 0.8  # packing of a dense liquid, in units of the mean sigma^3; only where PeTS has no solution
_GRID, _ZOOMS, _BEYOND = 41, 5, 1.0  # points an axis, refinements, and how far past the bulk binodal (logit)
LEAST_SHARE = 0.25  # of the particles of either species that a phase of its own holds
_SAME = 1e-3  # nearest to the overall composition a phase may lie, in logits


@dataclass(frozen=True)
class Phases:
    """The phases of a state.

    Attributes
    ----------
    density : float
        Number density of the homogeneous mixture.
    split : tuple of two (C_B, density), or None
        The best division into an A-rich and a B-rich phase, whether or not it is stable; None if there is none.
    box : Box or None
        How two phases share the box, where they are stable.
    density_from : str
        ``PeTS``, or ``packing`` where the equation of state has no solution.
    gain : float
        Gibbs energy of the best split of the whole box over kT minus that of one phase: negative where two phases are
        stable, positive where a split is only metastable, infinite where there is none.
    tension : float
        Interfacial tension between the bulk phases; 0 where there are none.
    """

    density: float
    split: tuple[tuple[float, float], tuple[float, float]] | None
    box: Box | None
    density_from: str
    gain: float = math.inf
    tension: float = 0.0


@dataclass(frozen=True)
class Split:
    """The best way to divide a box: compositions, Gibbs energy gained over kT, and the tension assumed."""

    compositions: tuple[float, float]
    gain: float
    tension: float


def phases(state: StatePoint, *, n: int = N_PARTICLES, curve: GibbsCurve | None = None) -> Phases:
    """The phases of a state in a periodic box of `n` particles.

    Parameters
    ----------
    curve : GibbsCurve, optional
        Gibbs energy and density of the homogeneous fluid; PeTS's if left out.

    Raises
    ------
    InputError
        If the curve is of another T*, S or eps_AB.
    """
    if curve is not None and (curve.T, curve.S, curve.eps_AB) != (state.T, state.S, state.eps_AB):
        raise InputError("phases", [f"the curve is of another mixture or temperature than {state}"])
    curve = curve or gibbs_curve(state.T, state.S, state.eps_AB)
    if curve is None:
        return Phases(packed_density(state), None, None, "packing")
    density = float(curve.rho(state.C_B))
    best = split(curve, state.C_B, n=n)
    if best is None:
        return Phases(density, None, None, "PeTS")
    alpha, beta = ((x, float(curve.rho(x))) for x in best.compositions)
    box = lever(state.C_B, alpha, beta, n=n) if best.gain < 0 else None
    return Phases(density, (alpha, beta), box, "PeTS", best.gain, best.tension)


def packed_density(state: StatePoint) -> float:
    """Density of a mixture packed like a dense liquid, where the equation of state has no solution."""
    return REFERENCE_DENSITY / (1.0 - state.C_B + state.C_B * state.S**3)


def split(curve: GibbsCurve, c_b: float, *, n: int = N_PARTICLES) -> Split | None:
    """The two compositions with the least Gibbs energy, bulk plus interface, in a box of `n` particles.

    The interface is that of the body with the least surface; its tension is that of the bulk binodal. Each species has
    at least ``LEAST_SHARE`` of its particles in its own phase: without that bound the least value is that of a
    vanishing droplet, nearly 0, wherever a real one costs energy. None if the homogeneous fluid is stable in bulk at
    `c_b`, or no two phases fulfil this.
    """
    bulk = binodal(curve)
    if bulk is None or not bulk[0] < c_b < bulk[1]:
        return None
    gamma = tension(curve, *bulk)
    here = float(curve.to_logit(c_b))
    low = np.linspace(float(curve.to_logit(bulk[0])) - _BEYOND, here - _SAME, _GRID)
    high = np.linspace(here + _SAME, float(curve.to_logit(bulk[1])) + _BEYOND, _GRID)
    best = None
    for _ in range(_ZOOMS):
        total = gain(curve, c_b, low[:, None], high[None], gamma=gamma, n=n)
        total[_own_share(curve, c_b, low[:, None], high[None]) < LEAST_SHARE] = np.inf
        i, j = np.unravel_index(int(total.argmin()), total.shape)
        if not np.isfinite(total[i, j]):
            break
        compositions = (float(curve.composition(low[i])), float(curve.composition(high[j])))
        best = Split(compositions, float(total[i, j]), gamma)
        d_low, d_high = 2.0 * (low[1] - low[0]), 2.0 * (high[1] - high[0])
        low = np.linspace(low[i] - d_low, min(low[i] + d_low, here - _SAME), _GRID // 2)
        high = np.linspace(max(high[j] - d_high, here + _SAME), high[j] + d_high, _GRID // 2)
    return best


def _own_share(curve: GibbsCurve, c_b: float, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Share of the particles that are in their own phase, of the species where it is less; arguments of `gain`."""
    a, b = curve.composition(low), curve.composition(high)
    share = (c_b - a) / (b - a)
    return np.asarray(np.minimum(share * b / c_b, (1.0 - share) * (1.0 - a) / (1.0 - c_b)))


def gain(
    curve: GibbsCurve, c_b: float, low: np.ndarray, high: np.ndarray, *, gamma: float, n: int = N_PARTICLES
) -> np.ndarray:
    """Gibbs energy of a box divided into two phases, interface included, minus that of one phase; over kT.

    Parameters
    ----------
    low, high : ndarray
        Logits of the volume fraction of B in the A-rich and in the B-rich phase; they broadcast.
    gamma : float
        Interfacial tension.
    """
    a, b = curve.composition(low), curve.composition(high)
    share = (c_b - a) / (b - a)
    v_a, v_b = (1.0 - share) / curve.rho(a), share / curve.rho(b)
    bulk = (1.0 - share) * curve.gibbs(a) + share * curve.gibbs(b) - curve.gibbs(c_b)
    cost = gamma / curve.T * surface(v_b / (v_a + v_b)) * (n * (v_a + v_b)) ** (2.0 / 3.0)
    return np.asarray(n * bulk + cost)
