"""The evaluator's naive baselines as models, so that they train, save and predict like any other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.baselines.frames import check_training_table, query_frame
from binlj.baselines.model_files import read_arrays, write_arrays
from binlj.baselines.protocol import FitContext
from binlj.data import curves
from binlj.grid import State
from binlj.schema import FEATURES, bin_centres

if TYPE_CHECKING:
    import pandas as pd


class NaiveModel:
    """A naive baseline of :mod:`binlj.eval.naive`; what it learns is the training table itself."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.parameters: dict[str, Any] = {}
        self.history: dict[str, list[float]] = {}
        self._train: pd.DataFrame | None = None

    def fit(self, train: pd.DataFrame, context: FitContext = FitContext()) -> None:  # noqa: B008
        """Keep the training table.

        Raises
        ------
        DataError
            If the table is not fit for training.
        """
        check_training_table(train, min_states=1)
        self._train = train.reset_index(drop=True)

    def predict(self, states: Sequence[State], pairs: Sequence[str]) -> np.ndarray:
        """g(r), shape (n, 100)."""
        from binlj.eval.naive import NAIVE_BASELINES

        if self._train is None:
            raise RuntimeError("fit or load the model first")
        return NAIVE_BASELINES[self.name](self._train, query_frame(states, pairs))

    def save(self, folder: Path) -> list[str]:
        """Write the training table as plain arrays."""
        if self._train is None:
            raise RuntimeError("fit the model first")
        return [write_arrays(folder, frame_to_arrays(self._train))]

    def load(self, folder: Path) -> None:
        """Read the training table back."""
        self._train = frame_from_arrays(read_arrays(folder))


def frame_to_arrays(train: pd.DataFrame) -> dict[str, np.ndarray]:
    """A training table as plain arrays, for models that keep theirs."""
    text = {c: np.array(list(train[c]), dtype=str) for c in ("state_id", "pair")}
    numbers = {c: train[c].to_numpy(dtype=float) for c in FEATURES}
    return {**text, **numbers, "g": curves(train), "g_stderr": curves(train, "g_stderr")}


def frame_from_arrays(arrays: dict[str, np.ndarray]) -> pd.DataFrame:
    """The inverse of :func:`frame_to_arrays`."""
    import pandas as pd

    frame = {c: arrays[c].tolist() for c in ("state_id", *FEATURES, "pair")}
    r = bin_centres()
    lists = {"r": [r] * len(arrays["pair"]), "g": list(arrays["g"]), "g_stderr": list(arrays["g_stderr"])}
    return pd.DataFrame({**frame, **lists})
