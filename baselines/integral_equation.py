"""Theory as a model: it ignores the training split and is a reference for trained models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.baselines.model_files import read_arrays, write_arrays
from binlj.baselines.protocol import FitContext
from binlj.errors import InputError
from binlj.grid import PAIRS, State

if TYPE_CHECKING:
    import pandas as pd


class IntegralEquation:
    """Ornstein-Zernike equation and two-phase geometry (:mod:`binlj.theory`).

    Phases are those of PeTS with chemical potentials at infinite dilution from the Ornstein-Zernike equation.

    In the mixed regime every state is homogeneous at its overall composition (:mod:`binlj.theory.mixed`).

    Parameters
    ----------
    closure : str
        The closure tried first; the others of :data:`binlj.theory.bulk.FALLBACKS` follow.

    Raises
    ------
    InputError
        If the closure is unknown.
    """

    name = "integral_equation"

    def __init__(self, closure: str = "DH") -> None:
        from binlj.theory.closures import closure as known

        known(closure)
        self.parameters: dict[str, Any] = {"closure": closure}
        self.history: dict[str, list[float]] = {}
        self.regime = "equilibrium"

    def fit(self, train: pd.DataFrame, context: FitContext = FitContext()) -> None:  # noqa: B008
        """Only note the regime: there is nothing to fit."""
        self.regime = context.regime

    def predict(self, states: Sequence[State], pairs: Sequence[str]) -> np.ndarray:
        """g(r), shape (n, 100); each state is solved once, whatever its number of pairs."""
        from binlj.theory.bulk import FALLBACKS
        from binlj.theory.mixed import theory_in

        if len(states) != len(pairs) or not set(pairs) <= set(PAIRS):
            raise InputError("query", [f"needs one pair of {', '.join(PAIRS)} for each state"])
        different = sorted(set(states))
        first = self.parameters["closure"]
        closures = (first, *(name for name in FALLBACKS if name != first))
        g = theory_in(self.regime, different, closures=closures).g
        row = {state: i for i, state in enumerate(different)}
        return np.stack([g[row[s], PAIRS.index(p)] for s, p in zip(states, pairs, strict=True)])

    def save(self, folder: Path) -> list[str]:
        """Write the regime: besides it the parameters are all there is."""
        return [write_arrays(folder, {"mixed": np.array(self.regime == "mixed")})]

    def load(self, folder: Path) -> None:
        """Read what :meth:`save` wrote."""
        self.regime = "mixed" if bool(read_arrays(folder).get("mixed", False)) else "equilibrium"
