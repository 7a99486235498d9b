"""State points: the grid of the benchmark, state identifiers, and the potential that defines them.

All quantities are in Lennard-Jones reduced units of species A: sigma_AA = epsilon_AA = m = k_B = 1.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from functools import cache

from binlj.errors import InputError

PAIRS: tuple[str, str, str] = ("AA", "AB", "BB")

# The paper gives ranges and counts, not the list; this is the grid that fits both.
GRID_T: tuple[float, ...] = (0.6, 0.8, 1.0, 1.2, 1.4)
GRID_C_B: tuple[float, ...] = (0.01, 0.1, 0.2, 0.3, 0.5)
GRID_S: tuple[float, ...] = (0.5, 1.0, 1.5, 2.0)
GRID_EPS_AB: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8, 1.0)

N_PARTICLES = 10_000
PRESSURE = 1.0
CUTOFF = 2.5  # in units of sigma_ij

_ID = re.compile(r"T(\d+\.\d{2})-C(\d\.\d{3})-S(\d+\.\d{2})-E(\d+\.\d{2})", re.ASCII)
_SHORT = r"(\d+(?:\.\d{1,%d}0*)?)"
_DECIMALS = {"T": 2, "C": 3, "S": 2, "E": 2}
_LOOSE_ID = re.compile("-".join(name + _SHORT % digits for name, digits in _DECIMALS.items()), re.ASCII)


@dataclass(frozen=True, order=True)
class StatePoint:
    """One thermodynamic state of the mixture at P* = 1.

    Attributes
    ----------
    T : float
        Reduced temperature T* = k_B T / epsilon.
    C_B : float
        Mole fraction of B particles, in (0, 1).
    S : float
        Size ratio sigma_BB / sigma_AA.
    eps_AB : float
        Cross-interaction energy epsilon_AB / epsilon.

    Raises
    ------
    InputError
        If a value is outside its physical range.
    """

    T: float
    C_B: float
    S: float
    eps_AB: float

    def __post_init__(self) -> None:
        problems = self._problems()
        if problems:
            raise InputError("state", problems)

    def _problems(self) -> list[str]:
        problems = []
        for name, value in (("T", self.T), ("S", self.S), ("eps_AB", self.eps_AB)):
            if not (math.isfinite(value) and value > 0):
                problems.append(f"{name} = {value} must be a positive number")
        if not 0 < self.C_B < 1:
            problems.append(f"C_B = {self.C_B} must lie between 0 and 1 (both species must be present)")
        return problems

    def sigma(self, pair: str) -> float:
        """Contact distance sigma_ij of a pair: 1, (1 + S)/2 or S."""
        return {"AA": 1.0, "AB": (1.0 + self.S) / 2.0, "BB": self.S}[pair]

    def epsilon(self, pair: str) -> float:
        """Well depth epsilon_ij of a pair: 1, eps_AB or 1."""
        return {"AA": 1.0, "AB": self.eps_AB, "BB": 1.0}[pair]

    def counts(self, n: int = N_PARTICLES) -> tuple[int, int]:
        """Numbers of A and B particles, (n_A, n_B), among `n`."""
        n_b = round(n * self.C_B)
        return n - n_b, n_b

    @property
    def volume_fraction_B(self) -> float:
        """Share of the particle volume that belongs to B: C_B S^3 / (1 - C_B + C_B S^3)."""
        b = self.C_B * self.S**3
        return b / (1.0 - self.C_B + b)


@dataclass(frozen=True, order=True)
class State(StatePoint):
    """A state that an identifier can name: :class:`StatePoint` with at most two decimals (C_B three).

    Raises
    ------
    InputError
        If a value is outside its physical range, or not representable in a state id.
    """

    def _problems(self) -> list[str]:
        problems = super()._problems()
        if not problems:
            for name, digits in (("T", 2), ("C_B", 3), ("S", 2), ("eps_AB", 2)):
                value = getattr(self, name)
                if abs(round(value, digits) - value) > 1e-12:
                    problems.append(
                        f"{name} = {value} has more than {digits} decimals, which a state id cannot hold"
                    )
        return problems

    @property
    def state_id(self) -> str:
        """Readable, sortable identifier, e.g. ``T0.60-C0.010-S1.50-E0.20``."""
        return f"T{self.T:.2f}-C{self.C_B:.3f}-S{self.S:.2f}-E{self.eps_AB:.2f}"

    @property
    def on_grid(self) -> bool:
        """Whether this is one of the benchmark's 500 states."""
        return self in _grid_set()


def parse_state_id(state_id: str, *, exact: bool = True) -> State:
    """Turn a state id back into its state.

    Parameters
    ----------
    state_id : str
    exact : bool
        Whether only the one spelling of :attr:`State.state_id` will do, as in files, where ids are compared as text.
        False, for what people type, also reads other numbers of decimals, e.g. ``T0.7-C0.2-S1-E0.5``.

    Raises
    ------
    InputError
        If the text is not a state id or its values are out of range.
    """
    match = (_ID if exact else _LOOSE_ID).fullmatch(state_id)
    if match is None:
        raise InputError(
            f"state id {state_id!r}",
            ["not of the form T0.60-C0.010-S1.50-E0.20 (T, C_B, S, eps_AB)"],
            fix="`binlj states` lists the 500 states of the grid",
        )
    return State(*(float(text) for text in match.groups()))


@cache
def grid() -> tuple[State, ...]:
    """The 500 states of the benchmark, sorted by (T, C_B, S, eps_AB)."""
    return tuple(State(*v) for v in itertools.product(GRID_T, GRID_C_B, GRID_S, GRID_EPS_AB))


@cache
def _grid_set() -> frozenset[State]:
    return frozenset(grid())


def states() -> tuple[State, ...]:
    """The 500 states of the benchmark (public name of :func:`grid`)."""
    return grid()
