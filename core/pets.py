"""Density, stability and phases of the truncated and shifted Lennard-Jones mixture from the PeTS equation of state.

PeTS (Heier et al., Mol. Phys. 116, 2083 (2018)) was fitted by others to the fluid truncated and shifted at
2.5 sigma, so it is a check of our densities that shares nothing with us. The mixture's cross term is set by
k_ij = 1 - eps_AB. It knows fluids only.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from binlj.errors import MissingExtraError
from binlj.grid import PRESSURE, State


def pets_density(state: State, *, pressure: float = PRESSURE) -> tuple[float | None, str]:
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
        fluid, si = _fluid(state, pressure)
        density = float(fluid.density * si.NAV * si.ANGSTROM**3)
    except (RuntimeError, ValueError) as error:  # feos reports a failed iteration so
        return None, f"PeTS: {str(error).strip().splitlines()[0]}"
    if not math.isfinite(density) or density <= 0:
        return None, f"PeTS: density {density}"
    return density, ""


@cache
def pets_stable(state: State, *, pressure: float = PRESSURE) -> bool | None:
    """Whether the homogeneous fluid is stable against demixing by PeTS; None if the analysis fails."""
    try:
        return bool(_fluid(state, pressure)[0].is_stable())
    except (RuntimeError, ValueError):
        return None


@cache
def pets_phases(state: State, *, T: float | None = None, pressure: float = PRESSURE) -> tuple[float, float] | None:
    """Mole fractions of B in the A-rich and the B-rich fluid the mixture separates into; None if it does not.

    Parameters
    ----------
    T : float, optional
        Another reduced temperature than the state's.
    """
    state = state if T is None else replace(state, T=T)
    # Two coexisting phases of two components are the same for every composition between them, but the flash
    # does not converge from everywhere.
    for c_b in (state.C_B, 0.5, 0.3, 0.2, 0.4, 0.1, 0.05):
        try:
            fluid, _ = _fluid(replace(state, C_B=c_b), pressure)
            phases = fluid.tp_flash()
        except (RuntimeError, ValueError):
            continue
        low, high = sorted((float(phases.liquid.molefracs[1]), float(phases.vapor.molefracs[1])))
        if low < state.C_B < high:
            return low, high
    return None


def _fluid(state: State, pressure: float) -> tuple[Any, Any]:
    try:
        import feos
        import numpy as np
        import si_units as si
    except ImportError as error:
        raise MissingExtraError("feos", "build or baselines") from error
    names = [feos.Identifier(name=name) for name in ("A", "B")]
    # Reduced units are mapped to sigma = 1 Angstrom, epsilon = 1 K * k_B.
    records = [
        feos.PureRecord(name, 1.0, sigma=sigma, epsilon_k=1.0)
        for name, sigma in zip(names, (1.0, state.S), strict=True)
    ]
    cross = feos.BinaryRecord(*names, k_ij=1.0 - state.eps_AB)
    model = feos.EquationOfState.pets(feos.Parameters.from_records(records, [cross]))
    fluid = feos.State(
        model,
        temperature=state.T * si.KELVIN,
        pressure=pressure * si.KELVIN * si.KB / si.ANGSTROM**3,
        composition=np.array([1.0 - state.C_B, state.C_B]),
    )
    return fluid, si
