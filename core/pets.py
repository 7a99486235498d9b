"""Density, stability and phases of the truncated and shifted Lennard-Jones mixture from the PeTS equation of state.

PeTS (Heier et al., Mol. Phys. 116, 2083 (2018)) was fitted by others to the fluid truncated and shifted at
2.5 sigma, so it is a check of our densities that shares nothing with us. The mixture's cross term is set by
k_ij = 1 - eps_AB. It knows fluids only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from binlj.grid import PRESSURE, StatePoint

if TYPE_CHECKING:
    import numpy as np


def pets_density(state: StatePoint, *, pressure: float = PRESSURE) -> tuple[float | None, str]:
    """Number density N sigma_AA^3 / V of a homogeneous fluid at the state's T*, composition and P*.

    Returns
    -------
    density : float or None
        None where the equation of state has no solution.
    reason : str
        Why there is none; empty otherwise.
    """
    import math

    try:
        density = _density(*_fluid(state.T, state.C_B, state.S, state.eps_AB, pressure))
    except (RuntimeError, ValueError) as error:  # feos reports a failed iteration so
        return None, f"PeTS: {str(error).strip().splitlines()[0]}"
    if not math.isfinite(density) or density <= 0:
        return None, f"PeTS: density {density}"
    return density, ""


@cache
def pets_stable(state: StatePoint, *, pressure: float = PRESSURE) -> bool | None:
    """Whether the homogeneous fluid is stable against demixing by PeTS; None if the analysis fails."""
    try:
        return bool(_fluid(state.T, state.C_B, state.S, state.eps_AB, pressure)[0].is_stable())
    except (RuntimeError, ValueError):
        return None


@dataclass(frozen=True)
class Phase:
    """A bulk phase: mole fraction of B and number density N sigma_AA^3 / V."""

    C_B: float
    density: float


@cache
def pets_coexistence(
    state: StatePoint, *, T: float | None = None, pressure: float = PRESSURE
) -> tuple[Phase, Phase] | None:
    """The A-rich and the B-rich fluid the mixture separates into; None if it does not.

    Parameters
    ----------
    T : float, optional
        Another reduced temperature than the state's.
    """
    T = state.T if T is None else T
    # Two coexisting phases of two components are the same for every composition between them, but the flash
    # does not converge from everywhere.
    for c_b in (state.C_B, 0.5, 0.3, 0.2, 0.4, 0.1, 0.05):
        try:
            fluid, si = _fluid(T, c_b, state.S, state.eps_AB, pressure)
            flash = fluid.tp_flash()
        except (RuntimeError, ValueError):
            continue
        found = [Phase(float(p.molefracs[1]), _density(p, si)) for p in (flash.liquid, flash.vapor)]
        low, high = sorted(found, key=lambda phase: phase.C_B)
        if low.C_B < state.C_B < high.C_B:
            return low, high
    return None


def pets_mixing(
    T: float, S: float, eps_AB: float, c_b: np.ndarray, *, pressure: float = PRESSURE
) -> tuple[np.ndarray, np.ndarray]:
    """(1 - x) ln phi_A + x ln phi_B and number density of homogeneous fluids at mole fractions `c_b`.

    Returns
    -------
    h, density : ndarray, shape of `c_b`
        NaN where the equation of state has no solution.
    """
    import numpy as np

    h, density = np.full(len(c_b), np.nan), np.full(len(c_b), np.nan)
    for i, x in enumerate(c_b):
        try:
            fluid, si = _fluid(T, float(x), S, eps_AB, pressure)
            h[i], density[i] = np.array([1.0 - x, x]) @ fluid.ln_phi(), _density(fluid, si)
        except (RuntimeError, ValueError):  # feos reports a failed iteration so
            continue
    return h, density


def pets_phases(state: StatePoint, *, T: float | None = None, pressure: float = PRESSURE) -> tuple[float, float] | None:
    """Mole fractions of B in the phases of :func:`pets_coexistence`; None if the mixture does not separate."""
    phases = pets_coexistence(state, T=T, pressure=pressure)
    return None if phases is None else (phases[0].C_B, phases[1].C_B)


def _density(fluid: Any, si: Any) -> float:
    return float(fluid.density * si.NAV * si.ANGSTROM**3)


def _fluid(T: float, c_b: float, S: float, eps_AB: float, pressure: float) -> tuple[Any, Any]:
    import feos
    import si_units as si

    fluid = feos.State(
        _equation(S, eps_AB),
        temperature=T * si.KELVIN,
        pressure=pressure * si.KELVIN * si.KB / si.ANGSTROM**3,
        composition=[1.0 - c_b, c_b],  # feos is ten times slower with an array
    )
    return fluid, si


@lru_cache(maxsize=256)
def _equation(S: float, eps_AB: float) -> Any:
    import feos

    names = [feos.Identifier(name=name) for name in ("A", "B")]
    # Reduced units are mapped to sigma = 1 Angstrom, epsilon = 1 K * k_B.
    records = [
        feos.PureRecord(name, 1.0, sigma=sigma, epsilon_k=1.0) for name, sigma in zip(names, (1.0, S), strict=True)
    ]
    cross = feos.BinaryRecord(*names, k_ij=1.0 - eps_AB)
    return feos.EquationOfState.pets(feos.Parameters.from_records(records, [cross]))
