"""The standard error of g(r): calibrated on counts whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.signal import lfilter
from synthetic import chain, true_g

from binlj.builders.analysis import equilibration
from binlj.builders.analysis.assemble import StateResult, assemble_state
from binlj.builders.analysis.block_errors import Blocks, even_out, inefficiency, mean_and_error, student_factor
from binlj.builders.analysis.reconcile import dilute_limit, effective_frames, independent_samples
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
    """Four frames: what little they seem to scatter beyond shot noise is widened by 3.4 (Student, one degree)."""
    coarse, fine, _ = chi_square(state, 12, segments=2, frames=4)
    assert np.all((coarse > 0.7) & (coarse < 1.1)), coarse
    assert np.all((fine > 0.8) & (fine < 1.1)), fine


def test_a_collective_mode_is_found_and_calibrated_with_many_blocks() -> None:
    quiet = chi_square(STATE, 1, segments=9, frames=8)[2][0]
    coarse, _, loud = chi_square(STATE, 12, segments=9, frames=8, mode=0.05)
    assert np.mean([r.g_stderr[0, 40] for r in loud]) > 2 * quiet.g_stderr[0, 40]
    assert 0.4 < coarse[0] < 1.6, coarse


def test_correlated_blocks_have_a_larger_error() -> None:
    white = np.mean([inefficiency(_mode_blocks(memory=0.0, seed=k)) for k in range(10)])
    slow = np.mean([inefficiency(_mode_blocks(memory=0.8, seed=k)) for k in range(10)])
    assert 1.0 <= white < 1.8 and slow > 3.5  # exact: 1 and 9; 32 blocks show about half of it


def test_factor_of_student() -> None:
    """GUM (JCGM 100:2008), table G.2: 1.84, 1.32, 1.11, 1.05 for 1, 2, 5, 10 degrees of freedom at 68.27 %."""
    found = [student_factor(dof + 1) for dof in (1, 2, 5, 10)]
    np.testing.assert_allclose(found, [1.84, 1.32, 1.11, 1.05], atol=0.005)
    assert student_factor(0.4) == student_factor(2) and student_factor(np.inf) == 1


def test_memory_of_the_scalars_widens_what_is_beyond_shot_noise() -> None:
    """One mode, blocks with correlation 0.6: 16 of them are worth 4. Without that, half of the errors are too small."""
    dilute, inside = np.ones((3, 100)), {4.0: 0.0, np.inf: 0.0}
    for n_eff in inside:
        pulls = [(g - 1) / error for g, error in (
            mean_and_error(_mode_blocks(memory=0.6, seed=k, n=16), dilute=dilute, n_eff=n_eff) for k in range(100)
        )]  # fmt: skip
        inside[n_eff] = np.mean(np.abs(pulls) < 1)
    assert inside[np.inf] < 0.6 < inside[4.0] < 0.78, inside
    quiet = _mode_blocks(memory=0.0, seed=1, n=16, mode=0.0)
    shot = np.sqrt(quiet.counts.sum(0)) / quiet.ideal.sum(0)
    known = mean_and_error(quiet, dilute=dilute, n_eff=2.0)[1] / shot
    assert np.median(known) < 1.25, "shot noise is known, however few the samples"


def test_few_samples_look_like_more_and_are_corrected() -> None:
    """Correlation 0.8 from frame to frame: 40 frames are worth 4.4, look like 8.6, and are taken for 6.6."""
    rng = np.random.default_rng(0)
    found, corrected = [], []
    for _ in range(150):
        x = lfilter([0.6], [1, -0.8], rng.standard_normal(90))[50:]
        part = SimpleNamespace(n_eff=(len(x) / equilibration.inefficiency(x), 40.0, 40.0))
        found.append(effective_frames([part]))  # type: ignore[list-item]
        corrected.append(independent_samples([part]))  # type: ignore[list-item]
    want = 40 * 0.2 / 1.8
    assert np.median(found) > 1.7 * want and np.median(corrected) < 1.6 * want
    short = SimpleNamespace(n_eff=(2.0, 9.0, 9.0))
    assert independent_samples([short, part]) == pytest.approx(0.4 + corrected[-1])  # type: ignore[list-item]


def test_scatter_of_two_starts_is_their_half_difference() -> None:
    """Long quiet blocks, and two starts that differ by 4 %: the mean of two is uncertain by 2 %."""
    same, apart = (_two_starts(shift) for shift in (0.0, 0.04))
    dilute = np.ones((3, 100))
    g, error = mean_and_error(apart, dilute=dilute)
    np.testing.assert_allclose(error, 0.02 * g / 1.02, rtol=0.1)
    alike = mean_and_error(same, dilute=dilute)[1] / mean_and_error(replace(same, start=None), dilute=dilute)[1]
    assert np.all(alike >= 1) and np.median(alike) < 1.1, "noise is not counted twice"
    assert np.median(error / mean_and_error(replace(apart, start=None), dilute=dilute)[1]) > 1.3


def test_error_of_two_starts_is_right_on_average() -> None:
    """Starts that scatter by 3 % in one mode: the variance of their mean is half of that."""
    rng = np.random.default_rng(2)
    found = []
    for _ in range(200):
        one, other = rng.normal(0, 0.03, 2)
        g, error = mean_and_error(_two_starts(other - one, level=1 + one), dilute=np.ones((3, 100)))
        found.append((error[0, 30] ** 2, (g[0, 30] - 1) ** 2))
    variance, squared = np.mean(found, axis=0)
    assert variance == pytest.approx(0.03**2 / 2, rel=0.3) and squared == pytest.approx(0.03**2 / 2, rel=0.3)


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


def _two_starts(shift: float, *, level: float = 1.0, n: int = 8) -> Blocks:
    """Two starts of `n` quiet blocks each, the second one's g higher by `shift`."""
    start = np.repeat([0, 1], n)
    ideal = np.full((2 * n, 3, 100), 1e5)
    counts = np.random.default_rng(5).poisson(ideal * (level + shift * start)[:, None, None])
    return Blocks(counts, ideal, np.full(2 * n, 4), start, start)


def _mode_blocks(*, memory: float, seed: int, n: int = 32, mode: float = 0.02) -> Blocks:
    """Blocks whose counts share a mode with the given correlation from block to block."""
    rng = np.random.default_rng(seed)
    x = np.empty(n)
    x[0] = rng.standard_normal()
    for i in range(1, n):
        x[i] = memory * x[i - 1] + np.sqrt(1 - memory**2) * rng.standard_normal()
    ideal = np.full((n, 3, 100), 1e5)
    counts = rng.poisson(ideal * (1 + mode * x)[:, None, None])
    return Blocks(counts, ideal, np.full(n, 4), np.zeros(n, dtype=int))
