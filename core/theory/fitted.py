"""The theory with everything learned: corrections of the equation of state, and residuals of the known states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from binlj.grid import StatePoint
from binlj.schema import N_BINS, bin_centres
from binlj.theory.correction import Correction
from binlj.theory.prediction import Prediction, predict
from binlj.theory.residual import Residuals, check_arrays, residuals_from, transfer

_ARRAYS = ("gibbs", "density", "softness", "states", "demixed", "noise", "values")


@dataclass(frozen=True)
class Fitted:
    """A fitted theory.

    Attributes
    ----------
    corrections : tuple of Correction
        The bag; curves are means over it.
    softness : float
        See :func:`binlj.theory.predict`.
    residuals : Residuals
    """

    corrections: tuple[Correction, ...]
    softness: float
    residuals: Residuals

    def predict(self, states: Sequence[StatePoint], *, bins: int = N_BINS) -> Prediction:
        """Curves, standard deviations (``spread``) and how they were obtained.

        Parameters
        ----------
        bins : int
            See :func:`binlj.theory.predict`; the residuals are interpolated where these are not the dataset's 100.

        Raises
        ------
        InputError
            If there is no state, or the bins do not fit.
        """
        base = predict(states, corrections=self.corrections, softness=self.softness, bins=bins)
        demixed = np.array([info.demixed for info in base.info])
        mean, deviation = (_on_bins(v, bins) for v in transfer(self.residuals, list(states), demixed))
        return replace(base, g=np.maximum(base.g + mean, 0.0), spread=np.hypot(base.spread, deviation))

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as arrays, for a file without pickle."""
        return {
            "gibbs": np.stack([c.gibbs for c in self.corrections]),
            "density": self.corrections[0].density,
            "softness": np.array(self.softness),
            **self.residuals.arrays(),
        }


def _on_bins(values: np.ndarray, bins: int) -> np.ndarray:
    if values.shape[-1] == bins:
        return values
    r, known = bin_centres(bins), bin_centres(values.shape[-1])
    return np.apply_along_axis(lambda v: np.interp(r, known, v), -1, values)


def from_arrays(arrays: Mapping[str, np.ndarray], *, subject: str | Path = "fitted theory") -> Fitted:
    """The inverse of :meth:`Fitted.arrays`.

    Raises
    ------
    DataError
        If an array is missing.
    InputError
        If one has a wrong shape or a value that is not finite.
    """
    check_arrays(arrays, _ARRAYS, subject=subject)
    corrections = tuple(Correction(row, arrays["density"]) for row in np.atleast_2d(arrays["gibbs"]))
    return Fitted(corrections, float(arrays["softness"]), residuals_from(arrays))
