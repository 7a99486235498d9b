"""A full-factorial table of curves: the form in which variance decompositions are exact."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from binlj.errors import InputError
from binlj.schema import FEATURES

Subset = tuple[int, ...]


@dataclass(frozen=True)
class Factorial:
    """Curves on every combination of the features' levels.

    Attributes
    ----------
    levels : tuple of tuples of float
        Levels of T*, C_B, S, eps_AB (the order of ``schema.FEATURES``).
    x : ndarray, shape (points,)
        Abscissa of the curves: r in sigma_AA, or r / sigma_ij.
    values : ndarray, shape (n_T, n_C_B, n_S, n_eps_AB, points)
        The curves.
    stderr : ndarray or None
        Standard error of `values`, same shape; None where there is none (a model).
    """

    levels: tuple[tuple[float, ...], ...]
    x: np.ndarray
    values: np.ndarray
    stderr: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of levels of each feature."""
        return tuple(len(v) for v in self.levels)

    @property
    def n_states(self) -> int:
        """Number of combinations."""
        return int(np.prod(self.shape))

    def flat(self) -> np.ndarray:
        """The curves as an array of shape (states, points), states in the grid's order."""
        return self.values.reshape(self.n_states, -1)

    def flat_stderr(self) -> np.ndarray:
        """Standard errors in the shape of :meth:`flat`; zeros where there are none."""
        return np.zeros_like(self.flat()) if self.stderr is None else self.stderr.reshape(self.n_states, -1)

    def states(self) -> np.ndarray:
        """The states as an array of shape (states, features), in the order of :meth:`flat`."""
        return np.array(list(itertools.product(*self.levels)), dtype=np.float64)

    def without(self, feature: int, level: int) -> Factorial:
        """The sub-grid without one level of one feature."""
        levels = list(self.levels)
        levels[feature] = tuple(v for i, v in enumerate(levels[feature]) if i != level)
        stderr = None if self.stderr is None else np.delete(self.stderr, level, axis=feature)
        return Factorial(tuple(levels), self.x, np.delete(self.values, level, axis=feature), stderr)

    def restrict(self, levels: tuple[tuple[float, ...], ...]) -> Factorial:
        """The sub-grid at the given levels (each must be one of ours)."""
        take = np.ix_(*[[own.index(v) for v in wanted] for own, wanted in zip(self.levels, levels, strict=True)])
        stderr = None if self.stderr is None else self.stderr[take]
        return Factorial(levels, self.x, self.values[take], stderr)


def factorial(
    states: pd.DataFrame,
    values: np.ndarray,
    x: np.ndarray,
    *,
    stderr: np.ndarray | None = None,
    subject: str = "the table",
) -> Factorial:
    """Arrange one curve a state as a full factorial.

    Parameters
    ----------
    states : DataFrame
        Columns T, C_B, S, eps_AB; one row a curve, in any order.
    values, stderr : ndarray, shape (rows, points)
    x : ndarray, shape (points,)
    subject : str
        What is being arranged, for the error message.

    Raises
    ------
    InputError
        If a combination is missing or given twice.
    """
    columns = [states[name].to_numpy(dtype=np.float64) for name in FEATURES]
    levels = tuple(tuple(np.unique(c).tolist()) for c in columns)
    shape = tuple(len(v) for v in levels)
    n = int(np.prod(shape))
    cell = np.ravel_multi_index([np.searchsorted(v, c) for v, c in zip(levels, columns, strict=True)], shape)
    count = np.bincount(cell, minlength=n)
    problems = []
    for found, word in (
        (np.flatnonzero(count == 0), "missing"),
        (np.flatnonzero(count > 1), "given more than once"),
    ):
        if len(found):
            names = [
                "T={:g} C_B={:g} S={:g} eps_AB={:g}".format(
                    *(v[i] for v, i in zip(levels, np.unravel_index(k, shape), strict=True))
                )
                for k in found[:3]
            ]
            more = f" and {len(found) - 3} more" if len(found) > 3 else ""
            problems.append(f"{len(found)} of {n} combinations {word}: {'; '.join(names)}{more}")
    if problems:
        raise InputError(
            subject,
            problems,
            fix="variance decompositions need every combination of the levels once; give a model folder, or "
            "predictions of the extrapolation track (2 x 5 x 4 x 5 states) or of the whole grid",
        )
    order = np.argsort(cell)
    full = (*shape, values.shape[1])
    return Factorial(
        levels,
        np.asarray(x, dtype=np.float64),
        values[order].reshape(full),
        None if stderr is None else stderr[order].reshape(full),
    )


def subsets(n: int) -> Iterator[Subset]:
    """All subsets of ``range(n)``, smallest first."""
    for size in range(n + 1):
        yield from itertools.combinations(range(n), size)


def conditional_means(values: np.ndarray, n: int) -> dict[Subset, np.ndarray]:
    """E[Y | X_u] for every subset u of the first `n` axes, dimensions kept.

    Parameters
    ----------
    values : ndarray, shape (n_1 ... n_n, ...)

    Returns
    -------
    dict
        Subset -> array whose axes outside the subset have length 1.
    """
    means = {tuple(range(n)): values}
    for u in sorted(subsets(n), key=len, reverse=True):
        if u not in means:
            # average the smallest superset already known over one more axis
            axis = next(i for i in range(n) if i not in u)
            means[u] = means[tuple(sorted((*u, axis)))].mean(axis=axis, keepdims=True)
    return means
