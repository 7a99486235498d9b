"""What theory misses at known states, carried over to others: a Gaussian process over states, in r / sigma_ij.

The residual of a state is its published curve minus the theory's for the number of phases it has. Its covariance with
that of another state is a Gaussian in (1/T, sqrt(C_B), log2 S, (1 - eps_AB)/T), and zero between a homogeneous and a
demixed one. Far from every known state the mean is zero, so theory alone is left. Residuals are moved between size
ratios along r / sigma_ij, where the peaks stay in place. The lengths were chosen inside the training splits;
`binlj reproduce selection` shows what the residuals add.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from binlj.errors import DataError, InputError
from binlj.grid import PAIRS, StatePoint
from binlj.schema import N_BINS, bin_centres

LENGTHS = (0.4, 0.15, 0.3, 0.25)  # of 1/T, sqrt(C_B), log2 S, (1 - eps_AB)/T
UNRESOLVED = 0.5  # variance that does not depend on the state, over that which does
NOISE = 20.0  # weight of a label's relative variance, likewise


@dataclass(frozen=True)
class Residuals:
    """Residuals of known states.

    Attributes
    ----------
    states : ndarray, shape (k, 4)
        T, C_B, S, eps_AB.
    demixed : ndarray of bool, shape (k,)
    noise : ndarray, shape (k, 3)
        Variance of each curve's error, relative to the sum of |g - 1|.
    values : ndarray, shape (k, 3, 100)

    Raises
    ------
    InputError
        If a shape is wrong or a value is not finite.
    """

    states: np.ndarray
    demixed: np.ndarray
    noise: np.ndarray
    values: np.ndarray

    def __post_init__(self) -> None:
        k = len(self.states)
        wanted = {"states": (k, 4), "demixed": (k,), "noise": (k, len(PAIRS)), "values": (k, len(PAIRS), N_BINS)}
        problems = [
            f"{name} has shape {np.shape(getattr(self, name))}, not {shape}"
            for name, shape in wanted.items()
            if np.shape(getattr(self, name)) != shape
        ]
        problems += [f"{name} is not finite" for name in wanted if not np.isfinite(getattr(self, name)).all()]
        if problems:
            raise InputError("residuals", problems)


    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as arrays, the curves in single precision."""
        return {
            "states": self.states, "demixed": self.demixed,
            "noise": self.noise.astype(np.float32), "values": self.values.astype(np.float32),
        }  # fmt: skip


def residuals_from(arrays: Mapping[str, np.ndarray]) -> Residuals:
    """The inverse of :meth:`Residuals.arrays`; other arrays are passed over."""
    states, noise, values = (np.asarray(arrays[name], dtype=float) for name in ("states", "noise", "values"))
    return Residuals(states, np.asarray(arrays["demixed"], dtype=bool), noise, values)


def check_arrays(arrays: Mapping[str, np.ndarray], names: Iterable[str], *, subject: str | Path) -> None:
    """Raise DataError for the arrays of a fitted theory that are missing."""
    missing = [f"array {name!r} is missing" for name in names if name not in arrays]
    if missing:
        raise DataError(subject, missing, fix="fit it again")


def transfer(known: Residuals, states: list[StatePoint], demixed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected residual of other states and its standard deviation.

    Parameters
    ----------
    demixed : ndarray of bool, shape (n,)
        Whether each has two phases: only residuals of its kind count.

    Returns
    -------
    mean, deviation : ndarray, shape (n, 3, 100)
        Zero and the residuals' overall root mean square far from every known state.
    """
    query = np.array([(s.T, s.C_B, s.S, s.eps_AB) for s in states])
    mean = np.zeros((len(states), len(PAIRS), N_BINS))
    variance = np.zeros_like(mean)
    same = known.demixed[:, None] == known.demixed[None]
    among = _kernel(known.states, known.states) * same
    to_known = _kernel(query, known.states) * (known.demixed[None] == np.asarray(demixed, dtype=bool)[:, None])
    sizes, group = np.unique(known.states[:, 2], return_inverse=True)
    for pair in range(len(PAIRS)):
        inverse = np.linalg.inv(among + np.diag(UNRESOLVED + NOISE * known.noise[:, pair]))
        weights = to_known @ inverse
        left = np.clip(1.0 - (weights * to_known).sum(1), 0.0, 1.0)
        # The mean square of the residuals nearby, or of all where none is near.
        near = to_known + 1e-3
        near = near / near.sum(1, keepdims=True)
        for g, size in enumerate(sizes):
            of_size = group == g
            values = known.values[of_size, pair]
            moved = np.stack([weights[:, of_size] @ values, near[:, of_size] @ values**2], axis=1)
            for i, state in enumerate(states):
                shifted = _stretch(moved[i], _sigma(pair, size), _sigma(pair, state.S))
                mean[i, pair] += shifted[0]
                variance[i, pair] += left[i] * shifted[1]
    return mean, np.sqrt(np.maximum(variance, 0.0))


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    d = (_coordinates(a)[:, None] - _coordinates(b)[None]) / np.array(LENGTHS)
    return np.asarray(np.exp(-0.5 * (d**2).sum(-1)))


def _coordinates(states: np.ndarray) -> np.ndarray:
    T, c_b, S, eps = states.T
    return np.stack([1.0 / T, np.sqrt(c_b), np.log2(S), (1.0 - eps) / T], axis=1)


def _sigma(pair: int, S: float) -> float:
    return (1.0, (1.0 + S) / 2.0, S)[pair]


def _stretch(values: np.ndarray, old: float, new: float) -> np.ndarray:
    """Functions of r / old as functions of r / new on the same bins, zero beyond the last known, shape of `values`."""
    if old == new:
        return values
    r = bin_centres()
    return np.stack([np.interp(r * old / new, r, v, right=0.0) for v in values])
