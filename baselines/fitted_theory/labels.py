"""Compositions of the phases that a demixed training state holds, read off its three curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
    here = [float(c.to_logit(s.C_B)) for s, c in zip(states, curves, strict=True)]
    offsets = np.array([_first_guess(s, c) for s, c in zip(states, curves, strict=True)])
    total, done = _ROUNDS * len(states), 0
    for _ in range(_ROUNDS):
        bulk, across = _bulk(states, curves, here, offsets)
        for i, (state, curve) in enumerate(zip(states, curves, strict=True)):
            offsets[i] = _fit(state, curve, here[i], offsets[i], bulk[i], across[i], g[i])
            done += 1
            progress(done, total)
    return [
        _label(state, curve, here[i], offsets[i], bulk[i], across[i], g[i])
        for i, (state, curve) in enumerate(zip(states, curves, strict=True))
    ]


def _first_guess(state: State, curve: GibbsCurve) -> np.ndarray:
    """Log distances in logits; those of the equation of state, or one logit where it sees one phase."""
    found = split(curve, state.C_B)
    if found is None:
        return np.zeros(2)
    z = float(curve.to_logit(state.C_B))
    away = np.abs(np.asarray(curve.to_logit(np.array(found.compositions))) - z)
    return np.asarray(np.clip(np.log(np.maximum(away, 1e-3)), _NEAREST + 0.1, _FURTHEST - 0.1))


def _logits(here: float, offset: np.ndarray) -> np.ndarray:
    return here + np.array([-1.0, 1.0]) * np.exp(offset)


def _bulk(
    states: Sequence[State], curves: Sequence[GibbsCurve], here: Sequence[float], offsets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Means over bins of both phases' RDFs (n, 2, 3, 100), and of those across the interface (n, 3, 100)."""
    rows = []
    for s, c, z, o in zip(states, curves, here, offsets, strict=True):
        for x in c.composition(_logits(z, o)):
            rows.append((s.T, float(c.rho(x)), float(x), s.S, s.eps_AB))
    T, rho, x, S, eps = np.array(rows).T
    fine = fine_curves(bulk_rdf(Mixtures(T, rho, x, S, eps)).g)
    across = np.sqrt(np.maximum(fine[::2], 0.0) * np.maximum(fine[1::2], 0.0))
    return bin_means(fine).reshape(len(states), 2, 3, -1), bin_means(across)


def _assembled(state: State, curve: GibbsCurve, logits: np.ndarray, bulk: np.ndarray, across: np.ndarray) -> np.ndarray:
    x = np.clip(curve.composition(logits), 1e-12, 1.0 - 1e-12)
    alpha, beta = ((float(v), float(curve.rho(v))) for v in x)
    box = lever(state.C_B, alpha, beta, n=N_PARTICLES)
    c = autocorrelation(bin_centres(), length=box.length, phi=box.phi, body=box.body, width=INTERFACE)
    return assemble(box, bulk[0], bulk[1], c, across=across)


def _fit(
    state: State,
    curve: GibbsCurve,
    here: float,
    offset: np.ndarray,
    bulk: np.ndarray,
    across: np.ndarray,
    g: np.ndarray,
) -> np.ndarray:
    use = outside_core(state)
    scale = 10.0 / (np.abs(g - 1.0) * use).sum(-1, keepdims=True)

    def residual(o: np.ndarray) -> np.ndarray:
        got = _assembled(state, curve, _logits(here, o), bulk, across)
        return np.asarray(((got - g) * use * scale).ravel())

    low, high = np.full(2, _NEAREST), np.full(2, _FURTHEST)
    first = np.clip(offset, low + 0.05, high - 0.05)
    found = least_squares(
        residual, first, loss="soft_l1", f_scale=0.02, bounds=(low, high), max_nfev=25, diff_step=1e-3, x_scale=0.1
    )
    return np.asarray(found.x)


def _label(
    state: State,
    curve: GibbsCurve,
    here: float,
    offset: np.ndarray,
    bulk: np.ndarray,
    across: np.ndarray,
    g: np.ndarray,
) -> PhaseLabel | None:
    z = _logits(here, offset)
    fitted = _assembled(state, curve, z, bulk, across)
    error = float(errors(state, fitted, g).mean())
    outward = np.array([[-_STEP, 0.0], [0.0, _STEP]])
    moved = [_assembled(state, curve, z + step, bulk, across) for step in outward]
    use = outside_core(state)
    scale = (np.abs(g - 1.0) * use).sum(-1)
    change = [((np.abs(m - fitted) * use).sum(-1) / scale).mean() / _STEP for m in moved]
    return PhaseLabel(z, np.array(change), error) if error < 0.5 else None
