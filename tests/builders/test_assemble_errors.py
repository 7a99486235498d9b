"""The standard error of g(r): calibrated on counts whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import chain, true_g

from binlj.builders.analysis.assemble import StateResult, assemble_state
from binlj.builders.analysis.block_errors import Blocks, even_out, inefficiency, mean_and_error
from binlj.builders.analysis.reconcile import dilute_limit
from binlj.grid import State
from binlj.schema import merge_bins

STATE = State(1.0, 0.2, 1.5, 0.8)
DILUTE = State(0.8, 0.01, 1.0, 0.6)


def chi_square(state: State, repeats: int, **options: float) -> tuple[np.ndarray, np.ndarray, list[StateResult]]:
    """Mean of ((g - truth) / stderr)^2 for each pair, on 100 and on 500 bins, over bins of a pair or more."""
    truth = true_g(state)
    coarse, fine, results = [], [], []
    for seed in range(repeats):
        records = chain(state, seed=seed, **options)  # type: ignore[arg-type]
        result = assemble_state(state, records)
        ideal = sum(r.ideal_counts().sum(0) for r in records[1:])
        for out, g, error, want, expected in (
            (fine, result.g_fine, result.g_fine_stderr, truth, truth * ideal),
            (coarse, result.g, result.g_stderr, merge_bins(truth), (truth * ideal).reshape(3, 100, 5).sum(-1)),
        ):
            with np.errstate(divide="ignore", invalid="ignore"):
                out.append(np.where(expected > 1, ((g - want) / error) ** 2, np.nan))
        results.append(result)
    return np.nanmean(coarse, axis=(0, 2)), np.nanmean(fine, axis=(0, 2)), results


@pytest.mark.parametrize("state", [STATE, DILUTE])
def test_shot_noise_is_calibrated_with_two_blocks(state: State) -> None:
    coarse, fine, _ = chi_square(state, 12, segments=2, frames=4)
    assert np.all((coarse > 0.75) & (coarse < 1.1)), coarse
    assert np.all((fine > 0.85) & (fine < 1.1)), fine


def test_a_collective_mode_is_found_and_calibrated_with_many_blocks() -> None:
    quiet = chi_square(STATE, 1, segments=9, frames=8)[2][0]
    coarse, _, loud = chi_square(STATE, 12, segments=9, frames=8, mode=0.05)
    assert np.mean([r.g_stderr[0, 40] for r in loud]) > 2 * quiet.g_stderr[0, 40]
    assert 0.4 < coarse[0] < 1.6, coarse


def test_correlated_blocks_have_a_larger_error() -> None:
    white = np.mean([inefficiency(_mode_blocks(memory=0.0, seed=k)) for k in range(10)])
    slow = np.mean([inefficiency(_mode_blocks(memory=0.8, seed=k)) for k in range(10)])
    assert 1.0 <= white < 1.8 and slow > 3.5  # exact: 1 and 9; 32 blocks show about half of it


def test_error_falls_as_one_over_root_n() -> None:
    short = assemble_state(STATE, chain(STATE, segments=3, frames=8))
    long = assemble_state(STATE, chain(STATE, segments=33, frames=8))
    kept = long.production_steps / short.production_steps
    ratio = np.median(short.g_stderr[0, 20:] / long.g_stderr[0, 20:])
    assert ratio == pytest.approx(np.sqrt(kept), rel=0.15)


def test_mean_is_the_ratio_of_sums_at_both_resolutions() -> None:
    records = chain(STATE, segments=3, frames=4)
    result = assemble_state(STATE, records)
    kept = np.concatenate([r.counts for r in records])[-4 * (result.production_steps // 4000) :].sum(0)
    ideal = np.concatenate([r.ideal_counts() for r in records])[-4 * (result.production_steps // 4000) :].sum(0)
    np.testing.assert_allclose(result.g_fine, kept / ideal, rtol=1e-12)
    np.testing.assert_allclose(result.g, merge_bins(result.g_fine), rtol=1e-12)


def test_an_empty_bin_is_exact_in_the_core_only() -> None:
    blocks = _poisson_blocks(DILUTE, seed=3)
    g, error = mean_and_error(blocks, dilute=dilute_limit(DILUTE, 500))
    empty = g[2] == 0
    core, open_ = np.arange(500) < 35, np.arange(500) > 50  # below 0.7 and beyond 1 sigma
    assert empty[core].all() and np.all(error[2][core] == 0)
    assert (empty & open_).any(), "the case should have empty bins outside the core"
    assert np.all(error[2][empty & open_] > 0)
    assert np.all(error[g > 0] > 0)


def test_one_block_gives_the_shot_noise() -> None:
    blocks = _poisson_blocks(STATE, seed=1)
    whole = blocks.grouped(np.zeros(len(blocks), dtype=int))
    g, error = mean_and_error(whole, dilute=dilute_limit(STATE, 500))
    many = whole.counts[0, 0] > 100
    np.testing.assert_allclose(error[0][many], g[0][many] / np.sqrt(whole.counts[0, 0][many]), rtol=1e-12)


def test_short_blocks_are_joined_within_a_chain_only() -> None:
    frames = np.array([2, 2, 2, 2, 8, 8, 8, 2, 2, 8, 8])
    chains = np.array([0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
    ones = np.ones((len(frames), 3, 5))
    even = even_out(Blocks(ones, ones, frames, chains))
    assert even.frames.tolist() == [4, 4, 8, 8, 8, 4, 8, 8]
    assert even.chain.tolist() == [0, 0, 0, 0, 0, 1, 1, 1]
    assert even.counts.sum() == ones.sum()


def _poisson_blocks(state: State, *, seed: int) -> Blocks:
    records = chain(state, segments=2, frames=4, seed=seed)
    n = sum(r.n_blocks for r in records)
    return Blocks(
        np.concatenate([r.counts for r in records]), np.concatenate([r.ideal_counts() for r in records]),
        np.full(n, 2), np.zeros(n, dtype=int),
    )


def _mode_blocks(*, memory: float, seed: int, n: int = 32) -> Blocks:
    """Blocks whose counts share a mode with the given correlation from block to block."""
    rng = np.random.default_rng(seed)
    x = np.empty(n)
    x[0] = rng.standard_normal()
    for i in range(1, n):
        x[i] = memory * x[i - 1] + np.sqrt(1 - memory**2) * rng.standard_normal()
    ideal = np.full((n, 3, 100), 1e5)
    counts = rng.poisson(ideal * (1 + 0.02 * x)[:, None, None])
    return Blocks(counts, ideal, np.full(n, 4), np.zeros(n, dtype=int))
