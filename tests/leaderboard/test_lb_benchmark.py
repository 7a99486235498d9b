"""The benchmark as an object: it scores as the evaluator does, and its submissions can be checked."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lb_make import blend, run

import binlj
from binlj.data import curves
from binlj.errors import InputError
from binlj.eval import evaluate, write_predictions
from binlj.leaderboard.benchmark import Benchmark
from binlj.leaderboard.submission import check


@pytest.fixture(scope="module")
def bench(toy: Path) -> Benchmark:
    return binlj.benchmark("interpolation", dataset=toy)


@pytest.fixture(scope="module")
def good(toy: Path) -> pd.DataFrame:
    """A predictions frame in the test table's order."""
    return blend("interpolation", toy, share=0.9, noise=1.0, seed=0)


def test_train_and_test_are_disjoint_and_the_test_hides_its_curves(bench: Benchmark) -> None:
    assert len(bench.train) == 1200 and len(bench.test) == 300
    assert not set(bench.train["state_id"]) & set(bench.test["state_id"])
    assert {"g", "g_stderr"} <= set(bench.train) and not {"g", "g_stderr"} & set(bench.test)
    assert set(bench.test["pair"]) == {"AA", "AB", "BB"}


def test_arrays_frames_and_files_score_the_same(
    bench: Benchmark, good: pd.DataFrame, toy: Path, tmp_path: Path
) -> None:
    g = curves(good)
    std = np.full_like(g, 0.1)
    write_predictions(tmp_path / "good.parquet", good.assign(g_std=list(std)))
    written = evaluate(tmp_path / "good.parquet", track="interpolation", dataset=toy, n_boot=20).to_dict()
    assert 0.5 < written["skill"]["overall"] < 1.0
    assert bench.evaluate(g, std, n_boot=20).to_dict() == written
    shuffled = good.assign(g_std=list(std)).sample(frac=1.0, random_state=0)
    labels = shuffled.assign(pair=shuffled["pair"].map({"AA": 0, "AB": 1, "BB": 2}))
    assert bench.evaluate(labels, n_boot=20).to_dict() == written


def test_scores_print_as_a_table(bench: Benchmark, good: pd.DataFrame) -> None:
    scores = bench.evaluate(curves(good), n_boot=20)
    lines = str(scores).splitlines()
    line = next(line for line in lines if line.startswith("skill"))
    assert lines[-1].startswith("95 % intervals")
    assert f"{scores.skill['overall']:.4f}" in line
    html = scores._repr_html_()
    assert html.startswith("<pre>") and f"{scores.skill['overall']:.4f}" in html


def test_scores_are_drawn_where_they_are(bench: Benchmark, good: pd.DataFrame) -> None:
    scores = bench.evaluate(curves(good), n_boot=20)
    figure = scores.plot()
    pairs, temperatures = figure.axes
    ticks = {text.get_text(): x for x, text in zip(pairs.get_xticks(), pairs.get_xticklabels(), strict=True)}
    assert list(ticks) == ["AA", "AB", "BB", "overall"]
    drawn = {line.get_label(): line.get_ydata() for line in pairs.lines}
    assert set(scores.naive_skill) <= set(drawn)
    for name, values in scores.naive_skill.items():
        np.testing.assert_allclose(drawn[name], [values[pair] for pair in ticks])
    for container, pair in zip(pairs.containers, ticks, strict=True):
        (low, high) = container.lines[2][0].get_segments()[0][:, 1]
        np.testing.assert_allclose((low, high), scores.skill_ci95[pair])
        np.testing.assert_allclose(container.lines[0].get_ydata(orig=False), scores.skill[pair])
    ceilings = next(c for c in pairs.collections if c.get_label() == "noise ceiling")
    np.testing.assert_allclose([s[0, 1] for s in ceilings.get_segments()], [scores.skill_ceiling[p] for p in ticks])
    at = {line.get_label(): line.get_ydata() for line in temperatures.lines}
    groups = scores.by["temperature"]
    np.testing.assert_allclose(at["BB"], [groups[T]["metrics"]["skill"]["BB"] for T in sorted(groups)])


@pytest.mark.parametrize(
    ("shape", "std_shape", "said"),
    [((300, 99), None, "g has shape (300, 99), not (300, 100)"), ((300, 100), (100,), "g_std has shape (100,)")],
)
def test_a_wrong_shape_is_named(bench: Benchmark, shape: tuple, std_shape: tuple | None, said: str) -> None:
    with pytest.raises(InputError) as caught:
        bench.evaluate(np.ones(shape), None if std_shape is None else np.ones(std_shape))
    (problem,) = caught.value.problems
    assert said in problem


def test_a_track_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="extrapolation"):
        binlj.benchmark("sideways")


def test_a_submission_lacks_only_what_was_not_given(
    bench: Benchmark, good: pd.DataFrame, toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "submissions"
    given = {"name": "Mine", "authors": ["A. Author"], "license": "MIT", "code": "https://example.org/mine"}
    folder = bench.submission("mine", curves(good), root=root, **given)
    assert sorted(path.name for path in folder.iterdir()) == ["predictions-interpolation.parquet", "submission.yaml"]
    code, _, err = run(capsys, "submit", "check", folder, "--submissions", root, "--dataset", toy)
    assert code == 2
    times = {f"tracks.interpolation.{name}_seconds" for name in ("train", "predict")}
    asked = re.findall(r"- submission.yaml: ([\w.]+): ", err)
    assert set(asked) == {"extra_training_data", "hardware", "parameters", "prior_knowledge", "seeds", *times}
    with pytest.raises(InputError, match="exists already"):
        bench.submission("mine", curves(good), root=root)


def test_a_submission_assumes_no_licence_and_is_valid_once_all_is_said(
    bench: Benchmark, good: pd.DataFrame, toy: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        check(bench.submission("bare", curves(good), root=tmp_path), dataset=toy)
    said = "submission.yaml: license: is empty; fill in: SPDX identifier"
    assert any(problem.startswith(said) for problem in caught.value.problems)
    folder = bench.submission(
        "said", curves(good), root=tmp_path, name="Mine", authors=["A. Author"], seeds=[3], train_seconds=2.5,
        predict_seconds=0, license="MIT", code="https://example.org/mine", extra_training_data="none",
        prior_knowledge="none", parameters=7, hardware="2 cores",
    )  # fmt: skip
    meta = check(folder, dataset=toy).meta
    assert meta["seeds"] == [3] and meta["parameters"] == 7 and meta["license"] == "MIT"
    assert meta["tracks"] == {"interpolation": {"train_seconds": 2.5, "predict_seconds": 0}}


def test_predictions_that_cannot_be_scored_leave_no_folder(
    bench: Benchmark, good: pd.DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="3 of 300 keys are missing"):
        bench.submission("mine", good[3:], root=tmp_path)
    assert not list(tmp_path.iterdir())
