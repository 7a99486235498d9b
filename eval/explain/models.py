"""What a model says on the grid: from a point-wise callable, whole curves, or a predictions frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.data import PAIR_LABELS, curves
from binlj.errors import InputError, MissingExtraError
from binlj.eval.explain.factorial import Factorial, factorial
from binlj.grid import PAIRS, State, grid, parse_state_id
from binlj.schema import FEATURES, N_BINS, R_MAX, bin_centres

if TYPE_CHECKING:
    import pandas as pd

BOOSTER_FILE = "booster.ubj"
N_INPUTS = 7  # the paper's: T, C_B, S, eps_AB, r and the two of the pair
Function = Callable[[np.ndarray], np.ndarray]
CurvePredictor = Callable[[Sequence[State], Sequence[str]], np.ndarray]


def grid_points(pair: str, states: np.ndarray | None = None) -> np.ndarray:
    """The seven columns of every (state, r) of a pair, state by state, shape (states * 100, 7).

    Parameters
    ----------
    states : ndarray, shape (states, 4), optional
        All 500 states of the grid unless given.
    """
    if states is None:
        states = np.array([[getattr(s, name) for name in FEATURES] for s in grid()])
    rows = np.column_stack([states, np.tile(PAIR_LABELS[pair], (len(states), 1))])
    return np.column_stack([np.repeat(rows, N_BINS, axis=0), np.tile(bin_centres(), len(states))])


def function_curves(function: Function, *, step: Callable[[], object] | None = None) -> dict[str, Factorial]:
    """Evaluate a point-wise model on the whole grid: 500 states, 100 values of r, each pair.

    Parameters
    ----------
    function : callable
        X[n, 7] (the columns of :func:`binlj.data.to_points`) -> g[n].

    Raises
    ------
    InputError
        If what it returns is not one finite number a point.
    """
    import pandas as pd

    states = pd.DataFrame([{name: getattr(s, name) for name in FEATURES} for s in grid()])
    out = {}
    for pair in PAIRS:
        x = grid_points(pair)
        g = np.asarray(function(x), dtype=np.float64)
        problems = []
        if g.size != len(x):
            problems.append(f"{len(x)} points give {g.size} values")
        elif not np.isfinite(g).all():
            problems.append(f"{int((~np.isfinite(g)).sum())} of {g.size} values are NaN or inf")
        if problems:
            raise InputError(f"the model on pair {pair}", problems)
        out[pair] = factorial(states, g.reshape(-1, N_BINS), bin_centres(), subject="the model")
        if step:
            step()
    return out


def frame_curves(predictions: pd.DataFrame, *, subject: str = "the predictions") -> dict[str, Factorial]:
    """Predicted curves as factorials; the states must form a full grid of their own levels.

    Parameters
    ----------
    predictions : DataFrame
        state_id, pair, g (100 floats a row).

    Raises
    ------
    InputError
        If they do not form a full grid (the interpolation track's test states do not).
    """
    import pandas as pd

    out = {}
    for pair in PAIRS:
        rows = predictions[predictions["pair"] == pair]
        if rows.empty:
            raise InputError(subject, [f"no curve of pair {pair}"])
        states = [parse_state_id(i) for i in rows["state_id"]]
        table = pd.DataFrame([{name: getattr(s, name) for name in FEATURES} for s in states])
        out[pair] = factorial(table, curves(rows), bin_centres(), subject=f"{subject}, pair {pair}")
    return out


def as_function(predict: CurvePredictor) -> Function:
    """Turn ``predict(states, pairs) -> g[n, 100]`` into a point-wise callable; r must be a bin centre.

    Raises (when called)
    --------------------
    InputError
        If r is between the bins, where such a model says nothing.
    """
    names = {labels: pair for pair, labels in PAIR_LABELS.items()}

    def function(x: np.ndarray) -> np.ndarray:
        bins = np.rint(x[:, 6] * N_BINS / R_MAX - 0.5).astype(int)
        known = (bins >= 0) & (bins < N_BINS)
        known[known] &= np.abs(bin_centres()[bins[known]] - x[known, 6]) < 1e-6
        if not known.all():
            raise InputError("a model of whole curves", [f"{int((~known).sum())} values of r are no bin centres"])
        keys, row = np.unique(x[:, :6], axis=0, return_inverse=True)
        states = [State(*row) for row in keys[:, :4].tolist()]
        pairs = [names[(float(a), float(b))] for a, b in keys[:, 4:]]
        g: np.ndarray = np.asarray(predict(states, pairs), dtype=np.float64)
        return g[np.ravel(row), bins]

    return function


def read_booster(folder: Path) -> Any | None:
    """The XGBoost model that a model folder keeps in ``booster.ubj``, or None if it has none.

    A model whose trees take other inputs than the paper's seven (``xgboost_physics``) counts as none: SHAP values of
    its trees would be those of its own inputs.

    Raises
    ------
    MissingExtraError
        If there is one and XGBoost is not installed.
    """
    file = folder / BOOSTER_FILE
    if not file.is_file():
        return None
    try:
        import xgboost
    except ImportError:
        raise MissingExtraError("xgboost", "baselines") from None
    booster = xgboost.Booster()
    booster.load_model(bytearray(file.read_bytes()))
    return booster if booster.num_features() == N_INPUTS else None
