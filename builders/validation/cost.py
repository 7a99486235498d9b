"""What the campaign has cost, what is still to do, and what the paper's protocol would take here and on GPUs."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from binlj.builders.analysis import criteria
from binlj.builders.analysis.assemble import StateResult
from binlj.builders.campaign.scheduler import FIRST_PASS
from binlj.builders.md.profiles import PROFILES
from binlj.builders.records.record import SegmentRecord
from binlj.builders.records.store import by_chain
from binlj.grid import N_PARTICLES, grid
from binlj.machine import processor

PASSES = ("first pass: mixed starts", "second and third starts", "further segments")
PAPER_STEPS = 20_000_000  # 10^7 of equilibration and 10^7 of production
ASSUMED_GPU_RATES = (50e6, 100e6, 200e6)
GPUS = (8, 32, 128)
LENGTHS = (1_000, 5_000)  # segments are grouped by steps: below the first, below the second, and longer


@dataclass(frozen=True)
class Sums:
    """Totals over some records. Seconds are of one core each."""

    segments: int = 0
    steps: int = 0
    atom_steps: int = 0
    frames: int = 0
    loop_seconds: float = 0.0
    rdf_seconds: float = 0.0
    wall_seconds: float = 0.0

    @property
    def core_hours(self) -> float:
        return self.wall_seconds / 3600

    @property
    def rate(self) -> float | None:
        """Atom-steps per second of LAMMPS's own loop."""
        return self.atom_steps / self.loop_seconds if self.loop_seconds else None

    @property
    def overhead(self) -> float | None:
        """Wall time over LAMMPS's loop time: 1 would be bare LAMMPS."""
        return self.wall_seconds / self.loop_seconds if self.loop_seconds else None

    @property
    def rdf_seconds_per_frame(self) -> float | None:
        return self.rdf_seconds / self.frames if self.frames else None


def total(records: Sequence[SegmentRecord]) -> Sums:
    """Add up some records."""
    return Sums(
        segments=len(records), steps=sum(r.steps for r in records), atom_steps=sum(r.atom_steps for r in records),
        frames=sum(r.n_frames for r in records), loop_seconds=sum(r.loop_seconds for r in records),
        rdf_seconds=sum(r.rdf_seconds for r in records), wall_seconds=sum(r.wall_seconds for r in records),
    )  # fmt: skip


def by_pass(records: Sequence[SegmentRecord]) -> dict[str, Sums]:
    """Sums of the first two segments of mixed starts, of the other starts, and of all that came later.

    A branch's segments all came later.
    """
    groups: dict[str, list[SegmentRecord]] = {name: [] for name in PASSES}
    for (_, start, _), members in by_chain(records).items():
        first = 0 if members[0].step_start else FIRST_PASS
        groups[PASSES[0] if start == "mixed" else PASSES[1]] += members[:first]
        groups[PASSES[2]] += members[first:]
    return {name: total(members) for name, members in groups.items()}


def by_length(records: Sequence[SegmentRecord]) -> dict[str, Sums]:
    """Sums of short and long segments: how much of the overhead is paid per segment."""
    short, long_ = LENGTHS
    groups = {
        f"below {short:,} steps": [r for r in records if r.steps < short],
        f"{short:,} to {long_ - 1:,}": [r for r in records if short <= r.steps < long_],
        f"{long_:,} and more": [r for r in records if r.steps >= long_],
    }
    return {name: total(members) for name, members in groups.items() if members}


@dataclass(frozen=True)
class Left:
    """What the campaign still needs, in steps of one chain each."""

    states: int
    not_converged: int
    short: int
    least: int
    most: int
    n: int = N_PARTICLES

    def core_hours(self, steps: int, seconds_per_atom_step: float) -> float:
        return steps * self.n * seconds_per_atom_step / 3600


def remaining(results: Sequence[StateResult], chain_steps: Mapping[str, Sequence[int]]) -> Left:
    """Steps to this project's convergence.

    Parameters
    ----------
    results : sequence of StateResult
    chain_steps : mapping
        state id -> steps of each of its starts.

    Returns
    -------
    Left
        ``least``: every kept start of a state that is not converged is brought to the wanted production steps,
        and nothing else is missing then. ``most``: every chain of such a state goes on to the step limit.
        States without any result count with one start.
    """
    least = most = short = 0
    seen = {result.state.state_id for result in results}
    open_results = [result for result in results if not result.converged]
    for result in open_results:
        kept = len(result.start.split("+"))
        missing = max(0, criteria.MIN_PRODUCTION_STEPS - result.min_production_steps)
        short += missing > 0
        least += kept * missing
        most += sum(max(0, criteria.MAX_STEPS - steps) for steps in chain_steps[result.state.state_id])
    absent = sum(state.state_id not in seen for state in grid())
    least += absent * criteria.MIN_PRODUCTION_STEPS
    most += absent * criteria.MAX_STEPS
    return Left(len(results) + absent, len(open_results) + absent, short + absent, least, most)


@dataclass(frozen=True)
class GpuPlan:
    """The ``paper`` profile on GPUs at one rate: one worker a GPU, one core beside it that counts the RDFs."""

    rate: float
    chains: int
    steps: int
    n: int
    rdf_seconds_per_chain: float

    @property
    def chain_hours(self) -> float:
        """Hours of one chain: segments follow one another, and the RDF of each follows its dynamics."""
        return (self.steps * self.n / self.rate + self.rdf_seconds_per_chain) / 3600

    @property
    def dynamics_hours(self) -> float:
        return self.chains * self.steps * self.n / self.rate / 3600

    @property
    def gpu_hours(self) -> float:
        return self.chains * self.chain_hours

    def days(self, gpus: int) -> float:
        """Wall days: whole chains are dealt out, so the last wave may be part empty."""
        return math.ceil(self.chains / gpus) * self.chain_hours / 24


def gpu_plan(rate: float, *, chains: int, rdf_seconds_per_frame: float, n: int = N_PARTICLES) -> GpuPlan:
    """The plan for one rate (atom-steps per second and GPU)."""
    profile = PROFILES["paper"]
    return GpuPlan(rate, chains, PAPER_STEPS, n, PAPER_STEPS / profile.every * rdf_seconds_per_frame)


def hardware() -> dict[str, Any]:
    """The machine this runs on; records do not carry theirs."""
    return {"cpu": processor(), "cores": os.cpu_count(), "system": f"{platform.system()} {platform.machine()}"}
