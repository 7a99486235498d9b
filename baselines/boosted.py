"""``xgboost``: gradient-boosted trees on the paper's seven point-wise inputs.

Tuned on training data only: depth and number of trees by cross-validation over whole states (all points
of a state fall into one fold), early stopping inside each fold; then refitted on everything with the mean
best number of trees. The learning rate is fixed. The trees minimise the squared error, but held-out states are judged
by the mean absolute error. Most of their squared error comes from a few droplets, and it would end the training of a
fold after a few trees.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.baselines.frames import check_training_table, point_inputs, query_frame
from binlj.baselines.protocol import FitContext
from binlj.data import curves
from binlj.errors import InputError, MissingExtraError
from binlj.files import replacing
from binlj.grid import State
from binlj.schema import N_BINS

if TYPE_CHECKING:
    import pandas as pd

_PATIENCE = 20
_FILE = "booster.ubj"


class Boosted:
    """Gradient-boosted trees.

    Parameters
    ----------
    depths : sequence of int
        Tree depths tried.
    max_trees : int
        Trees at most.
    learning_rate : float
        Shrinkage of each tree.
    folds : int
        Folds of the tuning.
    threads : int
        XGBoost's threads; the result does not depend on it.
    """

    name = "xgboost"

    def __init__(
        self,
        *,
        depths: Sequence[int] = (6, 9),
        max_trees: int = 400,
        learning_rate: float = 0.2,
        folds: int = 3,
        threads: int = 1,
    ) -> None:
        problems = [] if depths and min(depths) >= 1 else [f"depths = {list(depths)} must be positive"]
        problems += [
            f"{k} = {v} must be at least {low}"
            for k, v, low in (("max_trees", max_trees, 1), ("folds", folds, 2), ("threads", threads, 1))
            if v < low
        ]
        if not 0 < learning_rate <= 1:
            problems.append(f"learning_rate = {learning_rate} must lie in (0, 1]")
        if problems:
            raise InputError("parameters of xgboost", problems)
        self.parameters: dict[str, Any] = {
            "depths": list(depths),
            "max_trees": max_trees,
            "learning_rate": learning_rate,
            "folds": folds,
            "threads": threads,
        }
        self.history: dict[str, list[float]] = {}
        self.tuning: list[dict[str, float]] = []
        self._booster: Any = None

    def fit(self, train: pd.DataFrame, context: FitContext = FitContext()) -> None:  # noqa: B008
        """Tune and train on a table of RDFs.

        Raises
        ------
        DataError
            If the table is not fit for training, or has fewer states than folds.
        """
        check_training_table(train, min_states=self.parameters["folds"])
        groups = np.repeat(train["state_id"].to_numpy(), N_BINS)
        self.fit_points(point_inputs(train), curves(train).ravel(), context, groups=groups)

    def fit_points(
        self,
        x: np.ndarray,
        y: np.ndarray,
        context: FitContext = FitContext(),  # noqa: B008
        *,
        groups: np.ndarray,
    ) -> None:
        """Tune and train on points, `x` (n, inputs) and `y` (n,); points of equal `groups` share a fold."""
        xgboost = _xgboost()
        from sklearn.model_selection import GroupKFold

        p = self.parameters
        splitter = GroupKFold(p["folds"], shuffle=True, random_state=context.seed)
        splits = list(splitter.split(x, y, groups))
        total, done = len(p["depths"]) * len(splits) + 1, 0
        self.tuning = []
        for depth in p["depths"]:
            errors, trees = [], []
            for inside, outside in splits:
                held = xgboost.DMatrix(x[outside], y[outside], nthread=p["threads"])
                booster = xgboost.train(
                    self._options(depth, context.seed),
                    xgboost.DMatrix(x[inside], y[inside], nthread=p["threads"]),
                    p["max_trees"],
                    evals=[(held, "held_out")],
                    early_stopping_rounds=_PATIENCE,
                    verbose_eval=False,
                )
                errors.append(float(booster.best_score))
                trees.append(int(booster.best_iteration) + 1)
                done += 1
                context.progress(done, total, f"depth {depth}: held-out mean absolute error {errors[-1]:.4f}")
            self.tuning.append({"depth": depth, "mae": float(np.mean(errors)), "trees": round(np.mean(trees))})
        best = min(self.tuning, key=lambda row: row["mae"])
        record: dict[str, Any] = {}
        data = xgboost.DMatrix(x, y, nthread=p["threads"])
        self._booster = xgboost.train(
            self._options(int(best["depth"]), context.seed),
            data,
            int(best["trees"]),
            evals=[(data, "train")],
            evals_result=record,
            verbose_eval=False,
        )
        self.history = {"loss": [float(v) ** 2 for v in record["train"]["rmse"]]}
        context.progress(total, total, f"depth {best['depth']}, {best['trees']} trees")

    def predict(self, states: Sequence[State], pairs: Sequence[str]) -> np.ndarray:
        """g(r), shape (n, 100)."""
        return np.maximum(self.regress(point_inputs(query_frame(states, pairs))), 0.0).reshape(-1, N_BINS)

    def regress(self, x: np.ndarray) -> np.ndarray:
        """The trees' sum at points `x` of shape (n, inputs), of either sign; shape (n,)."""
        if self._booster is None:
            raise RuntimeError("fit or load the model first")
        out: np.ndarray = self._booster.predict(_xgboost().DMatrix(x, nthread=self.parameters["threads"]))
        return out.astype(np.float64)

    def save(self, folder: Path) -> list[str]:
        """Write the booster in XGBoost's own UBJSON."""
        if self._booster is None:
            raise RuntimeError("fit the model first")
        with replacing(folder / _FILE) as temporary:
            temporary.write_bytes(self._booster.save_raw("ubj"))
        return [_FILE]

    def load(self, folder: Path) -> None:
        """Read it back."""
        xgboost = _xgboost()
        booster = xgboost.Booster()
        try:
            booster.load_model(bytearray((folder / _FILE).read_bytes()))
        except xgboost.core.XGBoostError as error:
            raise ValueError(str(error).splitlines()[0]) from None
        self._booster = booster

    @property
    def n_parameters(self) -> int | None:
        """Nodes of all trees."""
        return None if self._booster is None else len(self._booster.trees_to_dataframe())

    def _options(self, depth: int, seed: int) -> dict[str, Any]:
        return {
            "objective": "reg:squarederror",
            "eval_metric": ["rmse", "mae"],  # the last one stops
            "tree_method": "hist",
            "max_depth": depth,
            "eta": self.parameters["learning_rate"],
            "seed": seed,
            "nthread": self.parameters["threads"],
        }


def _xgboost() -> Any:
    try:
        import xgboost
    except ImportError:
        raise MissingExtraError("xgboost", "baselines") from None
    return xgboost
