"""The mixed regime: what a chain does within a fixed window of steps after a random start.

A mixture that demixes coarsens within the window, so that the curves are those of a time after mixing and not of an
equilibrium. Every state is therefore treated alike: one run, the same steps, no detection of equilibration.

The blocks of one run do not show how far another run would have coarsened by then, and their scatter contains the
coarsening itself. States that were run several times tell how the variance between runs compares with that of the
blocks (:func:`scatter_factors`), and the errors of all states are scaled by it (:func:`scaled`), separately for
mixtures that have demixed within the window, that change in it without having demixed, and that hardly change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from binlj.builders.analysis import criteria, equilibration
from binlj.builders.analysis.assemble import StateResult, relative_errors, result_of
from binlj.builders.analysis.block_errors import Blocks
from binlj.builders.analysis.chains import SERIES, SERIES_NAMES, ChainPart, direction
from binlj.builders.analysis.reconcile import Choice
from binlj.builders.records import lineage
from binlj.builders.records.record import SegmentRecord
from binlj.errors import DataError
from binlj.grid import PAIRS, State
from binlj.schema import N_BINS, bin_centres

WINDOW = (4_000, 14_000)  # steps after the start procedure: the first 70 tau of mixing, not equilibrium
# Steps inside the window that fill it: blocks of the equilibrium campaign reach over its ends and do not count there.
ENOUGH = 8_900
# A homogeneous mixture changes within the window if that holds fewer effectively independent samples.
SETTLED_SAMPLES = 6.0
Factors = Mapping[tuple[str, str], float]  # (kind, pair) -> variance between runs over that of the blocks


def window_blocks(records: Sequence[SegmentRecord], *, window: tuple[int, int] = WINDOW) -> tuple[Blocks, int]:
    """Blocks of a chain that lie inside the window, and how many steps they span.

    Parameters
    ----------
    records : sequence of SegmentRecord
        A chain's from step 0 on, in order.
    window : (int, int)
        First and last step.

    Returns
    -------
    blocks : Blocks
        None of those that begin before the window or end after it.
    steps : int
        At most the window's length.
    """
    if not records:
        raise ValueError("a chain without records has no window")
    counts, ideal, frames = [], [], []
    for record in records:
        inside = _inside(record, window)
        counts.append(record.counts[inside])
        ideal.append(record.ideal_counts()[inside])
        frames.append(np.full(int(inside.sum()), record.n_frames // record.n_blocks))
    of_block = np.concatenate(frames)
    blocks = Blocks(np.concatenate(counts), np.concatenate(ideal), of_block, np.zeros(len(of_block), dtype=int))
    return blocks, window_steps(records, window=window)


def window_steps(records: Sequence[SegmentRecord], *, window: tuple[int, int] = WINDOW) -> int:
    """Steps of a chain's blocks that lie inside the window; the counts are not touched."""
    return round(sum(r.steps / r.n_blocks * int(_inside(r, window).sum()) for r in records))


def _inside(record: SegmentRecord, window: tuple[int, int]) -> np.ndarray:
    """Which blocks of a record neither begin before the window nor end after it, shape (n_blocks,)."""
    length = record.steps / record.n_blocks
    begin = record.step_start + length * np.arange(record.n_blocks)
    return np.asarray((begin >= window[0]) & (begin + length <= window[1]))


def best_lines(chains: Mapping[int, Sequence[SegmentRecord]]) -> list[list[SegmentRecord]]:
    """The independent runs among the chains of one start, restarts included, each as far as the window goes.

    Of a chain and the restarts from it (:mod:`binlj.builders.records.lineage`), which share their beginning, only the
    history with the most steps inside the window is taken.

    Parameters
    ----------
    chains : mapping
        replica -> its records in order of steps.
    """
    lines = lineage.lines(chains)
    best = [
        max((lines[replica] for replica in members), key=window_steps)
        for members in lineage.lineages(chains).values()
    ]
    return [[record for record in line if record.step_start < WINDOW[1]] for line in best]


def window_result(state: State, records: Sequence[SegmentRecord]) -> StateResult:
    """What a state's mixed chain shows within the window.

    Parameters
    ----------
    state : State
    records : sequence of SegmentRecord
        One chain's from step 0 on, in order.

    Returns
    -------
    StateResult
        ``equilibration_steps`` are the steps before the window and ``production_steps`` those inside it.
        ``converged`` says that the window is whole; drift and start gaps are no criteria here.

    Raises
    ------
    DataError
        If no two blocks of the chain lie inside the window.
    """
    part = _window_part(records)
    choice = Choice((part,), "mixed", None, None, ())
    result = result_of(state, records, choice, longest=records[-1].step_end)
    steps = part.production_steps
    short = f"{steps} of {WINDOW[1] - WINDOW[0]} steps of the window" if steps < ENOUGH else ""
    return replace(result, converged=not short, reason=short)


def _window_part(records: Sequence[SegmentRecord]) -> ChainPart:
    blocks, steps = window_blocks(records)
    if len(blocks) < criteria.MIN_BLOCKS_KEPT:
        raise DataError(
            f"{records[-1].state_id}, mixed start",
            [f"{len(blocks)} blocks inside the steps {WINDOW[0]:,} to {WINDOW[1]:,}"],
            fix="`binlj campaign mixed` runs the missing steps",
        )
    at = np.concatenate([r.step for r in records])
    inside = (at > WINDOW[0]) & (at <= WINDOW[1])
    series = {name: np.concatenate([getattr(r, name) for r in records])[inside] for name in (*SERIES, "pressure")}
    drifts = {name: abs(equilibration.drift(series[name], at[inside])) for name in SERIES}
    worst = max(drifts, key=lambda name: drifts[name])
    used = [r for r in records if r.step_end > WINDOW[0] and r.step_start < WINDOW[1]]
    weights = [min(r.step_end, WINDOW[1]) - max(r.step_start, WINDOW[0]) for r in used]

    def mean(name: str) -> float:
        return float(np.average([getattr(r, name) for r in used], weights=weights))

    return ChainPart(
        start=records[-1].start, replica=records[-1].replica, seeds=tuple(sorted({r.seed for r in used})),
        counts=blocks.counts, ideal=blocks.ideal, frames=blocks.frames, **series,
        equilibration_steps=WINDOW[0], production_steps=steps, total_steps=records[-1].step_end,
        composition_fluctuation=mean("composition_fluctuation"),
        first_fluctuation=records[0].composition_fluctuation, solid_A=mean("solid_A"), solid_B=mean("solid_B"),
        solid_growth=(used[-1].solid_A - used[0].solid_A, used[-1].solid_B - used[0].solid_B),
        drift=drifts[worst], drift_series=SERIES_NAMES[worst],
        direction=direction(blocks.counts, blocks.ideal), unequilibrated="",
    )


def kind(result: StateResult) -> str:
    """What a mixture does within the window: it is ``demixed``, ``changing`` or ``settled``."""
    if result.phase != "homogeneous":
        return "demixed"
    return "settled" if result.n_eff >= SETTLED_SAMPLES else "changing"


def scatter_factors(repeated: Iterable[Sequence[StateResult]]) -> dict[tuple[str, str], float]:
    """How the variance between runs compares with the squared error from the blocks of one run.

    For each state the variance of g between its runs is divided by the mean of their squared block errors, and both are
    averaged over 0.9 to 5 sigma. The factor of a pair is the mean over the states of one kind (:func:`kind`). States
    are weighted by their number of runs minus one.

    Parameters
    ----------
    repeated : iterable of sequences of StateResult
        Of each state the results of its independent runs (:func:`window_result`), at least two.

    Returns
    -------
    dict
        (kind, pair) -> factor of the variance, for what occurs. A state whose runs differ in kind counts for each.
    """
    r = bin_centres(N_BINS)
    inside = (r >= criteria.ERROR_RANGE[0]) & (r <= criteria.ERROR_RANGE[1])
    ratios: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for runs in repeated:
        g = np.array([run.g for run in runs])[..., inside]
        blocks = np.array([run.g_stderr for run in runs])[..., inside]
        between = g.var(axis=0, ddof=1).mean(axis=1) / (blocks**2).mean(axis=0).mean(axis=1)
        for name in {kind(run) for run in runs}:
            for pair, ratio in zip(PAIRS, between, strict=True):
                ratios.setdefault((name, pair), []).append((float(ratio), len(runs) - 1))
    return {
        key: float(np.average([x for x, _ in found], weights=[n for _, n in found]))
        for key, found in ratios.items()
    }


def scaled(result: StateResult, factors: Factors) -> StateResult:
    """A result whose errors of g are those of the scatter between runs.

    Raises
    ------
    DataError
        If no state of its kind was run several times.
    """
    name = kind(result)
    if any((name, pair) not in factors for pair in PAIRS):
        raise DataError(
            result.state.state_id,
            [f"{name} in the mixed regime, and no other state of which this holds was run twice"],
            fix="`binlj campaign mixed` runs them",
        )  # fmt: skip
    factor = np.sqrt([[factors[name, pair]] for pair in PAIRS])
    errors = {name: getattr(result, name) * factor for name in ("g_stderr", "g_fine_stderr")}
    return replace(result, **errors, relative_error=relative_errors(result.g, errors["g_stderr"]))
