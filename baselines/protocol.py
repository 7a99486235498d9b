"""What a baseline model is. Adding one is a file with such a class and a line in the registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from binlj.grid import State

if TYPE_CHECKING:
    import pandas as pd

# progress(done, total, text): called often, must be cheap.
Progress = Callable[[int, int, str], None]


def silent(done: int, total: int, text: str) -> None:
    """A progress callback that does nothing."""


@dataclass(frozen=True)
class FitContext:
    """What a fit may use beside its data.

    Attributes
    ----------
    seed : int
        Same seed, same data, same machine: same numbers.
    progress : callable
        Called as ``progress(done, total, text)``.
    checkpoint : Path, optional
        Where a long fit may keep its state, so that a killed run goes on from there.
    regime : str
        ``equilibrium`` or ``mixed``: what the curves are of.
    """

    seed: int = 0
    progress: Progress = silent
    checkpoint: Path | None = None
    regime: str = "equilibrium"


@runtime_checkable
class Model(Protocol):
    """A model of g(r) as a function of state and pair.

    ``parameters`` is JSON-ready and sufficient to build an equal, untrained model;
    ``history`` holds per-step training records, e.g. ``{"loss": [...]}``, empty where there are none.
    """

    name: str
    parameters: dict[str, Any]
    history: dict[str, list[float]]

    def fit(self, train: pd.DataFrame, context: FitContext = ...) -> None:
        """Fit to a table with the columns of an RDF config (see :func:`binlj.data.read_table`)."""

    def predict(self, states: Sequence[State], pairs: Sequence[str]) -> np.ndarray:
        """g(r) of the i-th state and i-th pair, shape (n, 100)."""

    def save(self, folder: Path) -> list[str]:
        """Write what :meth:`load` needs into `folder` (no pickle); return the names of the files."""

    def load(self, folder: Path) -> None:
        """Read what :meth:`save` wrote into this, untrained, model."""


@runtime_checkable
class ModelWithStd(Model, Protocol):
    """A model that knows how sure it is; ``g_std`` is then written beside ``g``, and scored."""

    def predict_with_std(self, states: Sequence[State], pairs: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """g(r) as by :meth:`predict`, and its standard deviation, both of shape (n, 100)."""
