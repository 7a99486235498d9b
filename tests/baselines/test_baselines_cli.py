"""`binlj train`, `predict`, `reproduce`: from the command to scored predictions, and the errors."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from toy import add_mixed_regime

from binlj.baselines import cli
from binlj.baselines.dnn import Dnn
from binlj.baselines.reproduce import EXPERIMENTS, Settings, benchmark, benchmark_table
from binlj.baselines.reproduce.extrapolation import without_tail
from binlj.baselines.reproduce.learning_curve import subset
from binlj.baselines.reproduce.result import Result as Finding
from binlj.baselines.reproduce.result import Row, mean_row
from binlj.baselines.reproduce.runs import test_frame as frame_of
from binlj.data import curves, data_line, read_table
from binlj.errors import BinljError, InputError
from binlj.eval import NAIVE_BASELINES, evaluate, naive_predictions, validate


def call(command, *args: object) -> Result:
    return CliRunner().invoke(command, [str(a) for a in args])


@pytest.fixture(scope="module")
def run(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "linear"
    done = call(
        cli.train, "linear_T", "--track", "extrapolation", "--out", out, "--dataset", toy, "--seed", 3
    )
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture(scope="module")
def both_regimes(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy dataset with the mixed regime."""
    return add_mixed_regime(shutil.copytree(toy, tmp_path_factory.mktemp("both") / "binlj-rdf"))


def one_epoch(name: str, dataset: Path, out: Path, *, jit: bool = False) -> Result:
    """An experiment with a single network, trained for one epoch; to compile it with XLA takes longer than that."""
    args = ("--epochs", 1, "--seeds", 1, "--workers", 1, "--dataset", dataset, "--out", out)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(Dnn.__init__.__kwdefaults__, "jit", jit)
        return call(cli.reproduce, name, *args)


@pytest.fixture(scope="module")
def extrapolated(both_regimes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Fig. 3 leaves behind for one epoch; to be copied before more is written there."""
    pytest.importorskip("tensorflow")
    out = tmp_path_factory.mktemp("extrapolated") / "out"
    done = one_epoch("extrapolation", both_regimes, out, jit=True)  # as it is trained by default
    assert done.exit_code == 0, done.exception
    return out


def test_train_and_predict_make_a_ready_submission(run: Path, toy: Path, tmp_path: Path):
    file = tmp_path / "predictions.parquet"
    done = call(cli.predict, run, "--out", file, "--dataset", toy)
    assert done.exit_code == 0, done.output
    assert "600 RDFs" in done.output
    assert json.loads((run / "metadata.json").read_text())["predict_seconds"] > 0
    assert validate(file, track="extrapolation", dataset=toy).ok
    expected = evaluate(
        naive_predictions("linear_T", track="extrapolation", dataset=toy),
        track="extrapolation",
        dataset=toy,
        n_boot=10,
    )
    assert evaluate(file, track="extrapolation", dataset=toy, n_boot=10).r2 == pytest.approx(expected.r2)


def test_the_offgrid_track_trains_on_the_grid(toy_offgrid: Path, toy: Path, tmp_path: Path):
    out, file = tmp_path / "run", tmp_path / "predictions-offgrid.parquet"
    options = ("--track", "offgrid", "--out", out, "--dataset")
    assert "has no off-grid states" in str(call(cli.train, "nearest_scaled", *options, toy).exception)
    done = call(cli.train, "nearest_scaled", *options, toy_offgrid)
    assert done.exit_code == 0, (done.output, done.exception)
    record = json.loads((out / "metadata.json").read_text())
    assert (record["train_states"], record["train_curves"]) == (500, 1500)
    done = call(cli.predict, out, "--out", file, "--dataset", toy_offgrid)
    assert done.exit_code == 0 and "300 RDFs, offgrid track" in done.output, done.exception
    expected = naive_predictions("nearest_scaled", track="offgrid", dataset=toy_offgrid)
    np.testing.assert_allclose(curves(pd.read_parquet(file)), curves(expected))
    record["run"]["dataset_sha256"] = "0" * 64  # a version with other tables, but the same ones for this track
    (out / "metadata.json").write_text(json.dumps(record))
    assert call(cli.predict, out, "--out", file, "--dataset", toy_offgrid).exit_code == 0
    (out / "metadata.json").write_text(json.dumps(record | {"track_sha256": "1" * 64}))
    assert "trained on dataset" in str(call(cli.predict, out, "--out", file, "--dataset", toy_offgrid).exception)


def test_benchmark_runs_the_network_on_two_tracks_only(
    toy_offgrid: Path, toy: Path, both_regimes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def stop(jobs, settings):
        raise StopIteration([(j.model, j.track) for j in jobs])

    monkeypatch.setattr("binlj.baselines.reproduce.benchmark.train_jobs", stop)
    regime = [("xgboost", f"mixed_{t}") for t in ("interpolation", "extrapolation")]
    old = [(m, t) for m in ("dnn", "xgboost") for t in ("interpolation", "extrapolation")]
    for dataset, models, wanted in (
        (toy, None, old),
        (toy_offgrid, None, [*old[:2], ("xgboost", "offgrid"), *old[2:]]),
        (both_regimes, None, [*old[:2], *regime, *old[2:]]),
        (toy_offgrid, ("mean_rdf",), [("mean_rdf", t) for t in ("offgrid", "interpolation", "extrapolation")]),
    ):
        with pytest.raises(StopIteration) as caught:
            benchmark.run(Settings(tmp_path, dataset, models=models))
        assert caught.value.args[0] == wanted


def test_predict_answers_a_table_of_states(run: Path, toy: Path, tmp_path: Path):
    (tmp_path / "states.csv").write_text("eps_AB,S,T,C_B,note\n0.4,1.5,0.9123,0.1,a\n0.2,1.0,1.0,0.3,b\n")
    done = call(cli.predict, run, "--states", tmp_path / "states.csv", "--out", tmp_path / "out.parquet")
    assert done.exit_code == 0, (done.output, done.exception)
    frame = pd.read_parquet(tmp_path / "out.parquet")
    assert list(frame) == ["T", "C_B", "S", "eps_AB", "pair", "r", "g"]
    assert frame["pair"].tolist() == ["AA", "AB", "BB"] * 2
    assert frame["T"].tolist() == [0.9123] * 3 + [1.0] * 3
    train = read_table("extrapolation", "train", path=toy)
    known = train[train["state_id"] == "T1.00-C0.300-S1.00-E0.20"]  # T = 1.0 is a training temperature
    np.testing.assert_allclose(curves(frame[3:]), curves(known), atol=1.0)
    assert np.abs(curves(frame[:3]) - curves(frame[3:])).max() > 0.1
    done = call(cli.predict, tmp_path, "--states", tmp_path / "states.csv", "--out", tmp_path / "out.parquet")
    assert isinstance(done.exception, InputError) and "no model here" in str(done.exception)


def test_metadata_says_what_was_done(run: Path, toy: Path):
    found = json.loads((run / "metadata.json").read_text())
    manifest = json.loads((toy / "manifest.json").read_text())
    assert found["run"] == {
        "model": "linear_T",
        "parameters": {},
        "track": "extrapolation",
        "seed": 3,
        "format": 1,
        "dataset_version": manifest["version"],
        "dataset_sha256": manifest["data_sha256"],
    }
    assert found["train_curves"] == 900
    assert found["versions"]["numpy"] == np.__version__
    assert found["train_seconds"] > 0
    assert (found["name"], found["description"]) == ("linear_T", "g(r) linear in T* at each composition")


def test_equal_run_is_reused_and_another_is_refused(run: Path, toy: Path):
    stamp = (run / "metadata.json").stat().st_mtime_ns
    args = ("--track", "extrapolation", "--out", run, "--dataset", toy)
    done = call(cli.train, "linear_T", *args, "--seed", 3)
    assert "found finished" in done.output
    assert (run / "metadata.json").stat().st_mtime_ns == stamp
    refused = call(cli.train, "mean_rdf", *args, "--seed", 4)
    assert isinstance(refused.exception, InputError)
    assert len(refused.exception.problems) == 2  # model and seed
    assert "--force" in refused.exception.fix


def test_force_replaces(toy: Path, tmp_path: Path):
    args = ("--track", "extrapolation", "--out", tmp_path / "x", "--dataset", toy)
    assert call(cli.train, "ideal_gas", *args).exit_code == 0
    assert call(cli.train, "mean_rdf", *args, "--force").exit_code == 0
    assert json.loads((tmp_path / "x" / "model.json").read_text())["name"] == "mean_rdf"


def test_predicting_another_dataset_is_refused(run: Path, small: Path, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "manifest.json").write_text('{"version": "9", "data_sha256": "ffff"}')
    refused = call(cli.predict, run, "--out", tmp_path / "p.parquet", "--dataset", other)
    assert isinstance(refused.exception, InputError)
    assert "asked to predict dataset ffff" in str(refused.exception)
    assert not (tmp_path / "p.parquet").exists()


def test_predicting_without_a_training(toy: Path, tmp_path: Path):
    refused = call(cli.predict, tmp_path, "--out", tmp_path / "p.parquet", "--dataset", toy)
    assert "no finished training here" in str(refused.exception)


def test_unknown_names_are_refused(toy: Path, tmp_path: Path):
    assert call(cli.train, "oracle", "--track", "extrapolation", "--out", tmp_path).exit_code == 2
    assert call(cli.train, "dnn", "--track", "time", "--out", tmp_path).exit_code == 2
    refused = call(cli.reproduce, "fig9", "--dataset", toy, "--out", tmp_path)
    assert all(name in str(refused.exception) for name in EXPERIMENTS)
    refused = call(cli.reproduce, "benchmark", "--models", "dnn,oracle", "--dataset", toy, "--out", tmp_path)
    assert "no such model" in str(refused.exception)


def test_settings_are_parsed_or_all_refused():
    assert cli.parse_settings(("epochs=20", "schedule=cosine", "jit=false", "depths=[3, 4]")) == {
        "epochs": 20,
        "schedule": "cosine",
        "jit": False,
        "depths": [3, 4],
    }
    with pytest.raises(InputError) as caught:
        cli.parse_settings(("epochs", "=3", "batch=2"))
    assert len(caught.value.problems) == 2


def test_benchmark_table_scores_stored_predictions(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Two processes; a second call trains nothing; the numbers are the evaluator's."""
    track, models = "interpolation", ("mean_rdf", "linear_pmf")
    monkeypatch.setattr("binlj.eval.NAIVE_BASELINES", {})  # naive are not compared; here they stand for models
    text = benchmark_table(models=models, tracks=(track,), out=tmp_path, dataset=toy)
    scores = json.loads((tmp_path / "benchmark.json").read_text())["details"]["scores"]
    assert [s["model"] for s in scores] == list(models)
    naive = naive_predictions("mean_rdf", track=track, dataset=toy)
    expected = evaluate(naive, track=track, dataset=toy, n_boot=5)
    assert scores[0]["r2"] == pytest.approx(expected.r2) and scores[0]["skill"] == pytest.approx(expected.skill)
    assert scores[1]["r2"]["overall"] > expected.r2["overall"]
    assert f"{track}: mean_rdf" in text
    assert f"{track}, linear_pmf minus mean_rdf, seed 0: skill +" in text
    stamps = {f: f.stat().st_mtime_ns for f in tmp_path.rglob("*") if f.parent.parent.name == "runs"}
    assert len([f for f in stamps if f.name == "metadata.json"]) == 2
    assert benchmark_table(models=models, tracks=(track,), out=tmp_path, dataset=toy) == text
    assert {f: f.stat().st_mtime_ns for f in stamps} == stamps


def test_failed_trainings_are_all_named(small: Path, tmp_path: Path):
    """The small dataset has no interpolation track."""
    with pytest.raises(BinljError, match="1 of 1 trainings failed") as caught:
        benchmark_table(
            models=("mean_rdf",), tracks=("interpolation",), out=tmp_path, dataset=small, workers=1
        )
    assert "file is missing" in str(caught.value)


def test_network_experiments_from_one_training(extrapolated: Path, both_regimes: Path, tmp_path: Path):
    """Fig. 3 and Fig. 4 with one epoch: everything is written, and the second finds the first's training."""
    out = shutil.copytree(extrapolated, tmp_path / "out")
    for name in ("fig3a_loss", "fig3bc_parity", "fig3def_parity"):
        assert (out / f"{name}.png").stat().st_size > 10_000
    rows = {r["quantity"]: r for r in json.loads((out / "extrapolation.json").read_text())["rows"]}
    assert (out / "extrapolation.md").read_text(encoding="utf-8").splitlines()[2] == data_line(both_regimes)
    assert rows["R² test"]["paper"] == 0.89
    assert rows["R² test, BB"]["paper"] == 0.83
    (folder,) = (out / "runs").iterdir()
    stored = evaluate(folder / "predictions.parquet", track="extrapolation", dataset=both_regimes, n_boot=5)
    assert rows["R² test"]["ours"] == pytest.approx(stored.r2["overall"])
    assert (folder / "loss.png").is_file()
    done = one_epoch("overlays", both_regimes, out, jit=True)
    assert done.exit_code == 0, done.exception
    assert (out / "fig4_overlays.png").stat().st_size > 10_000
    assert len(list((out / "runs").iterdir())) == 1


def test_an_experiment_in_the_mixed_regime_stands_beside_the_other(
    toy: Path, both_regimes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It trains on the mixed track and writes files of its own; the tables of 1.x and other experiments refuse."""
    trained = []

    def train(jobs, settings):
        trained.extend(j.track for j in jobs)
        raise StopIteration

    monkeypatch.setattr("binlj.baselines.reproduce.overlays.train_jobs", train)
    for regime in ("equilibrium", "mixed"):
        call(cli.reproduce, "overlays", "--dataset", both_regimes, "--out", tmp_path, "--regime", regime)
    assert trained == ["extrapolation", "mixed_extrapolation"]
    settings = Settings(tmp_path, both_regimes, regime="mixed")
    assert settings.picture("fig4").name == "fig4-mixed.png" and settings.title("x") == "x, mixed regime"
    assert "-mixed-1000-" in settings.cache("points").name
    g = [curves(frame_of("extrapolation", Settings(tmp_path, both_regimes, regime=r))) for r in (None, "mixed")]
    np.testing.assert_allclose(g[1], 0.9 * g[0])
    assert "no regime" in str(call(cli.reproduce, "timing", "--regime", "mixed", "--out", tmp_path).exception)
    args = ("--dataset", toy, "--out", tmp_path, "--regime", "mixed")
    assert "has no mixed regime" in str(call(cli.reproduce, "overlays", *args).exception)


def test_the_summary_puts_both_regimes_beside_the_paper(
    extrapolated: Path, both_regimes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its rows are those that the experiments write, for short trainings; what is missing is named."""
    out = shutil.copytree(extrapolated, tmp_path / "out")
    monkeypatch.setattr("binlj.baselines.reproduce.learning_curve.SHARES", (5 / 9, 1.0))
    monkeypatch.setattr("binlj.baselines.reproduce.learning_curve.WAYS", {"random RDFs": "rdfs"})
    monkeypatch.setattr("binlj.baselines.reproduce.summary.WAYS", ("random RDFs",))
    points = {"train": 0.5, "test": 0.25}
    monkeypatch.setattr("binlj.baselines.reproduce.interpolation._point_split", lambda *a: points)
    seconds = Row("seconds for 100 RDFs, paper's recipe, 1000 epochs", 9.6, paper=40, digits=1)
    Finding("", [seconds], {"data": data_line(both_regimes)}).write("timing", out)
    refused = str(one_epoch("summary", both_regimes, out).exception)
    assert "learning-curve-mixed.json is missing" in refused and "timing" not in refused
    for name in ("interpolation", "learning-curve"):
        with monkeypatch.context() as patch:  # their pictures are not looked at here
            patch.setattr("binlj.baselines.reproduce.figures.write", lambda figure, file: file)
            done = one_epoch(name, both_regimes, out)
        assert done.exit_code == 0, done.exception
    for name in ("interpolation", "extrapolation", "learning-curve"):
        found = json.loads((out / f"{name}.json").read_text())
        for row in found["rows"]:
            row["ours"] = 0.125
        (out / f"{name}-mixed.json").write_text(json.dumps(found))
    peaks = ("first peak of g_BB, T* = 0.6", "first peak of g_BB, T* = 0.8 (training)", "first peak, dnn")
    for suffix in ("", "-mixed"):
        case = Finding("", [Row(p, n + 5.0, digits=1) for n, p in enumerate(peaks)], {"data": data_line(both_regimes)})
        case.write(f"failing-case{suffix}", out)
    done = one_epoch("summary", both_regimes, out)
    assert done.exit_code == 0, done.exception
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.output.splitlines() if line[:1] == "|"]
    assert rows[0] == ["", "paper", "equilibrium", "mixed"] and {len(row) for row in rows} == {4}
    by = {row[0]: row[1:] for row in rows}
    naive = evaluate(
        naive_predictions("nearest_temperature", track="extrapolation", dataset=both_regimes),
        track="extrapolation", dataset=both_regimes, n_boot=1, naive=False,
    )  # fmt: skip
    assert by["skill"][0] == "" and by["skill"][2] == "0.125"
    assert rows[[r[0] for r in rows].index("skill") + 1][2:] == [f"{naive.skill['overall']:.3f}", "0.125"]
    assert by["R² test, random points held out"] == ["0.99", "0.250", "0.125"]
    assert by["R² test, BB"][0] == "0.83" and by["90,000 points (all)"][0] == "0.9"
    assert by["simulated, T\\* = 0.6"] == ["", "5.0", "5.0"] and "40" in by["**Seconds to learn 100 RDFs**"]
    assert len(by["50,000 points, random RDFs"]) == 3
    assert (out / "fig6_both_regimes.png").stat().st_size > 10_000
    other = json.loads((out / "failing-case.json").read_text())
    other["conditions"]["data"] = "Dataset 0.9.0"
    (out / "failing-case.json").write_text(json.dumps(other))
    assert "of other data: Dataset 0.9.0" in str(one_epoch("summary", both_regimes, out).exception)


def test_timing_needs_more_than_a_hundred_rdfs(small: Path, tmp_path: Path):
    refused = call(cli.reproduce, "timing", "--dataset", small, "--out", tmp_path)
    assert "54 RDFs" in str(refused.exception)


@pytest.mark.parametrize("way", ["points", "rdfs", "ordered"])
def test_learning_curve_subsets(way: str):
    chosen = subset(way, 1 / 3, 9)
    assert len(chosen) == len(set(chosen.tolist())) == 300
    whole = {c for c in range(9) if set(range(100 * c, 100 * c + 100)) <= set(chosen.tolist())}
    assert len(whole) == {"points": 0, "rdfs": 3, "ordered": 3}[way]
    if way == "ordered":
        assert whole == {0, 1, 2}


def test_result_table(tmp_path: Path):
    rows = [mean_row("R²", [0.8, 0.9], paper=0.89), Row("seconds", 3.21, digits=1)]
    assert rows[0].spread == pytest.approx(0.0707, abs=1e-4)
    text = Finding("Title", rows, {"epochs": 5}).write("x", tmp_path)
    assert "| R² | 0.89 | 0.850 ± 0.071 |" in text
    assert "| seconds |  | 3.2 |" in text
    assert (tmp_path / "x.md").read_text(encoding="utf-8") == text
    assert set(NAIVE_BASELINES)


def test_the_tail_is_the_curves_of_most_variance():
    g = np.ones((20, 100))
    g[7], g[13, 0] = 50.0, 30.0
    keep, variance = without_tail(g, 0.05)
    assert np.flatnonzero(~keep).tolist() == [7]
    expected = ((g - g.mean()) ** 2).sum(1)
    assert variance == pytest.approx(expected[7] / expected.sum())
    keep, more = without_tail(g, 0.1)
    assert np.flatnonzero(~keep).tolist() == [7, 13] and more > variance
