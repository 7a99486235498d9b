"""The command line: exit codes, files beside the table, same seed same answer, clear refusals."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result
from explain_make import Planted, planted_curve, prediction_frame, write_rows

from binlj.data import dataset_info
from binlj.errors import InputError
from binlj.eval import write_predictions
from binlj.eval.explain import cli, report, sources
from binlj.eval.explain.attributions import KEYS
from binlj.grid import grid
from binlj.schema import FEATURES
from binlj.tracks import split

ROOM = Path(report.__file__).parent
FAST = ["--maps", "2", "--resamples", "1", "--n-boot", "20"]


def run(*args: object) -> Result:
    return CliRunner().invoke(cli.explain, [str(a) for a in args])


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders that pass for trained models: ``<name>-<ruling feature>/model.json``."""
    from binlj.baselines import store

    def load(folder: Path) -> Planted:
        name, feature = folder.name.split("-")[:2]
        return Planted(feature, name)

    monkeypatch.setattr(store, "load_model", load)
    for name in ("dnn-S", "dnn-S-2", "dnn-T", "xgboost-S", "gp-C_B"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.json").write_text("{}")
    return tmp_path


def written(path: Path) -> dict:  # type: ignore[type-arg]
    value = json.loads(path.read_text())
    jsonschema.validate(value, report.explain_schema())
    return value


def test_check_holds_and_is_repeatable(toy: Path, models: Path, tmp_path: Path) -> None:
    """On the toy data S rules the map; with a DNN ruled by S the claim holds, and twice the same file."""
    args = [
        "--dnn",
        models / "dnn-S",
        "--dnn",
        models / "dnn-S-2",
        "--xgboost",
        models / "xgboost-S",
        "--other",
        models / "gp-C_B",
        "--dataset",
        toy,
        *FAST,
    ]
    first, second = (run("check", *args, "--out", tmp_path / name) for name in ("one", "two"))
    assert first.exit_code == 0, first.output
    assert "The claim holds" in first.output
    assert first.output.replace("/one/", "/two/") == second.output
    names = {
        "check.json",
        "map.png",
        "clusters.png",
        "entropy.png",
        "sobol.png",
        "shap-dnn.png",
        "shap-xgboost.png",
        "shap-gp.png",
    }
    assert {p.name for p in (tmp_path / "one").iterdir()} == names
    assert (tmp_path / "one/check.json").read_bytes() == (tmp_path / "two/check.json").read_bytes()
    value = written(tmp_path / "one/check.json")
    info = dataset_info(path=toy)
    assert (value["dataset_version"], value["dataset_sha256"]) == (info["version"], info["data_sha256"])
    answers = {(r["method"], r["source"]): r["S_dominant"] for r in value["rankings"]}
    assert answers["SHAP, exact on the grid", "dnn"] == "yes"
    assert answers["SHAP, exact on the grid", "gp"] == "no"
    assert answers["Sobol first order, r / sigma_ij", "data"] == "no"  # the toy is nothing but a shift
    assert value["details"]["dnn"]["seeds"] == 2
    assert value["claim"]["holds"] is True
    # the answers that differ are said in words, and so is the weakness of the raw entropy
    assert any("gp" in text and "C_B comes first" in text for text in value["differences"])
    assert any("if the clusters were random" in text for text in value["differences"])
    assert all(text in first.output for text in value["differences"])


def test_check_fails_when_the_dnn_disagrees(toy: Path, models: Path, tmp_path: Path) -> None:
    done = run("check", "--dnn", models / "dnn-T", "--dataset", toy, *FAST, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "does not hold" in done.output
    claim = written(tmp_path / "out/check.json")["claim"]
    assert claim["S_lowest_entropy"] == "yes" and claim["S_highest_shap_dnn"] == "no" and not claim["holds"]


def test_check_needs_a_dnn_that_is_one(toy: Path, models: Path) -> None:
    assert "--dnn" in run("check", "--dataset", toy).output
    done = run("check", "--dnn", models / "xgboost-S", "--dataset", toy, *FAST)
    assert isinstance(done.exception, InputError)
    assert "--dnn was given a xgboost model" in str(done.exception)


def test_data_command(toy: Path, tmp_path: Path) -> None:
    done = run("data", "--dataset", toy, *FAST, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    value = written(tmp_path / "out/data.json")
    assert value["kind"] == "data" and value["claim"] is None
    assert len(value["rankings"]) == 9
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
    assert value["details"]["mine"]["levels"]["T"] == [0.6, 1.4]
    scores = value["details"]["attributions"]["Sobol first order, r"]
    assert scores["AA"]["same_first"] is True and scores["mean"]["same_first"] is False
    assert "agreement of the attributions" in done.output
    assert (tmp_path / "out/shap-mine.png").stat().st_size > 10_000


def test_model_command_refuses_an_incomplete_grid(toy: Path, tmp_path: Path) -> None:
    file = tmp_path / "p.parquet"
    write_predictions(file, prediction_frame(list(split("interpolation")[1]), planted_curve("S")))
    done = run("model", file, "--track", "interpolation", "--dataset", toy, "--out", tmp_path / "out")
    assert isinstance(done.exception, InputError)
    assert "combinations missing" in str(done.exception) and "give a model folder" in str(done.exception)


def test_sources_that_cannot_be(toy: Path, models: Path, tmp_path: Path) -> None:
    from binlj.baselines import store

    def problem(*paths: Path) -> str:
        with pytest.raises(InputError) as caught:
            sources.open_sources(paths, track="extrapolation", load_model=store.load_model, dataset=toy)
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
    from binlj.baselines import store

    home = tmp_path / "runs"
    home.mkdir()
    for k in (0, 1, 2):
        (models / f"dnn-S-{k + 10}").mkdir()
        (models / f"dnn-S-{k + 10}" / "model.json").write_text("{}")
        (models / f"dnn-S-{k + 10}").rename(home / f"dnn-S-{k}")
    found = sources.open_sources([home], track="extrapolation", load_model=store.load_model, dataset=toy)
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
        "[CliRunner().invoke(explain, [c, '--help']) for c in ('data', 'model', 'check')]; "
        "heavy = ('numpy', 'pandas', 'umap', 'shap', 'sklearn', 'matplotlib', 'tensorflow'); "
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "['numpy']", done.stdout + done.stderr
