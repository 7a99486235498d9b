"""``gp_ensemble``: our best model for the extrapolation track.

Members (:mod:`binlj.baselines.members`) are combined by non-negative weights found by cross-validation
inside the training set (:mod:`binlj.baselines.ensemble_selection`), one set of weights for queries below the
training temperatures, one above, one between, and hedged with the median of the Gaussian processes. Each
process is a pair, one on either side of the phase boundary of the PeTS equation of state.
Predictions are bounded by the densest environment seen.
The selection is part of the fit, so the model never depends on anybody's look at the test temperatures.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.baselines import ensemble_selection as selection
from binlj.baselines import members
from binlj.baselines.frames import check_training_table, query_frame
from binlj.baselines.members import MEMBERS
from binlj.baselines.model_files import read_arrays, write_arrays
from binlj.baselines.naive_models import frame_from_arrays, frame_to_arrays
from binlj.baselines.protocol import FitContext
from binlj.baselines.regimes import REGIMES, regimes_of
from binlj.baselines.spread import fit_factors, standard_deviation
from binlj.errors import InputError
from binlj.grid import PAIRS, State
from binlj.schema import N_BINS

if TYPE_CHECKING:
    import pandas as pd


class GpEnsemble:
    """Cross-validated ensemble of temperature extrapolations and Gaussian processes.

    Parameters
    ----------
    regimes : sequence of str
        For which queries weights are prepared: ``cold``, ``hot``, ``inside``. Leaving one out saves its
        cross-validation; queries of that kind then raise an error.
    """

    name = "gp_ensemble"

    def __init__(self, *, regimes: Sequence[str] = REGIMES) -> None:
        unknown = [r for r in regimes if r not in REGIMES]
        if unknown or not regimes:
            raise InputError(
                "parameters of gp_ensemble",
                [f"regimes {list(regimes)!r}"],
                fix=f"use some of: {', '.join(REGIMES)}",
            )
        self.parameters: dict[str, Any] = {"regimes": list(regimes)}
        self.history: dict[str, list[float]] = {}
        self.table: list[selection.TableRow] = []
        self._train: pd.DataFrame | None = None
        self._weights: dict[tuple[str, str], selection.Weights] = {}
        self._thetas: selection.Thetas = {}
        self._processes: dict[tuple[str, str], members.Processes] = {}
        self._factors: dict[tuple[str, str], np.ndarray] = {}

    def fit(self, train: pd.DataFrame, context: FitContext = FitContext()) -> None:  # noqa: B008
        """Fit all members, cross-validate them, find the weights.

        Raises
        ------
        DataError
            If the table is not fit for training, has fewer than three temperatures, or fewer than 15 states.
        """
        check_training_table(train, min_states=15, min_temperatures=3)
        train = train.reset_index(drop=True)
        steps = len(self.parameters["regimes"]) + 1

        def within(step: int) -> Any:
            return lambda done, total, text: context.progress(int(1000 * (step + done / total)), 1000 * steps, text)

        self._train, self._thetas = train, {}
        self._condition(progress=within(0))
        self._thetas = {key: members.thetas(fitted) for key, fitted in self._processes.items()}
        held: list[selection.Held] = []
        for step, regime in enumerate(self.parameters["regimes"], start=1):
            # Inside the range the hyperparameters barely depend on which fifth is held out; refitting
            # them for every fold would cost five times as much and change nothing.
            thetas = self._thetas if regime == "inside" else None
            held += selection.held_out(train, regime, thetas=thetas, seed=context.seed, progress=within(step))
        self._weights = {(h.regime, h.pair): selection.stack(h, seed=context.seed) for h in held}
        for h in held:
            g, members_std = selection.cross_fitted(h, seed=context.seed)
            self._factors[h.regime, h.pair] = fit_factors(h.g, g, members_std)
        self.table = selection.selection_table(held, self._weights, MEMBERS)

    def predict(self, states: Sequence[State], pairs: Sequence[str]) -> np.ndarray:
        """g(r), shape (n, 100)."""
        return self.predict_with_std(states, pairs)[0]

    def predict_with_std(self, states: Sequence[State], pairs: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """g(r) and its standard deviation (:mod:`binlj.baselines.spread`), both of shape (n, 100)."""
        if self._train is None:
            raise RuntimeError("fit or load the model first")
        query = query_frame(states, pairs)
        regime = regimes_of(query["T"].to_numpy(), self._train["T"].min(), self._train["T"].max())
        missing = sorted(set(regime.tolist()) - set(self.parameters["regimes"]))
        if missing:
            raise InputError(
                "temperatures to predict",
                [f"no weights for {r} queries" for r in missing],
                fix=f"train with regimes = {list(REGIMES)}",
            )
        out, std = np.empty((2, len(query), N_BINS))
        for pair in members.pairs_of(query):
            for name in REGIMES:
                rows = np.flatnonzero((regime == name) & (query["pair"] == pair).to_numpy())
                if rows.size:
                    g, spread = self._combine(query.iloc[rows], pair, self._weights[name, pair])
                    out[rows], std[rows] = g, standard_deviation(self._factors[name, pair], g, spread)
        return out, std

    def save(self, folder: Path) -> list[str]:
        """Write the training table, hyperparameters and weights; conditioning again takes a second."""
        if self._train is None:
            raise RuntimeError("fit the model first")
        weights = {f"weights/{r}/{p}": np.append(w.member, w.hedge) for (r, p), w in self._weights.items()}
        thetas = {f"theta/{m}/{p}": t for (m, p), t in self._thetas.items()}
        factors = {f"spread/{r}/{p}": f for (r, p), f in self._factors.items()}
        return [write_arrays(folder, {**frame_to_arrays(self._train), **weights, **thetas, **factors})]

    def load(self, folder: Path) -> None:
        """Read them back."""
        stored = read_arrays(folder)
        self._train = frame_from_arrays(stored)
        keys = {name: tuple(name.split("/")[1:]) for name in stored if "/" in name}
        weights = {(k[0], k[1]): stored[n] for n, k in keys.items() if n.startswith("weights/")}
        self._thetas = {(k[0], k[1]): stored[n] for n, k in keys.items() if n.startswith("theta/")}
        self._factors = {(k[0], k[1]): stored[n] for n, k in keys.items() if n.startswith("spread/")}
        if self._factors.keys() != weights.keys():
            raise ValueError("the factors of the standard deviation are missing")
        if any(len(w) != len(MEMBERS) + 1 for w in weights.values()):
            raise ValueError("the weights are those of another set of members")
        self._weights = {k: selection.Weights(w[:-1], float(w[-1])) for k, w in weights.items()}
        self._condition()

    @property
    def n_parameters(self) -> int:
        """Hyperparameters, weights and factors; the training curves, which the model carries too, are not counted."""
        weights = sum(len(w.member) + 1 for w in self._weights.values()) + 3 * len(self._factors)
        return weights + sum(theta.size for theta in self._thetas.values())

    def _condition(self, progress: Any = None) -> None:
        assert self._train is not None
        processes = [m for m in MEMBERS if not m.is_naive]
        self._processes = {}
        for i, pair in enumerate(members.pairs_of(self._train)):
            table = members.pair_table(self._train, pair)
            for j, member in enumerate(processes):
                key = (member.name, pair)
                self._processes[key] = members.fit_process(member, table, theta=self._thetas.get(key))
                if progress:
                    progress(i * len(processes) + j + 1, len(PAIRS) * len(processes), f"fit: {pair} {member.name}")

    def _combine(self, query: pd.DataFrame, pair: str, weights: selection.Weights) -> tuple[np.ndarray, np.ndarray]:
        assert self._train is not None
        train, asked = members.pair_table(self._train, pair), members.pair_table(query, pair)
        predicted = np.zeros((len(MEMBERS), len(query), N_BINS))
        for i, member in enumerate(MEMBERS):
            if member.is_naive and weights.member[i] > 0:
                g = members.predict_naive(member, self._train, query, pair)
            elif not member.is_naive and (weights.member[i] > 0 or weights.hedge > 0):
                g = members.predict_process(member, self._processes[member.name, pair], asked, train)
            else:
                continue
            predicted[i] = members.bounded(g, asked, train)
        g = weights.combine(predicted)
        return g, weights.spread(predicted, g)
