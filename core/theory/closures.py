"""Closures of the Ornstein-Zernike equation, by name: each gives g(r) from the indirect correlation.

Every closure is ``g = exp(-beta u + gamma + B)`` with its own bridge function B; PY is the one that is shorter
written directly. B is a function of ``s = gamma - beta u_att``, the indirect correlation renormalised by the
attractive part of the potential, so a closure also names the split of u that it was made for. MS and VM with the WCA
split are for dense liquids: unlike the others, they do not become exact at low density.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from binlj.errors import InputError

Bridge = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Closure:
    """A closure: the split of the potential it uses, and its bridge function.

    Attributes
    ----------
    split : str
        ``duh-henderson``, ``wca`` or ``none`` (see :mod:`binlj.theory.mixtures`).
    bridge : callable or None
        B(s), of the shape of s. None for Percus-Yevick.
    source : str
        Where it was published.
    """

    split: str
    bridge: Bridge | None
    source: str

    def g(self, gamma: np.ndarray, beta_u: np.ndarray, beta_u_att: np.ndarray) -> np.ndarray:
        """g(r) at the indirect correlation gamma = h - c; all arrays of one shape."""
        if self.bridge is None:
            return np.exp(-beta_u) * (1.0 + gamma)
        return np.exp(gamma - beta_u + self.bridge(gamma - beta_u_att))


def _zero(s: np.ndarray) -> np.ndarray:
    return np.zeros_like(s)


def _duh_henderson(s: np.ndarray) -> np.ndarray:
    p = np.maximum(s, 0.0)
    return -0.5 * s * s / (1.0 + p * (5.0 * p + 11.0) / (7.0 * p + 9.0))


def _martynov_sarkisov(s: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(1.0 + 2.0 * s, 0.0)) - s - 1.0


def _verlet(s: np.ndarray) -> np.ndarray:
    return -0.5 * s * s / (1.0 + 0.8 * np.maximum(s, 0.0))


CLOSURES: dict[str, Closure] = {
    "DH": Closure("duh-henderson", _duh_henderson, "Duh & Henderson, J. Chem. Phys. 104, 6742 (1996)"),
    "MS": Closure("wca", _martynov_sarkisov, "Martynov & Sarkisov, Mol. Phys. 49, 1495 (1983), WCA split"),
    "VM": Closure("wca", _verlet, "Verlet, Mol. Phys. 41, 183 (1980), WCA split"),
    "PY": Closure("none", None, "Percus & Yevick, Phys. Rev. 110, 1 (1958)"),
    "HNC": Closure("none", _zero, "Morita, Prog. Theor. Phys. 20, 920 (1958)"),
}


def closure(name: str) -> Closure:
    """The closure of that name.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in CLOSURES:
        raise InputError(f"closure {name!r}", ["no such closure"], fix=f"use one of: {', '.join(CLOSURES)}")
    return CLOSURES[name]
