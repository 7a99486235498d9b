"""The training table of a track, state by state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from binlj.baselines.fitted_theory.labels import outside_core
from binlj.baselines.frames import frame_states
from binlj.data import curves
from binlj.eval.skill import MEAN_OVER_STD
from binlj.grid import PAIRS, State
from binlj.schema import N_BINS

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TrainingStates:
    """Training states with all three pairs.

    Attributes
    ----------
    states : list of State
    g, g_stderr : ndarray, shape (n, 3, 100)
    density, demixed, converged : ndarray, shape (n,)
    """

    states: list[State]
    g: np.ndarray
    g_stderr: np.ndarray
    density: np.ndarray
    demixed: np.ndarray
    converged: np.ndarray

    def take(self, index: np.ndarray) -> TrainingStates:
        """The states at these positions."""
        chosen = [self.states[i] for i in index]
        arrays = (a[index] for a in (self.g, self.g_stderr, self.density, self.demixed, self.converged))
        return TrainingStates(chosen, *arrays)


def training_states(train: pd.DataFrame) -> TrainingStates:
    """The states of a training table (see :meth:`FittedTheory.fit`) that have all three pairs."""
    complete = train.groupby("state_id")["pair"].transform("nunique") == len(PAIRS)
    kept = train[complete].assign(order=lambda f: f["pair"].map(PAIRS.index)).sort_values(["state_id", "order"])
    g, error = (curves(kept, column).reshape(-1, len(PAIRS), N_BINS) for column in ("g", "g_stderr"))
    first = kept.drop_duplicates("state_id")
    density = first["density"].to_numpy(dtype=float)
    demixed = (first["phase"] == "demixed").to_numpy(dtype=bool)
    return TrainingStates(frame_states(first), g, error, density, demixed, first["converged"].to_numpy(dtype=bool))


def relative_noise(data: TrainingStates) -> np.ndarray:
    """Variance of each curve's error relative to its sum of |g - 1|, outside the core; shape (n, 3)."""
    use = np.stack([outside_core(s) for s in data.states])
    size = (np.abs(data.g - 1.0) * use).sum(-1)
    return np.asarray((MEAN_OVER_STD * (data.g_stderr * use).sum(-1) / size) ** 2)
