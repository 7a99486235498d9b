"""``dnn_physics`` and ``xgboost_physics``: the learners of ``dnn`` and ``xgboost`` on what the theory leaves over.

The learner's inputs are the paper's seven and four that the theory (:mod:`binlj.theory`) gives: r / sigma_ij,
ln(g_th + 0.05), and the mole fractions of B in the phases (equal in a homogeneous mixture). Its target is
(g - g_th) / a with a the mean of |g_th - 1| over r >= 0.8 sigma_ij, so that the squared error weighs the
curves about as the skill does. The prediction is

    g = max(0, g_th + w a f)

with f the learner's output. The weight w, from 0 (the theory alone) to 1, is the one of highest skill in
cross-validation inside the training set, for each case (:mod:`binlj.baselines.temperature_cases`) and pair.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from binlj.baselines.frames import check_training_table, point_inputs, query_frame
from binlj.baselines.protocol import FitContext
from binlj.baselines.temperature_cases import CASES, cases_of, folds
from binlj.data import curves
from binlj.eval.skill import CORE, capped_errors
from binlj.files import write_json
from binlj.grid import PAIRS, State, StatePoint
from binlj.schema import FEATURES, N_BINS, bin_centres

if TYPE_CHECKING:
    import pandas as pd

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
# The network is trained once and seven times for the cross-validation: 480 epochs, within the paper's 1000.
DEFAULTS: dict[str, dict[str, Any]] = {
    "dnn": {"epochs": 60, "learning_rate": 0.003, "schedule": "cosine"},
    "xgboost": {},
}
_OFFSET = 0.05
_FILE = "weights.json"


class Learner(Protocol):
    """What ``dnn`` and ``xgboost`` have in common: a regression on points."""

    parameters: dict[str, Any]
    history: dict[str, list[float]]

    def fit_points(self, x: np.ndarray, y: np.ndarray, context: FitContext = ..., *, groups: np.ndarray) -> None:
        """Fit to points (n, inputs) and targets (n,); points of a group belong together."""

    def regress(self, x: np.ndarray) -> np.ndarray:
        """The target at points (n, inputs), shape (n,)."""

    def save(self, folder: Path) -> list[str]:
        """Write files; return their names."""

    def load(self, folder: Path) -> None:
        """Read them back."""

    @property
    def n_parameters(self) -> int | None:
        """Fitted numbers."""


@dataclass(frozen=True)
class Row:
    """One line of the selection: skill of the theory and of the model in cross-validation, and the weight."""

    case: str
    pair: str
    theory: float
    skill: float
    weight: float


@dataclass(frozen=True)
class Theory:
    """The theory for the rows of a frame: `g` (n, 100), its scale (n, 1), the points that count (n, 100), inputs."""

    g: np.ndarray
    scale: np.ndarray
    outside_core: np.ndarray
    x: np.ndarray


class TheoryResidual:
    """A learner of the residual of the theory.

    Parameters
    ----------
    name : str
        The name in the registry.
    learner : {"dnn", "xgboost"}
        The model whose regression is used.
    **parameters
        Those of the learner; see :class:`~binlj.baselines.dnn.Dnn`, :class:`~binlj.baselines.boosted.Boosted`.

    Raises
    ------
    InputError
        For bad parameters.
    """

    def __init__(self, name: str, learner: str, **parameters: Any) -> None:
        self.name, self._kind = name, learner
        self._learner = self._untrained(DEFAULTS[learner] | parameters)
        self.parameters: dict[str, Any] = self._learner.parameters
        self.history: dict[str, list[float]] = {}
        self.table: list[Row] = []
        self.regime = "equilibrium"
        self._temperatures = (0.0, 0.0)
        self._weights: dict[str, dict[str, float]] = {}

    def fit(self, train: pd.DataFrame, context: FitContext = FitContext()) -> None:  # noqa: B008
        """Choose the weights by cross-validation, then train the learner on everything.

        Raises
        ------
        DataError
            If the table is not fit for training, has fewer than three temperatures, or fewer than 15 states.
        """
        check_training_table(train, min_states=15, min_temperatures=3)
        train = train.reset_index(drop=True)
        self.regime = context.regime
        theory = theory_of(train, self.regime)
        y, groups = (curves(train) - theory.g) / theory.scale, train["state_id"].to_numpy()
        splits = [(case, *part) for case in CASES for part in folds(train, case, context.seed)]
        steps = len(splits) + 1

        def learn(rows: np.ndarray, step: int, checkpoint: Path | None = None) -> Learner:
            def within(done: int, total: int, text: str) -> None:
                context.progress(int(1000 * (step + done / total)), 1000 * steps, text)

            learner = self._untrained(self.parameters)
            x = theory.x[rows].reshape(-1, theory.x.shape[-1])
            inner = FitContext(context.seed, within, checkpoint)
            learner.fit_points(x, y[rows].ravel(), inner, groups=np.repeat(groups[rows], N_BINS))
            return learner

        pair, errors = train["pair"].to_numpy(), np.full((len(CASES), len(WEIGHTS), len(train)), np.nan)
        for step, (case, fitted_on, held) in enumerate(splits):
            rows = held.index.to_numpy()
            output = _outputs(learn(fitted_on.index.to_numpy(), step), theory.x[rows])
            errors[CASES.index(case), :, rows] = _errors_by_weight(theory, curves(held), output, rows)
        self.table = [
            _choose(case, p, errors[i][:, pair == p])
            for i, case in enumerate(CASES)
            for p in PAIRS
            if (pair == p).any()
        ]
        self._weights = {case: dict.fromkeys(PAIRS, 0.0) for case in CASES}
        for row in self.table:
            self._weights[row.case][row.pair] = row.weight
        self._temperatures = (float(train["T"].min()), float(train["T"].max()))
        self._learner = learn(np.arange(len(train)), len(splits), context.checkpoint)
        self.history = self._learner.history

    def predict(self, states: Sequence[State], pairs: Sequence[str]) -> np.ndarray:
        """g(r), shape (n, 100)."""
        if not self._weights:
            raise RuntimeError("fit or load the model first")
        query = query_frame(states, pairs)
        theory = theory_of(query, self.regime)
        cases = cases_of(query["T"].to_numpy(), *self._temperatures)
        weight = np.array([self._weights[r][p] for r, p in zip(cases, pairs, strict=True)])[:, None]
        return np.maximum(theory.g + weight * theory.scale * _outputs(self._learner, theory.x), 0.0)

    def save(self, folder: Path) -> list[str]:
        """Write the learner's files, the weights and the range of the training temperatures."""
        if not self._weights:
            raise RuntimeError("fit the model first")
        stored = {"temperatures": self._temperatures, "weights": self._weights, "regime": self.regime}
        write_json(folder / _FILE, stored)
        return [*self._learner.save(folder), _FILE]

    def load(self, folder: Path) -> None:
        """Read them back."""
        self._learner.load(folder)
        stored = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        self.regime = str(stored.get("regime", "equilibrium"))
        low, high = stored["temperatures"]
        self._temperatures = (float(low), float(high))
        self._weights = {r: {p: float(stored["weights"][r][p]) for p in PAIRS} for r in CASES}
        self.history = self._learner.history

    @property
    def n_parameters(self) -> int | None:
        """Those of the learner, and the weights."""
        learnt = self._learner.n_parameters
        return None if learnt is None else learnt + sum(len(w) for w in self._weights.values())

    def _untrained(self, parameters: dict[str, Any]) -> Learner:
        from binlj.baselines.registry import make_model

        return cast(Learner, make_model(self._kind, **parameters))


def theory_of(frame: pd.DataFrame, regime: str = "equilibrium") -> Theory:
    """The theory for the rows of a frame with the columns of a query; each state is solved once."""
    from binlj.theory.mixed import theory_in

    values = frame[list(FEATURES)].to_numpy(dtype=float)
    states = [StatePoint(*row) for row in values.tolist()]  # not State: any number of decimals
    different = sorted(set(states))
    solved = theory_in(regime, different)
    of = {state: i for i, state in enumerate(different)}
    row = np.array([of[s] for s in states])
    g = solved.g[row, [PAIRS.index(p) for p in frame["pair"]]]
    sigma = np.array([s.sigma(p) for s, p in zip(states, frame["pair"], strict=True)])
    reduced = bin_centres() / sigma[:, None]
    outside = reduced >= CORE
    scale = np.maximum((np.abs(g - 1.0) * outside).sum(1) / outside.sum(1), 1e-3)[:, None]
    phases = np.array([(min(i.compositions), max(i.compositions)) for i in solved.info])[row]
    x = np.concatenate(
        [
            point_inputs(frame).reshape(len(frame), N_BINS, -1),
            np.stack([reduced, np.log(g + _OFFSET)], axis=-1),
            np.repeat(phases[:, None], N_BINS, axis=1),
        ],
        axis=-1,
    )
    return Theory(g, scale, outside, x)


def _outputs(learner: Learner, x: np.ndarray) -> np.ndarray:
    return learner.regress(x.reshape(-1, x.shape[-1])).reshape(x.shape[:2])


def _errors_by_weight(theory: Theory, g: np.ndarray, output: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Capped error of each curve in `rows` for each weight, shape (rows, weights)."""
    base, scale, use = theory.g[rows], theory.scale[rows], theory.outside_core[rows]
    predicted = (np.maximum(base + w * scale * output, 0.0) for w in WEIGHTS)
    return np.stack([capped_errors(np.abs(p - g), g, use) for p in predicted], axis=1)


def _choose(case: str, pair: str, errors: np.ndarray) -> Row:
    """The weight of least mean error, the smaller one of equals; `errors` has shape (weights, curves)."""
    skill = 1.0 - np.nanmean(errors, axis=1)
    best = int(skill.argmax())
    return Row(case, pair, float(skill[0]), float(skill[best]), WEIGHTS[best])
