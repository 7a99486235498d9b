"""Chemical potentials at infinite dilution from the Ornstein-Zernike equation, and a Gibbs energy that has them.

When the cross energy of one solute particle in a pure solvent goes from 1 to eps_AB, its excess chemical potential
changes by

    beta dmu = beta rho int_1^eps_AB de int 4 pi r^2 g(r; e) u(r) dr,

with u the cross potential at e = 1 and g(r; e) the solute-solvent RDF at cross energy e (thermodynamic integration).
The equation of state needs this change at both ends of the composition. A term of second and third order in the
volume fraction psi, the lowest ones that leave the pure substances alone, replaces its own:

    h -> h + v psi (1 - psi) [c_0 + c_1 (2 psi - 1)],    v = 1 - x + x S^3,

with c_0 - c_1 = d_B / S^3 and c_0 + c_1 = d_A, the differences of the two changes for a B particle in pure A and for an
A particle in pure B. The mixture at eps_AB = 1 remains that of the equation of state.

References
----------
J. G. Kirkwood, J. Chem. Phys. 3, 300 (1935).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from binlj.theory.bulk import bulk_rdf
from binlj.theory.correction import volume_fraction
from binlj.theory.gibbs import GibbsCurve, gibbs_curve
from binlj.theory.mixtures import Mixtures, pair_potential
from binlj.theory.ornstein_zernike import FINE

POINTS = 2  # Gauss-Legendre points of the integral over the cross energy


def solute_change(T: np.ndarray, density: np.ndarray, S: np.ndarray, eps_AB: np.ndarray) -> np.ndarray:
    """Change of a solute's chemical potential over kT as its cross energy goes from 1 to `eps_AB`, shape (n,).

    Parameters
    ----------
    T, density : ndarray, shape (n,)
        Of the solvent, whose particles have diameter and well depth 1.
    S, eps_AB : ndarray, shape (n,)
        Diameter of the solute, and its cross energy with the solvent.

    Returns
    -------
    ndarray, shape (n,)
        NaN where the Ornstein-Zernike equation has no solution at `T`.

    Raises
    ------
    InputError
        If a value is not physical.
    """
    node, weight = np.polynomial.legendre.leggauss(POINTS)
    energies = 1.0 + (eps_AB[:, None] - 1.0) * (node + 1.0) / 2.0
    t, rho, size = (np.repeat(v, POINTS) for v in (T, density, S))
    solutions = Mixtures(t, rho, np.zeros_like(t), size, energies.ravel())
    found = bulk_rdf(solutions)
    r = FINE.r
    u = pair_potential(replace(solutions, eps_AB=np.ones_like(t)), r)[:, 1]
    slope = np.trapezoid(4.0 * np.pi * r**2 * found.g[:, 1] * u, r, axis=1) * rho / t
    slope[found.beta < 1.0] = np.nan
    return np.asarray((slope.reshape(-1, POINTS) * weight).sum(1) * (eps_AB - 1.0) / 2.0)


def mixing_curves(
    keys: Iterable[tuple[float, float, float]], *, dilute_limits: bool = True
) -> dict[tuple[float, float, float], GibbsCurve]:
    """Gibbs energies of mixtures (T, S, eps_AB) with these limits, or PeTS's own; only where PeTS has a solution."""
    pets = {key: gibbs_curve(*key) for key in sorted(set(keys))}
    known = {key: curve for key, curve in pets.items() if curve is not None}
    return dict(zip(known, with_dilute_limits(list(known.values())), strict=True)) if dilute_limits else known


def with_dilute_limits(curves: Sequence[GibbsCurve]) -> list[GibbsCurve]:
    """Curves of the equation of state with the chemical potentials at infinite dilution described above.

    A curve stays as it is where the Ornstein-Zernike equation has no solution, or the equation of state none at
    eps_AB = 1.
    """
    chosen = [
        (i, curve, reference)
        for i, curve in enumerate(curves)
        if curve.eps_AB != 1.0 and (reference := gibbs_curve(curve.T, curve.S, 1.0)) is not None
    ]
    out = list(curves)
    if not chosen:
        return out
    T, S, eps, rho_a, rho_b = np.array([(c.T, c.S, c.eps_AB, *c.density[[0, -1]]) for _, c, _ in chosen]).T
    # A in pure B: the same with sigma_BB as the unit of length.
    solved = solute_change(np.tile(T, 2), np.concatenate([rho_a, rho_b * S**3]), np.concatenate([S, 1.0 / S]),
                           np.tile(eps, 2)).reshape(2, -1)  # fmt: skip
    for (i, curve, reference), changes in zip(chosen, solved.T, strict=True):
        d_b, d_a = changes - np.subtract(curve.dilute_slopes(), reference.dilute_slopes())
        if not np.isfinite([d_b, d_a]).all():
            continue
        low, high = d_b / curve.S**3, d_a
        v, psi = volume_fraction(curve.S, curve.composition(curve.logit))
        term = v * psi * (1.0 - psi) * ((low + high) / 2.0 + (high - low) / 2.0 * (2.0 * psi - 1.0))
        out[i] = replace(curve, h=curve.h + term)
    return out
