"""Integral equation and two phases on an equation of state whose density and Gibbs energy training data correct."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.baselines.fitted_theory.coexistence import UNSETTLED, PhaseData, fit_gibbs
from binlj.baselines.fitted_theory.labels import PhaseLabel, read_phases
from binlj.baselines.frames import check_training_table, frame_states
from binlj.baselines.protocol import FitContext
from binlj.baselines.store import read_arrays, write_arrays
from binlj.errors import DataError, InputError
from binlj.grid import PAIRS, State
from binlj.theory import predict
from binlj.theory.correction import N_DENSITY, Correction, density_features
from binlj.theory.gibbs import GibbsCurve, gibbs_curve
from binlj.theory.prediction import Prediction

if TYPE_CHECKING:
    import pandas as pd

STATE_COLUMNS = ("density", "phase", "converged")


class FittedTheory:
    """The theory of :mod:`binlj.theory` on a corrected equation of state.

    Learned from the training split: a correction of the density (ridge regression on homogeneous states), and a bag of
    corrections of the Gibbs energy, each fitted to the phases of a bootstrap sample of the training mixtures.
    Predictions are means over the bag; their spread is its standard deviation.

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

    Raises
    ------
    InputError
        If a parameter is out of range.
    """

    name = "fitted_theory"

    def __init__(self, bag: int = 8, ridge: float = 3.0, density_ridge: float = 1e-3, softness: float = 30.0) -> None:
        problems = [f"bag = {bag} must be at least 1"] if bag < 1 else []
        for key, value in (("ridge", ridge), ("density_ridge", density_ridge), ("softness", softness)):
            if not (np.isfinite(value) and value >= 0):
                problems.append(f"{key} = {value} must be at least 0")
        if problems:
            raise InputError("parameters of fitted_theory", problems)
        self.parameters: dict[str, Any] = {
            "bag": bag, "ridge": ridge, "density_ridge": density_ridge, "softness": softness,
        }  # fmt: skip
        self.history: dict[str, list[float]] = {}
        self.corrections: list[Correction] = []

    @property
    def n_parameters(self) -> int:
        """Fitted numbers: the density's once, the Gibbs energy's for each member of the bag."""
        return N_DENSITY + sum(len(c.gibbs) for c in self.corrections)

    def fit(self, train: pd.DataFrame, context: FitContext = FitContext()) -> None:  # noqa: B008
        """Fit the corrections.

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
        states, g, table = _by_state(train)
        density = fit_density(states, table, ridge=self.parameters["density_ridge"])
        data = phase_data(states, g, table, density, context)
        rng = np.random.default_rng(context.seed)
        mixtures = sorted({(s.S, s.eps_AB) for s in states})
        of_mixture = {m: [i for i, s in enumerate(states) if (s.S, s.eps_AB) == m] for m in mixtures}
        self.corrections = []
        bag = self.parameters["bag"]
        for b in range(bag):
            drawn = range(len(mixtures)) if bag == 1 else rng.integers(len(mixtures), size=len(mixtures))
            rows = [i for k in drawn for i in of_mixture[mixtures[k]]]
            self.corrections.append(Correction(fit_gibbs(data, rows, ridge=self.parameters["ridge"]), density))
            context.progress(b + 1, bag, "corrections of the Gibbs energy")

    def theory(self, states: Sequence[State]) -> Prediction:
        """Curves, their spread, phases and how they were obtained."""
        if not self.corrections:
            raise InputError("fitted_theory", ["the model is not fitted"])
        return predict(states, corrections=self.corrections, softness=self.parameters["softness"])

    def predict(self, states: Sequence[State], pairs: Sequence[str]) -> np.ndarray:
        """g(r), shape (n, 100); each state is solved once, whatever its number of pairs."""
        if len(states) != len(pairs) or not set(pairs) <= set(PAIRS):
            raise InputError("query", [f"needs one pair of {', '.join(PAIRS)} for each state"])
        different = sorted(set(states))
        g = self.theory(different).g
        row = {state: i for i, state in enumerate(different)}
        return np.stack([g[row[s], PAIRS.index(p)] for s, p in zip(states, pairs, strict=True)])

    def save(self, folder: Path) -> list[str]:
        """Write the coefficients."""
        gibbs = np.stack([c.gibbs for c in self.corrections])
        return [write_arrays(folder, {"gibbs": gibbs, "density": self.corrections[0].density})]

    def load(self, folder: Path) -> None:
        """Read the coefficients."""
        arrays = read_arrays(folder)
        self.corrections = [Correction(row, arrays["density"]) for row in arrays["gibbs"]]


def fit_density(states: Sequence[State], table: pd.DataFrame, *, ridge: float) -> np.ndarray:
    """Coefficients of ln(density / PeTS) from homogeneous states, shape (14,)."""
    rows, target, weight = [], [], []
    density, converged = table["density"].to_numpy(dtype=float), table["converged"].to_numpy(dtype=bool)
    for i in np.flatnonzero((table["phase"] == "homogeneous").to_numpy()):
        state = states[i]
        curve = gibbs_curve(state.T, state.S, state.eps_AB)
        if curve is None:
            continue
        rows.append(density_features(state.T, state.S, state.eps_AB, state.C_B))
        target.append(np.log(density[i] / float(curve.rho(state.C_B))))
        weight.append(1.0 if converged[i] else UNSETTLED)
    a, y, w = np.array(rows), np.array(target), np.array(weight)
    scale = np.maximum(np.sqrt((w[:, None] * a * a).mean(0)), 1e-9)
    scaled = a / scale
    normal = (w[:, None] * scaled).T @ scaled + ridge * len(y) * np.eye(N_DENSITY)
    return np.asarray(np.linalg.solve(normal, (w[:, None] * scaled).T @ y) / scale)


def phase_data(
    states: Sequence[State], g: np.ndarray, table: pd.DataFrame, density: np.ndarray, context: FitContext
) -> PhaseData:
    """Curves with corrected density, and labels of the converged demixed states."""
    curves: dict[tuple[float, float, float], GibbsCurve] = {}
    for key in {(s.T, s.S, s.eps_AB) for s in states}:
        plain = gibbs_curve(*key)
        if plain is None:
            continue
        features = density_features(*key, plain.composition(plain.logit))
        curves[key] = replace(plain, density=plain.density * np.exp(features @ density))
    known = [i for i, s in enumerate(states) if (s.T, s.S, s.eps_AB) in curves]
    demixed = (table["phase"] == "demixed").to_numpy()[known]
    converged = table["converged"].to_numpy(dtype=bool)[known]
    kept = [states[i] for i in known]
    data = PhaseData(kept, curves, demixed, np.where(converged, 1.0, UNSETTLED), {})
    chosen = np.flatnonzero(demixed & converged).tolist()
    found = read_phases(
        [kept[i] for i in chosen],
        [data.curve(i) for i in chosen],
        g[known][chosen],
        progress=lambda done, total: context.progress(done, total, "phases of the training states"),
    )
    labels: dict[int, PhaseLabel] = {i: f for i, f in zip(chosen, found, strict=True) if f is not None}
    return replace(data, labels=labels)


def _by_state(train: pd.DataFrame) -> tuple[list[State], np.ndarray, pd.DataFrame]:
    """States with all three pairs, their curves (n, 3, 100), and one row each of the state columns."""
    complete = train.groupby("state_id")["pair"].transform("nunique") == len(PAIRS)
    kept = train[complete].assign(order=lambda f: f["pair"].map(PAIRS.index)).sort_values(["state_id", "order"])
    g = np.stack([np.asarray(v, dtype=float) for v in kept["g"]]).reshape(-1, len(PAIRS), len(kept["g"].iloc[0]))
    first = kept.drop_duplicates("state_id")
    return frame_states(first), g, first
