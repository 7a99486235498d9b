"""Order and rank intervals, on scores and resamples made up for the purpose."""

from __future__ import annotations

from typing import Any

import numpy as np

from binlj.leaderboard.rank import assign, order


def row(id: str, skill: float | None, *, ranked: bool = True) -> dict[str, Any]:
    return {"id": id, "skill": {"overall": skill}, "ranked": ranked}


def draws(rows: list[dict[str, Any]], **noise: float) -> dict[str, np.ndarray]:
    """Resampled scores: the score, a common fluctuation, and each model's own of the given size."""
    common = np.random.default_rng(0).normal(0, 0.1, 1000)
    return {
        r["id"]: r["skill"]["overall"] + common + noise.get(r["id"], 0.0) * np.random.default_rng(i).normal(size=1000)
        for i, r in enumerate(rows, 1)
        if r["ranked"]
    }


def intervals(rows: list[dict[str, Any]], **noise: float) -> dict[str, list[int] | None]:
    return {r["id"]: r["rank_interval"] for r in assign(rows, draws(rows, **noise))}


def test_what_moves_all_models_alike_does_not_widen_the_intervals() -> None:
    rows = [row("b", 0.80), row("a", 0.81), row("c", 0.79)]
    assert intervals(rows) == {"a": [1, 1], "b": [2, 2], "c": [3, 3]}


def test_a_noisy_model_overlaps_both_neighbours() -> None:
    rows = [row("a", 0.81), row("b", 0.80), row("c", 0.79)]
    assert intervals(rows, b=0.05) == {"a": [1, 2], "b": [1, 3], "c": [2, 3]}


def test_a_model_below_two_others_does_not_share_the_first_place_with_one_of_them() -> None:
    """By R² on 1.1.0 XGBoost (0.494) tied with the leader (0.778), and the network (0.489), just below, did not."""
    rows = [row("gp", 0.778), row("xgboost", 0.494), row("dnn", 0.489)]
    found = intervals(rows, xgboost=0.2)
    assert found == {"gp": [1, 2], "xgboost": [1, 3], "dnn": [2, 3]}
    best, worst = zip(*(found[name] or [0, 0] for name in ("gp", "xgboost", "dnn")), strict=True)
    assert list(best) == sorted(best) and list(worst) == sorted(worst)


def test_the_place_lies_within_the_interval_and_equal_models_share_all() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        rows = [row(name, float(s)) for name, s in zip("abcdef", rng.random(6), strict=True)]
        for r in assign(rows, draws(rows, **dict(zip("abcdef", 0.3 * rng.random(6), strict=True)))):
            assert r["rank_interval"][0] <= r["rank"] <= r["rank_interval"][1]
    twins = [row("a", 0.5), row("b", 0.5)]
    assert intervals(twins) == {"a": [1, 2], "b": [1, 2]}


def test_unranked_rows_keep_their_place_but_take_no_rank() -> None:
    rows = [row("reference", 0.999, ranked=False), row("a", 0.9), row("naive", 0.85, ranked=False), row("b", 0.8)]
    out = assign(rows, draws(rows))
    assert [r["id"] for r in out] == ["reference", "a", "naive", "b"]
    assert [r["rank"] for r in out] == [None, 1, None, 2] and out[0]["rank_interval"] is None
    assert set(rows[0]) == {"id", "skill", "ranked"}, "the input is left alone"


def test_undefined_scores_come_last_and_equal_scores_by_id() -> None:
    rows = [row("z", None), row("b", 0.5), row("a", 0.5), row("m", 0.1)]
    assert [r["id"] for r in order(rows)] == ["a", "b", "m", "z"]


def test_an_undefined_resample_makes_no_difference_significant() -> None:
    rows = [row("a", 0.9), row("b", 0.1)]
    found = draws(rows)
    found["b"][3] = np.nan
    assert [r["rank_interval"] for r in assign(rows, found)] == [[1, 2], [1, 2]]
