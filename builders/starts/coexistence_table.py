"""The coexisting phases of a mixture, as small simulations found them, and what they mean for a start.

The table ``coexistence.csv`` holds the results of :mod:`binlj.builders.coexistence`: for each (T*, S, eps_AB) the
compositions at which simulations of two phases end. This module reads it and answers from which compositions a
coexistence-seeded start of a state begins.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from binlj.builders.starts.kinds import BY_NAME
from binlj.errors import DataError
from binlj.files import replacing
from binlj.grid import State
from binlj.pets import pets_phases

TABLE = Path(__file__).with_name("coexistence.csv")
ROUNDS = (("pure", "mixed"), ("pure2", "mixed2"), ("pure3", "mixed3"))  # the two sides, round by round
PURE, MIXED = zip(*ROUNDS, strict=True)
QUARTERS = 4  # of a small simulation
# The mixed side begins with PeTS's phases at the highest of these temperatures, over the triple's, that has any of use.
SOFTENED = (1.3, 1.25, 1.2, 1.15, 1.1, 1.05)
APART = 0.02  # between the two ends of a round, in either phase, from which on there is another
LEAST_WIDTH = 0.1  # between the mole fractions of two phases worth the name
LEAST_SHARE = 0.25  # of either species in its own phase: with less, there is one phase, or nearly


@dataclass(frozen=True)
class Triple:
    """What the compositions of two coexisting phases depend on, at P* = 1."""

    T: float
    S: float
    eps_AB: float


@dataclass(frozen=True)
class Slabs:
    """One small simulation. Compositions are mole fractions of B, in the A-rich and in the B-rich slab.

    ``C_B`` is that of the whole; where there is one phase (S = 1, later rounds), of its beginning.
    """

    triple: Triple
    side: str
    C_B: float
    begin: tuple[float, float]
    quarters: tuple[tuple[float, float], ...]

    @property
    def end(self) -> tuple[float, float]:
        """Mean over the second half."""
        low, high = np.mean(self.quarters[len(self.quarters) // 2 :], axis=0)
        return float(low), float(high)


@dataclass(frozen=True)
class TwoPhases:
    """How a start is divided: B-rich phase's share of the volume, its A particles, and the B particles outside it."""

    share: float
    a_inside: int
    b_outside: int


def two_phases(phases: tuple[float, float], *, n_a: int, n_b: int, S: float) -> TwoPhases:
    """Particles of both phases by the lever rule; every particle has its own sigma^3 of room."""
    low, high = phases
    n = n_a + n_b
    inside = (n_b / n - low) / (high - low) * n
    share = inside / n * volume(high, S) / volume(n_b / n, S)
    return TwoPhases(share, round(inside * (1 - high)), n_b - round(inside * high))


def volume(x: float, S: float) -> float:
    return 1 - x + x * S**3


@cache
def start_phases(state: State, start: str) -> tuple[float, float] | None:
    """Compositions of the phases of a coexistence-seeded start; None if `state` has no such start.

    There is none where the mixture does not demix at all, and none of later rounds where the first was enough. Off
    the grid, where there was no small simulation, those one would begin with.
    """
    n_a, n_b = state.counts()
    pets = pets_phases(state)
    kind = BY_NAME[start]
    last = last_simulation(state, kind.simulations)
    if last is None and kind.later:
        return None
    found = last.end if last else None
    if found and _share(found, n_a=n_a, n_b=n_b) > LEAST_SHARE:
        return found
    if pets is None:
        return None
    if found is None:
        enough = partial(_share, n_a=n_a, n_b=n_b)
        return (softened(state, lambda p: enough(p) > LEAST_SHARE) if start == "supersaturated" else None) or pets
    low, high = (state.C_B + kind.contrast * (x - state.C_B) for x in pets)
    return low, high


def last_simulation(state: State, sides: Sequence[str]) -> Slabs | None:
    """The last small simulation of the state's triple that there is, of the same side in several rounds."""
    triple = Triple(state.T, state.S, state.eps_AB)
    return next((_all()[triple, side] for side in reversed(sides) if (triple, side) in _all()), None)


def between(phases: tuple[float, float], c_b: float) -> bool:
    """Whether the compositions are two, on either side of that of the whole."""
    return phases[1] - phases[0] > LEAST_WIDTH and phases[0] < c_b < phases[1]


def _share(phases: tuple[float, float], *, n_a: int, n_b: int) -> float:
    """Share of the particles that are in their own phase, of the species where it is less; 0 if there is one phase."""
    n = n_a + n_b
    if not between(phases, n_b / n):
        return 0.0
    inside = (n_b / n - phases[0]) / (phases[1] - phases[0]) * n
    return min(inside * phases[1] / n_b, (n - inside) * (1 - phases[0]) / n_a)


def softened(state: State, use: Callable[[tuple[float, float]], bool]) -> tuple[float, float] | None:
    """PeTS's phases at the highest temperature that has any of use."""
    for factor in SOFTENED:
        phases = pets_phases(state, T=round(factor * state.T, 2))
        if phases and use(phases):
            return phases
    return None


@cache
def _all() -> dict[tuple[Triple, str], Slabs]:
    return {(slabs.triple, slabs.side): slabs for slabs in read_table()}


COLUMNS = ("T", "S", "eps_AB", "side", "C_B", "begin_A_rich", "begin_B_rich") + tuple(
    f"{phase}_{i + 1}" for i in range(QUARTERS) for phase in ("A_rich", "B_rich")
)


def write_table(path: Path, slabs: Iterable[Slabs]) -> None:
    """One row for each simulation."""
    with replacing(path) as temporary, open(temporary, "w", encoding="ascii", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for s in slabs:
            ends = [x for quarter in (s.begin, *s.quarters) for x in quarter]
            writer.writerow([*dataclasses.astuple(s.triple), s.side, s.C_B, *(f"{x:.6f}" for x in ends)])


def read_table(path: Path = TABLE) -> list[Slabs]:
    """All simulations of a table.

    Raises
    ------
    DataError
        If it is not such a table; every problem is listed.
    """
    out, problems = [], []
    with open(path, encoding="ascii", newline="") as stream:
        reader = csv.reader(stream)
        if tuple(next(reader, ())) != COLUMNS:
            raise DataError(path, ["the columns are not those of a table of coexisting phases"], fix=_AGAIN)
        for line, row in enumerate(reader, 2):
            try:
                T, S, eps, side, c_b, *x = row
                if side not in (*PURE, *MIXED):
                    raise ValueError(f"side {side!r}")
                values = [float(v) for v in x]
                if len(x) != 2 * QUARTERS + 2 or not all(0 <= v <= 1 for v in values):
                    raise ValueError("mole fractions missing, or not between 0 and 1")
            except ValueError as error:
                problems.append(f"line {line}: {error}")
                continue
            pairs = list(zip(values[::2], values[1::2], strict=True))
            out.append(Slabs(Triple(float(T), float(S), float(eps)), side, float(c_b), pairs[0], tuple(pairs[1:])))
    if problems:
        raise DataError(path, problems, fix=_AGAIN)
    return out


_AGAIN = "take it from the repository again, or delete it and run `binlj validate coexistence`"
