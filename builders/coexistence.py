"""Which phases a mixture separates into: PeTS's guess, and what small simulations of two slabs make of it.

A start of two phases relaxes by diffusion across the whole box, for ten thousands of steps at N = 10,000, unless its
phases have the right compositions to begin with. Those depend on T*, S and eps_AB only, so each such triple gets two
small simulations (N = 2,500, an A-rich and a B-rich slab of equal volume): one from the phases PeTS names, purer than
they should be (a mean-field theory), and one from those it names at a higher temperature. Diffusion across the smaller
box is faster, every step costs a quarter, and the two close in on the answer from both sides. The ends they come to are
kept in ``coexistence.csv`` and make the *saturated* and the *supersaturated* start of every state between them.
"""

from __future__ import annotations

import csv
import dataclasses
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from binlj.builders.engine import Engine, run_deck, stop_all
from binlj.errors import DataError
from binlj.files import replacing
from binlj.grid import PRESSURE, State, states
from binlj.pets import pets_phases

TABLE = Path(__file__).with_name("coexistence.csv")
SIDES = {"saturated": "pure", "supersaturated": "mixed"}  # start: the side its phases were reached from
N, STEPS, EVERY, START_STEPS, QUARTERS = 2_500, 20_000, 250, 250, 4
SEEDS = {"pure": 54_321, "mixed": 12_345}
# The mixed side begins with PeTS's phases at the highest of these temperatures, over the triple's, that has any of use.
SOFTENED = (1.3, 1.25, 1.2, 1.15, 1.1, 1.05)
LEAST_WIDTH = 0.1  # between the mole fractions of two phases worth the name
BINS, CORE = 20, 2  # of the profile along the box; on either side of a slab's middle, what counts as its inside

LEAST_SHARE = 0.25  # of either species in its own phase: with less, there is one phase, or nearly
# Where there is one phase, the starts from the separated side are the two of PeTS, brought together: g follows the
# square of what is left of their difference.
LEFT = {"saturated": 0.4, "supersaturated": 0.2}


@dataclass(frozen=True)
class Triple:
    """What the compositions of two coexisting phases depend on, at P* = 1."""

    T: float
    S: float
    eps_AB: float


@dataclass(frozen=True)
class Slabs:
    """One small simulation. Compositions are mole fractions of B, in the A-rich and in the B-rich slab."""

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
    share = inside / n * _volume(high, S) / _volume(n_b / n, S)
    return TwoPhases(share, round(inside * (1 - high)), n_b - round(inside * high))


def _volume(x: float, S: float) -> float:
    return 1 - x + x * S**3


@cache
def start_phases(state: State, start: str) -> tuple[float, float] | None:
    """Compositions a saturated or supersaturated start of `state` begins with; None if it does not demix at all.

    Off the grid, where there was no small simulation, those one would begin with.
    """
    n_a, n_b = state.counts()
    pets = pets_phases(state)
    found = _ends().get((Triple(state.T, state.S, state.eps_AB), SIDES[start]))
    if found and _share(found, n_a=n_a, n_b=n_b) > LEAST_SHARE:
        return found
    if pets is None:
        return None
    if found is None:
        enough = partial(_share, n_a=n_a, n_b=n_b)
        return (_softened(state, lambda p: enough(p) > LEAST_SHARE) if start == "supersaturated" else None) or pets
    low, high = (state.C_B + LEFT[start] * (x - state.C_B) for x in pets)
    return low, high


def _between(phases: tuple[float, float], c_b: float) -> bool:
    """Whether the compositions are two, on either side of that of the whole."""
    return phases[1] - phases[0] > LEAST_WIDTH and phases[0] < c_b < phases[1]


def _share(phases: tuple[float, float], *, n_a: int, n_b: int) -> float:
    """Share of the particles that are in their own phase, of the species where it is less; 0 if there is one phase."""
    n = n_a + n_b
    if not _between(phases, n_b / n):
        return 0.0
    inside = (n_b / n - phases[0]) / (phases[1] - phases[0]) * n
    return min(inside * phases[1] / n_b, (n - inside) * (1 - phases[0]) / n_a)


def _softened(state: State, use: Callable[[tuple[float, float]], bool]) -> tuple[float, float] | None:
    """PeTS's phases at the highest temperature that has any of use."""
    for factor in SOFTENED:
        phases = pets_phases(state, T=round(factor * state.T, 10))
        if phases and use(phases):
            return phases
    return None


@cache
def _ends() -> dict[tuple[Triple, str], tuple[float, float]]:
    return {(slabs.triple, slabs.side): slabs.end for slabs in read_table()}


def triples() -> list[Triple]:
    """Those of the grid that demix somewhere by PeTS."""
    return sorted({Triple(s.T, s.S, s.eps_AB) for s in states() if pets_phases(s)}, key=lambda t: (t.T, t.S, t.eps_AB))


def begin(triple: Triple, side: str) -> tuple[int, tuple[float, float]]:
    """Number of B particles in the small simulation (slabs of equal volume by PeTS), and the phases it begins with."""

    def at(c_b: float) -> State:
        return State(triple.T, round(c_b, 3), triple.S, triple.eps_AB)

    low, high = pure = next(p for c_b in (0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.7) if (p := pets_phases(at(c_b))))
    inside = _volume(low, triple.S) / (_volume(low, triple.S) + _volume(high, triple.S))
    n_b = round(N * (inside * high + (1 - inside) * low))


    def use(phases: tuple[float, float]) -> bool:
        share = two_phases(phases, n_a=N - n_b, n_b=n_b, S=triple.S).share
        return _between(phases, n_b / N) and 0.2 < share < 0.8

    return n_b, (_softened(at(n_b / N), use) if side == "mixed" else None) or pure


def simulate(triple: Triple, side: str, *, engine: Engine, folder: Path) -> Slabs:
    """Run one small simulation in `folder` (left empty) and read the compositions off its profile.

    Raises
    ------
    EngineError
        If LAMMPS stops with an error.
    """
    n_b, phases = begin(triple, side)
    parts = two_phases(phases, n_a=N - n_b, n_b=n_b, S=triple.S)
    variables = {"T": triple.T, "S": triple.S, "eps": triple.eps_AB, "pressure": PRESSURE}
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        tmp = Path(name)
        run_deck(
            engine, "phases", tmp,
            {**variables, "nA": N - n_b, "nB": n_b, "nAin": parts.a_inside, "nBout": parts.b_outside, "f": parts.share,
             "seed": SEEDS[side], "shape": "slab", "steps": START_STEPS, "restart": "start.restart"},
        )  # fmt: skip
        run_deck(
            engine, "segment", tmp,
            {**variables, "start": "start.restart", "steps": STEPS, "every": EVERY, "frames": "frames.dump",
             "scalars": "scalars.txt", "restart": "end.restart"},
        )  # fmt: skip
        profiles = np.array([profile(z, kinds) for z, kinds in _frames(tmp / "frames.dump")])
    quarters = tuple(compositions(q.sum(0)) for q in np.array_split(profiles, QUARTERS))
    return Slabs(triple, side, n_b / N, phases, quarters)


def profile(z: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Numbers of A (kind 1) and B (2) in equal layers, int (2, BINS), the B-rich slab in the middle.

    `z` in units of the box. The middle is where the first Fourier component of B puts it.
    """
    middle = np.angle(np.exp(2j * np.pi * z[kinds == 2]).mean()) / (2 * np.pi)
    shifted = (z - middle + 0.5) % 1.0
    return np.array([np.histogram(shifted[kinds == kind], BINS, (0.0, 1.0))[0] for kind in (1, 2)])


def compositions(counts: np.ndarray) -> tuple[float, float]:
    """Mole fraction of B inside the A-rich slab (around the ends of the profile) and the B-rich one (its middle)."""
    counts = np.roll(counts, BINS // 2, axis=1)
    a_rich = counts[:, BINS // 2 - CORE : BINS // 2 + CORE].sum(1)
    b_rich = np.roll(counts, CORE, axis=1)[:, : 2 * CORE].sum(1)
    return float(a_rich[1] / a_rich.sum()), float(b_rich[1] / b_rich.sum())


def _frames(path: Path) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """z in units of the box, and the kinds, of every frame of a dump."""
    with open(path, encoding="ascii") as stream:
        while stream.readline():
            head = [stream.readline() for _ in range(8)]
            low, high = map(float, head[6].split())
            rows = np.array([stream.readline().split()[1:] for _ in range(int(head[2]))], dtype=float)
            yield (rows[:, 3] - low) / (high - low) % 1.0, rows[:, 0].astype(int)


def run(
    table: Path,
    *,
    engine: Engine,
    folder: Path,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Slabs]:
    """Add what `table` lacks to it, run by run, and return all of it.

    Killed at any moment, it loses the runs under way only.
    """
    done = {(s.triple, s.side): s for s in read_table(table)} if table.exists() else {}
    every = [(triple, side) for triple in triples() for side in SIDES.values()]
    missing = [job for job in every if job not in done]
    progress(len(every) - len(missing), len(every))
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(simulate, *job, engine=engine, folder=folder) for job in missing]
        try:
            for job, future in zip(missing, futures, strict=True):
                done[job] = future.result()
                write_table(table, [done[j] for j in every if j in done])
                progress(len(done), len(every))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            stop_all()
            raise
    return [done[job] for job in every]


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
                if side not in SIDES.values():
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
