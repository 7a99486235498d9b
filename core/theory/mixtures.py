"""The mixture's pair potentials on a radial grid, and their splits into repulsion and attraction.

Arrays are ordered (mixture, pair, r), pairs AA, AB, BB; lengths in sigma_AA, energies in epsilon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from binlj.errors import InputError
from binlj.grid import CUTOFF

SPLITS = ("duh-henderson", "wca", "none")
_U_MAX = 500.0  # exp(-u) is zero long before; keeps r -> 0 finite


@dataclass(frozen=True)
class Mixtures:
    """Homogeneous binary mixtures; every field has shape (n,).

    Attributes
    ----------
    T, density, C_B, S, eps_AB : ndarray
        Reduced temperature, number density N sigma_AA^3 / V, mole fraction of B (0 and 1 allowed: the other
        species is then at infinite dilution), size ratio, cross energy.

    Raises
    ------
    InputError
        If a value is not physical.
    """

    T: np.ndarray
    density: np.ndarray
    C_B: np.ndarray
    S: np.ndarray
    eps_AB: np.ndarray

    def __post_init__(self) -> None:
        problems = []
        for name in ("T", "density", "C_B", "S", "eps_AB"):
            value = np.asarray(getattr(self, name), dtype=float)
            object.__setattr__(self, name, value)
            low = value < 0 if name in ("C_B", "density") else value <= 0
            bad = ~np.isfinite(value) | low | ((value > 1) if name == "C_B" else False)
            if value.ndim != 1 or value.shape != np.shape(self.T):
                problems.append(f"{name} has shape {value.shape}; all five must have one shape (n,)")
            elif bad.any():
                bounds = {"C_B": "between 0 and 1", "density": "at least 0"}.get(name, "positive")
                problems.append(f"{name} = {value[bad][0]:g} must be finite and {bounds}")
        if problems:
            raise InputError("mixtures", problems)

    def __len__(self) -> int:
        return len(self.T)

    def take(self, index: np.ndarray | Sequence[int]) -> Mixtures:
        """The mixtures at these positions."""
        i = np.asarray(index, dtype=int)
        return Mixtures(self.T[i], self.density[i], self.C_B[i], self.S[i], self.eps_AB[i])

    @property
    def sigma(self) -> np.ndarray:
        """Contact distances, shape (n, 3)."""
        return np.stack([np.ones_like(self.S), (1.0 + self.S) / 2.0, self.S], axis=1)

    @property
    def epsilon(self) -> np.ndarray:
        """Well depths, shape (n, 3)."""
        return np.stack([np.ones_like(self.S), self.eps_AB, np.ones_like(self.S)], axis=1)

    @property
    def partial_densities(self) -> np.ndarray:
        """Number densities of A and B, shape (n, 2)."""
        return np.stack([self.density * (1.0 - self.C_B), self.density * self.C_B], axis=1)


def pair_potential(mixtures: Mixtures, r: np.ndarray) -> np.ndarray:
    """The truncated and shifted Lennard-Jones potential u(r), shape (n, 3, len(r)); at most 500."""
    x6 = _inverse_sixth(mixtures, r)
    at_cut = CUTOFF**-6
    u = 4.0 * mixtures.epsilon[..., None] * (x6 * (x6 - 1.0) - at_cut * (at_cut - 1.0))
    return np.minimum(np.where(x6 > at_cut, u, 0.0), _U_MAX)


def attraction(mixtures: Mixtures, r: np.ndarray, split: str) -> np.ndarray:
    """The attractive part of u(r), shape (n, 3, len(r)).

    ``duh-henderson``: -4 eps (sigma/r)^6 exp(-(sigma/r)^(6 d) / d) with d the reduced packing
    rho (1 - C_B + C_B S^3), cut and shifted like u; ``wca``: u beyond its minimum, flat inside it; ``none``: 0.
    """
    if split == "none":
        return np.zeros((len(mixtures), 3, len(r)))
    x6 = _inverse_sixth(mixtures, r)
    inside = x6 > CUTOFF**-6
    depth = mixtures.epsilon[..., None]
    if split == "wca":
        at_cut = CUTOFF**-6
        y6 = np.minimum(x6, 0.5)
        return np.where(inside, 4.0 * depth * (y6 * (y6 - 1.0) - at_cut * (at_cut - 1.0)), 0.0)
    d = mixtures.density * (1.0 - mixtures.C_B + mixtures.C_B * mixtures.S**3)
    d = np.maximum(d, 1e-3)[:, None, None]

    def tail(x: np.ndarray | float) -> np.ndarray:
        with np.errstate(over="ignore"):
            return np.asarray(-4.0 * depth * x * np.exp(-(x**d) / d))

    return np.where(inside, tail(x6) - tail(CUTOFF**-6), 0.0)


def _inverse_sixth(mixtures: Mixtures, r: np.ndarray) -> np.ndarray:
    """(sigma/r)^6, shape (n, 3, len(r)), bounded so that nothing overflows."""
    return (mixtures.sigma[..., None] / np.maximum(r, 1e-3)) ** 6
