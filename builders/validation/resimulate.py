"""Two states simulated again in small boxes, compared with the published RDFs within their errors.

This is a full end-to-end check on a new machine: input scripts, LAMMPS, pair counting, analysis and published numbers
all have to agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from binlj.builders.analysis import criteria
from binlj.builders.analysis.assemble import StateResult, assemble_state
from binlj.builders.campaign.fixed_plan import Job, Records
from binlj.builders.md.chain import Chain
from binlj.builders.validation.output import new_figure
from binlj.data import curves, read_table
from binlj.files import replacing
from binlj.grid import PAIRS, State
from binlj.schema import bin_centres

if TYPE_CHECKING:
    import pandas as pd

# One state where all three RDFs must coincide, and one mixture of unequal sizes; both homogeneous.
STATES = (State(1.2, 0.5, 1.0, 1.0), State(1.4, 0.3, 1.5, 0.8))
R_RANGE = (0.5, 5.0)  # sigma_AA; half of the small box is about 6
N, START_STEPS, STEPS, EVERY, SEGMENTS = 2_000, 400, 1_500, 150, 3


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


def plan(folder: Path, states: Sequence[State] = STATES) -> list[Job]:
    """A chain from the mixed start for each state, in the store `folder`."""
    pieces = tuple((STEPS * (i + 1), EVERY) for i in range(SEGMENTS))
    return [Job(Chain(state), N, pieces, folder, START_STEPS) for state in states]


def published(jobs: Sequence[Job], dataset: Path | None = None) -> list[pd.DataFrame]:
    """The published rows of each job's state: AA, AB, BB."""
    import pandas as pd

    table = pd.concat([read_table("extrapolation", split, path=dataset) for split in ("train", "test")])
    table = table.set_index(["state_id", "pair"])
    return [table.loc[[(job.key[0], pair) for pair in PAIRS]] for job in jobs]


def compare(jobs: Sequence[Job], records: Records, rows: Sequence[pd.DataFrame]) -> list[Comparison]:
    """Assemble the new records of each job beside its published rows."""
    return [
        Comparison(assemble_state(job.chain.state, records[job.store, job.key]), curves(f), curves(f, "g_stderr"))
        for job, f in zip(jobs, rows, strict=True)
    ]


def draw(comparisons: Sequence[Comparison], path: Path) -> None:
    """RDF overlay: one panel a state and pair, published with its error band, new run as points."""
    r = bin_centres()
    figure = new_figure(12, 3.4 * len(comparisons))
    axes = figure.subplots(len(comparisons), 3, squeeze=False, sharex=True)
    for row, c in zip(axes, comparisons, strict=True):
        s = c.new.state
        for axis, pair, g, e, new, new_e, dev in zip(
            row, PAIRS, c.g, c.g_stderr, c.new.g, c.new.g_stderr, c.deviations(), strict=True
        ):
            label = "published, N = 10,000 (± 2 std. errors)"
            axis.fill_between(r, g - 2 * e, g + 2 * e, color="#9ecae1", label=label)
            axis.plot(r, g, color="#08519c", lw=1)
            axis.errorbar(r, new, 2 * new_e, fmt=".", ms=4, lw=0.8, color="#d94801", label=f"new run, N = {N:,}")
            axis.set_title(
                f"{pair}   T* = {s.T:g}, C_B = {s.C_B:g}, S = {s.S:g}, ε_AB = {s.eps_AB:g}\n"
                f"difference / allowed = {dev:.2f}",
                fontsize=9,
            )
            axis.set(xlim=(0, R_RANGE[1] + 1), xlabel="r / σ_AA", ylabel="g(r)")
            axis.grid(alpha=0.25)
    axes[0, 0].legend(fontsize=8, loc="upper right")
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=130, format="png")
