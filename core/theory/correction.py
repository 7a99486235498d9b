"""Corrections of the theory's Gibbs energy and density: what a model may learn about them.

Both are linear in their coefficients, so that linear algebra fits coexistence conditions and densities. With psi the
volume fraction of B, u = 1 - eps_AB, L = log2 S and v = 1 - x + x S^3:

    h -> h + v psi (1 - psi) [a . (u, u/T, u^2/T, L^2, u L^2, L, u L) + (2 psi - 1) b . (L, u L, u L/T, u, u/T, L^2)]
    ln rho -> ln rho + d . features

The term in h is that of a regular solution in volume fractions, symmetric and antisymmetric, and is zero for a pure
substance whatever its name (S = eps_AB = 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from binlj.errors import InputError
from binlj.theory.gibbs import GibbsCurve

N_GIBBS, N_DENSITY = 13, 14


@dataclass(frozen=True)
class Correction:
    """Coefficients of one correction.

    Attributes
    ----------
    gibbs : ndarray, shape (13,)
    density : ndarray, shape (14,)

    Raises
    ------
    InputError
        If a shape is wrong or a value is not finite.
    """

    gibbs: np.ndarray
    density: np.ndarray

    def __post_init__(self) -> None:
        problems = [
            f"{name} must be {n} finite numbers"
            for name, value, n in (("gibbs", self.gibbs, N_GIBBS), ("density", self.density, N_DENSITY))
            if np.shape(value) != (n,) or not np.isfinite(value).all()
        ]
        if problems:
            raise InputError("correction", problems)


def gibbs_features(T: float, S: float, eps_AB: float, x: np.ndarray | float) -> np.ndarray:
    """What each coefficient of h multiplies, shape (..., 13)."""
    u, size = 1.0 - eps_AB, math.log2(S)
    volume, psi = volume_fraction(S, x)
    even = volume * psi * (1.0 - psi)
    odd = even * (2.0 * psi - 1.0)
    a = (u, u / T, u * u / T, size**2, u * size**2, size, u * size)
    b = (size, u * size, u * size / T, u, u / T, size**2)
    return np.stack([even * k for k in a] + [odd * k for k in b], axis=-1)


def density_features(T: float, S: float, eps_AB: float, x: np.ndarray | float) -> np.ndarray:
    """What each coefficient of ln rho multiplies, shape (..., 14)."""
    u, size = 1.0 - eps_AB, math.log2(S)
    _, psi = volume_fraction(S, x)
    x = np.asarray(x, dtype=float)
    pure = [np.ones_like(psi) * k for k in (1.0, T, T * T)]
    other = [psi * k for k in (size, size * T, size**2)]
    mixed = [psi * (1.0 - psi) * k for k in (u, u * T, size, size**2, u * size)]
    moles = [x * (1.0 - x) * k for k in (u, size, size**2)]
    return np.stack(pure + other + mixed + moles, axis=-1)


def corrected(curve: GibbsCurve, correction: Correction) -> GibbsCurve:
    """The curve with the correction applied."""
    where = (curve.T, curve.S, curve.eps_AB, curve.composition(curve.logit))
    return replace(
        curve,
        h=curve.h + gibbs_features(*where) @ correction.gibbs,
        density=curve.density * np.exp(density_features(*where) @ correction.density),
    )


def volume_fraction(S: float, x: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """v = 1 - x + x S^3 and the volume fraction of B, x S^3 / v, at mole fractions x."""
    x = np.asarray(x, dtype=float)
    volume = 1.0 - x + x * S**3
    return volume, x * S**3 / volume
