"""Floors: what anybody gets without a model. A model must beat them to be worth anything.

Each floor is ``function(train, test) -> g`` on the frames of a track; it reads the training curves and
the *keys and features* of the test set, never the test curves.

"Per composition" means: from the training states with the same (C_B, S, eps_AB). If a composition has no
training state at all, the nearest composition that has one stands in for it, by Euclidean distance after
each of C_B, S and eps_AB is divided by its range over the training set (first in sorted order on a tie).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.data import curves
from binlj.errors import InputError
from binlj.eval.truth import read_split

if TYPE_CHECKING:
    import pandas as pd

Floor = Callable[["pd.DataFrame", "pd.DataFrame"], np.ndarray]
_COMPOSITION = ("C_B", "S", "eps_AB")
PMF_G_MIN = 0.01


def ideal_gas(train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """g(r) = 1 everywhere. Returns shape (len(test), bins)."""
    return np.ones((len(test), curves(train.head(1)).shape[1]))


def mean_rdf(train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """The mean training curve of the same pair. Returns shape (len(test), bins)."""
    g, pair = curves(train), train["pair"].to_numpy()
    means = {name: g[pair == name].mean(axis=0) for name in np.unique(pair)}
    return np.stack([means[name] for name in test["pair"]])


def nearest_temperature(train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """The training curve of the same pair and composition at the nearest T*; equally near ones averaged."""

    def predict(T: np.ndarray, g: np.ndarray, target: float) -> np.ndarray:
        distance = np.abs(T - target)
        return g[distance <= distance.min() + 1e-9].mean(axis=0)

    return _per_composition(train, test, predict)


def linear_T(train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """Least-squares line in T* through the training curves of the same pair and composition.

    Point by point, g(r; T*) = a(r) + b(r) T*, cut at 0 from below. With one training temperature the
    curve is taken as it is.
    """

    def predict(T: np.ndarray, g: np.ndarray, target: float) -> np.ndarray:
        return np.maximum(_line(T, g, target), 0.0)

    return _per_composition(train, test, predict)


def linear_pmf(train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """Least-squares line in 1/T* of the potential of mean force w = -T* ln g, same pair and composition.

    Point by point, w(r; T*) = a(r) + b(r)/T* with g taken as at least ``PMF_G_MIN`` = 0.01 (the logarithm
    needs a minimum), then g = exp(-w/T*), at most the largest g of the pair in the training set (an
    exponential extrapolates without bounds). Where every training curve is below the minimum, their mean.
    """
    largest = {pair: float(curves(group).max()) for pair, group in train.groupby("pair")}

    def predict(T: np.ndarray, g: np.ndarray, target: float) -> np.ndarray:
        w = -T[:, None] * np.log(np.maximum(g, PMF_G_MIN))
        # exp(50) is far above any cap; without it the exponential could overflow.
        predicted = np.exp(np.minimum(-_line(1 / T, w, 1 / target) / target, 50.0))
        return np.where((g < PMF_G_MIN).all(axis=0), g.mean(axis=0), predicted)

    cap = np.array([largest[pair] for pair in test["pair"]])
    return np.minimum(_per_composition(train, test, predict), cap[:, None])


FLOORS: dict[str, Floor] = {
    "ideal_gas": ideal_gas,
    "mean_rdf": mean_rdf,
    "nearest_temperature": nearest_temperature,
    "linear_T": linear_T,
    "linear_pmf": linear_pmf,
}


def floor_predictions(name: str, *, track: str, dataset: Path | None = None) -> pd.DataFrame:
    """Predictions frame of a floor on a track, ready for :func:`binlj.eval.evaluate`.

    Raises
    ------
    InputError
        If there is no such floor or track.
    """
    if name not in FLOORS:
        raise InputError(f"floor {name!r}", ["no such floor"], fix=f"use one of: {', '.join(FLOORS)}")
    train = read_split(track, "train", dataset=dataset)
    test = read_split(track, "test", dataset=dataset)
    frame = test[["state_id", "pair"]].copy()
    frame["g"] = list(FLOORS[name](train, test))
    return frame


def _line(x: np.ndarray, y: np.ndarray, target: float) -> np.ndarray:
    """Value at `target` of the least-squares line through (x[i], y[i, :]); the mean if x does not vary."""
    dx = x - x.mean()
    spread = float(dx @ dx)
    mean: np.ndarray = y.mean(axis=0)
    return mean if spread < 1e-12 else mean + (dx @ y) / spread * (target - x.mean())


def _columns(frame: pd.DataFrame, *names: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(frame[name].tolist() for name in names), strict=True)


def _per_composition(
    train: pd.DataFrame, test: pd.DataFrame, predict: Callable[[np.ndarray, np.ndarray, float], np.ndarray]
) -> np.ndarray:
    g, T = curves(train), train["T"].to_numpy(np.float64)
    rows: dict[tuple[float, ...], dict[str, list[int]]] = {}
    for i, (*composition, pair) in enumerate(_columns(train, *_COMPOSITION, "pair")):
        rows.setdefault(tuple(composition), {}).setdefault(pair, []).append(i)
    known = np.array(sorted(rows))
    scale = np.ptp(known, axis=0)
    scale[scale == 0] = 1.0
    out = np.empty((len(test), g.shape[1]))
    for i, (*composition, pair, target) in enumerate(_columns(test, *_COMPOSITION, "pair", "T")):
        key = tuple(composition)
        if key not in rows:
            distance = (((known - np.array(key)) / scale) ** 2).sum(axis=1)
            key = tuple(known[int(distance.argmin())])
        chosen = rows[key][pair]
        out[i] = predict(T[chosen], g[chosen], float(target))
    return out
