"""Curves in the mixed regime: the first time after random mixing, before equilibrium.

Outside the spinodal a mixture is taken as homogeneous at its overall composition, stable or metastable. Inside it the
same, unless the size and composition of its domains have been learned (:mod:`binlj.theory.domains`). The
Ornstein-Zernike equation of an unstable mixture often has no solution at its own temperature; the nearest higher one
at which it has one stands in (:mod:`binlj.theory.bulk`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from binlj.errors import InputError
from binlj.grid import N_PARTICLES, StatePoint
from binlj.schema import bin_centres
from binlj.theory.bulk import FALLBACKS, Bulk, bulk_rdf
from binlj.theory.domains import Domains, autocorrelation, curvature, features, limits
from binlj.theory.gibbs import binodal, gibbs_curve
from binlj.theory.mixtures import Mixtures
from binlj.theory.phases import packed_density
from binlj.theory.prediction import Prediction, StateInfo, bin_means, fine_curves, predict, solver_info
from binlj.theory.two_phase import lever


@dataclass(frozen=True)
class Parts:
    """Of one state: its homogeneous curves and, inside the spinodal, those of domains.

    Attributes
    ----------
    mixture : ndarray, shape (3, 100)
    apart, change : ndarray, shape (3, 100), or None
        :func:`binlj.theory.domains.limits`; None outside the spinodal.
    features : ndarray, shape (9,), or None
        :func:`binlj.theory.domains.features`.
    info : StateInfo
    """

    mixture: np.ndarray
    apart: np.ndarray | None
    change: np.ndarray | None
    features: np.ndarray | None
    info: StateInfo

    @property
    def unstable(self) -> bool:
        """Whether the state lies inside the spinodal."""
        return self.features is not None

    def curves(self, sizes: np.ndarray) -> np.ndarray:
        """g(r) with domains of given xi, q and eta, shape (3, 100)."""
        if self.apart is None or self.change is None:
            return self.mixture
        xi, q, eta = sizes
        c = autocorrelation(bin_centres(), xi, q)
        return np.asarray((1.0 - eta) * self.mixture + eta * (self.apart + c * self.change))


def predict_mixed(
    states: Sequence[StatePoint], *, domains: Domains | None = None, closures: tuple[str, ...] = FALLBACKS
) -> Prediction:
    """g(r) of states in the mixed regime.

    Parameters
    ----------
    states : sequence of StatePoint
    domains : Domains, optional
        What has been learned of domains. Without it every state is homogeneous.
    closures : tuple of str
        Tried in this order.

    Returns
    -------
    Prediction
        ``spread`` is zero. ``info.p_demixed`` is 1 inside the spinodal and 0 outside, if domains are given.

    Raises
    ------
    InputError
        If there is no state or no closure.
    """
    solved = solve_parts(states, closures=closures, phases=domains is not None)
    return combine(solved, domains)


def theory_in(regime: str, states: Sequence[StatePoint], *, closures: tuple[str, ...] = FALLBACKS) -> Prediction:
    """The theory without anything learned, in either regime."""
    return (predict_mixed if regime == "mixed" else predict)(states, closures=closures)


def combine(parts: Sequence[Parts], domains: Domains | None) -> Prediction:
    """The curves of states whose parts are solved."""
    g = np.stack([p.mixture for p in parts])
    unstable, found = features_of(parts)
    if len(unstable) and domains is not None:
        for i, size in zip(unstable, domains.sizes(found), strict=True):
            g[i] = np.maximum(parts[i].curves(size), 0.0)
    return Prediction(g, np.zeros_like(g), tuple(p.info for p in parts))


def features_of(parts: Sequence[Parts]) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the states inside the spinodal, and their features: shapes (k,) and (k, 9)."""
    found = {i: p.features for i, p in enumerate(parts) if p.features is not None}
    return np.array(list(found), dtype=int), np.array(list(found.values()))


def solve_parts(
    states: Sequence[StatePoint], *, closures: tuple[str, ...] = FALLBACKS, phases: bool = True
) -> list[Parts]:
    """Solve the Ornstein-Zernike equation for each mixture and, inside the spinodal, for both of its phases.

    Parameters
    ----------
    phases : bool
        False leaves the phases out.
    """
    problems = [f"{name} is empty" for name, v in (("states", states), ("closures", closures)) if not len(v)]
    if problems:
        raise InputError("theory", problems)
    found = [_phases(state) for state in states]
    rows: list[tuple[float, ...]] = []
    first: list[int] = []
    for state, (density, split, _) in zip(states, found, strict=True):
        first.append(len(rows))
        points = [(state.C_B, density), *(split if phases and split else ())]
        rows += [(state.T, rho, x, state.S, state.eps_AB) for x, rho in points]
    T, rho, x, S, eps = np.array(rows, dtype=float).T
    bulk = bulk_rdf(Mixtures(T, rho, np.clip(x, 0.0, 1.0), S, eps), closures=closures)
    ends = [*first[1:], len(rows)]
    return [
        _parts(state, one, bulk, range(i, j)) for state, one, i, j in zip(states, found, first, ends, strict=True)
    ]


_Split = tuple[tuple[float, float], tuple[float, float]]


def _phases(state: StatePoint) -> tuple[float, _Split | None, str]:
    """Density of the mixture, the coexisting phases inside the spinodal, and where the density is from."""
    curve = gibbs_curve(state.T, state.S, state.eps_AB)
    if curve is None:
        return packed_density(state), None, "packing"
    density = float(curve.rho(state.C_B))
    bulk = binodal(curve) if curvature(curve, state.C_B) < 0 else None
    if bulk is None or not bulk[0] < state.C_B < bulk[1]:
        return density, None, "PeTS"
    alpha, beta = ((x, float(curve.rho(x))) for x in bulk)
    return density, (alpha, beta), "PeTS"


def _parts(state: StatePoint, found: tuple[float, _Split | None, str], bulk: Bulk, here: range) -> Parts:
    density, split, source = found
    fine = fine_curves(bulk.g[here.start : here.stop])
    binned = bin_means(fine)
    apart = change = of_state = None
    phi, points = 0.0, [(state.C_B, density)]
    if len(here) == 3 and split is not None:
        alpha, beta = split
        across = bin_means(np.sqrt(np.maximum(fine[1], 0.0) * np.maximum(fine[2], 0.0)))
        apart, change = limits(state.C_B, alpha, beta, binned[1], binned[2], across)
        phi, points = lever(state.C_B, alpha, beta, n=N_PARTICLES).phi, [alpha, beta]
        curve = gibbs_curve(state.T, state.S, state.eps_AB)
        assert curve is not None  # there are phases
        of_state = features(state, curve, phi)
    info = StateInfo(
        p_demixed=float(of_state is not None),
        body="homogeneous" if of_state is None else "domains",
        phi=phi,
        compositions=tuple(x for x, _ in points),
        densities=tuple(rho for _, rho in points),
        density_from=source,
        **solver_info(bulk, here),
    )
    return Parts(binned[0], apart, change, of_state, info)
