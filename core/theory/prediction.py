"""From states to curves on the dataset's 100 bins, with a record of how each was obtained."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from binlj.errors import InputError
from binlj.grid import N_PARTICLES, StatePoint
from binlj.schema import N_BINS, R_MAX, bin_centres
from binlj.theory.bulk import FALLBACKS, Bulk, bulk_rdf
from binlj.theory.correction import Correction, corrected
from binlj.theory.dilution import mixing_curves
from binlj.theory.gibbs import GibbsCurve
from binlj.theory.mixtures import Mixtures
from binlj.theory.ornstein_zernike import FINE
from binlj.theory.phases import Phases, phases
from binlj.theory.two_phase import INTERFACE, assemble, autocorrelation, lever

_POINTS = round(R_MAX / FINE.dr)  # grid points up to 10 sigma
_NEGLIGIBLE = 1e-3  # a phase call less probable than this is not worth a solution of the equation


@dataclass(frozen=True)
class StateInfo:
    """How one state's curves were obtained.

    Attributes
    ----------
    p_demixed : float
        Probability of two phases; 0 or 1 for the theory alone.
    body : str
        ``homogeneous``, or the shape of the smaller phase (:func:`binlj.theory.two_phase.body_of`), whichever is more
        probable.
    phi : float
        Volume fraction of the B-rich phase; 0 if homogeneous.
    compositions, densities : tuple of float
        Of each phase.
    closures : tuple of str
        Of each solution of the Ornstein-Zernike equation that the curves contain.
    beta : tuple of float
        Of each solution: the share of 1/T at which the equation was solved; 1 unless nothing converged there.
    path : tuple of bool
        Of each solution: whether it needed continuation in 1/T.
    residual, iterations : float, int
        The largest of the residuals; the sum of the iterations.
    density_from : str
        ``PeTS`` or ``packing``.
    """

    p_demixed: float
    body: str
    phi: float
    compositions: tuple[float, ...]
    densities: tuple[float, ...]
    closures: tuple[str, ...]
    beta: tuple[float, ...]
    path: tuple[bool, ...]
    residual: float
    iterations: int
    density_from: str

    @property
    def demixed(self) -> bool:
        """Whether the curves are those of two phases."""
        return len(self.compositions) == 2

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
        Means over the dataset's bins (or those asked for), weighted by shell volume; pairs AA, AB, BB. Of the number of
        phases that is more probable.
    spread : ndarray, shape (n, 3, 100)
        Standard deviation over corrections and phase calls; 0 for the theory alone.
    info : tuple of StateInfo
        One a state.
    """

    g: np.ndarray
    spread: np.ndarray
    info: tuple[StateInfo, ...]

    def routes(self) -> dict[str, int]:
        """How many states took which route, the most frequent first."""
        return dict(Counter(i.route for i in self.info).most_common())


@dataclass(frozen=True)
class _Plan:
    """One state: what each correction says, how probable its demixing is, and the bulk phases to solve for."""

    found: tuple[Phases, ...]
    p: np.ndarray
    bulk: tuple[tuple[float, float], ...]  # (C_B, density): the mixture if needed, then both phases if needed
    one: bool
    two: bool

    @property
    def demixed(self) -> bool:
        """Whether two phases are at least as probable as one."""
        return float(self.p.mean()) >= 0.5


def predict(
    states: Sequence[StatePoint],
    *,
    closures: tuple[str, ...] = FALLBACKS,
    corrections: Sequence[Correction] = (),
    softness: float = 0.0,
    dilute_limits: bool = True,
    width: float = INTERFACE,
    n: int = N_PARTICLES,
    bins: int = N_BINS,
) -> Prediction:
    """g(r) of states: phases by the equation of state, the Ornstein-Zernike equation in each, two-phase geometry.

    Parameters
    ----------
    states : sequence of StatePoint
        On the grid or off it.
    closures : tuple of str
        Tried in this order; see :data:`binlj.theory.closures.CLOSURES`.
    corrections : sequence of Correction
        Learned corrections of the Gibbs energy and the density; the curves are means over them.
    softness : float
        Gibbs energy of the box, in kT, over which the probability of two phases goes from 1 to 0 (a logistic function);
        0 is a step. The curves are those of one phase or of two, whichever is more probable; the other enters their
        spread with its probability.
    dilute_limits : bool
        Whether chemical potentials at infinite dilution are those of the Ornstein-Zernike equation
        (:mod:`binlj.theory.dilution`), or PeTS's.
    width : float
        Width of the interface; see :func:`binlj.theory.two_phase.autocorrelation`.
    n : int
        Particles in the periodic box.
    bins : int
        Equal bins from 0 to 10 sigma: the dataset's 100, or 200.

    Raises
    ------
    InputError
        If there is no state or no closure, a closure is unknown, or the bins do not fit the equation's grid.
    """
    problems = [f"{name} is empty" for name, v in (("states", states), ("closures", closures)) if not len(v)]
    if bins < 1 or _POINTS % (2 * bins):
        problems.append(f"{bins} bins: each must hold an even number of the {_POINTS} intervals of the equation's grid")
    if problems:
        raise InputError("theory", problems)
    known = mixing_curves(((s.T, s.S, s.eps_AB) for s in states), dilute_limits=dilute_limits)
    plans = [_plan(s, known.get((s.T, s.S, s.eps_AB)), corrections, softness, n) for s in states]
    rows = [(s.T, rho, x, s.S, s.eps_AB) for s, p in zip(states, plans, strict=True) for x, rho in p.bulk]
    first = np.concatenate([[0], np.cumsum([len(p.bulk) for p in plans])])
    T, rho, x, S, eps = np.array(rows, dtype=float).T
    bulk = bulk_rdf(Mixtures(T, rho, np.clip(x, 0.0, 1.0), S, eps), closures=closures)
    curves = [
        _curves(state, plan, bulk.g[i:j], width, n, bins)
        for state, plan, i, j in zip(states, plans, first[:-1], first[1:], strict=True)
    ]
    info = tuple(
        _info(state, plan, bulk, range(i, j), n)
        for state, plan, i, j in zip(states, plans, first[:-1], first[1:], strict=True)
    )
    return Prediction(np.stack([g for g, _ in curves]), np.stack([spread for _, spread in curves]), info)


def fine_curves(g: np.ndarray) -> np.ndarray:
    """RDFs on the fine grid from r = 0 to 10, shape (..., 401), from those at r = 0.025, 0.05 ..."""
    return np.concatenate([np.zeros((*g.shape[:-1], 1)), g[..., :_POINTS]], axis=-1)


def bin_means(g: np.ndarray, bins: int = N_BINS) -> np.ndarray:
    """Means over `bins` bins, weighted by r^2, of curves at r = 0, 0.025 ... 10; shape (..., bins).

    Simpson's rule in each bin, which is exact for the weight itself.
    """
    per_bin = _POINTS // bins
    r = FINE.dr * np.arange(_POINTS + 1)
    simpson = np.array([1.0, *([4.0, 2.0] * (per_bin // 2))[:-1], 1.0])
    index = per_bin * np.arange(bins)[:, None] + np.arange(per_bin + 1)
    weight = simpson * r[index] ** 2
    return np.asarray((g[..., index] * weight).sum(-1) / weight.sum(-1))


def _plan(
    state: StatePoint, curve: GibbsCurve | None, corrections: Sequence[Correction], softness: float, n: int
) -> _Plan:
    curves = [curve] if curve is None or not corrections else [corrected(curve, c) for c in corrections]
    found = tuple(phases(state, curve=c, n=n) for c in curves)
    p = np.array([_probability(f.gain, softness) for f in found])
    mean = float(p.mean())
    one, two = mean < 1.0 - _NEGLIGIBLE, mean > _NEGLIGIBLE
    bulk: list[tuple[float, float]] = []
    if one:
        bulk.append((state.C_B, float(np.mean([f.density for f in found]))))
    if two:
        # One solution of the equation serves all corrections: at their mean composition (in logits) and density.
        for side in (0, 1):
            pairs = np.array([f.split[side] for f in found if f.split is not None])
            weight = np.array([w for f, w in zip(found, p, strict=True) if f.split is not None])
            logit = np.average(np.log(pairs[:, 0]) - np.log1p(-pairs[:, 0]), weights=weight)
            bulk.append((float(1.0 / (1.0 + np.exp(-logit))), float(np.average(pairs[:, 1], weights=weight))))
    return _Plan(found, p, tuple(bulk), one, two)


def _probability(gain: float, softness: float) -> float:
    if not math.isfinite(gain) or softness == 0.0:
        return float(gain < 0)
    return float(1.0 / (1.0 + np.exp(np.clip(gain / softness, -700.0, 700.0))))


def _curves(
    state: StatePoint, plan: _Plan, bulk: np.ndarray, width: float, n: int, bins: int
) -> tuple[np.ndarray, np.ndarray]:
    """The state's curves on the bins and their spread, from its bulk phases on the fine grid."""
    fine = fine_curves(bulk)
    binned = bin_means(fine, bins)
    share, candidates = [], []
    if plan.one:
        share.append(1.0 - float(plan.p.mean()))
        candidates.append(binned[0])
    if plan.two:
        across = bin_means(np.sqrt(np.maximum(fine[-2], 0.0) * np.maximum(fine[-1], 0.0)), bins)
        for found, p in zip(plan.found, plan.p, strict=True):
            if found.split is not None and p > 0:
                box = lever(state.C_B, *found.split, n=n)
                # c(r) is smooth on the scale of a bin.
                c = autocorrelation(bin_centres(bins), length=box.length, phi=box.phi, body=box.body, width=width)
                share.append(p / len(plan.p))
                candidates.append(assemble(box, binned[-2], binned[-1], c, across=across))
    weight = np.array(share) / sum(share)
    stack = np.stack(candidates)
    # A mean over one and two phases would be the RDF of neither.
    chosen = slice(int(plan.one), None) if plan.demixed else slice(0, 1)
    g = np.tensordot(weight[chosen] / weight[chosen].sum(), stack[chosen], axes=1)
    return g, np.sqrt(np.tensordot(weight, (stack - g) ** 2, axes=1))


def _info(state: StatePoint, plan: _Plan, bulk: Bulk, here: range, n: int) -> StateInfo:
    kept = plan.bulk[-2:] if plan.demixed else plan.bulk[:1]
    box = lever(state.C_B, *kept, n=n) if plan.demixed else None
    return StateInfo(
        p_demixed=float(plan.p.mean()),
        body="homogeneous" if box is None else box.body,
        phi=0.0 if box is None else box.phi,
        compositions=tuple(x for x, _ in kept),
        densities=tuple(rho for _, rho in kept),
        density_from=plan.found[0].density_from,
        **solver_info(bulk, here),
    )


def solver_info(bulk: Bulk, here: range) -> dict[str, Any]:
    """The fields of :class:`StateInfo` that tell how the equation was solved, for the solutions of one state."""
    return {
        "closures": tuple(bulk.closure[i] for i in here),
        "beta": tuple(float(bulk.beta[i]) for i in here),
        "path": tuple(bool(bulk.path[i]) for i in here),
        "residual": float(max(bulk.residual[i] for i in here)),
        "iterations": int(sum(bulk.iterations[i] for i in here)),
    }
