"""Small simulations of two slabs that find the compositions of coexisting phases.

A start of two phases relaxes by diffusion across the whole box, which takes tens of thousands of steps at N = 10,000
unless its phases have the right compositions. These depend on T*, S and eps_AB only. Each such triple gets two small
simulations (N = 2,500, an A-rich and a B-rich slab of equal volume). One, from the pure side, begins with the phases of
the PeTS equation of state, which are too pure (a mean-field theory). The other, from the mixed side, begins with PeTS's
phases at a higher temperature. The final compositions are kept in ``starts/coexistence.csv`` and define the two
coexistence-seeded starts of the first round (stored as *saturated* and *supersaturated*).

Where the two ends differ, a second and a third round continue from them, three times as long as the first. The last
ends define the starts of the second round (*saturated2* and *supersaturated2*), so a round is run before these begin.
For S = 1 the later rounds use one phase whose particles change species at equal chemical potentials (semi-grand
ensemble). By symmetry A and B have the same chemical potential in coexisting phases, so its composition x is that of
one phase and 1 - x that of the other. This needs neither an interface nor diffusion.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from binlj.builders.md.engine import Engine, run_script, stop_all
from binlj.builders.records.configuration import read_frames
from binlj.builders.starts.coexistence_table import (
    APART,
    LEAST_WIDTH,
    MIXED,
    PURE,
    QUARTERS,
    ROUNDS,
    Slabs,
    Triple,
    between,
    read_table,
    softened,
    two_phases,
    volume,
    write_table,
)
from binlj.grid import PRESSURE, State, states
from binlj.pets import pets_phases

# Where a later round begins.
BEFORE = {later: side for sides in (PURE, MIXED) for side, later in zip(sides, sides[1:], strict=False)}
N, EVERY, START_STEPS = 2_500, 250, 250
STEPS, LATER_STEPS, SWAP_STEPS = 20_000, 60_000, 10_000  # first round; later ones: two slabs, one phase
SEEDS = {"pure": 54_321, "mixed": 12_345, "pure2": 54_322, "mixed2": 12_346, "pure3": 54_323, "mixed3": 12_347}
SWAP_EVERY, SWAP_ATTEMPTS = 20, 50  # changes of species tried, each at the cost of a step
BINS, CORE = 20, 2  # of the profile along the box; on either side of a slab's middle, what counts as its inside


def triples() -> list[Triple]:
    """Those of the grid that demix somewhere by PeTS."""
    return sorted({Triple(s.T, s.S, s.eps_AB) for s in states() if pets_phases(s)}, key=lambda t: (t.T, t.S, t.eps_AB))


def begin(triple: Triple, side: str) -> tuple[int, tuple[float, float]]:
    """Number of B particles in the small simulation (slabs of equal volume by PeTS), and the phases it begins with."""

    def at(c_b: float) -> State:
        return State(triple.T, round(c_b, 3), triple.S, triple.eps_AB)

    low, high = pure = next(p for c_b in (0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.7) if (p := pets_phases(at(c_b))))
    inside = volume(low, triple.S) / (volume(low, triple.S) + volume(high, triple.S))
    n_b = round(N * (inside * high + (1 - inside) * low))


    def use(phases: tuple[float, float]) -> bool:
        share = two_phases(phases, n_a=N - n_b, n_b=n_b, S=triple.S).share
        return between(phases, n_b / N) and 0.2 < share < 0.8

    return n_b, (softened(at(n_b / N), use) if side == "mixed" else None) or pure


def simulate(triple: Triple, side: str, *, before: Slabs | None = None, engine: Engine, folder: Path) -> Slabs:
    """Run one small simulation in `folder` (left empty) and read the compositions off it.

    Parameters
    ----------
    before : Slabs
        Of a later round: the simulation that it goes on from.

    Raises
    ------
    EngineError
        If LAMMPS stops with an error.
    """
    if before is None:
        n_b, phases = begin(triple, side)
    elif triple.S == 1:
        x = (before.end[0] + 1 - before.end[1]) / 2
        n_b, phases = round(N * x), (x, 1 - x)
    else:
        n_b, phases = round(N * before.C_B), before.end
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        one_phase = before is not None and triple.S == 1
        run = _one_phase if one_phase else partial(_two_slabs, phases=phases, steps=LATER_STEPS if before else STEPS)
        quarters = run(triple, n_b, seed=SEEDS[side], engine=engine, tmp=Path(name))
    return Slabs(triple, side, n_b / N, phases, quarters)


Quarters = tuple[tuple[float, float], ...]


def _two_slabs(
    triple: Triple, n_b: int, *, phases: tuple[float, float], steps: int, seed: int, engine: Engine, tmp: Path
) -> Quarters:
    """Two slabs in contact: compositions inside them, by quarters."""
    parts = two_phases(phases, n_a=N - n_b, n_b=n_b, S=triple.S)
    variables = _variables(triple)
    run_script(
        engine, "phases", tmp,
        {**variables, "nA": N - n_b, "nB": n_b, "nAin": parts.a_inside, "nBout": parts.b_outside, "f": parts.share,
         "seed": seed, "shape": "slab", "steps": START_STEPS, "restart": "start.restart"},
    )  # fmt: skip
    run_script(
        engine, "segment", tmp,
        {**variables, "start": "start.restart", "steps": steps, "every": EVERY, "frames": "frames.dump",
         "scalars": "scalars.txt", "restart": "end.restart"},
    )  # fmt: skip
    frames = read_frames(tmp / "frames.dump")
    profiles = np.array([profile(f.coordinates[:, 2] / f.box_length, f.types) for f in frames])
    return tuple(compositions(q.sum(0)) for q in np.array_split(profiles, QUARTERS))


def _one_phase(triple: Triple, n_b: int, *, seed: int, engine: Engine, tmp: Path) -> Quarters:
    """One phase of a symmetric mixture at equal chemical potentials: its composition and its mirror image's."""
    variables = _variables(triple)
    run_script(
        engine, "start", tmp,
        {**variables, "nA": N - n_b, "nB": n_b, "seed": seed, "shape": "mixed", "steps": START_STEPS,
         "restart": "start.restart"},
    )  # fmt: skip
    run_script(
        engine, "swap", tmp,
        {**variables, "start": "start.restart", "seed": seed, "every": SWAP_EVERY, "attempts": SWAP_ATTEMPTS,
         "steps": SWAP_STEPS, "out": "composition.txt"},
    )  # fmt: skip
    x = np.loadtxt(tmp / "composition.txt", ndmin=2)[:, 1]
    means = [float(q.mean()) for q in np.array_split(x, QUARTERS)]
    return tuple((min(m, 1 - m), max(m, 1 - m)) for m in means)


def _variables(triple: Triple) -> dict[str, object]:
    return {"T": triple.T, "S": triple.S, "eps": triple.eps_AB, "pressure": PRESSURE}


def profile(z: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Numbers of A (kind 0) and B (1) in equal layers, int (2, BINS), the B-rich slab in the middle.

    `z` in units of the box. The middle is where the first Fourier component of B puts it.
    """
    middle = np.angle(np.exp(2j * np.pi * z[kinds == 1]).mean()) / (2 * np.pi)
    shifted = (z - middle + 0.5) % 1.0
    return np.array([np.histogram(shifted[kinds == kind], BINS, (0.0, 1.0))[0] for kind in (0, 1)])


def compositions(counts: np.ndarray) -> tuple[float, float]:
    """Mole fraction of B inside the A-rich slab (around the ends of the profile) and the B-rich one (its middle)."""
    counts = np.roll(counts, BINS // 2, axis=1)
    a_rich = counts[:, BINS // 2 - CORE : BINS // 2 + CORE].sum(1)
    b_rich = np.roll(counts, CORE, axis=1)[:, : 2 * CORE].sum(1)
    return float(a_rich[1] / a_rich.sum()), float(b_rich[1] / b_rich.sum())


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
    every: list[tuple[Triple, str]] = []
    for i, sides in enumerate(ROUNDS):
        every += [(t, side) for t in triples() if i == 0 or _apart(t, ROUNDS[i - 1], done) for side in sides]
        _run(every, done, table, engine=engine, folder=folder, workers=workers, progress=progress)
    return [done[job] for job in every]


def _apart(triple: Triple, sides: tuple[str, str], done: Mapping[tuple[Triple, str], Slabs]) -> bool:
    """Whether a round was run and left its two sides apart, with two phases on at least one of them."""
    if (triple, sides[0]) not in done:
        return False
    pure, mixed = (done[triple, side].end for side in sides)
    apart = float(np.abs(np.subtract(pure, mixed)).max())
    return apart > APART and max(high - low for low, high in (pure, mixed)) > LEAST_WIDTH


def _run(
    jobs: Sequence[tuple[Triple, str]],
    done: dict[tuple[Triple, str], Slabs],
    table: Path,
    *,
    engine: Engine,
    folder: Path,
    workers: int,
    progress: Callable[[int, int], None],
) -> None:
    """Add to `done` and to `table` what of `jobs` they lack."""
    missing = [job for job in jobs if job not in done]
    progress(len(jobs) - len(missing), len(jobs))
    with ThreadPoolExecutor(workers) as pool:
        futures = [
            pool.submit(
                simulate, *job, before=done[job[0], BEFORE[job[1]]] if job[1] in BEFORE else None,
                engine=engine, folder=folder,
            )
            for job in missing
        ]  # fmt: skip
        try:
            for i, (job, future) in enumerate(zip(missing, futures, strict=True), 1):
                done[job] = future.result()
                order = [(triple, side) for sides in ROUNDS for triple in triples() for side in sides]
                write_table(table, [done[j] for j in order if j in done])  # of later rounds, too
                progress(len(jobs) - len(missing) + i, len(jobs))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            stop_all()
            raise
