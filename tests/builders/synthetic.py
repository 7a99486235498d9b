"""Synthetic segment records: Poisson counts from a known g(r), with known slow modes on top."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from toy import toy_g

from binlj.builders.analysis.assemble import StateResult, assemble_state
from binlj.builders.analysis.observables import energy_and_pressure
from binlj.builders.records.record import SegmentRecord
from binlj.grid import PAIRS, State, grid
from binlj.offgrid import offgrid
from binlj.schema import N_FINE, bin_centres, merge_bins, shell_volumes

R = bin_centres(N_FINE)
DATE = "2025-01-02"  # of what the fixtures publish


def true_g(state: State) -> np.ndarray:
    """The toy's noise-free g(r), shape (3, 500), bounded by 30."""
    return np.array([np.minimum(toy_g(state, pair, R), 30.0) for pair in PAIRS])


def g_at_right_pressure(state: State, density: float = 0.6) -> np.ndarray:
    """The toy's g(r) with its contact shells changed until the pressure is 1, as a converged state's must be."""
    g, (n_a, n_b) = true_g(state), state.counts(10_000)
    shape = np.exp(-((R - 1.05) ** 2) / 0.02)[None, :].repeat(3, 0)

    def pressure(g: np.ndarray) -> float:
        return energy_and_pressure(state, g, density, n_a=n_a, n_b=n_b)[1]

    lever = (pressure(g * (1 + 0.01 * shape)) - pressure(g)) / 0.01
    return g * (1 + (1.0 - pressure(g)) / lever * shape)


def chain(
    state: State,
    *,
    segments: int = 2,
    frames: int = 8,
    n_blocks: int = 2,
    steps: int = 2000,
    n: int = 10_000,
    start: str = "mixed",
    replica: int = 0,
    seed: int = 1,
    g: np.ndarray | None = None,
    mode: float = 0.0,
    memory: float = 0.0,
    relaxing: float = 0.0,
    relaxation_frames: float = 12.0,
    composition: float = 1.0,
    solid: tuple[float, float] = (0.0, 0.0),
    change: Callable[[int], np.ndarray] | None = None,
) -> list[SegmentRecord]:
    """Consecutive records of one chain.

    Parameters
    ----------
    mode : float
        Relative amplitude of a collective mode exp(-r/4) that multiplies g in every frame.
    memory : float
        Correlation of that mode (and of the scalars' noise) from frame to frame.
    relaxing : float
        Relative size of a transient that decays over `relaxation_frames`; it moves g and the scalars.
    change : callable
        frame index -> array added to g: any other time dependence.
    """
    rng = np.random.default_rng(seed)
    g = true_g(state) if g is None else g
    n_a, n_b = state.counts(n)
    pairs = np.array([n_a * (n_a - 1) / 2, n_a * n_b, n_b * (n_b - 1) / 2])
    shell = shell_volumes(N_FINE)
    total = segments * frames
    density0 = 0.6

    def series() -> np.ndarray:
        x = np.empty(total)
        x[0] = rng.standard_normal()
        for i in range(1, total):
            x[i] = memory * x[i - 1] + np.sqrt(1 - memory**2) * rng.standard_normal()
        return x

    transient = relaxing * np.exp(-np.arange(total) / relaxation_frames)
    slow = mode * series()
    density = density0 * (1 + 0.001 * series() + 0.05 * transient)
    u, p = energy_and_pressure(state, g, density0, n_a=n_a, n_b=n_b)
    energy = u * (1 + 0.002 * series() + 0.2 * transient)
    pressure = p + 0.05 * rng.standard_normal(total)
    coordination = 4.0 * (1 + 0.002 * series() + 0.5 * slow + transient)
    counts = np.empty((total, 3, N_FINE))
    for i in range(total):
        now = g * (1 + (slow[i] + transient[i]) * np.exp(-R / 4))
        if change is not None:
            now = now + change(i)
        counts[i] = rng.poisson(np.maximum(now, 0) * pairs[:, None] * shell * density[i] / n)
    records = []
    for k in range(segments):
        part = slice(k * frames, (k + 1) * frames)
        records.append(
            SegmentRecord(
                state_id=state.state_id, start=start, replica=replica,
                shape="mixed" if start == "mixed" else "slab",
                seed=seed, step_start=k * steps, step_end=(k + 1) * steps, n_A=n_a, n_B=n_b,
                counts=counts[part].reshape(n_blocks, -1, 3, N_FINE).sum(1).astype(np.int64),
                step=k * steps + (np.arange(frames) + 1.0) * steps / frames,
                temperature=np.full(frames, state.T),
                energy=energy[part], pressure=pressure[part], density=density[part],
                ab_coordination=coordination[part],
                composition_fluctuation=composition, solid_A=solid[0], solid_B=solid[1],
                deck_sha256="d" * 64, engine="synthetic", engine_args="", loop_seconds=1.0, rdf_seconds=0.1,
                wall_seconds=1.2, dangerous_builds=0,
            )
        )
    return records


def off_grid_results() -> list[StateResult]:
    """The same for the off-grid states; the first and the last have not converged."""
    out = results(states=offgrid(), n=1000)
    for i in (0, -1):
        out[i] = dataclasses.replace(out[i], converged=False, reason="800 production steps, 16000 wanted")
    return out


def results(n: int = 100, states: Sequence[State] = grid()) -> list[StateResult]:
    """A result for each of the 500 states, quickly: toy curves, numbers that meet every physical bound."""
    out = []
    pattern = assemble_state(State(1.0, 0.5, 1.0, 1.0), chain(State(1.0, 0.5, 1.0, 1.0), frames=2))
    rng = np.random.default_rng(0)
    for state in states:
        g = np.array([toy_g(state, pair, R) for pair in PAIRS])
        g[:, R > 7.5] = 1.0
        if state.S == 1 and state.C_B == 0.5:
            g[2] = g[0]  # A and B are equivalent
        error = 0.01 * np.sqrt(g)
        g = np.where(g > 1e-8, np.maximum(g + error * rng.standard_normal(g.shape), 1e-4), 0.0)
        error = np.where(g > 0, np.maximum(error, 1e-4), 0.0)
        n_a, n_b = state.counts(n)
        out.append(
            dataclasses.replace(
                pattern, state=state, g_fine=g, g_fine_stderr=error, g=merge_bins(g), n_A=n_a, n_B=n_b,
                g_stderr=np.where(merge_bins(g) > 0, np.maximum(merge_bins(error) / np.sqrt(5), 1e-4), 0.0),
                density=0.8, density_pets=0.8, energy=-4.0, energy_from_rdf=-4.001, pressure_from_rdf=1.001,
                phase="homogeneous", converged=True, reason="", start="mixed", geometry="mixed",
                start_gap=None, start_gap_stderr=None, start_pairs=0, exchanges=0, compared_with="",
            )
        )
    return out


def snapshots(n: int = 100) -> list[tuple]:
    """A mixed and a later separated configuration of each state."""
    rng = np.random.default_rng(1)
    out = []
    for state in grid():
        n_a, n_b = state.counts(n)
        types = np.repeat([0, 1], [n_a, n_b]).astype(np.int8)
        for start, step in (("mixed", 1000), ("separated", 2000)):
            positions = rng.integers(-32768, 32768, 3 * n).astype(np.int16)
            out.append((state.state_id, start, step, 5.0, types, positions))
    return out
