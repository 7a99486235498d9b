"""Simulate a few states again, small and quickly, and compare with the published RDFs within their errors.

This is the end-to-end check a newcomer runs: the input scripts, the engine on this machine, the counting, the
averaging and the published numbers all have to agree.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from binlj.builders.analysis import criteria
from binlj.builders.analysis.assemble import StateResult, assemble_state
from binlj.builders.md.chain import Chain
from binlj.builders.md.engine import Engine
from binlj.builders.md.profiles import PROFILES
from binlj.builders.md.segment import advance
from binlj.builders.records.record import read_records
from binlj.builders.records.store import by_chain, load_records
from binlj.data import curves, read_table
from binlj.grid import PAIRS, State
from binlj.schema import bin_centres

# One state where all three RDFs must coincide, and one mixture of unequal sizes; both homogeneous.
DEFAULT_STATES = (State(1.2, 0.5, 1.0, 1.0), State(1.4, 0.3, 1.5, 0.8))
R_RANGE = (0.5, 5.0)  # sigma_AA; half of the small box is about 6
PROFILE = dataclasses.replace(
    PROFILES["smoke"], name="resimulate", n=2_000, start_steps=400, steps=1_500, every=150
)
SEGMENTS = 3


@dataclass(frozen=True)
class Comparison:
    """One state's new RDFs beside the published ones; arrays are (3, 100)."""

    new: StateResult
    g: np.ndarray
    g_stderr: np.ndarray

    def deviations(self) -> np.ndarray:
        """Rms difference over `R_RANGE` in units of what is allowed, for AA, AB, BB; below 1 is agreement."""
        r = bin_centres()
        inside = (r >= R_RANGE[0]) & (r <= R_RANGE[1])

        def rms(x: np.ndarray) -> np.ndarray:
            return np.asarray(np.sqrt((x[:, inside] ** 2).mean(1)))

        allowed = criteria.DIFFERENT_SIGMAS * rms(np.hypot(self.new.g_stderr, self.g_stderr))
        allowed += criteria.RESIMULATED_FINITE_SIZE * self.g.max(1)
        return np.asarray(rms(self.new.g - self.g) / allowed)

    @property
    def agrees(self) -> bool:
        return bool(np.all(self.deviations() < 1.0))


def _named(report: Callable[[str, int], None], name: str, done: int, words: str) -> None:
    report(f"{name} {words}", done)


def resimulate(
    folder: Path,
    *,
    engine: Engine,
    states: Sequence[State] = DEFAULT_STATES,
    dataset: Path | None = None,
    report: Callable[[str, int], None] = lambda words, done: None,
) -> list[Comparison]:
    """Simulate `states` at N = 2,000 in `folder` (what is there is reused) and compare with the dataset.

    Parameters
    ----------
    folder : Path
        A store of its own.
    report : callable
        Called with a few words and the number of finished segments.
    """
    fields = [read_table("extrapolation", split, path=dataset) for split in ("train", "test")]
    comparisons, done = [], 0
    for state in states:
        chain = Chain(state)
        key = (state.state_id, "mixed", 0)
        for _ in range(SEGMENTS):
            have = by_chain(load_records(folder, state_ids=[state.state_id])).get(key, [])
            if len(have) < SEGMENTS:
                advance(
                    chain, profile=PROFILE, engine=engine, folder=folder / "work" / chain.name,
                    records=folder / "loose", done=(len(have), have[-1].step_end if have else 0),
                    report=partial(_named, report, state.state_id, done),
                )
            done += 1
        records = [
            r for p in sorted((folder / "loose").glob(f"{chain.name}_*.parquet")) for r in read_records(p)
        ]
        rows = [f[f.state_id == state.state_id] for f in fields]
        published = next(f for f in rows if len(f)).set_index("pair").loc[list(PAIRS)].reset_index()
        comparisons.append(
            Comparison(assemble_state(state, records), curves(published, "g"), curves(published, "g_stderr"))
        )
    report("done", done)
    return comparisons


def draw(comparisons: Sequence[Comparison], path: Path) -> None:
    """RDF overlay: one panel a state and pair, published with its error band, new run as points."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from binlj.files import replacing

    r = bin_centres()
    figure, axes = plt.subplots(
        len(comparisons),
        3,
        figsize=(12, 3.4 * len(comparisons)),
        squeeze=False,
        sharex=True,
        layout="constrained",
    )
    for row, c in zip(axes, comparisons, strict=True):
        s = c.new.state
        for axis, pair, g, e, new, new_e, dev in zip(
            row, PAIRS, c.g, c.g_stderr, c.new.g, c.new.g_stderr, c.deviations(), strict=True
        ):
            axis.fill_between(
                r, g - 2 * e, g + 2 * e, color="#9ecae1", label="published, N = 10,000 (± 2 std. errors)"
            )
            axis.plot(r, g, color="#08519c", lw=1)
            axis.errorbar(
                r, new, 2 * new_e, fmt=".", ms=4, lw=0.8, color="#d94801", label=f"new run, N = {PROFILE.n:,}"
            )
            axis.set_title(
                f"{pair}   T* = {s.T:g}, C_B = {s.C_B:g}, S = {s.S:g}, ε_AB = {s.eps_AB:g}\n"
                f"difference / allowed = {dev:.2f}",
                fontsize=9,
            )
            axis.set_xlim(0, R_RANGE[1] + 1)
            axis.set_xlabel("r / σ_AA")
            axis.set_ylabel("g(r)")
            axis.grid(alpha=0.25)
    axes[0, 0].legend(fontsize=8, loc="upper right")
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=130, format="png")
    plt.close(figure)
