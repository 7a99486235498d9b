"""Naive baselines: predictions that need no fitted model, as references for models.

Each is ``function(train, test) -> g`` on the frames of a track; it reads the training curves and
the *keys and features* of the test set, never the test curves.

"Per mixture" means: from the training states with the same (C_B, S, eps_AB). If a mixture has no
training state at all, the nearest mixture that has one stands in for it, by Euclidean distance after
each of C_B, S and eps_AB is divided by its range over the training set (first in sorted order on a tie). On the
offgrid tracks that is every mixture: the training states are a full factorial, so ``nearest_temperature`` is there
the nearest training state in T*, C_B, S and eps_AB, each divided by its range, and ``linear_T`` and ``linear_pmf``
are lines through the states of the nearest mixture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.data import curves
from binlj.errors import InputError
from binlj.eval.truth import read_split
from binlj.grid import State
from binlj.schema import bin_centres

if TYPE_CHECKING:
    import pandas as pd

NaiveBaseline = Callable[["pd.DataFrame", "pd.DataFrame"], np.ndarray]
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
    return _combine(train, test, _nearest) @ curves(train)


def linear_T(train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """Least-squares line in T* through the training curves of the same pair and composition.

    Point by point, g(r; T*) = a(r) + b(r) T*, cut at 0 from below. With one training temperature the
    curve is taken as it is.
    """
    return np.maximum(_combine(train, test, _line) @ curves(train), 0.0)


def linear_pmf(train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """Least-squares line in 1/T* of the potential of mean force w = -T* ln g, same pair and composition.

    Point by point, w(r; T*) = a(r) + b(r)/T* with g taken as at least ``PMF_G_MIN`` = 0.01 (the logarithm
    needs a minimum), then g = exp(-w/T*), at most the largest g of the pair in the training set (an
    exponential extrapolates without bounds). Where every training curve is below the minimum, their mean.
    """
    g, T = curves(train), train["T"].to_numpy(np.float64)
    target = test["T"].to_numpy(np.float64)[:, None]
    w = -T[:, None] * np.log(np.maximum(g, PMF_G_MIN))
    fitted = _combine(train, test, lambda t, x: _line(tuple(1 / v for v in t), 1 / x)) @ w
    # exp(50) is far above any cap; without it the exponential could overflow.
    predicted = np.exp(np.minimum(-fitted / target, 50.0))
    mean = _combine(train, test, lambda t, x: np.full(len(t), 1 / len(t)))
    below = mean @ (g >= PMF_G_MIN) == 0
    largest = {pair: float(curves(group).max()) for pair, group in train.groupby("pair")}
    cap = np.array([largest[pair] for pair in test["pair"]])
    return np.minimum(np.where(below, mean @ g, predicted), cap[:, None])


def nearest_scaled(train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """The training curve of the same pair at the nearest state, as a function of r / sigma_ij.

    The distance of two states is Euclidean in (T*, C_B, S, eps_AB), each divided by its range over the
    training set; equally near ones are averaged. A curve is read at r sigma_ij' / sigma_ij (a prime for the
    training state), linearly between bin centres; beyond the last bin its last value holds. So a query of
    any size ratio has its peaks in place, on the grid or off it.
    """
    coordinates = ["T", *_COMPOSITION]
    known, asked = (f[coordinates].to_numpy(np.float64) for f in (train, test))
    scale = np.ptp(known, axis=0)
    scale[scale == 0] = 1.0
    g, pair, r = curves(train), train["pair"].to_numpy(), bin_centres(curves(train.head(1)).shape[1])
    out = np.empty((len(test), g.shape[1]))
    for i, name in enumerate(test["pair"]):
        rows = np.flatnonzero(pair == name)
        distance = np.sqrt((((known[rows] - asked[i]) / scale) ** 2).sum(axis=1))
        near = rows[distance <= distance.min() + 1e-9]
        stretch = [_sigma(known[j], name) / _sigma(asked[i], name) for j in near]
        out[i] = np.mean([np.interp(r * s, r, g[j]) for s, j in zip(stretch, near, strict=True)], axis=0)
    return out


def _sigma(coordinates: np.ndarray, pair: str) -> float:
    return State(*coordinates.tolist()).sigma(pair)


NAIVE_BASELINES: dict[str, NaiveBaseline] = {
    "ideal_gas": ideal_gas,
    "mean_rdf": mean_rdf,
    "nearest_temperature": nearest_temperature,
    "nearest_scaled": nearest_scaled,
    "linear_T": linear_T,
    "linear_pmf": linear_pmf,
}


def naive_predictions(name: str, *, track: str, dataset: Path | None = None) -> pd.DataFrame:
    """Predictions frame of a naive baseline on a track, ready for :func:`binlj.eval.evaluate`.

    Raises
    ------
    InputError
        If there is no such baseline or track.
    """
    if name not in NAIVE_BASELINES:
        known = ", ".join(NAIVE_BASELINES)
        raise InputError(f"naive baseline {name!r}", ["no such naive baseline"], fix=f"use one of: {known}")
    train = read_split(track, "train", dataset=dataset)
    test = read_split(track, "test", dataset=dataset)
    frame = test[["state_id", "pair"]].copy()
    frame["g"] = list(NAIVE_BASELINES[name](train, test))
    return frame


def _nearest(T: tuple[float, ...], target: float) -> np.ndarray:
    """Weights of the training temperatures `T` for `target`: equal for the nearest, 0 for the rest."""
    distance = np.abs(np.array(T) - target)
    nearest = distance <= distance.min() + 1e-9
    return nearest / nearest.sum()


def _line(x: tuple[float, ...], target: float) -> np.ndarray:
    """Weights of the values at `x` in their least-squares line at `target`; equal if x does not vary."""
    mean = np.full(len(x), 1 / len(x))
    dx = np.array(x) - np.mean(x)
    spread = float(dx @ dx)
    return mean if spread < 1e-12 else mean + dx * ((target - np.mean(x)) / spread)


def _columns(frame: pd.DataFrame, *names: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(frame[name].tolist() for name in names), strict=True)


def _combine(
    train: pd.DataFrame, test: pd.DataFrame, weigh: Callable[[tuple[float, ...], float], np.ndarray]
) -> np.ndarray:
    """Weights of every training curve in every prediction, shape (len(test), len(train)).

    `weigh` gives the weights of the training temperatures of a composition for a target temperature.
    """
    weigh = cache(weigh)
    T = train["T"].to_numpy(np.float64)
    rows: dict[tuple[float, ...], dict[str, list[int]]] = {}
    for i, (*composition, pair) in enumerate(_columns(train, *_COMPOSITION, "pair")):
        rows.setdefault(tuple(composition), {}).setdefault(pair, []).append(i)
    known = np.array(sorted(rows))
    scale = np.ptp(known, axis=0)
    scale[scale == 0] = 1.0
    out = np.zeros((len(test), len(train)))
    for i, (*composition, pair, target) in enumerate(_columns(test, *_COMPOSITION, "pair", "T")):
        key = tuple(composition)
        if key not in rows:
            distance = (((known - np.array(key)) / scale) ** 2).sum(axis=1)
            key = tuple(known[int(distance.argmin())].tolist())
        chosen = rows[key][pair]
        out[i, chosen] = weigh(tuple(T[chosen].tolist()), target)
    return out
