"""The equilibrated part of one chain of segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from binlj.builders import criteria, equilibration
from binlj.builders.errors_of_mean import Blocks
from binlj.builders.records import SegmentRecord

SERIES = ("energy", "density", "ab_coordination")
SERIES_NAMES = {"energy": "energy", "density": "density", "ab_coordination": "AB coordination"}


@dataclass(frozen=True)
class ChainPart:
    """What is kept of a chain (start, replica), and what was said about it.

    Attributes
    ----------
    counts, ideal : ndarray, shape (n_blocks, 3, 500)
    frames : ndarray of int, shape (n_blocks,)
    energy, density, pressure, ab_coordination : ndarray, shape (n_frames,)
        Of the kept frames.
    drift, drift_series : the largest drift (absolute normal deviate) and the series that shows it.
    direction : ndarray, shape (3, 500)
        Mean g of the kept part's second half minus that of its first half (zero with one block).
    unequilibrated : why the cut cannot be trusted; empty if it can.
    """

    start: str
    replica: int
    seed: int
    counts: np.ndarray = field(repr=False)
    ideal: np.ndarray = field(repr=False)
    frames: np.ndarray = field(repr=False)
    energy: np.ndarray = field(repr=False)
    density: np.ndarray = field(repr=False)
    pressure: np.ndarray = field(repr=False)
    ab_coordination: np.ndarray = field(repr=False)
    equilibration_steps: int
    production_steps: int
    total_steps: int
    composition_fluctuation: float
    solid_A: float
    solid_B: float
    n_A: int
    n_B: int
    drift: float
    drift_series: str
    direction: np.ndarray = field(repr=False)
    unequilibrated: str

    @property
    def blocks(self) -> Blocks:
        return Blocks(self.counts, self.ideal, self.frames, np.zeros(len(self.frames), dtype=int))


def equilibrated_part(records: Sequence[SegmentRecord]) -> ChainPart:
    """Cut a chain to its equilibrated part; whole blocks are dropped.

    The cut is the latest of the three that pymbar's detection finds on the per-frame energy, density and AB
    coordination, and never before the end of the first record (its first 2,000 steps, where old records
    have been packed into longer ones), if there is more than one. At least two blocks are kept; where the
    detection wants fewer, that is said in ``unequilibrated``.

    Parameters
    ----------
    records : sequence of SegmentRecord
        One chain's, sorted by step.
    """
    per_block = np.concatenate([np.full(r.n_blocks, r.n_frames // r.n_blocks) for r in records])
    block_steps = np.concatenate([np.full(r.n_blocks, r.steps / r.n_blocks) for r in records])
    block_record = np.concatenate([np.full(r.n_blocks, i) for i, r in enumerate(records)])
    first_frame = np.concatenate([[0], np.cumsum(per_block)[:-1]])
    block_start = np.concatenate(
        [r.step_start + r.steps / r.n_blocks * np.arange(r.n_blocks) for r in records]
    )

    series = np.array([np.concatenate([getattr(r, name) for r in records]) for name in SERIES])
    wanted = equilibration.equilibrated_from(series)
    first = int(np.searchsorted(first_frame, wanted))  # first block all of whose frames are wanted
    doubt = ""
    if len(records) > 1:
        head = records[0].step_start + min(records[0].steps, criteria.MIN_HEAD_STEPS)
        first = max(first, int(np.searchsorted(block_start, head)))
    else:
        doubt = "one segment only"
    most = max(0, len(per_block) - criteria.MIN_BLOCKS_KEPT)
    if first > most:
        first, doubt = most, doubt or "fewer than two blocks after the detected equilibration"

    frame = int(first_frame[first])
    kept = np.arange(len(per_block)) >= first
    counts = np.concatenate([r.counts for r in records])[kept]
    ideal = np.concatenate([r.ideal_counts() for r in records])[kept]
    steps = np.concatenate([r.step for r in records])[frame:]
    drifts = {name: abs(equilibration.drift(x[frame:], steps)) for name, x in zip(SERIES, series, strict=True)}
    worst = max(drifts, key=lambda name: drifts[name])
    used = sorted(set(block_record[kept].tolist()))
    weight = np.array([records[i].steps for i in used], dtype=float)

    def mean(name: str) -> float:
        return float(np.average([getattr(records[i], name) for i in used], weights=weight))

    production = float(block_steps[kept].sum())
    return ChainPart(
        start=records[0].start, replica=records[0].replica, seed=records[0].seed,
        counts=counts, ideal=ideal, frames=per_block[kept],
        energy=series[0, frame:], density=series[1, frame:], ab_coordination=series[2, frame:],
        pressure=np.concatenate([r.pressure for r in records])[frame:],
        equilibration_steps=round(float(block_steps.sum()) - production), production_steps=round(production),
        total_steps=records[-1].step_end,
        composition_fluctuation=mean("composition_fluctuation"),
        solid_A=mean("solid_A"), solid_B=mean("solid_B"),
        n_A=records[0].n_A, n_B=records[0].n_B,
        drift=drifts[worst], drift_series=SERIES_NAMES[worst], direction=_direction(counts, ideal),
        unequilibrated=doubt,
    )


def _direction(counts: np.ndarray, ideal: np.ndarray) -> np.ndarray:
    half = len(counts) // 2
    if half == 0:
        return np.zeros(counts.shape[1:])
    g = counts[half:].sum(0) / ideal[half:].sum(0) - counts[:half].sum(0) / ideal[:half].sum(0)
    return np.asarray(g)
