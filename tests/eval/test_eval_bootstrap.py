"""Intervals against explicit resampling, the noise ceiling against simulated noise, ties as ties."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from eval_cases import settled, value
from sklearn.metrics import r2_score

from binlj.errors import InputError
from binlj.eval import compare, evaluate, naive_predictions, template
from binlj.eval.aggregate import bootstrap_weights, composition_sums, interval, resample
from binlj.eval.metrics import BY_NAME, Case, available
from binlj.eval.scoring import score
from binlj.eval.truth import Truth


@pytest.fixture(scope="module")
def noisy(truth: Truth) -> Truth:
    """The toy test set with errors large enough to matter."""
    return replace(truth, g_stderr=0.02 + 0.1 * truth.g)


def test_resamples_are_those_of_a_plain_loop(truth: Truth) -> None:
    truth = settled(truth)
    rng = np.random.default_rng(0)
    case = Case(truth, truth.g + 0.3 * rng.standard_normal(truth.g.shape))
    weights = bootstrap_weights(truth.n_compositions, 5, seed=11)
    metric = BY_NAME["r2"]
    fast = resample(metric, composition_sums(metric, case.truth, metric.terms(case)), weights)
    composition = truth.composition[truth.state]
    for draw, got in zip(weights, fast, strict=True):
        drawn = np.repeat(np.arange(100), draw.astype(int))
        rows = np.concatenate([np.flatnonzero(composition == c) for c in drawn])
        assert got[-1] == pytest.approx(r2_score(truth.g[rows].ravel(), case.g[rows].ravel()), abs=1e-12)
        rows = rows[truth.pair[rows] == 2]
        assert got[2] == pytest.approx(r2_score(truth.g[rows].ravel(), case.g[rows].ravel()), abs=1e-12)


def test_every_metric_resampled_is_the_metric_of_the_resample(truth: Truth) -> None:
    """A resample that draws each composition once is the test set itself."""
    rng = np.random.default_rng(1)
    noise = 0.1 * rng.standard_normal(truth.g.shape)
    case = Case(truth, np.abs(truth.g + noise), np.full_like(truth.g, 0.1))
    once = np.ones((1, truth.n_compositions))
    for metric in available(case):
        sums = composition_sums(metric, truth, metric.terms(case))
        expected = metric.finish(sums.sum(axis=0))
        np.testing.assert_allclose(resample(metric, sums, once)[0], expected, rtol=1e-12)


def test_weights_draw_as_many_compositions_as_there_are() -> None:
    weights = bootstrap_weights(100, 400, seed=0)
    assert weights.shape == (400, 100) and (weights.sum(axis=1) == 100).all()
    np.testing.assert_array_equal(weights, bootstrap_weights(100, 400, seed=0))
    assert (weights != bootstrap_weights(100, 400, seed=1)).any()
    # Drawn with replacement: a composition is left out with probability (1 - 1/100)^100.
    assert (weights == 0).mean() == pytest.approx(0.99**100, abs=0.01)


def test_interval_leaves_two_and_a_half_per_cent_on_each_side() -> None:
    draws = np.column_stack([np.arange(1001.0), np.where(np.arange(1001) == 5, np.nan, 1.0)])
    (low, high), undefined = interval(np.random.default_rng(0).permutation(draws))
    assert (low, high) == (pytest.approx(25.0), pytest.approx(975.0))
    assert undefined == [None, None]  # an undefined resample is not dropped unseen


def test_interval_covers_the_value_and_is_reproducible(toy: Path) -> None:
    frame = naive_predictions("linear_T", track="extrapolation", dataset=toy)
    first, again, other = (
        evaluate(frame, track="extrapolation", dataset=toy, n_boot=300, seed=seed, naive=False)
        for seed in (0, 0, 1)
    )
    assert first.r2_ci95 == again.r2_ci95 != other.r2_ci95
    for subset, (low, high) in first.r2_ci95.items():
        assert low < first.r2[subset] < high
        assert other.r2_ci95[subset][0] == pytest.approx(low, abs=0.3 * (high - low))


def test_interval_is_wider_than_if_points_were_independent(truth: Truth) -> None:
    """Errors shared by a composition must widen the interval: the reason to resample compositions."""
    rng = np.random.default_rng(2)
    shared = rng.standard_normal(truth.n_compositions)[truth.composition[truth.state]]
    together = Case(truth, truth.g + 0.5 * shared[:, None])
    independent = Case(truth, truth.g + 0.5 * rng.standard_normal(truth.g.shape))
    widths = []
    for case in (together, independent):
        low, high = score(case, n_boot=300).metrics["rmse"]["ci95"]["overall"]
        widths.append(high - low)
    assert widths[0] > 10 * widths[1]


def test_expected_r2_of_the_exact_curves_is_the_ceiling(noisy: Truth) -> None:
    """Publish the exact curves plus noise, predict the exact curves: R² scatters around the ceiling."""
    rng = np.random.default_rng(3)
    exact = noisy.g
    r2, ceiling = [], []
    for _ in range(60):
        published = replace(noisy, g=exact + noisy.g_stderr * rng.standard_normal(exact.shape))
        case = Case(published, exact)
        r2.append([value("r2", case, i) for i in range(4)])
        ceiling.append([value("noise_ceiling", case, i) for i in range(4)])
    gap = np.array(r2) - np.array(ceiling)
    error = gap.std(axis=0, ddof=1) / np.sqrt(len(gap))
    assert (np.abs(gap.mean(axis=0)) < 4 * error).all()
    assert (1 - np.array(ceiling) > 20 * error).all()  # so the comparison means something


def test_truth_plus_its_own_noise_scores_at_the_ceiling(noisy: Truth) -> None:
    """Its share of the ceiling is 1 within its own interval, in nearly all of 60 simulations.

    Where a few compositions hold most of the variance (BB, and so overall) the nominal 95 % is less.
    """
    metric = BY_NAME["ceiling_share"]
    weights = bootstrap_weights(noisy.n_compositions, 400, seed=0)
    covered, widths = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        case = Case(noisy, noisy.g + noisy.g_stderr * rng.standard_normal(noisy.g.shape))
        sums = composition_sums(metric, noisy, metric.terms(case))
        bounds = np.array(interval(resample(metric, sums, weights)))
        covered.append((bounds[:, 0] <= 1.0) & (bounds[:, 1] >= 1.0))
        widths.append(bounds[:, 1] - bounds[:, 0])
        assert value("r2", case) == pytest.approx(value("noise_ceiling", case), abs=0.01)
    aa, ab, bb, overall = np.mean(covered, axis=0)
    assert min(aa, ab) >= 0.88 and min(bb, overall) >= 0.75
    assert np.max(widths) < 0.02  # narrow enough to mean something


def test_twice_the_noise_is_below_the_ceiling(noisy: Truth) -> None:
    rng = np.random.default_rng(5)
    scores = score(Case(noisy, noisy.g + 2 * noisy.g_stderr * rng.standard_normal(noisy.g.shape)))
    assert all(high < 1.0 for _, high in scores.metrics["ceiling_share"]["ci95"].values())


def test_a_submission_ties_with_itself(toy: Path) -> None:
    frame = naive_predictions("linear_T", track="extrapolation", dataset=toy)
    result = compare(frame, frame, track="extrapolation", dataset=toy, n_boot=50)
    for row in result.r2.values():
        assert row["difference"] == 0 and row["ci95"] == [0, 0] and row["tie"] and row["verdict"] == "tie"


def test_equal_noise_is_a_tie_and_a_better_model_is_not(toy: Path, truth: Truth) -> None:
    rng = np.random.default_rng(6)
    frame = template("extrapolation", dataset=toy)

    def noise(size: float) -> pd.DataFrame:
        return frame.assign(g=list(truth.g + size * rng.standard_normal(truth.g.shape)))

    a, b, worse = noise(0.2), noise(0.2), noise(0.25)
    same = compare(a, b, track="extrapolation", dataset=toy)
    assert same.r2["overall"]["tie"] and same.r2["overall"]["difference"] != 0
    better = compare(a, worse, track="extrapolation", dataset=toy)
    assert better.r2["overall"]["verdict"] == "A better"
    assert better.metrics["rmse"]["values"]["overall"]["verdict"] == "A better"
    assert compare(worse, a, track="extrapolation", dataset=toy).r2["overall"]["verdict"] == "B better"


def test_pairing_sees_what_separate_intervals_hide(toy: Path) -> None:
    """The two intervals overlap, the paired difference is far from 0."""
    a = naive_predictions("linear_T", track="extrapolation", dataset=toy)
    b = a.assign(g=[0.99 * g for g in a["g"]])
    result = compare(a, b, track="extrapolation", dataset=toy)
    separate = [evaluate(f, track="extrapolation", dataset=toy, naive=False).r2_ci95["BB"] for f in (a, b)]
    assert separate[0][0] < separate[1][1] and separate[1][0] < separate[0][1]
    assert result.r2["BB"]["verdict"] == "A better"
    ours = evaluate(a, track="extrapolation", dataset=toy, naive=False).r2
    assert {k: row["a"] for k, row in result.r2.items()} == pytest.approx(ours)


def test_compare_lists_the_problems_of_both(toy: Path) -> None:
    frame = template("extrapolation", dataset=toy)
    with pytest.raises(InputError) as caught:
        compare(frame.iloc[1:], frame.iloc[:-2], track="extrapolation", dataset=toy)
    assert "A (predictions frame): 1 of 600" in str(caught.value)
    assert "B (predictions frame): 2 of 600" in str(caught.value)


@pytest.mark.parametrize("n_boot", [0, -1, 10**9])
def test_a_senseless_number_of_resamples_is_refused(n_boot: int, toy: Path) -> None:
    frame = template("extrapolation", dataset=toy)
    with pytest.raises(InputError, match="n_boot"):
        evaluate(frame, track="extrapolation", dataset=toy, n_boot=n_boot)
    with pytest.raises(InputError, match="n_boot"):
        compare(frame, frame, track="extrapolation", dataset=toy, n_boot=n_boot)
