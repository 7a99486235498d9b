"""Gibbs energy and density of a homogeneous mixture along its composition, and the tension between two compositions.

Per particle and in units of kT the Gibbs energy is

    g(x) = x ln x + (1 - x) ln(1 - x) + h(x),    h = (1 - x) ln phi_A + x ln phi_B,

with the fugacity coefficients phi of the PeTS equation of state at P* = 1. Terms linear in x change no phase and are
left out. A curve holds h and the density at a few dozen compositions; splines give them in between.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import xlogy

from binlj.grid import CUTOFF, PRESSURE
from binlj.pets import pets_mixing

_LOGITS = np.concatenate([[-14.0], np.linspace(-7.0, 7.0, 33), [14.0]])  # of the volume fraction
_FINE = np.linspace(-16.0, 16.0, 321)
_ENOUGH = 24  # compositions at which the equation of state must have a solution
# Second moment of the attraction: -int u s^2 d^3s over s > sigma is MOMENT eps sigma^5.
_SHIFT = CUTOFF**-6 - CUTOFF**-12
MOMENT = 16.0 * math.pi * ((1 - 1 / CUTOFF) - (1 - CUTOFF**-7) / 7 - _SHIFT * (CUTOFF**5 - 1) / 5)


@dataclass(frozen=True)
class GibbsCurve:
    """The homogeneous fluid at one T*, S and eps_AB as a function of composition.

    Attributes
    ----------
    T, S, eps_AB : float
    logit : ndarray, shape (m,)
        Logit of the volume fraction x S^3 / (1 - x + x S^3) at the knots.
    h : ndarray, shape (m,)
        Residual Gibbs energy per particle over kT at the knots.
    density : ndarray, shape (m,)
        Number density at the knots.
    """

    T: float
    S: float
    eps_AB: float
    logit: np.ndarray
    h: np.ndarray
    density: np.ndarray

    def composition(self, logit: np.ndarray) -> np.ndarray:
        """Mole fraction of B at a logit of the volume fraction."""
        b = np.exp(np.minimum(logit, 700.0)) / self.S**3
        return np.asarray(b / (1.0 + b))

    def to_logit(self, x: np.ndarray | float) -> np.ndarray:
        """Logit of the volume fraction at a mole fraction in (0, 1)."""
        x = np.asarray(x, dtype=float)
        return np.log(x) - np.log1p(-x) + 3.0 * math.log(self.S)

    def gibbs(self, x: np.ndarray | float) -> np.ndarray:
        """g(x), shape of `x`."""
        x = np.asarray(x, dtype=float)
        return np.asarray(xlogy(x, x) + xlogy(1.0 - x, 1.0 - x) + self._h(x))

    def rho(self, x: np.ndarray | float) -> np.ndarray:
        """Number density, shape of `x`."""
        return np.asarray(self._rho(np.clip(self.to_logit(x), self.logit[0], self.logit[-1])))

    def dilute_slopes(self) -> tuple[float, float]:
        """dh/dx at x = 0 and -dh/dx at x = 1: ln phi of the dilute species minus that of its solvent."""
        return float(self._h(self.composition(self.logit[0]), 1)), -float(self._h(self.composition(self.logit[-1]), 1))

    @cached_property
    def _h(self) -> CubicSpline:
        return CubicSpline(self.composition(self.logit), self.h)

    @cached_property
    def _rho(self) -> CubicSpline:
        return _density_spline(*(np.asarray(v, dtype=float).tobytes() for v in (self.logit, self.density)))


@lru_cache(maxsize=16)
def _density_spline(logit: bytes, density: bytes) -> CubicSpline:
    """Kept for the next curve: the corrections of a bag share their density."""
    return CubicSpline(np.frombuffer(logit), np.frombuffer(density))


@cache
def gibbs_curve(T: float, S: float, eps_AB: float, *, pressure: float = PRESSURE) -> GibbsCurve | None:
    """The curve of PeTS; None if the equation of state has no solution at too many compositions."""
    composition = GibbsCurve(T, S, eps_AB, _LOGITS, _LOGITS, _LOGITS).composition
    h, density = pets_mixing(T, S, eps_AB, composition(_LOGITS), pressure=pressure)
    good = np.isfinite(h) & np.isfinite(density)
    if good.sum() < _ENOUGH:
        return None
    return GibbsCurve(T, S, eps_AB, _LOGITS[good], h[good], density[good])


def binodal(curve: GibbsCurve) -> tuple[float, float] | None:
    """Compositions of two coexisting bulk phases: the longest common tangent of g(x); None if g is convex."""
    points = curve.composition(_FINE)
    energies = curve.gibbs(points)
    if (np.diff(np.diff(energies) / np.diff(points)) > 0).all():
        return None
    x, g = points.tolist(), energies.tolist()
    hull: list[int] = []
    for i in range(len(x)):
        while len(hull) > 1:
            a, b = hull[-2], hull[-1]
            if (g[b] - g[a]) * (x[i] - x[a]) < (g[i] - g[a]) * (x[b] - x[a]):
                break
            hull.pop()
        hull.append(i)
    steps = np.diff(hull)
    widest = int(steps.argmax())
    if steps[widest] < 4:  # the hull leaves out single points by rounding
        return None
    return x[hull[widest]], x[hull[widest + 1]]


def tension(curve: GibbsCurve, x_alpha: float, x_beta: float, *, points: int = 200) -> float:
    """Interfacial tension between two compositions, in epsilon / sigma_AA^2, by square-gradient theory.

    The path in composition is that of the homogeneous fluid at constant pressure:

        tension = 2 int sqrt(c(x) w(x)) dx,   c = sum_ij m_ij rho_i' rho_j' / 12,

    with w the Gibbs energy per volume above the common tangent and m_ij = MOMENT eps_ij (sigma_i sigma_j)^(5/2) the
    second moment of the attraction, its size dependence by the geometric mean, for which c is never negative.

    References
    ----------
    J. W. Cahn and J. E. Hilliard, J. Chem. Phys. 28, 258 (1958).
    """
    logit = np.linspace(curve.to_logit(x_alpha), curve.to_logit(x_beta), points)
    x = curve.composition(logit)
    g, rho = curve.gibbs(x), curve.rho(x)
    above = np.maximum(g - g[0] - (g[-1] - g[0]) * (x - x[0]) / (x[-1] - x[0]), 0.0)
    slope_a, slope_b = np.gradient(rho * (1.0 - x), x), np.gradient(rho * x, x)
    c = slope_a**2 + curve.S**5 * slope_b**2 + 2.0 * curve.eps_AB * curve.S**2.5 * slope_a * slope_b
    root = 2.0 * np.sqrt(MOMENT / 12.0 * np.maximum(c, 0.0) * rho * curve.T * above)
    return float(np.trapezoid(root, x))
