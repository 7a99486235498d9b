"""The equilibrated part of the chains of one start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from binlj.builders.analysis import criteria, equilibration
from binlj.builders.records import lineage
from binlj.builders.records.record import SegmentRecord

SERIES = ("energy", "density", "ab_coordination")
SERIES_NAMES = {"energy": "energy", "density": "density", "ab_coordination": "AB coordination"}


@dataclass(frozen=True)
class ChainPart:
    """The equilibrated part of a chain (start, replica) and its statistics.

    Attributes
    ----------
    counts, ideal : ndarray, shape (n_blocks, 3, 500)
    frames : ndarray of int, shape (n_blocks,)
    energy, density, pressure, ab_coordination : ndarray, shape (n_frames,)
        Of the kept frames.
    drift, drift_series : the largest drift (absolute z-score) and the series that shows it.
    composition_fluctuation, solid_A, solid_B : float
        Means over the kept records; ``first_fluctuation`` belongs to the first record, kept or not.
    solid_growth : (float, float)
        Solid-like fraction of A and of B in the last kept record minus that in the first.
    direction : ndarray, shape (3, 500)
        Mean g of the kept part's second half minus that of its first half (zero with one block).
    unequilibrated : why equilibration is not established; empty if it is.
    """

    start: str
    replica: int
    seeds: tuple[int, ...]
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
    first_fluctuation: float
    solid_A: float
    solid_B: float
    solid_growth: tuple[float, float]
    drift: float
    drift_series: str
    direction: np.ndarray = field(repr=False)
    unequilibrated: str

    @cached_property
    def n_eff(self) -> tuple[float, ...]:
        """Effectively independent frames of each of ``SERIES``: frames over statistical inefficiency, n/g."""
        return tuple(len(self.energy) / equilibration.inefficiency(getattr(self, name)) for name in SERIES)


def chains_by_start(records: Iterable[SegmentRecord]) -> dict[str, dict[int, list[SegmentRecord]]]:
    """Start -> replica -> records in order of steps, of one state's records in any order."""
    starts: dict[str, dict[int, list[SegmentRecord]]] = {}
    for record in sorted(records, key=lambda r: r.key):
        starts.setdefault(record.start, {}).setdefault(record.replica, []).append(record)
    return starts


def equilibrated_parts(chains: Mapping[int, Sequence[SegmentRecord]]) -> list[ChainPart]:
    """Cut all chains of one start to their equilibrated parts.

    A restart lineage is a set of chains that share a common beginning (:mod:`binlj.builders.records.lineage`). Its
    longest history is cut by :func:`equilibrated_part`. Records that belong only to other histories of the lineage are
    used from the same step on, or from a later one if the detection on their own history asks for it. What remains of
    them is dropped if it has fewer than two blocks.

    Parameters
    ----------
    chains : mapping
        replica -> its records, sorted by step; all of one state and start.
    """
    lines = lineage.lines(chains)
    parts = []
    for members in lineage.lineages(chains).values():
        first, *others = sorted(members, key=lambda replica: (-lines[replica][-1].step_end, -replica))
        main = equilibrated_part(lines[first])
        parts.append(main)
        counted = {record.key for record in lines[first]}
        for replica in others:
            own = sum(record.key in counted for record in lines[replica])
            rest = _part(lines[replica], skip=own, since=main.equilibration_steps)
            if rest is not None:
                parts.append(rest)
            counted |= {record.key for record in lines[replica]}
    return parts


def equilibrated_part(records: Sequence[SegmentRecord]) -> ChainPart:
    """Cut a chain to its equilibrated part; whole blocks are dropped.

    The cut is the latest of the three that the detection finds in the per-frame energy, density and AB coordination: in
    the first half, or before the production steps that convergence asks for.
    If there is more than one record, the first one is always dropped (its first 2,000 steps, if it is longer). At least
    two blocks are kept; ``unequilibrated`` says so if the detection would keep fewer.

    Parameters
    ----------
    records : sequence of SegmentRecord
        One chain's from step 0 on, sorted by step.
    """
    part = _part(records)
    assert part is not None  # only a rest can be too short
    return part


def _part(records: Sequence[SegmentRecord], *, skip: int = 0, since: int = 0) -> ChainPart | None:
    """The same without the first `skip` records and the steps before `since`; None if fewer than two blocks remain."""
    per_block = np.concatenate([np.full(r.n_blocks, r.n_frames // r.n_blocks) for r in records])
    block_steps = np.concatenate([np.full(r.n_blocks, r.steps / r.n_blocks) for r in records])
    block_record = np.concatenate([np.full(r.n_blocks, i) for i, r in enumerate(records)])
    first_frame = np.concatenate([[0], np.cumsum(per_block)[:-1]])
    block_start = np.concatenate(
        [r.step_start + r.steps / r.n_blocks * np.arange(r.n_blocks) for r in records]
    )

    series = np.array([np.concatenate([getattr(r, name) for r in records]) for name in SERIES])
    times = np.concatenate([r.step for r in records])
    enough = int(np.searchsorted(times, records[-1].step_end - criteria.MIN_PRODUCTION_STEPS, side="right"))
    wanted = equilibration.equilibrated_from(series, latest=enough)
    first = int(np.searchsorted(first_frame, wanted))  # first block all of whose frames are wanted
    doubt = ""
    if len(records) > 1:
        head = records[0].step_start + min(records[0].steps, criteria.MIN_HEAD_STEPS)
        first = max(first, int(np.searchsorted(block_start, head)))
    else:
        doubt = "one segment only"
    most = max(0, len(per_block) - criteria.MIN_BLOCKS_KEPT)
    if skip:
        first = max(first, int(np.searchsorted(block_record, skip)), int(np.searchsorted(block_start, since)))
        if first > most:
            return None
    if first > most:
        first, doubt = most, doubt or "fewer than two blocks after the detected equilibration"

    frame = int(first_frame[first])
    kept = np.arange(len(per_block)) >= first
    counts = np.concatenate([r.counts for r in records])[kept]
    ideal = np.concatenate([r.ideal_counts() for r in records])[kept]
    drifts = {name: abs(equilibration.drift(x[frame:], times[frame:])) for name, x in zip(SERIES, series, strict=True)}
    worst = max(drifts, key=lambda name: drifts[name])
    used = sorted(set(block_record[kept].tolist()))
    weight = np.array([records[i].steps for i in used], dtype=float)

    def mean(name: str) -> float:
        return float(np.average([getattr(records[i], name) for i in used], weights=weight))

    ends = records[used[0]], records[used[-1]]
    growth = ends[1].solid_A - ends[0].solid_A, ends[1].solid_B - ends[0].solid_B
    production = float(block_steps[kept].sum())
    return ChainPart(
        start=records[-1].start, replica=records[-1].replica, seeds=tuple(sorted({records[i].seed for i in used})),
        counts=counts, ideal=ideal, frames=per_block[kept],
        energy=series[0, frame:], density=series[1, frame:], ab_coordination=series[2, frame:],
        pressure=np.concatenate([r.pressure for r in records])[frame:],
        equilibration_steps=since if skip else round(float(block_steps.sum()) - production),
        production_steps=round(production),
        total_steps=records[-1].step_end,
        composition_fluctuation=mean("composition_fluctuation"),
        first_fluctuation=records[0].composition_fluctuation,
        solid_A=mean("solid_A"), solid_B=mean("solid_B"), solid_growth=growth,
        drift=drifts[worst], drift_series=SERIES_NAMES[worst], direction=direction(counts, ideal),
        unequilibrated=doubt,
    )


def direction(counts: np.ndarray, ideal: np.ndarray) -> np.ndarray:
    """Mean g of the later half of the blocks minus that of the earlier half, shape (3, bins)."""
    half = len(counts) // 2
    if half == 0:
        return np.zeros(counts.shape[1:])
    g = counts[half:].sum(0) / ideal[half:].sum(0) - counts[:half].sum(0) / ideal[:half].sum(0)
    return np.asarray(g)
