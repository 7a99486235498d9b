"""A stochastic model enters one file a seed: checked like the first, scored as means with their spread."""

from __future__ import annotations

import json
import shutil
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lb_make import blend, make, run

from binlj.errors import InputError
from binlj.eval import evaluate, write_predictions
from binlj.eval.scoring import draws, load_case
from binlj.eval.truth import load_truth
from binlj.leaderboard import rescore
from binlj.leaderboard.folder import predictions_name
from binlj.leaderboard.new import create
from binlj.leaderboard.preview import preview
from binlj.leaderboard.submission import check

TRACK = "interpolation"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, toy: Path) -> Path:
    """A model with three seeds, and one with a single file that lies between them."""
    root = tmp_path_factory.mktemp("seeds") / "submissions"
    make(root, "stochastic", toy, share=0.9, noise=1, tracks=(TRACK,), files=3)
    make(root, "single", toy, share=0.88, noise=1, seed=9, tracks=(TRACK,))
    return root


@pytest.fixture(scope="module")
def rows(root: Path, toy: Path) -> dict[str, dict[str, Any]]:
    return {r["id"]: r for r in rescore(root, dataset=toy).rows if r["track"] == TRACK}


@pytest.fixture(scope="module")
def row(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return rows["stochastic"]


def test_the_row_is_the_mean_over_the_seeds_with_its_spread(row: dict[str, Any], root: Path, toy: Path) -> None:
    files = check(root / "stochastic", dataset=toy).predictions(TRACK)
    assert [path.name for path in files] == [f"predictions-{TRACK}{s}.parquet" for s in ("", "-seed1", "-seed2")]
    scores = [evaluate(path, track=TRACK, dataset=toy, n_boot=1, naive=False) for path in files]
    for pair in ("AA", "AB", "BB", "overall"):
        for name in ("skill", "r2"):
            values = [getattr(s, name)[pair] for s in scores]
            assert len(set(values)) == 3
            assert row[name][pair] == pytest.approx(statistics.mean(values), abs=1e-6)
            assert row["seeds"][f"{name}_sd"][pair] == pytest.approx(statistics.stdev(values), abs=1e-6)
    assert row["seeds"]["skill"] == pytest.approx([s.skill["overall"] for s in scores], abs=1e-6)
    assert row["metrics"]["rmse"]["overall"] == pytest.approx(
        statistics.mean(s.metrics["rmse"]["values"]["overall"] for s in scores), abs=1e-6
    )
    assert len(set(row["seeds"]["predictions_sha256"])) == 3


def test_the_interval_is_that_of_the_mean_over_the_same_resamples(row: dict[str, Any], root: Path, toy: Path) -> None:
    truth = load_truth(TRACK, dataset=toy)
    cases = [load_case(path, truth)[0] for path in check(root / "stochastic", dataset=toy).predictions(TRACK)]
    mean = np.mean([draws(case, "skill")[:, -1] for case in cases], axis=0)
    assert row["skill_ci95"]["overall"] == pytest.approx(np.percentile(mean, [2.5, 97.5]).tolist(), abs=1e-6)
    # Linear in the curves: the resampled mean skill is the skill of the curves' mean errors.
    assert mean.std() < max(draws(case, "skill")[:, -1].std() for case in cases) * 1.01


def test_three_equal_seeds_are_one_file(
    rows: dict[str, dict[str, Any]], toy: Path, root: Path, tmp_path: Path
) -> None:
    shutil.copytree(root / "single", tmp_path / "s" / "single")
    for k in (1, 2):
        shutil.copyfile(root / "single" / predictions_name(TRACK), tmp_path / "s/single" / predictions_name(TRACK, k))
    (three,) = [r for r in rescore(tmp_path / "s", dataset=toy).rows if r["id"] == "single"]
    one = rows["single"]
    for key in ("skill", "skill_ci95", "r2", "r2_ci95", "metrics", "metrics_ci95", "by"):
        assert three[key] == one[key], key
    assert three["seeds"]["skill_sd"] == dict.fromkeys(("AA", "AB", "BB", "overall"), 0.0)
    assert "seeds" not in one


def test_the_author_sees_means_and_spread(root: Path, toy: Path) -> None:
    text = "\n".join(preview(check(root / "stochastic", dataset=toy), others=root, dataset=toy).lines)
    assert "means over 3 seeds" in text and " ± " in text and "of 2 ranked entries" in text


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ((0, 1), "predictions-interpolation-seed2.parquet is missing (at least 3 files"),
        ((0, 1, 3), "predictions-interpolation-seed2.parquet is missing"),
        ((1, 2, 3), "predictions-interpolation.parquet is missing"),
    ],
)
def test_gaps_are_named(root: Path, toy: Path, tmp_path: Path, present: tuple[int, ...], expected: str) -> None:
    folder = Path(shutil.copytree(root / "single", tmp_path / "gaps"))
    file = (folder / predictions_name(TRACK)).rename(tmp_path / "p.parquet")
    for k in present:
        shutil.copyfile(file, folder / predictions_name(TRACK, k))
    with pytest.raises(InputError) as error:
        check(folder, dataset=toy)
    assert expected in str(error.value)


def test_every_seed_is_checked_like_the_first(root: Path, toy: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(root / "stochastic", tmp_path / "broken"))
    (folder / predictions_name(TRACK, 2)).write_bytes(b"PAR1 no")
    (folder / f"predictions-{TRACK}-seed10.parquet").write_bytes(b"")
    (folder / f"predictions-{TRACK}-seed01.parquet").write_bytes(b"")
    with pytest.raises(InputError) as error:
        check(folder, dataset=toy)
    text = str(error.value)
    assert "predictions-interpolation-seed2.parquet: not a readable parquet file" in text and "2 unexpected" in text


def test_a_reference_has_one_file_and_a_folder_has_a_limit(root: Path, toy: Path, tmp_path: Path, monkeypatch) -> None:
    folder = make(tmp_path, "reference", toy, tracks=(TRACK,), files=3, kind="reference")
    monkeypatch.setattr("binlj.leaderboard.folder.MAX_BYTES", 1000)
    with pytest.raises(InputError) as error:
        check(folder, dataset=toy)
    assert "a reference has one file a track" in str(error.value) and "the limit is" in str(error.value)


def test_one_command_enters_the_seeds(toy: Path, tmp_path: Path, capsys) -> None:
    arguments: list[object] = ["submit", "new", "network", "--name", "A network", "--author", "Me"]
    arguments += ["--set", "code", "https://example.org/x", "--set", "prior_knowledge", "none"]
    arguments += ["--license", "MIT", "--extra-training-data", "none"]
    for k in range(3):
        path, record = tmp_path / f"{k}.parquet", tmp_path / f"{k}.json"
        write_predictions(path, blend(TRACK, toy, share=0.8, noise=1, seed=k))
        values = {"train_seconds": 10 + k, "predict_seconds": 1, "parameters": 5, "hardware": "x", "run": {"seed": k}}
        record.write_text(json.dumps(values))
        arguments += ["-p", TRACK, path, "-m", TRACK, record]
    code, out, _ = run(capsys, *arguments, "--submissions", tmp_path / "s", "--dataset", toy)
    assert code == 0 and "complete and valid" in out, out
    entered = check(tmp_path / "s" / "network", dataset=toy)
    files = entered.predictions(TRACK)
    assert [path.read_bytes() for path in files] == [(tmp_path / f"{k}.parquet").read_bytes() for k in range(3)]
    assert entered.meta["tracks"][TRACK] == {"train_seconds": 11.0, "predict_seconds": 1.0}
    assert entered.meta["seeds"] == [0, 1, 2]


def test_two_files_are_too_few(toy: Path, root: Path, tmp_path: Path) -> None:
    path = root / "single" / predictions_name(TRACK)
    with pytest.raises(InputError, match="2 files for the interpolation track: give one, or one a seed, 3 to 10"):
        create("two", root=tmp_path, predictions={TRACK: [path, path]})
