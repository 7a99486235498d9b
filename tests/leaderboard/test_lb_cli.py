"""The commands, and the walk from an empty template to a rank."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from lb_make import blend, make, run

from binlj.eval import write_predictions
from binlj.leaderboard.new import create
from binlj.leaderboard.submission import check


def test_from_template_to_rank(capsys, entries: Path, toy: Path, tmp_path: Path) -> None:
    """As CONTRIBUTING.md tells it."""
    submissions = tmp_path / "submissions"
    submissions.mkdir()
    for id in ("alpha", "hostile"):
        (submissions / id).symlink_to(entries / id)  # replaced below by copies: links are refused
    out = tmp_path / "pred.parquet"
    assert run(capsys, "template", "--track", "extrapolation", out, "--dataset", toy)[0] == 0
    code, text, _ = run(
        capsys,
        "submit",
        "new",
        "my-model",
        "-p",
        "extrapolation",
        out,
        "--name",
        "My model",
        "--author",
        "Me",
        *("--license", "CC-BY-4.0", "--extra-training-data", "none", "--prior-knowledge", "none"),
        *("--code", "https://example.org/archive.zip"),
        "--submissions",
        submissions,
        "--dataset",
        toy,
    )
    assert code == 0
    for left in ("parameters", "hardware", "train_seconds", "predict_seconds", "seeds"):
        assert f"{left}: is empty" in text
    folder = submissions / "my-model"
    code, _, error = run(capsys, "submit", "check", folder, "--dataset", toy)
    assert code == 2 and "hardware" in error

    meta = (folder / "submission.yaml").read_text()
    for empty, filled in (
        ("parameters:\n", "parameters: 3\n"),
        ("hardware: ''", "hardware: a laptop"),
        ("seeds:\n", "seeds: []\n"),
        ("train_seconds:\n", "train_seconds: 1.5\n"),
        ("predict_seconds:\n", "predict_seconds: 0.1\n"),
    ):
        assert empty in meta
        meta = meta.replace(empty, filled)
    (folder / "submission.yaml").write_text(meta)
    write_predictions(
        folder / "predictions-extrapolation.parquet", blend("extrapolation", toy, share=0.8, noise=1, seed=9)
    )

    code, text, _ = run(capsys, "submit", "check", folder, "--submissions", submissions, "--dataset", toy)
    assert code == 0
    assert "my-model: valid" in text
    assert "not compared with 'alpha'" in text  # a symbolic link
    for id in ("alpha", "hostile"):
        (submissions / id).unlink()
        make(submissions, id, toy, share={"alpha": 0.95, "hostile": 0.5}[id], tracks=("extrapolation",))
    code, text, _ = run(capsys, "submit", "check", folder, "--submissions", submissions, "--dataset", toy)
    assert code == 0
    assert "rank interval 2 of 3 ranked entries: 1 significantly better, 1 significantly worse" in text
    assert "beats the best of the 6 naive baselines" in text

    code, text, _ = run(
        capsys, "leaderboard", "build", "--submissions", submissions, "--out", tmp_path / "o", "--dataset", toy
    )
    assert code == 0
    rows = json.loads((tmp_path / "o" / "results.json").read_text())["rows"]
    assert next(r for r in rows if r["id"] == "my-model")["rank"] == 2
    code, text, _ = run(
        capsys,
        "leaderboard",
        "build",
        "--check",
        "--submissions",
        submissions,
        "--out",
        tmp_path / "o",
        "--dataset",
        toy,
    )
    assert code == 0 and "what a fresh rescore gives" in text
    (tmp_path / "o" / "results.json").write_text("{}")
    code, _, error = run(
        capsys,
        "leaderboard",
        "build",
        "--check",
        "--submissions",
        submissions,
        "--out",
        tmp_path / "o",
        "--dataset",
        toy,
    )
    assert code == 3 and "results.json" in error
    assert (tmp_path / "o" / "results.json").read_text() == "{}"  # a check writes nothing


NEW = ("submit", "new", "mine", "-p", "extrapolation")


class Terminal(io.StringIO):
    """Answers, typed at a terminal."""

    def isatty(self) -> bool:
        return True


def test_new_without_a_terminal_lists_every_missing_statement(capsys, entries: Path, tmp_path: Path) -> None:
    file = entries / "alpha" / "predictions-extrapolation.parquet"
    code, _, error = run(capsys, *NEW, file, "--name", "Mine", "--submissions", tmp_path)
    assert code == 2 and not list(tmp_path.iterdir())
    asked = re.findall(r"  - (--[\w-]+) is missing: ", error)
    assert asked == ["--author", "--license", "--extra-training-data", "--prior-knowledge", "--code"]
    assert "CC-BY-4.0" in error
    code, _, error = run(capsys, *NEW, file, "--reference", "--submissions", tmp_path)
    assert re.findall(r"  - (--[\w-]+) is missing: ", error) == [
        "--name", "--author", "--license", "--extra-training-data"
    ]  # fmt: skip


def test_new_on_a_terminal_asks_for_what_the_options_do_not_give(
    capsys, monkeypatch, entries: Path, toy: Path, tmp_path: Path
) -> None:
    file = entries / "alpha" / "predictions-extrapolation.parquet"
    answers = ["Mine", "A. One, B. Two", "GPL", "MIT", "none", "https://example.org/x"]
    monkeypatch.setattr("sys.stdin", Terminal("\n".join(answers) + "\n"))
    given = ("--prior-knowledge", "integral equation", "--submissions", tmp_path, "--dataset", toy)
    code, out, error = run(capsys, *NEW, file, *given)
    assert code == 0, error
    assert "SPDX identifier" in out and "Physics the model starts from" not in out
    meta = yaml.safe_load((tmp_path / "mine" / "submission.yaml").read_text())
    assert (meta["name"], meta["license"], meta["extra_training_data"]) == ("Mine", "MIT", "none")
    assert [author["name"] for author in meta["authors"]] == ["A. One", "B. Two"]
    assert meta["links"] == {"code": "https://example.org/x"} and meta["prior_knowledge"] == "integral equation"
    # Other data put an entry outside the ranking, where neither physics nor code need to be named.
    monkeypatch.setattr("sys.stdin", Terminal("Mine\nMe\nMIT\nother fluids\n"))
    code, out, error = run(capsys, "submit", "new", "other", *NEW[3:], file, "--submissions", tmp_path)
    assert code == 0 and "Physics" not in out, error
    code, out, error = run(capsys, *NEW, file, "--submissions", tmp_path)
    assert code == 2 and "exists already" in error and "SPDX" not in out


def test_new_takes_what_training_runs_wrote(toy: Path, tmp_path: Path, entries: Path) -> None:
    out = tmp_path / "p.parquet"
    write_predictions(out, blend("interpolation", toy, share=0.8, noise=1, seed=1))
    files = []
    for seed in (2, 1):
        files.append(tmp_path / f"metadata-{seed}.json")
        record = {
            "run": {"name": "dnn", "parameters": {"epochs": 1000}, "seed": seed},
            "train_seconds": 12.25,
            "parameters": 10_000 - seed,
            "hardware": {"cpu": "Some CPU", "cores": 2, "load_average": 9.0},
            "versions": {"numpy": "2"},
        }
        files[-1].write_text(json.dumps(record))
    folder = create(
        "the-dnn",
        root=tmp_path / "s",
        predictions={"interpolation": [out]},
        metadata={"interpolation": files},
        seconds={("interpolation", "predict_seconds"): 0.5},
        attributions=entries / "alpha" / "attributions.parquet",
        authors=["The authors"],
        fields={
            "code": "https://example.org/x",
            "license": "MIT",
            "extra_training_data": "none",
            "prior_knowledge": "integral equation",
            "description": "A net: with a colon # and a hash",
        },
    )
    submission = check(folder, dataset=toy)
    assert submission.meta["name"] == "dnn"
    assert submission.meta["parameters"] == 9999, "the largest of the runs'"
    assert submission.meta["tracks"] == {"interpolation": {"train_seconds": 24.5, "predict_seconds": 0.5}}
    assert submission.meta["seeds"] == [1, 2]
    assert submission.meta["hardware"] == "Some CPU, 2 cores"
    assert submission.meta["description"] == "A net: with a colon # and a hash"
    assert submission.meta["links"] == {"code": "https://example.org/x"}
    assert "versions" not in (folder / "submission.yaml").read_text()
    assert submission.predictions("interpolation")[0].read_bytes() == out.read_bytes()
    assert submission.attributions is not None
    assert submission.attributions.read_bytes() == (entries / "alpha" / "attributions.parquet").read_bytes()


def test_new_leaves_a_time_empty_if_one_run_does_not_say_it(tmp_path: Path, entries: Path) -> None:
    for name, record in (("a", {"train_seconds": 3}), ("b", {})):
        (tmp_path / f"{name}.json").write_text(json.dumps(record))
    folder = create(
        "two-runs",
        root=tmp_path / "s",
        predictions={"extrapolation": [entries / "alpha" / "predictions-extrapolation.parquet"]},
        metadata={"extrapolation": [tmp_path / "a.json", tmp_path / "b.json"]},
    )
    meta = yaml.safe_load((folder / "submission.yaml").read_text())
    assert meta["tracks"]["extrapolation"]["train_seconds"] is None


def test_new_lists_every_problem_and_writes_nothing(tmp_path: Path) -> None:
    from binlj.errors import InputError

    broken = tmp_path / "m.json"
    broken.write_text("[1]")
    with pytest.raises(InputError) as error:
        create(
            "Bad Id",
            root=tmp_path / "s",
            predictions={"extrapolation": [tmp_path / "absent"]},
            metadata={"extrapolation": [broken], "interpolation": [broken]},
            fields={"score": "1", "parameters": "many"},
        )
    text = str(error.value)
    for expected in (
        "'Bad Id'",
        "no such file",
        "not a JSON object",
        "predictions are not",
        "unknown field 'score'",
        "whole number",
    ):
        assert expected in text
    assert not (tmp_path / "s").exists()


def test_new_does_not_overwrite(entries: Path, tmp_path: Path) -> None:
    from binlj.errors import InputError

    with pytest.raises(InputError, match="exists already"):
        create(
            "alpha",
            root=entries,
            predictions={"extrapolation": [entries / "alpha" / "predictions-extrapolation.parquet"]},
        )


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom binlj.cli import main\n"
        "try:\n main(['leaderboard', 'build', '--help'])\nexcept SystemExit: pass\n"
        "try:\n main(['submit', 'check', '--help'])\nexcept SystemExit: pass\n"
        "heavy = ('pandas', 'pyarrow', 'jsonschema', 'yaml', 'datasets', 'rich.progress')\n"
        "print([m for m in heavy if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.strip().splitlines()[-1] == "[]"
