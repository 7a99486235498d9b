"""Naive baselines on data where the answer is known, and what they may look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from binlj.data import curves, read_table
from binlj.errors import InputError
from binlj.eval import NAIVE_BASELINES, evaluate, naive_predictions, validate
from binlj.eval.naive import PMF_G_MIN


def frame(rows: list[tuple[float, float, str, np.ndarray]], S: float = 1.0) -> pd.DataFrame:
    """Rows of (T, C_B, pair, g)."""
    return pd.DataFrame(
        [
            {"state_id": f"T{T}-C{C}", "T": T, "C_B": C, "S": S, "eps_AB": 1.0, "pair": pair, "g": g}
            for T, C, pair, g in rows
        ]
    )


def ramp(a: float) -> np.ndarray:
    return a + 0.01 * np.arange(100)


NOTHING = np.full(100, np.nan)  # a test curve must not be looked at


def test_ideal_gas_and_mean() -> None:
    train = frame([(1.0, 0.1, "AA", ramp(1)), (1.2, 0.1, "AA", ramp(2)), (1.0, 0.1, "BB", ramp(5))])
    test = frame([(0.6, 0.1, "BB", NOTHING), (0.6, 0.5, "AA", NOTHING)])
    np.testing.assert_array_equal(NAIVE_BASELINES["ideal_gas"](train, test), np.ones((2, 100)))
    np.testing.assert_allclose(NAIVE_BASELINES["mean_rdf"](train, test), [ramp(5), ramp(1.5)])


def test_nearest_temperature() -> None:
    train = frame([(T, 0.1, "AA", ramp(T)) for T in (0.8, 1.0, 1.2)] + [(0.6, 0.5, "AA", ramp(9))])
    test = frame([(T, 0.1, "AA", NOTHING) for T in (0.6, 1.4, 0.9)])
    got = NAIVE_BASELINES["nearest_temperature"](train, test)
    np.testing.assert_allclose(got, [ramp(0.8), ramp(1.2), (ramp(0.8) + ramp(1.0)) / 2])


def test_nearest_scaled_moves_the_peak_with_the_size() -> None:
    r = (np.arange(100) + 0.5) * 0.1

    def peak(at: float) -> np.ndarray:
        return 1 + 2 * np.maximum(1 - np.abs(r / at - 1) / 0.4, 0.0)

    train = pd.concat([
        frame([(1.0, 0.1, "BB", peak(1.0)), (1.0, 0.1, "AA", ramp(3))], S=1.0),
        frame([(0.6, 0.5, "BB", ramp(7))], S=2.0),
    ])
    got = NAIVE_BASELINES["nearest_scaled"](train, frame([(1.0, 0.1, "BB", NOTHING), (1.0, 0.1, "AA", NOTHING)], S=1.2))
    np.testing.assert_allclose(got[0], peak(1.2), atol=0.15)  # linear between bins
    assert abs(r[got[0].argmax()] - 1.2) <= 0.051
    np.testing.assert_allclose(got[1], ramp(3))


def test_nearest_scaled_averages_equally_near_states() -> None:
    train = frame([(0.8, 0.1, "AA", ramp(1)), (1.2, 0.1, "AA", ramp(2)), (1.4, 0.1, "AA", ramp(9))])
    query = frame([(1.0, 0.1, "AA", NOTHING)])
    np.testing.assert_allclose(NAIVE_BASELINES["nearest_scaled"](train, query), [ramp(1.5)])


def test_linear_in_temperature_is_exact_on_a_line() -> None:
    train = frame([(T, 0.1, "AA", ramp(1) * (3 - T)) for T in (0.8, 1.0, 1.2)])
    test = frame([(T, 0.1, "AA", NOTHING) for T in (0.6, 1.4)])
    np.testing.assert_allclose(NAIVE_BASELINES["linear_T"](train, test), [ramp(1) * 2.4, ramp(1) * 1.6])


def test_linear_in_temperature_is_a_least_squares_line_and_not_negative() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((3, 100)) * np.where(np.arange(100) < 50, 1.0, [[1.0], [0.3], [0.0]])
    T = np.array([0.8, 1.0, 1.2])
    train = frame([(t, 0.1, "AA", g) for t, g in zip(T, values, strict=True)])
    got = NAIVE_BASELINES["linear_T"](train, frame([(1.4, 0.1, "AA", NOTHING)]))[0]
    slope, intercept = np.polyfit(T, values, 1)
    np.testing.assert_allclose(got, np.maximum(slope * 1.4 + intercept, 0))
    assert (got == 0).any()


def test_linear_pmf_is_exact_where_the_pmf_is_linear_in_inverse_temperature() -> None:
    a, b = 0.3 * np.sin(np.arange(100) / 9), 0.2 * np.cos(np.arange(100) / 7)

    def g(T: float) -> np.ndarray:
        return np.exp(-(a + b / T) / T)

    rows = [(T, 0.1, "AA", g(T)) for T in (0.8, 1.0, 1.2)] + [(1.0, 0.5, "AA", np.full(100, 9.0))]
    got = NAIVE_BASELINES["linear_pmf"](frame(rows), frame([(T, 0.1, "AA", NOTHING) for T in (0.6, 1.4)]))
    np.testing.assert_allclose(got, [g(0.6), g(1.4)], rtol=1e-10)


def test_linear_pmf_in_the_core_and_at_its_cap() -> None:
    def curve(T: float) -> np.ndarray:
        return np.r_[np.full(50, 0.001 * T), np.full(50, np.exp(8 / T**3 - 8))]

    g = {T: curve(T) for T in (1.0, 1.2, 1.4)}
    assert (g[1.0][:50] < PMF_G_MIN).all()
    train = frame([(T, 0.1, "AA", v) for T, v in g.items()])
    got = NAIVE_BASELINES["linear_pmf"](train, frame([(0.6, 0.1, "AA", NOTHING)]))[0]
    np.testing.assert_allclose(got[:50], 0.0012)  # the mean of the training curves
    np.testing.assert_allclose(got[50:], 1.0)  # the largest training value


def test_one_training_temperature_is_taken_as_it_is() -> None:
    train = frame([(1.0, 0.1, "AA", ramp(1))])
    test = frame([(0.6, 0.1, "AA", NOTHING)])
    for name in ("nearest_temperature", "linear_T"):
        np.testing.assert_allclose(NAIVE_BASELINES[name](train, test), [ramp(1)])


def test_a_composition_without_training_states_takes_the_nearest_one() -> None:
    train = pd.concat([
        frame([(0.8, 0.1, "AA", ramp(1)), (1.0, 0.1, "AA", ramp(2)), (0.8, 0.5, "AA", ramp(5))], S=1.0),
        frame([(0.8, 0.3, "AA", ramp(7))], S=2.0),
    ])
    # (C_B, S) = (0.2, 1.0): 0.25 of the range from (0.1, 1.0), 0.75 from (0.5, 1.0), 1 from S = 2.
    got = NAIVE_BASELINES["nearest_temperature"](train, frame([(1.2, 0.2, "AA", NOTHING)]))
    np.testing.assert_allclose(got, [ramp(2)])
    # (0.3, 1.9): 0.1 of the range of S away from (0.3, 2.0).
    got = NAIVE_BASELINES["nearest_temperature"](train, frame([(1.2, 0.3, "AA", NOTHING)], S=1.9))
    np.testing.assert_allclose(got, [ramp(7)])


@pytest.mark.parametrize("track", ["extrapolation", "interpolation"])
@pytest.mark.parametrize("name", list(NAIVE_BASELINES))
def test_naive_baselines_are_valid_submissions_blind_to_the_test_curves(name: str, track: str, toy: Path) -> None:
    predictions = naive_predictions(name, track=track, dataset=toy)
    assert validate(predictions, track=track, dataset=toy).ok
    train, test = (read_table(track, split, path=toy) for split in ("train", "test"))
    blind = test.assign(g=[NOTHING] * len(test), g_stderr=[NOTHING] * len(test))
    np.testing.assert_array_equal(NAIVE_BASELINES[name](train, blind), curves(predictions))


def test_naive_baselines_on_the_extrapolation_track_use_the_right_rows(toy: Path) -> None:
    train = read_table("extrapolation", "train", path=toy).set_index(["T", "C_B", "S", "eps_AB", "pair"])
    test = read_table("extrapolation", "test", path=toy)
    g = curves(naive_predictions("nearest_temperature", track="extrapolation", dataset=toy))
    for i in range(0, len(test), 37):
        row = test.iloc[i]
        T = 0.8 if row["T"] == 0.6 else 1.2
        nearest = train.loc[(T, row["C_B"], row["S"], row["eps_AB"], row["pair"])]
        np.testing.assert_array_equal(g[i], nearest["g"])


def test_the_evaluator_shows_the_naive_baselines_as_it_scores_them(toy: Path) -> None:
    shown = evaluate(
        naive_predictions("ideal_gas", track="interpolation", dataset=toy),
        track="interpolation", dataset=toy, n_boot=2,
    )
    assert list(shown.naive_r2) == list(NAIVE_BASELINES)
    assert shown.naive_r2["ideal_gas"] == shown.r2 and shown.naive_skill["ideal_gas"] == shown.skill
    for name in NAIVE_BASELINES:
        frame_ = naive_predictions(name, track="interpolation", dataset=toy)
        r2 = evaluate(frame_, track="interpolation", dataset=toy, n_boot=2, naive=False).r2
        assert shown.naive_r2[name] == pytest.approx(r2, abs=1e-12)


def test_unknown_naive_baseline_and_track(toy: Path) -> None:
    with pytest.raises(InputError, match="ideal_gas, mean_rdf"):
        naive_predictions("ceiling", track="extrapolation", dataset=toy)
    with pytest.raises(InputError, match="sideways"):
        naive_predictions("linear_T", track="sideways", dataset=toy)
