"""Integral equation and two phases on an equation of state whose density and Gibbs energy training data correct."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.baselines.fitted_theory.coexistence import RIDGE, UNSETTLED, PhaseData, fit_gibbs
from binlj.baselines.fitted_theory.labels import PhaseLabel, read_phases
from binlj.baselines.fitted_theory.mixed import fit_mixed
from binlj.baselines.fitted_theory.states import TrainingStates, relative_noise, training_states
from binlj.baselines.frames import check_training_table
from binlj.baselines.model_files import read_arrays, write_arrays
from binlj.baselines.protocol import FitContext
from binlj.errors import DataError, InputError
from binlj.grid import PAIRS, State
from binlj.theory import predict
from binlj.theory.correction import N_DENSITY, N_GIBBS, Correction, corrected, density_features
from binlj.theory.dilution import mixing_curves
from binlj.theory.fitted import Fitted, from_arrays
from binlj.theory.fitted_mixed import FittedMixed, mixed_from_arrays
from binlj.theory.gibbs import GibbsCurve, gibbs_curve
from binlj.theory.prediction import Prediction
from binlj.theory.residual import Residuals

if TYPE_CHECKING:
    import pandas as pd

STATE_COLUMNS = ("density", "phase", "converged")
FITTED = ("gibbs", "density", "coefficients", "values")  # arrays of fitted numbers


class FittedTheory:
    """The theory of :mod:`binlj.theory` on a corrected equation of state, plus a learned residual.

    Learned from the training split: a correction of the density (ridge regression on homogeneous states), a bag of
    corrections of the Gibbs energy, each fitted to the phases of a bootstrap sample of the training mixtures, and the
    residuals of the converged training states (:mod:`binlj.theory.residual`). Predictions are means over the bag.

    Trained on a track of the mixed regime, it is the theory of :mod:`binlj.theory.mixed` with PeTS as it is; the size
    and composition of domains inside the spinodal and the residuals are learned.

    Parameters
    ----------
    bag : int
        Bootstrap samples.
    ridge : float
        Penalty of the Gibbs energy's correction.
    density_ridge : float
        Penalty of the density's correction.
    softness : float
        Gibbs energy of the box, in kT, over which one member's phase call goes from one side to the other.
    domain_ridge : float
        Penalty of the domains' coefficients (mixed regime only).

    Raises
    ------
    InputError
        If a parameter is out of range.
    """

    name = "fitted_theory"

    def __init__(
        self, bag: int = 8, ridge: float = RIDGE, density_ridge: float = 1e-3, softness: float = 10.0,
        domain_ridge: float = 0.1,
    ) -> None:  # fmt: skip
        problems = [f"bag = {bag} must be at least 1"] if bag < 1 else []
        penalties = {"ridge": ridge, "density_ridge": density_ridge, "domain_ridge": domain_ridge}
        for key, value in (penalties | {"softness": softness}).items():
            if not (np.isfinite(value) and value >= 0):
                problems.append(f"{key} = {value} must be at least 0")
        if problems:
            raise InputError("parameters of fitted_theory", problems)
        self.parameters: dict[str, Any] = {"bag": bag, "softness": softness, **penalties}
        self.history: dict[str, list[float]] = {}
        self.fitted: Fitted | FittedMixed | None = None

    @property
    def n_parameters(self) -> int | None:
        """Fitted numbers: corrections and residual curves."""
        if self.fitted is None:
            return None
        return sum(v.size for k, v in self.fitted.arrays().items() if k in FITTED)

    def fit(self, train: pd.DataFrame, context: FitContext = FitContext()) -> None:  # noqa: B008
        """Fit corrections and residuals.

        Parameters
        ----------
        train : DataFrame
            A training table joined with the columns ``density``, ``phase`` and ``converged`` of its states.

        Raises
        ------
        DataError
            If a column is missing or the table is not fit for training.
        """
        missing = [c for c in STATE_COLUMNS if c not in train]
        if missing:
            problems = [f"column {c!r} is missing" for c in missing]
            raise DataError("training table", problems, fix="see binlj.baselines.frames.with_state_columns")
        check_training_table(train)
        data = training_states(train)
        if context.regime == "mixed":
            self.fitted = fit_mixed(data, ridge=self.parameters["domain_ridge"], context=context)
            return
        density = fit_density(data, ridge=self.parameters["density_ridge"])
        phases = phase_data(data, density, context)
        rng = np.random.default_rng(context.seed)
        bag = self.parameters["bag"]
        corrections = []
        for b in range(bag):
            rows = bootstrap_mixtures(phases.states, rng) if bag > 1 else list(range(len(phases.states)))
            corrections.append(Correction(fit_gibbs(phases, rows, ridge=self.parameters["ridge"]), density))
            context.progress(b + 1, bag, "corrections of the Gibbs energy")
        softness = self.parameters["softness"]
        context.progress(0, 1, "residuals of the training states")
        residuals = fit_residuals(data, tuple(corrections), softness=softness)
        self.fitted = Fitted(tuple(corrections), softness, residuals)

    def theory(self, states: Sequence[State]) -> Prediction:
        """Curves, their standard deviations, phases and how they were obtained."""
        if self.fitted is None:
            raise InputError("fitted_theory", ["the model is not fitted"])
        return self.fitted.predict(states)

    def predict(self, states: Sequence[State], pairs: Sequence[str]) -> np.ndarray:
        """g(r), shape (n, 100); each state is solved once, whatever its number of pairs."""
        return self.predict_with_std(states, pairs)[0]

    def predict_with_std(self, states: Sequence[State], pairs: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """g(r) and its standard deviation, shape (n, 100) each."""
        if len(states) != len(pairs) or not set(pairs) <= set(PAIRS):
            raise InputError("query", [f"needs one pair of {', '.join(PAIRS)} for each state"])
        different = sorted(set(states))
        found = self.theory(different)
        row = {state: i for i, state in enumerate(different)}
        at = [(row[s], PAIRS.index(p)) for s, p in zip(states, pairs, strict=True)]
        return np.stack([found.g[i] for i in at]), np.stack([found.spread[i] for i in at])

    def save(self, folder: Path) -> list[str]:
        """Write everything fitted."""
        if self.fitted is None:
            raise InputError("fitted_theory", ["the model is not fitted"])
        return [write_arrays(folder, self.fitted.arrays())]

    def load(self, folder: Path) -> None:
        """Read what :meth:`save` wrote."""
        arrays = read_arrays(folder)
        read = mixed_from_arrays if "coefficients" in arrays else from_arrays
        self.fitted = read(arrays, subject=folder)


def bootstrap_mixtures(states: Sequence[State], rng: np.random.Generator) -> list[int]:
    """Positions of the states of as many (S, eps_AB) as there are, drawn with replacement."""
    of_mixture: dict[tuple[float, float], list[int]] = {}
    for i, s in enumerate(states):
        of_mixture.setdefault((s.S, s.eps_AB), []).append(i)
    groups = [of_mixture[key] for key in sorted(of_mixture)]
    return [i for k in rng.integers(len(groups), size=len(groups)) for i in groups[k]]


def fit_residuals(data: TrainingStates, corrections: Sequence[Correction], *, softness: float) -> Residuals:
    """Residuals of the converged training states whose phase the theory calls right, against its curves for it."""
    known = data.take(np.flatnonzero(data.converged))
    called = predict(known.states, corrections=corrections, softness=softness)
    right = np.array([info.demixed for info in called.info]) == known.demixed
    kept = known.take(np.flatnonzero(right))
    points = np.array([(s.T, s.C_B, s.S, s.eps_AB) for s in kept.states])
    return Residuals(points, kept.demixed, relative_noise(kept), kept.g - called.g[right])


def fit_density(data: TrainingStates, *, ridge: float) -> np.ndarray:
    """Coefficients of ln(density / PeTS) from homogeneous states, shape (14,)."""
    rows, target, weight = [], [], []
    for i in np.flatnonzero(~data.demixed):
        state = data.states[i]
        curve = gibbs_curve(state.T, state.S, state.eps_AB)
        if curve is None:
            continue
        rows.append(density_features(state.T, state.S, state.eps_AB, state.C_B))
        target.append(np.log(data.density[i] / float(curve.rho(state.C_B))))
        weight.append(1.0 if data.converged[i] else UNSETTLED)
    a, y, w = np.array(rows), np.array(target), np.array(weight)
    scale = np.maximum(np.sqrt((w[:, None] * a * a).mean(0)), 1e-9)
    scaled = a / scale
    normal = (w[:, None] * scaled).T @ scaled + ridge * len(y) * np.eye(N_DENSITY)
    return np.asarray(np.linalg.solve(normal, (w[:, None] * scaled).T @ y) / scale)


def phase_data(data: TrainingStates, density: np.ndarray, context: FitContext) -> PhaseData:
    """Curves with corrected density, and labels of the converged demixed states."""
    of_mixture = density_corrected(data.states, density)
    known = np.array([i for i, s in enumerate(data.states) if (s.T, s.S, s.eps_AB) in of_mixture])
    kept = data.take(known)
    phases = PhaseData(kept.states, of_mixture, kept.demixed, np.where(kept.converged, 1.0, UNSETTLED), {})
    chosen = np.flatnonzero(kept.demixed & kept.converged).tolist()
    found = read_phases(
        [kept.states[i] for i in chosen],
        [phases.curve(i) for i in chosen],
        kept.g[chosen],
        progress=lambda done, total: context.progress(done, total, "phases of the training states"),
    )
    labels: dict[int, PhaseLabel] = {i: f for i, f in zip(chosen, found, strict=True) if f is not None}
    return replace(phases, labels=labels)


def density_corrected(states: Sequence[State], density: np.ndarray) -> dict[tuple[float, float, float], GibbsCurve]:
    """The theory's curves of the states' mixtures with their density corrected, where there are any."""
    known = mixing_curves((s.T, s.S, s.eps_AB) for s in states)
    return {key: corrected(curve, Correction(np.zeros(N_GIBBS), density)) for key, curve in known.items()}
