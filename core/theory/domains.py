"""A mixture that demixes spontaneously and has not had the time to finish: domains of one typical size.

Inside the spinodal every composition wave longer than a critical one grows, one of them fastest (Cahn, J. Chem. Phys.
42, 93 (1965)). Early on the box holds domains of about its wavelength. As in :mod:`binlj.theory.two_phase` their g(r)
follows from the bulk RDFs of both phases and the autocorrelation c(r) of the domains; here

    c(r) = exp(-r / xi) sin(q r) / (q r)

as for a disordered two-phase structure with a preferred wavelength 2 pi / q and a decay length xi (Teubner & Strey,
J. Chem. Phys. 87, 3195 (1987)). The domains have not reached the compositions of coexistence everywhere:

    g = (1 - eta) g_mixture + eta g_domains.

xi, q and eta are learned: log xi, log q and logit eta are linear in the :func:`features` of the state. Outside the
spinodal demixing needs a nucleus, which hardly forms in so short a time: there the mixture is homogeneous.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from binlj.errors import InputError
from binlj.grid import N_PARTICLES, StatePoint
from binlj.theory.gibbs import MOMENT, GibbsCurve
from binlj.theory.two_phase import assemble, lever

N_FEATURES = 9
START = (1.0, -0.2, -0.2)  # log xi, log q, logit eta before anything is learned
_LOWEST, _HIGHEST = np.array([-1.0, -2.0, -9.0]), np.array([3.0, 0.8, 9.0])  # of the same


@dataclass(frozen=True)
class Domains:
    """What has been learned of the size and the composition of domains.

    Attributes
    ----------
    mean, scale : ndarray, shape (9,)
        By which features are standardised.
    coefficients : ndarray, shape (3, 10)
        Of log xi, log q, logit eta: constant, then one for each standardised feature.

    Raises
    ------
    InputError
        If a shape is wrong or a value is not finite.
    """

    mean: np.ndarray
    scale: np.ndarray
    coefficients: np.ndarray

    def __post_init__(self) -> None:
        wanted = {"mean": (N_FEATURES,), "scale": (N_FEATURES,), "coefficients": (3, N_FEATURES + 1)}
        problems = [
            f"{name} must be finite numbers of shape {shape}"
            for name, shape in wanted.items()
            if np.shape(getattr(self, name)) != shape or not np.isfinite(getattr(self, name)).all()
        ]
        if problems:
            raise InputError("domains", problems)

    def sizes(self, features: np.ndarray) -> np.ndarray:
        """xi, q and eta of states with these features, shape (n, 3)."""
        return sizes(standardised(features, self.mean, self.scale) @ self.coefficients.T)


def standardised(features: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """A constant 1 and the standardised features, shape (n, 10)."""
    return np.column_stack([np.ones(len(features)), (features - mean) / scale])


def sizes(z: np.ndarray) -> np.ndarray:
    """xi, q and eta from log xi, log q and logit eta, shape (n, 3); kept within what a box can hold."""
    log_xi, log_q, logit = np.clip(z, _LOWEST, _HIGHEST).T
    return np.column_stack([np.exp(log_xi), np.exp(log_q), 1.0 / (1.0 + np.exp(-logit))])


def curvature(curve: GibbsCurve, c_b: float) -> float:
    """Second derivative of the Gibbs energy per particle over kT by composition: negative inside the spinodal."""
    h = _step(c_b)
    below, here, above = curve.gibbs(np.array([c_b - h, c_b, c_b + h]))
    return float((below - 2.0 * here + above) / h**2)


def _step(c_b: float) -> float:
    """Step of the composition for derivatives, well inside (0, 1)."""
    return min(1e-3, c_b / 10.0, (1.0 - c_b) / 10.0)


def features(state: StatePoint, curve: GibbsCurve, phi: float) -> np.ndarray:
    """What the domains' size and composition are learned from, shape (9,).

    Depth of the quench -C_B (1 - C_B) g'', wavenumber q_CH of the fastest wave, and logit of the volume fraction
    `phi` of the B-rich phase, the first two as logarithms; ln T*, log2 S and its square, 1 - eps_AB,
    psi (1 - psi) with the volume fraction psi of B, and the packing rho (1 - C_B + C_B S^3).

    With the free energy per volume w and the square-gradient coefficient c of :func:`binlj.theory.gibbs.tension`,
    q_CH^2 = -w'' / (4 c).

    Raises
    ------
    ValueError
        Outside the spinodal.
    """
    x, S = state.C_B, state.S
    second = curvature(curve, x)
    if second >= 0:
        raise ValueError(f"{state} is not inside the spinodal")
    h = _step(x)
    low, high = float(curve.rho(x - h)), float(curve.rho(x + h))
    slope_a = (high * (1.0 - x - h) - low * (1.0 - x + h)) / (2.0 * h)
    slope_b = (high * (x + h) - low * (x - h)) / (2.0 * h)
    gradient = slope_a**2 + S**5 * slope_b**2 + 2.0 * state.eps_AB * S**2.5 * slope_a * slope_b
    rho = float(curve.rho(x))
    q = math.sqrt(-rho * state.T * second / (4.0 * MOMENT / 12.0 * gradient))
    volume, size = 1.0 - x + x * S**3, math.log2(S)
    psi = x * S**3 / volume
    return np.array(
        [
            math.log(-x * (1.0 - x) * second), math.log(q), math.log(phi / (1.0 - phi)), math.log(state.T),
            size, size**2, 1.0 - state.eps_AB, psi * (1.0 - psi), rho * volume,
        ]
    )  # fmt: skip


def autocorrelation(r: np.ndarray, xi: float, q: float) -> np.ndarray:
    """c(r) of the domains, shape of `r`."""
    return np.asarray(np.exp(-r / xi) * np.sinc(q * r / np.pi))


def limits(
    c_b: float, alpha: tuple[float, float], beta: tuple[float, float], g_alpha: np.ndarray, g_beta: np.ndarray,
    across: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """g of domains where c(r) is 0, and how much it changes where c(r) is 1: it is linear in between.

    Parameters
    ----------
    alpha, beta : tuple of float
        (C_B, density) of either phase.
    g_alpha, g_beta, across : ndarray, shape (3, m)
        As for :func:`binlj.theory.two_phase.assemble`.
    """
    box = lever(c_b, alpha, beta, n=N_PARTICLES)
    none, whole = (
        assemble(box, g_alpha, g_beta, np.full(g_alpha.shape[-1], c), across=across) for c in (0.0, 1.0)
    )
    return none, whole - none
