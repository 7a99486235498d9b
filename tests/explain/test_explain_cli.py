"""The command line: exit codes, files beside the table, same seed same answer, clear refusals."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner, Result
from explain_make import Planted, planted_curve, prediction_frame, write_rows

from binlj.cli import load_model
from binlj.data import data_line, dataset_info
from binlj.errors import InputError
from binlj.eval import write_predictions
from binlj.eval.explain import cli, document, embedding, sources
from binlj.eval.explain.attributions import KEYS, read_attributions, score_attributions
from binlj.eval.explain.model_free import model_free_importances
from binlj.grid import grid
from binlj.schema import FEATURES
from binlj.tracks import split

ROOM = Path(document.__file__).parent
FAST = ["--maps", "2", "--resamples", "1", "--n-boot", "20"]


def run(*args: object) -> Result:
    return CliRunner().invoke(cli.explain, [str(a) for a in args], obj=load_model)


def flat_map(vectors: np.ndarray, *, seed: int) -> np.ndarray:
    """Principal components in place of UMAP, which takes half a minute to compile; it has a test of its own."""
    from sklearn.decomposition import PCA

    return PCA(2, random_state=seed).fit_transform(vectors)


@pytest.fixture(scope="module")
def analysed(toy: Path) -> object:
    """What does not depend on a model, once: two maps, one resample, 20 noisy copies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedding, "embed", flat_map)
        return cli._explain_data("equilibrium", 0, toy, 2, 1, 20)


@pytest.fixture
def quick(analysed: object, toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands use that analysis, as long as they ask for just that one."""

    def same(*args: object) -> object:
        assert args == ("equilibrium", 0, toy, 2, 1, 20)
        return analysed

    monkeypatch.setattr(cli, "_explain_data", same)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders that pass for trained models: ``<name>-<ruling feature>/model.json``."""
    from binlj.baselines import model_files

    def load(folder: Path) -> Planted:
        name, feature = folder.name.split("-")[:2]
        return Planted(feature, name)

    monkeypatch.setattr(model_files, "load_model", load)
    for name in ("dnn-S", "dnn-S-2", "dnn-T", "xgboost-S", "gp-C_B"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.json").write_text("{}")
    return tmp_path


def written(path: Path) -> dict:  # type: ignore[type-arg]
    value = json.loads(path.read_text())
    jsonschema.validate(value, document.explain_schema())
    return value


@pytest.mark.usefixtures("quick")
def test_check_holds(toy: Path, models: Path, tmp_path: Path) -> None:
    """On the toy data S rules the map: with a DNN ruled by S the claim holds."""
    seeds = ["--dnn", models / "dnn-S", "--dnn", models / "dnn-S-2"]
    others = ["--xgboost", models / "xgboost-S", "--other", models / "gp-C_B"]
    done = run("check", *seeds, *others, "--dataset", toy, *FAST, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "The claim holds" in done.output and f"{data_line(toy)} Regime: equilibrium." in done.output
    pictures = ("map", "map-scaled", "clusters", "entropy", "sobol", "shap-dnn", "shap-xgboost", "shap-gp")
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"check.json", *(f"{p}.png" for p in pictures)}
    value = written(tmp_path / "out/check.json")
    info = dataset_info(path=toy)
    assert (value["dataset_version"], value["dataset_sha256"]) == (info["version"], info["data_sha256"])
    answers = {(r["method"], r["source"]): r["S_dominant"] for r in value["rankings"]}
    assert answers["SHAP, exact on the grid", "dnn"] == "yes"
    assert answers["SHAP, exact on the grid", "gp"] == "no"
    assert answers["Sobol first order, r", "data"] == "yes"
    assert answers["Sobol first order, r / sigma_ij", "data"] == "no"  # the toy's S is nothing but a shift
    assert value["details"]["models"]["dnn"]["seeds"] == 2
    notes = next(r["notes"] for r in value["rankings"] if r["source"] == "dnn")
    assert notes["half_interval_over_seeds"]["S"] == pytest.approx(0), "both seeds are one model"
    assert "over 2 seeds alone (Student's t)" in done.output
    assert value["claim"]["holds"] is True
    # the answers that differ are said in words, and so is the weakness of the raw entropy
    assert any("gp" in text and "C_B comes first" in text for text in value["differences"])
    assert any("if the clusters were random" in text for text in value["differences"])
    assert all(text in done.output for text in value["differences"])


@pytest.mark.usefixtures("quick")
def test_check_fails_with_a_dnn_that_disagrees(
    toy: Path, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_data_pictures", lambda *a: None)
    command = ("check", "--dnn", models / "dnn-T", "--dataset", toy, *FAST, "--out", tmp_path / "out")
    assert run(*command, "--exit-code").exit_code == 1
    done = run(*command)
    assert done.exit_code == 0, "it ran; the verdict is in what it says"
    assert "does not hold" in done.output
    claim = written(tmp_path / "out/check.json")["claim"]
    assert claim["S_lowest_entropy"] == "yes" and claim["S_highest_shap_dnn"] == "no" and not claim["holds"]


@pytest.mark.usefixtures("quick")
def test_check_warns_of_a_model_of_other_data(
    toy: Path, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_data_pictures", lambda *a: None)
    for name, sha in (("dnn-S", "0" * 64), ("dnn-S-2", dataset_info(path=toy)["data_sha256"])):
        record = {"run": {"dataset_sha256": sha, "track": "extrapolation", "seed": 3}}
        (models / name / "metadata.json").write_text(json.dumps(record))
    paths = ["--dnn", models / "dnn-S", "--dnn", models / "dnn-S-2"]
    done = run("check", *paths, "--dataset", toy, *FAST, "--out", tmp_path / "out")
    found = [t for t in written(tmp_path / "out/check.json")["differences"] if "other data" in t]
    assert len(found) == 1 and str(models / "dnn-S") in found[0] and "dnn-S-2" not in found[0]
    assert found[0] in done.output


def test_same_seed_same_answer(analysed: Any, toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "embed", flat_map)
    again = cli._explain_data("equilibrium", 0, toy, 2, 1, 20)
    assert [r.to_dict() for r in again.map.rankings] == [r.to_dict() for r in analysed.map.rankings]
    assert [r.to_dict() for r in again.curves.rankings] == [r.to_dict() for r in analysed.curves.rankings]
    assert again.map.details == analysed.map.details and again.curves.details == analysed.curves.details
    other = cli._explain_data("equilibrium", 1, toy, 1, 0, 20)
    assert other.curves.rankings[0].low != analysed.curves.rankings[0].low


def test_check_needs_a_dnn_that_is_one(toy: Path, models: Path) -> None:
    assert "--dnn" in run("check", "--dataset", toy).output
    done = run("check", "--dnn", models / "xgboost-S", "--dataset", toy, *FAST)
    assert isinstance(done.exception, InputError)
    assert "--dnn was given a xgboost model" in str(done.exception)


@pytest.mark.usefixtures("quick")
def test_data_command(toy: Path, tmp_path: Path) -> None:
    done = run("data", "--dataset", toy, *FAST, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    value = written(tmp_path / "out/data.json")
    assert value["kind"] == "data" and value["claim"] is None
    assert len(value["rankings"]) == 16
    spectrum = value["details"]["curves"]["scaled"]["BB"]
    assert len(spectrum["x"]) == 62 and set(spectrum["first"]) == set(FEATURES)
    assert set(value["details"]["map"]["by_k"]) == {str(k) for k in range(2, 11)}


def test_model_command_on_a_submission_with_attributions(toy: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    frame = prediction_frame(list(split("extrapolation")[1]), planted_curve("S"))
    write_predictions(folder / "predictions-extrapolation.parquet", frame)
    write_rows(folder / "attributions.parquet", [(f, p, 1.0 + (f == "T")) for f, p in KEYS])
    done = run("model", folder, "--dataset", toy, "--n-boot", "20", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    value = written(tmp_path / "out/model-mine.json")
    ranking = value["rankings"][0]
    assert ranking["order"][0] == "S" and ranking["notes"]["states"] == 200
    assert value["details"]["models"]["mine"]["levels"]["T"] == [0.6, 1.4]
    scores = value["details"]["attributions"]["Sobol first order, r"]
    assert scores["AA"]["same_first"] is True and scores["mean"]["same_first"] is False
    assert "agreement of the attributions" in done.output
    assert (tmp_path / "out/shap-mine.png").stat().st_size > 10_000


def test_model_command_writes_attributions_that_a_submission_can_carry(
    toy: Path, models: Path, tmp_path: Path
) -> None:
    file = tmp_path / "attributions.parquet"
    options = ["--dataset", toy, "--n-boot", "20", "--out", tmp_path / "out", "--write-attributions", file]
    done = run("model", models / "dnn-S", *options)
    assert done.exit_code == 0, done.output
    value = written(tmp_path / "out/model-dnn.json")
    by_pair = value["rankings"][0]["by_pair"]
    own = read_attributions(file)
    for feature, pair, size in own.itertuples(index=False):
        assert size == by_pair[pair]["values"][feature]
    truth = model_free_importances(toy)
    scored = score_attributions(own, truth)
    reported = value["details"]["models"]["dnn"]["agreement"]
    for method in truth:  # the quick estimates are those of the full analysis
        assert scored[method] == reported[method]


def test_model_command_refuses_an_incomplete_grid(toy: Path, tmp_path: Path) -> None:
    file = tmp_path / "p.parquet"
    write_predictions(file, prediction_frame(list(split("interpolation", version="0.0.0+toy")[1]), planted_curve("S")))
    done = run("model", file, "--track", "interpolation", "--dataset", toy, "--out", tmp_path / "out")
    assert isinstance(done.exception, InputError)
    assert "combinations missing" in str(done.exception) and "give a model folder" in str(done.exception)


def test_sources_that_cannot_be(toy: Path, models: Path, tmp_path: Path) -> None:
    from binlj.baselines import model_files

    def problem(*paths: Path) -> str:
        with pytest.raises(InputError) as caught:
            sources.open_sources(paths, track="extrapolation", load_model=model_files.load_model, dataset=toy)
        return str(caught.value)

    assert "no such file or folder" in problem(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "no model.json and no predictions-extrapolation.parquet" in problem(tmp_path / "empty")
    assert "different models, not seeds of one: dnn, gp" in problem(models / "dnn-S", models / "gp-C_B")
    file = tmp_path / "p.parquet"
    write_predictions(file, prediction_frame(list(split("extrapolation")[1]), planted_curve("S")))
    assert "on different states" in problem(models / "dnn-S", file)
    short = tmp_path / "short.parquet"
    write_predictions(short, prediction_frame(list(grid()[:3]), planted_curve("S")))
    assert "keys are missing" in problem(short)


def test_a_folder_of_model_folders_is_seeds_of_one(toy: Path, models: Path, tmp_path: Path) -> None:
    from binlj.baselines import model_files

    home = tmp_path / "runs"
    home.mkdir()
    for k in (0, 1, 2):
        (models / f"dnn-S-{k + 10}").mkdir()
        (models / f"dnn-S-{k + 10}" / "model.json").write_text("{}")
        (models / f"dnn-S-{k + 10}").rename(home / f"dnn-S-{k}")
    found = sources.open_sources([home], track="extrapolation", load_model=model_files.load_model, dataset=toy)
    assert found.name == "dnn" and len(found.runs) == 3 and found.trained


def test_the_evaluator_never_imports_the_baselines() -> None:
    for file in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any("baselines" in n for n in names), f"{file.name} line {node.lineno}"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from binlj.eval.explain.cli import explain; "
        "[CliRunner().invoke(explain, [c, '--help']) for c in ('data', 'model', 'check', 'parameters')]; "
        "heavy = ('numpy', 'pandas', 'umap', 'shap', 'sklearn', 'matplotlib', 'tensorflow'); "
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "['numpy']", done.stdout + done.stderr
