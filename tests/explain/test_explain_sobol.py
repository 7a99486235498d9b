"""Sobol indices: known analytic values, noise, and what must come out as zero."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from explain_make import LEVELS, STATES, on_grid

from binlj.errors import InputError
from binlj.eval.explain import sobol
from binlj.eval.explain.factorial import Factorial, factorial
from binlj.schema import FEATURES


def test_ishigami_on_a_grid() -> None:
    """Ishigami and Homma (1990), a = 7, b = 0.1, on a periodic midpoint grid: the textbook's closed forms."""
    a, b = 7.0, 0.1
    axes = [(np.arange(n) + 0.5) / n * 2 * np.pi - np.pi for n in (20, 20, 1500)]
    x1, x2, x3 = np.meshgrid(*axes, indexing="ij")
    parts = sobol.decompose((np.sin(x1) + a * np.sin(x2) ** 2 + b * x3**4 * np.sin(x1))[..., None], 3)
    v1 = 0.5 * (1 + b * np.pi**4 / 5) ** 2
    v2, v13 = a**2 / 8, 8 * b**2 * np.pi**8 / 225
    assert parts.first()[:, 0] == pytest.approx([v1, v2, 0], rel=1e-5, abs=1e-9)
    assert parts.total()[:, 0] == pytest.approx([v1 + v13, v2, v13], rel=1e-4)
    alone = parts.components()
    assert alone[(0, 2)][0] == pytest.approx(v13, rel=1e-4)
    assert abs(alone[(0, 1)][0]) < 1e-9 and abs(alone[(0, 1, 2)][0]) < 1e-9


def test_product_form() -> None:
    """f = prod (a_i + x_i): V_u = prod_u var_i * prod_not_u mean_i^2."""
    a = np.array([0.5, 2.0, 0.1, 1.0])
    curve = on_grid(lambda t, c, s, e, x: (a[0] + t) * (a[1] + c) * (a[2] + s) * (a[3] + e))
    mean = np.array([np.mean(v) for v in LEVELS]) + a
    var = np.array([np.var(v) for v in LEVELS])
    whole = np.prod(var + mean**2) - np.prod(mean**2)
    found = sobol.sobol_indices(curve)
    for i in range(4):
        rest = [j for j in range(4) if j != i]
        assert found.first[i] == pytest.approx(var[i] * np.prod(mean[rest] ** 2) / whole, rel=1e-12)
        assert found.total[i] == pytest.approx(var[i] * np.prod((var + mean**2)[rest]) / whole, rel=1e-12)
    assert sum(found.components.values()) == pytest.approx(1.0)
    assert found.components[0, 2] == pytest.approx(var[0] * var[2] * np.prod(mean[[1, 3]] ** 2) / whole, rel=1e-12)


def test_whole_curve_weighs_each_point_by_its_variance() -> None:
    curve = on_grid(lambda t, c, s, e, x: np.where(x < 1, 3 * t, s), points=2)
    found = sobol.sobol_indices(curve)
    v_t, v_s = 9 * np.var(LEVELS[0]), np.var(LEVELS[2])
    assert found.first == pytest.approx([v_t / (v_t + v_s), 0, v_s / (v_t + v_s), 0], abs=1e-12)
    assert found.first_x[:, 0] == pytest.approx([1, 0, 0, 0], abs=1e-12)


@pytest.mark.parametrize("feature", FEATURES)
def test_planted_feature_is_found_and_a_constant_one_gets_zero(feature: str) -> None:
    i = FEATURES.index(feature)
    found = sobol.sobol_indices(on_grid(lambda *a: np.exp(a[i])))
    expected = np.eye(4)[i]
    assert found.first == pytest.approx(expected, abs=1e-12)
    assert found.total == pytest.approx(expected, abs=1e-12)


def test_points_without_variance_are_nan_and_do_not_count() -> None:
    found = sobol.sobol_indices(on_grid(lambda t, c, s, e, x: np.where(x < 1, 0.0, s), points=2))
    assert np.isnan(found.first_x[:, 0]).all()
    assert found.first[2] == pytest.approx(1)


def test_nothing_varies() -> None:
    with pytest.raises(ValueError, match="do not vary"):
        sobol.sobol_indices(on_grid(lambda t, c, s, e, x: np.ones_like(t)))


def test_permuted_states_destroy_the_ranking() -> None:
    curve = on_grid(lambda t, c, s, e, x: s + 0.1 * t)
    assert sobol.sobol_indices(curve).first[2] > 0.9
    shuffled = np.random.default_rng(0).permutation(curve.flat()).reshape(curve.values.shape)
    found = sobol.sobol_indices(Factorial(curve.levels, curve.x, shuffled))
    assert found.first.max() < 0.05  # expected: about (levels - 1) / 499


def test_noise_is_taken_out_without_bias() -> None:
    """Noise of known size on a known function: the mean over many draws is the noise-free index."""
    clean = on_grid(lambda t, c, s, e, x: s + t * e, points=3)
    truth = sobol.sobol_indices(clean)
    rng = np.random.default_rng(1)
    size = 0.5
    kept, plain = [], []
    for _ in range(150):
        noisy = clean.values + size * rng.standard_normal(clean.values.shape)
        stderr = np.full(noisy.shape, size)
        corrected = sobol.decompose(noisy, 4, noise=(stderr**2).mean(axis=(0, 1, 2, 3)))
        kept.append([corrected.first().sum(-1), corrected.total().sum(-1)])
        plain.append(sobol.decompose(noisy, 4).total().sum(-1))
    whole = truth.variance_x.sum()
    error = np.std(kept, axis=0) / np.sqrt(len(kept))
    expected = np.array([truth.first, truth.total]) * whole
    assert (np.abs(np.mean(kept, axis=0) - expected) < 4 * error).all()
    # and the correction matters: what is not taken out passes for interactions of every feature
    assert (np.mean(plain, axis=0) > expected[1] + 3 * size**2 * 0.7).all()


def test_replicates_scatter_about_the_estimate() -> None:
    rng = np.random.default_rng(2)
    clean = on_grid(lambda t, c, s, e, x: s + t, points=4)
    size = 0.2
    noisy = Factorial(
        clean.levels,
        clean.x,
        clean.values + size * rng.standard_normal(clean.values.shape),
        np.full(clean.values.shape, size),
    )
    estimate = sobol.sobol_indices(noisy)
    copies = sobol.replicates(noisy, noisy, n=100, seed=3)
    assert set(copies.first) == {"independent bins", "whole curve"}
    for found in (*copies.first.values(), *copies.total.values()):
        assert found.shape == (100, 2, 4) and (found.std(0) > 0).all()
    for found in copies.first.values():
        own = found[:, 0] / estimate.scale
        assert (np.abs(own.mean(0) - estimate.first) < 4 * own.std(0) / 10 + 1e-4).all()
    # a common error along the curve cannot average out over r, so it scatters more
    spread = {name: v[:, 0, 2].std() for name, v in copies.first.items()}
    assert spread["whole curve"] > spread["independent bins"]
    again = sobol.replicates(noisy, noisy, n=100, seed=3)
    pooled = copies.widest("first", [0, 1], 2 * estimate.scale)
    assert np.array_equal(again.widest("first", [0, 1], 2 * estimate.scale), pooled)
    assert pooled == pytest.approx(copies.first["whole curve"].mean(1) / estimate.scale)
    with pytest.raises(ValueError, match="without standard errors"):
        sobol.replicates(clean, n=1)


def test_more_noise_than_signal() -> None:
    """Nothing but noise: shares of all there is, near zero, and no point claims an index."""
    rng = np.random.default_rng(4)
    nothing = Factorial(LEVELS, np.arange(3.0), rng.standard_normal((5, 5, 4, 5, 3)), np.ones((5, 5, 4, 5, 3)))
    found = sobol.sobol_indices(nothing)
    assert found.noise_dominated and found.noise_share > 0.8
    assert np.abs(found.first).max() < 0.05
    assert np.isnan(found.first_x).all()
    quiet = sobol.sobol_indices(on_grid(lambda t, c, s, e, x: s, stderr=0.1))
    assert not quiet.noise_dominated
    assert quiet.noise_share == pytest.approx(0.01 * 499 / 500 / np.var(LEVELS[2]), rel=0.01)


def test_leave_one_level_out() -> None:
    curve = on_grid(lambda t, c, s, e, x: np.where(s == 2.0, 5.0, 0.0) + t)
    found = sobol.leave_one_level_out(curve)
    assert found.shape == (19, 4)
    assert sobol.sobol_indices(curve).first[2] > 0.9
    assert found[:, 2].min() == pytest.approx(0, abs=1e-12)  # without S = 2 nothing depends on S


def test_factorial_takes_rows_in_any_order() -> None:
    order = np.random.default_rng(0).permutation(500)
    frame = pd.DataFrame(STATES[order], columns=list(FEATURES))
    value = frame.to_numpy() @ [1000, 100, 10, 1.0]
    made = factorial(frame, value[:, None], np.zeros(1))
    assert made.values[3, 1, 2, 0, 0] == pytest.approx(1000 * 1.2 + 100 * 0.1 + 10 * 1.5 + 0.2)
    assert np.array_equal(made.states(), STATES)
    assert made.restrict(((0.6, 1.4), *LEVELS[1:])).values[1, 0, 0, 0, 0] == made.values[4, 0, 0, 0, 0]


def test_incomplete_grid_lists_every_problem() -> None:
    frame = pd.DataFrame(STATES, columns=list(FEATURES)).drop(index=[0, 7])
    frame = pd.concat([frame, frame.iloc[[4]]])
    with pytest.raises(InputError) as caught:
        factorial(frame, np.zeros((len(frame), 1)), np.zeros(1), subject="x.parquet")
    text = str(caught.value)
    assert "x.parquet: 2 problems" in text
    assert "2 of 500 combinations missing: T=0.6 C_B=0.01 S=0.5 eps_AB=0.2" in text
    assert "1 of 500 combinations given more than once" in text
