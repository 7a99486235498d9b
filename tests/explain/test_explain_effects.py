"""Shapley effects of incomplete designs: functions with known answers, and agreement with the factorial's."""

from __future__ import annotations

import numpy as np
import pytest
from explain_make import LEVELS, STATES, on_grid

from binlj.eval.explain import effects
from binlj.eval.explain.effects import cohort_shapley, conditional_game, cube_game, half_distances, shapley_of
from binlj.eval.explain.factorial import subsets
from binlj.eval.explain.shapley import grid_shapley
from binlj.eval.explain.sobol import sobol_indices

T, C_B, S, E = STATES.T
SMALL = (T > 0.9) & (C_B < 0.25)  # a complete grid of 3 x 3 x 4 x 5
CUT = (T < 1.1) | (E > 0.5)  # knows T and eps_AB only, so C_B and S stay balanced
CORNER = S + 2 * E > 1.9  # makes S and eps_AB go against each other


def by_conditions(states: np.ndarray, y: np.ndarray) -> np.ndarray:
    return conditional_game(effects.cells(states), y[:, None])


def by_swaps(states: np.ndarray, y: np.ndarray) -> np.ndarray:
    half = half_distances(y[:, None])
    return cube_game(effects.closed_cubes(states), lambda a, b: half[a, b]).mean(axis=1)


def interaction(t: np.ndarray, c: np.ndarray, s: np.ndarray, e: np.ndarray) -> np.ndarray:
    return np.sin(3 * s) * e + t**2 + 0.3 * c * s


def test_on_the_grid_both_games_are_the_sobol_decomposition() -> None:
    levels = (LEVELS[0][2:], LEVELS[1][:3], *LEVELS[2:])
    exact = sobol_indices(on_grid(lambda t, c, s, e, x: interaction(t, c, s, e)).restrict(levels))
    share = np.zeros(4)
    for u, part in exact.components.items():
        for i in u:
            share[i] += part / len(u)  # Owen 2014: interactions are shared equally
    states, y = STATES[SMALL], interaction(T, C_B, S, E)[SMALL]
    for game in (by_conditions(states, y), by_swaps(states, y)):
        first, total = effects.sobol_of(game)
        assert shapley_of(game) / game[-1] == pytest.approx(share)
        assert first / game[-1] == pytest.approx(exact.first) and total / game[-1] == pytest.approx(exact.total)
    assert by_conditions(states, y)[-1] == pytest.approx(y.var())


def test_conditional_means_of_a_cut_grid_agree_with_their_definition() -> None:
    """The game against variances within groups, computed one by one with unequal counts."""
    states, y = STATES[CORNER], interaction(T, C_B, S, E)[CORNER]
    for u, value in zip(subsets(4), by_conditions(states, y), strict=True):
        rest = [j for j in range(4) if j not in u]
        groups: dict[tuple[float, ...], list[float]] = {}
        for state, v in zip(states, y, strict=True):
            groups.setdefault(tuple(state[rest]), []).append(v)
        assert value == pytest.approx(sum(len(g) * np.var(g) for g in groups.values()) / len(y))


def test_swaps_give_an_additive_function_the_variances_of_its_terms_on_any_states() -> None:
    states = STATES[CORNER]
    terms = np.stack([T**2, 3 * np.sqrt(C_B), np.sin(2 * S), 0 * E], axis=1)[CORNER]
    game = by_swaps(states, terms.sum(axis=1))
    cubes = effects.closed_cubes(states)
    ends = terms[cubes[:, 0]] - terms[cubes[:, -1]]
    assert shapley_of(game) == pytest.approx((0.5 * ends**2).mean(axis=0))
    assert shapley_of(game)[3] == pytest.approx(0, abs=1e-12), "a feature without effect, though it goes with S"
    assert 0 < len(cubes) < len(states) * (len(states) - 1) / 2


def test_a_feature_without_effect() -> None:
    """Balanced: nothing. Going together with one that has an effect: part of its share, but no total index."""
    y = np.sin(2 * S) + T * E
    balanced = by_conditions(STATES[CUT], y[CUT])
    assert shapley_of(balanced)[1] == pytest.approx(0, abs=1e-12)
    only = by_conditions(STATES[CORNER], np.sin(2 * S)[CORNER])
    assert shapley_of(only)[3] > 0.01 * only[-1]
    assert effects.sobol_of(only)[1][3] == pytest.approx(0, abs=1e-12)
    assert shapley_of(only).sum() == pytest.approx(only[-1])


def test_two_features_that_are_one_share_alike() -> None:
    """Owen and Prieur 2017: with X_1 = X_2 it does not matter which of them the function reads."""
    states = np.array([[a, a, b, 0.0] for a in range(4) for b in range(3)])
    game = by_conditions(states, states[:, 0] ** 2 + states[:, 2])
    a, b = np.var(np.arange(4) ** 2), np.var(np.arange(3))
    assert shapley_of(game) == pytest.approx([a / 2, a / 2, b, 0], abs=1e-12)


def test_a_pure_interaction_is_shared_equally() -> None:
    y = (np.sign(S - 1.2) * (E - 0.6))[SMALL]  # S is balanced about 1.2, eps_AB about 0.6
    for game in (by_conditions(STATES[SMALL], y), by_swaps(STATES[SMALL], y)):
        assert shapley_of(game) / game[-1] == pytest.approx([0, 0, 0.5, 0.5], abs=1e-12)
        assert effects.sobol_of(game)[0] == pytest.approx(np.zeros(4), abs=1e-12)


def test_noise_is_taken_out() -> None:
    """Noise alone gives no variance and no shares, where it would otherwise pass for an interaction."""
    rng = np.random.default_rng(1)
    states, n, points = STATES[CORNER], int(CORNER.sum()), 2000
    signal = np.sin(2 * S)[CORNER, None] * np.ones(points)
    values = signal + 0.5 * rng.standard_normal((n, points))
    noise = np.full(n, 0.25 * points)
    cells = effects.cells(states)
    clean, got, raw = (
        conditional_game(cells, v, noise=e) / points for v, e in ((signal, None), (values, noise), (values, None))
    )
    assert got == pytest.approx(clean, abs=0.005) and raw[-1] > clean[-1] + 0.2
    halves = half_distances(values, noise)[np.triu_indices(n, 1)] / points
    assert halves.mean() == pytest.approx(half_distances(signal)[np.triu_indices(n, 1)].mean() / points, abs=0.005)


def test_weights_are_repetitions() -> None:
    states, y = STATES[CORNER], interaction(T, C_B, S, E)[CORNER]
    count = np.random.default_rng(0).integers(1, 4, len(y))
    again = by_conditions(np.repeat(states, count, axis=0), np.repeat(y, count))
    weighted = conditional_game(effects.cells(states), y[:, None], weights=count.astype(float))
    assert weighted == pytest.approx(again)


def test_cohort_shapley_is_that_of_the_grid_and_adds_up_without_one() -> None:
    curve = on_grid(lambda t, c, s, e, x: interaction(t, c, s, e) * np.cos(x), points=3)
    got = cohort_shapley(curve.states(), curve.flat())
    assert got.reshape(4, *(len(v) for v in LEVELS), 3) == pytest.approx(grid_shapley(curve.values, 4))
    values = curve.flat()[CORNER]
    phi = cohort_shapley(STATES[CORNER], values)
    assert phi.sum(axis=0) == pytest.approx(values - values.mean(axis=0))
