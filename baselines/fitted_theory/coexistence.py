"""Learning the correction of the Gibbs energy from phases: coexistence conditions and phase calls.

At the compositions read off a demixed training state the Gibbs energy of the box has to be stationary. That condition
is linear in the correction; divided by the second derivatives it says how far, in logits, the theory's phases are from
those of the curves. A state's phase flag adds a logistic term in the Gibbs energy gained by demixing. At given
compositions it is linear in the correction, too: at the minimum its derivative with respect to them is 0.
Compositions and second derivatives are renewed a few times.

Labels next to the phase boundary may be wrong. Deviations therefore count as minus the logarithm of a Cauchy
distribution, which hardly grows with the largest of them, and each phase flag is taken to be wrong with a small
probability.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from binlj.baselines.fitted_theory.labels import PhaseLabel
from binlj.grid import N_PARTICLES, State
from binlj.theory.correction import N_DENSITY, N_GIBBS, Correction, corrected, gibbs_features
from binlj.theory.gibbs import GibbsCurve, binodal, tension
from binlj.theory.phases import gain, split

ROUNDS = 5
RIDGE = 30.0
CALL_SCALE = 60.0  # kT of the box
LARGE = 0.1  # error of a curve beyond which deviations count less and less
WRONG = 0.02  # probability that a phase flag is wrong
UNSETTLED = 0.3  # weight of a state that is not converged
_STEP = 0.05
_LOWEST = 14.0  # logit of phases that are pure as far as can be told


@dataclass(frozen=True)
class PhaseData:
    """Training states with what is known of their phases.

    Attributes
    ----------
    states : sequence of State
    curves : mapping of (T, S, eps_AB) to GibbsCurve
        The equation of state of each mixture, density corrected.
    demixed : ndarray of bool, shape (n,)
    weight : ndarray, shape (n,)
    labels : mapping of int to PhaseLabel
        Of some of the demixed states, by position.
    """

    states: Sequence[State]
    curves: Mapping[tuple[float, float, float], GibbsCurve]
    demixed: np.ndarray
    weight: np.ndarray
    labels: Mapping[int, PhaseLabel]

    def curve(self, i: int) -> GibbsCurve:
        """The uncorrected curve of the i-th state."""
        s = self.states[i]
        return self.curves[s.T, s.S, s.eps_AB]


def fit_gibbs(
    data: PhaseData,
    rows: Sequence[int],
    *,
    ridge: float = RIDGE,
    call_scale: float = CALL_SCALE,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> np.ndarray:
    """Coefficients of the correction of h, shape (13,).

    Parameters
    ----------
    rows : sequence of int
        Positions of the states to use; repetitions count.
    ridge : float
        Penalty on the squared coefficients.
    call_scale : float
        Gibbs energy of the box, in kT, by which a wrong phase call counts once more.
    """
    theta = np.zeros(N_GIBBS)
    unique, counts = np.unique(np.asarray(rows, dtype=int), return_counts=True)
    for round_ in range(ROUNDS):
        conditions, calls = _linearise(data, unique, counts, theta)
        a = np.concatenate([np.zeros((0, N_GIBBS)), *(rows_ for rows_, _ in conditions)])
        b = np.concatenate([np.zeros(0), *(offsets for _, offsets in conditions)])
        sign, offset, slope, weight = (np.array(x) for x in zip(*calls, strict=True))

        def loss(t: np.ndarray) -> tuple[float, np.ndarray]:
            deviation = (a @ t + b) / LARGE  # noqa: B023
            p = expit(-sign * (offset + slope @ t) / call_scale)  # noqa: B023
            flag = WRONG + (1.0 - 2.0 * WRONG) * p
            value = 0.5 * np.log1p(deviation**2).sum() - (weight * np.log(flag)).sum() + ridge * t @ t  # noqa: B023
            gradient = a.T @ (deviation / (1.0 + deviation**2)) / LARGE + 2.0 * ridge * t  # noqa: B023
            change = weight * (1.0 - 2.0 * WRONG) * p * (1.0 - p) / flag * sign / call_scale  # noqa: B023
            return float(value), gradient + slope.T @ change  # noqa: B023

        found = minimize(loss, theta, jac=True, method="L-BFGS-B").x
        theta = theta + (found - theta) * (1.0 if round_ else 0.7)
        progress(round_ + 1, ROUNDS)
    return theta


def _linearise(
    data: PhaseData, rows: np.ndarray, counts: np.ndarray, theta: np.ndarray
) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[tuple[float, float, np.ndarray, float]]]:
    """Conditions a . theta + b = 0 of the labelled states; sign, offset, slope and weight of all states' calls."""
    curves: dict[tuple[float, float, float], GibbsCurve] = {}
    conditions, calls = [], []
    for i, count in zip(rows, counts, strict=True):
        state = data.states[i]
        key = (state.T, state.S, state.eps_AB)
        if key not in curves:
            curves[key] = corrected(data.curves[key], Correction(theta, np.zeros(N_DENSITY)))
        curve, label = curves[key], data.labels.get(i)
        weight = float(data.weight[i] * count)
        if label is not None:
            z = np.clip(label.logits, -_LOWEST, _LOWEST)
            shift, by_theta, gained = _stationarity(curve, state, z, theta)
            scale = label.sensitivity * weight
            conditions.append((scale[:, None] * by_theta, scale * shift))
        else:
            best = split(curve, state.C_B)
            if best is None:
                continue
            z, gained = np.asarray(curve.to_logit(np.array(best.compositions))), best.gain
        slope = _by_theta(curve, state, z)
        calls.append((1.0 if data.demixed[i] else -1.0, gained - float(slope @ theta), slope, weight))
    return conditions, calls


def _stationarity(
    curve: GibbsCurve, state: State, z: np.ndarray, theta: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Newton's step from `z` to the minimum as an affine function of theta, and the Gibbs energy gained at `z`."""
    bulk = binodal(curve)
    gamma = tension(curve, *(bulk or curve.composition(z)))
    steps = np.array([-_STEP, 0.0, _STEP])
    f = gain(curve, state.C_B, (z[0] + steps)[:, None], (z[1] + steps)[None], gamma=gamma)
    slope = np.array([f[2, 1] - f[0, 1], f[1, 2] - f[1, 0]]) / (2.0 * _STEP)
    mixed = (f[2, 2] - f[2, 0] - f[0, 2] + f[0, 0]) / 4.0
    hessian = np.array([[f[2, 1] - 2 * f[1, 1] + f[0, 1], mixed], [mixed, f[1, 2] - 2 * f[1, 1] + f[1, 0]]]) / _STEP**2
    # Where the box is not convex, or hardly, the step is bounded.
    values, vectors = np.linalg.eigh(hessian)
    values = np.maximum(np.abs(values), 1e-4 * np.abs(values).max() + 0.5)
    inverse = vectors @ np.diag(1.0 / values) @ vectors.T
    ends = [_by_theta(curve, state, z + d) - _by_theta(curve, state, z - d) for d in _STEP * np.eye(2)]
    by_theta = inverse @ (np.stack(ends) / (2.0 * _STEP))
    return inverse @ slope - by_theta @ theta, by_theta, float(f[1, 1])


def _by_theta(curve: GibbsCurve, state: State, z: np.ndarray) -> np.ndarray:
    """Derivative of the gain with respect to the correction's coefficients at given phases, shape (13,)."""
    a, b = (float(x) for x in curve.composition(z))
    share = (state.C_B - a) / (b - a)
    low, high, here = gibbs_features(curve.T, curve.S, curve.eps_AB, np.array([a, b, state.C_B]))
    return np.asarray(N_PARTICLES * ((1.0 - share) * low + share * high - here))
