"""The theory of the mixed regime with everything learned: the domains, and residuals of the known states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from binlj.grid import StatePoint
from binlj.theory.domains import Domains
from binlj.theory.mixed import predict_mixed
from binlj.theory.prediction import Prediction
from binlj.theory.residual import Residuals, check_arrays, residuals_from, transfer

_ARRAYS = ("mean", "scale", "coefficients", "states", "demixed", "noise", "values")


@dataclass(frozen=True)
class FittedMixed:
    """A theory fitted to the mixed regime.

    Attributes
    ----------
    domains : Domains
    residuals : Residuals
        ``demixed`` says which known states lie inside the spinodal.
    """

    domains: Domains
    residuals: Residuals

    def predict(self, states: Sequence[StatePoint]) -> Prediction:
        """Curves, standard deviations (``spread``) and how they were obtained.

        Raises
        ------
        InputError
            If there is no state.
        """
        base = predict_mixed(states, domains=self.domains)
        inside = np.array([info.demixed for info in base.info])
        mean, deviation = transfer(self.residuals, list(states), inside)
        return replace(base, g=np.maximum(base.g + mean, 0.0), spread=deviation)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as arrays, for a file without pickle."""
        d = self.domains
        return {"mean": d.mean, "scale": d.scale, "coefficients": d.coefficients, **self.residuals.arrays()}


def mixed_from_arrays(arrays: Mapping[str, np.ndarray], *, subject: str | Path = "fitted theory") -> FittedMixed:
    """The inverse of :meth:`FittedMixed.arrays`.

    Raises
    ------
    DataError
        If an array is missing.
    InputError
        If one has a wrong shape or a value that is not finite.
    """
    check_arrays(arrays, _ARRAYS, subject=subject)
    mean, scale, coefficients = (np.asarray(arrays[name], dtype=float) for name in ("mean", "scale", "coefficients"))
    return FittedMixed(Domains(mean, scale, coefficients), residuals_from(arrays))
