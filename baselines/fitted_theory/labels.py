"""Compositions of the phases that a demixed training state holds, read off its three curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import least_squares

from binlj.eval.skill import CORE
from binlj.grid import N_PARTICLES, PAIRS, State
from binlj.schema import bin_centres
from binlj.theory.bulk import bulk_rdf
from binlj.theory.gibbs import GibbsCurve
from binlj.theory.mixtures import Mixtures
from binlj.theory.phases import split
from binlj.theory.prediction import bin_means, fine_curves
from binlj.theory.two_phase import INTERFACE, assemble, autocorrelation, lever

_ROUNDS = 2  # solve the bulk phases at the compositions found, then once more
_NEAREST, _FURTHEST = -4.0, 3.0  # log of a phase's distance from the mixture, in logits
_STEP = 0.1  # of a logit, for sensitivities


@dataclass(frozen=True)
class PhaseLabel:
    """What the curves of a demixed state say about its phases.

    Attributes
    ----------
    logits : ndarray, shape (2,)
        Logit of the volume fraction of B in the A-rich and in the B-rich phase.
    sensitivity : ndarray, shape (2,)
        Change of the curves' error (one minus skill, mean of the pairs) per unit of either logit.
    error : float
        Error of the fitted curves.
    """

    logits: np.ndarray
    sensitivity: np.ndarray
    error: float


def outside_core(state: State) -> np.ndarray:
    """Bins that count, shape (3, 100)."""
    return np.stack([bin_centres() >= CORE * state.sigma(pair) for pair in PAIRS])


def errors(state: State, g: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Sum of |g - truth| over sum of |truth - 1| outside the core, not capped, shape (3,)."""
    use = outside_core(state)
    return np.asarray((np.abs(g - truth) * use).sum(-1) / (np.abs(truth - 1.0) * use).sum(-1))


@dataclass(frozen=True)
class _Demixed:
    """A state to be labelled: its equation of state, its curves, and the bulk RDFs assumed for its phases."""

    state: State
    curve: GibbsCurve
    g: np.ndarray
    bulk: np.ndarray
    across: np.ndarray

    def logits(self, offset: np.ndarray) -> np.ndarray:
        """Logits of both phases at the logs of their distances from the mixture."""
        return float(self.curve.to_logit(self.state.C_B)) + np.array([-1.0, 1.0]) * np.exp(offset)

    def assembled(self, logits: np.ndarray) -> np.ndarray:
        """Curves with phases at these logits, shape (3, 100)."""
        x = np.clip(self.curve.composition(logits), 1e-12, 1.0 - 1e-12)
        alpha, beta = ((float(v), float(self.curve.rho(v))) for v in x)
        box = lever(self.state.C_B, alpha, beta, n=N_PARTICLES)
        c = autocorrelation(bin_centres(), length=box.length, phi=box.phi, body=box.body, width=INTERFACE)
        return assemble(box, self.bulk[0], self.bulk[1], c, across=self.across)


def read_phases(
    states: Sequence[State],
    curves: Sequence[GibbsCurve],
    g: np.ndarray,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[PhaseLabel | None]:
    """Fit the two compositions of each demixed state to its curves; None where the fit does not apply.

    Parameters
    ----------
    states : sequence of State
        Demixed ones.
    curves : sequence of GibbsCurve
        The equation of state of each, with its density as good as it is known.
    g : ndarray, shape (n, 3, 100)
    progress : callable
        Called as ``progress(done, total)``.
    """
    offsets = np.array([_first_guess(s, c) for s, c in zip(states, curves, strict=True)])
    total, done = _ROUNDS * len(states), 0
    cases: list[_Demixed] = []
    for _ in range(_ROUNDS):
        cases = _cases(states, curves, g, offsets)
        for i, case in enumerate(cases):
            offsets[i] = _fit(case, offsets[i])
            done += 1
            progress(done, total)
    return [_label(case, offset) for case, offset in zip(cases, offsets, strict=True)]


def _first_guess(state: State, curve: GibbsCurve) -> np.ndarray:
    """Log distances in logits; those of the equation of state, or one logit where it sees one phase."""
    found = split(curve, state.C_B)
    if found is None:
        return np.zeros(2)
    z = float(curve.to_logit(state.C_B))
    away = np.abs(np.asarray(curve.to_logit(np.array(found.compositions))) - z)
    return np.asarray(np.clip(np.log(np.maximum(away, 1e-3)), _NEAREST + 0.1, _FURTHEST - 0.1))


def _cases(states: Sequence[State], curves: Sequence[GibbsCurve], g: np.ndarray, offsets: np.ndarray) -> list[_Demixed]:
    """The states with the bulk RDFs of phases at these offsets, as means over bins."""
    none = np.empty(0)
    bare = [_Demixed(s, c, y, none, none) for s, c, y in zip(states, curves, g, strict=True)]
    rows = [
        (case.state.T, float(case.curve.rho(x)), float(x), case.state.S, case.state.eps_AB)
        for case, offset in zip(bare, offsets, strict=True)
        for x in case.curve.composition(case.logits(offset))
    ]
    T, rho, x, S, eps = np.array(rows).T
    fine = fine_curves(bulk_rdf(Mixtures(T, rho, x, S, eps)).g)
    across = bin_means(np.sqrt(np.maximum(fine[::2], 0.0) * np.maximum(fine[1::2], 0.0)))
    bulk = bin_means(fine).reshape(len(states), 2, 3, -1)
    return [replace(case, bulk=b, across=a) for case, b, a in zip(bare, bulk, across, strict=True)]


def _fit(case: _Demixed, offset: np.ndarray) -> np.ndarray:
    use = outside_core(case.state)
    scale = 10.0 / (np.abs(case.g - 1.0) * use).sum(-1, keepdims=True)

    def residual(o: np.ndarray) -> np.ndarray:
        return np.asarray(((case.assembled(case.logits(o)) - case.g) * use * scale).ravel())

    low, high = np.full(2, _NEAREST), np.full(2, _FURTHEST)
    first = np.clip(offset, low + 0.05, high - 0.05)
    found = least_squares(
        residual, first, loss="soft_l1", f_scale=0.02, bounds=(low, high), max_nfev=25, diff_step=1e-3, x_scale=0.1
    )
    return np.asarray(found.x)


def _label(case: _Demixed, offset: np.ndarray) -> PhaseLabel | None:
    z = case.logits(offset)
    fitted = case.assembled(z)
    error = float(errors(case.state, fitted, case.g).mean())
    use = outside_core(case.state)
    scale = (np.abs(case.g - 1.0) * use).sum(-1)
    outward = np.array([[-_STEP, 0.0], [0.0, _STEP]])
    moved = [case.assembled(z + step) for step in outward]
    change = [((np.abs(m - fitted) * use).sum(-1) / scale).mean() / _STEP for m in moved]
    return PhaseLabel(z, np.array(change), error) if error < 0.5 else None
