"""From states to curves on the dataset's 100 bins, with a record of how each was obtained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from binlj.errors import InputError
from binlj.grid import State
from binlj.schema import N_BINS, R_MAX, bin_edges
from binlj.theory.bulk import FALLBACKS, Bulk, bulk_rdf
from binlj.theory.ornstein_zernike import FINE
from binlj.theory.phases import Phases, phases
from binlj.theory.potentials import Mixtures
from binlj.theory.two_phase import assemble, autocorrelation

_POINTS = round(R_MAX / FINE.dr)  # grid points up to 10 sigma


@dataclass(frozen=True)
class StateInfo:
    """How one state's curves were obtained.

    Attributes
    ----------
    body : str
        ``homogeneous``, or the ``sphere``, ``cylinder`` or ``slab`` of two phases.
    compositions, densities : tuple of float
        Of each phase.
    closures : tuple of str
        Of each phase.
    beta : tuple of float
        Of each phase: the share of 1/T at which the equation was solved; 1 unless nothing converged there.
    path : tuple of bool
        Of each phase: whether the solution needed continuation in 1/T.
    residual, iterations : float, int
        The larger of the phases' residuals; the sum of their iterations.
    density_from : str
        ``PeTS`` or ``packing``.
    """

    body: str
    compositions: tuple[float, ...]
    densities: tuple[float, ...]
    closures: tuple[str, ...]
    beta: tuple[float, ...]
    path: tuple[bool, ...]
    residual: float
    iterations: int
    density_from: str

    @property
    def route(self) -> str:
        """One word or two for counting: the worst that happened to any of the phases."""
        if self.density_from != "PeTS":
            return "density from packing"
        if min(self.beta) < 1.0:
            return "solved at a higher temperature"
        if any(name != FALLBACKS[0] for name in self.closures):
            return "another closure"
        return "continuation in 1/T" if any(self.path) else "direct"


@dataclass(frozen=True)
class Prediction:
    """Curves and how they were obtained.

    Attributes
    ----------
    g : ndarray, shape (n, 3, 100)
        Means over the dataset's bins, weighted by shell volume; pairs AA, AB, BB.
    info : tuple of StateInfo
        One a state.
    """

    g: np.ndarray
    info: tuple[StateInfo, ...]

    def routes(self) -> dict[str, int]:
        """How many states took which route, the most frequent first."""
        return dict(Counter(i.route for i in self.info).most_common())


def predict(states: Sequence[State], *, closures: tuple[str, ...] = FALLBACKS) -> Prediction:
    """g(r) of states by theory alone: PeTS's phases, the Ornstein-Zernike equation in each, two-phase geometry.

    Parameters
    ----------
    states : sequence of State
        On the grid or off it.
    closures : tuple of str
        Tried in this order; see :data:`binlj.theory.closures.CLOSURES`.

    Raises
    ------
    InputError
        If there is no state or no closure, or a closure is unknown.
    """
    problems = [f"{name} is empty" for name, v in (("states", states), ("closures", closures)) if not len(v)]
    if problems:
        raise InputError("theory", problems)
    found = [phases(state) for state in states]
    mixtures, first = _mixtures(states, found)
    bulk = bulk_rdf(mixtures, closures=closures)
    g = np.stack([_state_rdf(found[s], bulk.g[first[s] : first[s + 1]]) for s in range(len(states))])
    return Prediction(g, tuple(_info(found[s], bulk, first[s]) for s in range(len(states))))


def bin_means(g: np.ndarray) -> np.ndarray:
    """Means over the 100 bins, weighted by r^2, of curves at r = 0, 0.0125 ... 10; shape (..., 100).

    Simpson's rule in each bin, which is exact for the weight itself.
    """
    per_bin = _POINTS // N_BINS
    r = FINE.dr * np.arange(_POINTS + 1)
    simpson = np.array([1.0, *([4.0, 2.0] * (per_bin // 2))[:-1], 1.0])
    index = per_bin * np.arange(N_BINS)[:, None] + np.arange(per_bin + 1)
    weight = simpson * r[index] ** 2
    return np.asarray((g[..., index] * weight).sum(-1) / weight.sum(-1))


def _mixtures(states: Sequence[State], found: Sequence[Phases]) -> tuple[Mixtures, np.ndarray]:
    """All bulk phases in one batch, and where each state's begin (and the last end)."""
    rows = [(s.T, rho, x, s.S, s.eps_AB) for s, p in zip(states, found, strict=True) for x, rho in p.bulk]
    T, rho, x, S, eps = np.array(rows, dtype=float).T
    first = np.concatenate([[0], np.cumsum([len(p.bulk) for p in found])])
    return Mixtures(T, rho, np.clip(x, 0.0, 1.0), S, eps), first


def _state_rdf(found: Phases, bulk: np.ndarray) -> np.ndarray:
    """The state's curves on the 100 bins from its bulk phases on the fine grid."""
    zero = np.zeros((len(bulk), 3, 1))
    g = np.concatenate([zero, bulk[..., :_POINTS]], axis=-1)
    if found.box is None:
        return bin_means(g[0])
    # c(r) is smooth on the scale of a bin.
    edges = bin_edges()
    c = autocorrelation(edges, length=found.box.length, phi=found.box.phi)
    c_fine = CubicSpline(edges, c)(FINE.dr * np.arange(_POINTS + 1))
    return bin_means(assemble(found.box, g[0], g[1], c_fine))


def _info(found: Phases, bulk: Bulk, first: int) -> StateInfo:
    here = range(first, first + len(found.bulk))
    return StateInfo(
        body="homogeneous" if found.box is None else found.box.body,
        compositions=tuple(x for x, _ in found.bulk),
        densities=tuple(rho for _, rho in found.bulk),
        closures=tuple(bulk.closure[i] for i in here),
        beta=tuple(float(bulk.beta[i]) for i in here),
        path=tuple(bool(bulk.path[i]) for i in here),
        residual=float(max(bulk.residual[i] for i in here)),
        iterations=int(sum(bulk.iterations[i] for i in here)),
        density_from=found.density_from,
    )
