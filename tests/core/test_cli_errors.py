"""The top of the command line: one line for what the system refuses, a traceback for our own defects."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from binlj import cli as module
from binlj.errors import BinljError, InputError, as_ours
from binlj.files import write_text
from binlj.grid import State, parse_state_id


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs the device /dev/full")
def test_a_full_output_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "binlj.cli", "states"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 7
    assert done.stderr.startswith("error: No space left on device") and "Traceback" not in done.stderr


TRACK = ["--track", "extrapolation"]
BUILD = ["leaderboard", "build", "--submissions", "{room}/none"]
NEW = [
    "submit", "new", "other", "-p", "extrapolation", "{predictions}", "--submissions", "{room}/file/x",
    "--name", "Other", "--author", "A", "--license", "CC0-1.0", "--extra-training-data", "none",
    "--prior-knowledge", "none", "--code", "https://example.org/code",
]  # fmt: skip


@pytest.fixture(scope="module")
def room(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands below damage or write over: a file, a trained model, predictions, a store."""
    folder = tmp_path_factory.mktemp("room")
    (folder / "file").write_text("")
    (folder / "none").mkdir()
    (folder / "locked" / ".lock").mkdir(parents=True)
    (folder / "damaged" / "configurations").mkdir(parents=True)
    (folder / "damaged" / "configurations" / "last.parquet").write_bytes(b"garbage")
    for command in (
        ["train", "mean_rdf", *TRACK, "--out", f"{folder}/run", "--dataset", str(toy)],
        ["template", *TRACK, f"{folder}/p.parquet", "--dataset", str(toy)],
    ):
        module.main(command)
    return folder


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as done:
        module.main(arguments)
    said = capsys.readouterr().err
    assert "Traceback" not in said, said
    assert isinstance(done.value.code, int)
    return done.value.code, said


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["template", *TRACK, "/dev/full"], 7),
        (["template", *TRACK, "/proc/none/x.parquet"], 7),
        (["predict", "{room}/run", "--out", "{room}/file/x.parquet"], 7),
        (["evaluate", "{predictions}", *TRACK, "--n-boot", "20", "--json", "/dev/full"], 7),
        (["evaluate", "{predictions}", *TRACK, "--n-boot", "20", "--json", "{room}/file/x.json"], 7),
        (["evaluate", "{predictions}", *TRACK, "--n-boot", "20", "--plots", "{room}/file/x"], 7),
        (["compare", "{predictions}", "{predictions}", *TRACK, "--n-boot", "20", "--json", "/dev/full"], 7),
        (["train", "mean_rdf", *TRACK, "--out", "/proc/none"], 7),
        (["train", "mean_rdf", *TRACK, "--out", "{room}/file/x"], 7),
        ([*BUILD, "--out", "/proc/none"], 7),
        (NEW, 7),
        (["train", "dnn", *TRACK, "--out", "{room}/x", "--set", "epochs=1.5"], 2),
        (["train", "dnn", *TRACK, "--out", "{room}/x", "--set", "epochs=1e9999"], 2),
        (["train", "dnn", *TRACK, "--out", "{room}/x", "--set", "epochs=true"], 2),
        (["train", "xgboost", *TRACK, "--out", "{room}/x", "--set", "folds=[3]"], 2),
        (["train", "xgboost", *TRACK, "--out", "{room}/x", "--seed", "9" * 30], 2),
        (["train", "mean_rdf", *TRACK, "--out", "{room}/x", "--set", "a=1"], 2),
        (["train", "mean_rdf", *TRACK, "--out", "{room}/x", "--set", "="], 2),
    ],
)
def test_what_cannot_be_written_or_set_is_one_line(
    command: list[str], code: int, room: Path, toy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [part.format(room=room, predictions=room / "p.parquet") for part in command]
    assert refused([*filled, "--dataset", str(toy)], capsys)[0] == code


@pytest.mark.parametrize("store", ["file", "file/x", "locked"])
@pytest.mark.parametrize("command", [["run", "--max-tasks", "0"], ["archive"], ["repair"]])
def test_a_store_that_is_none_is_one_line(
    command: list[str], store: str, room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("parsl")
    if command[0] == "run" and not find_lammps():
        pytest.skip("no LAMMPS here")
    assert refused(["campaign", *command, "--store", str(room / store)], capsys)[0] in (2, 7)


def find_lammps() -> bool:
    from binlj.builders.md.engine import find_engine

    try:
        return bool(find_engine())
    except BinljError:
        return False


def test_damaged_configurations_are_one_line_with_the_repair(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not find_lammps():
        pytest.skip("no LAMMPS here")
    code, said = refused(["campaign", "run", "--max-tasks", "0", "--store", str(room / "damaged")], capsys)
    assert code == 3 and "last.parquet" in said and "binlj campaign repair --store" in said


@pytest.mark.parametrize("option", ["--lmp-args", "--launcher"])
def test_an_open_quote_is_one_line(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("parsl")
    arguments = ["simulate", "T0.7-C0.2-S1-E0.5", "--out", str(tmp_path), option, '-sf "opt']
    code, said = refused(arguments, capsys)
    assert code == 2 and option in said


SHAPES = ["", "[]", "{}", "null", "1", "{", "[" * 100_000, '{"format": 1, "files": [], "version": {}, "run": []}']


@pytest.mark.parametrize("content", SHAPES)
@pytest.mark.parametrize("name", ["model.json", "metadata.json", "manifest.json"])
def test_json_of_another_shape_is_one_line(
    name: str, content: str, room: Path, toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, dataset = tmp_path / "run", tmp_path / "binlj-rdf"
    shutil.copytree(room / "run", run)
    shutil.copytree(toy, dataset)
    ((dataset if name == "manifest.json" else run) / name).write_text(content)
    arguments = ["predict", str(run), "--out", str(tmp_path / "p.parquet"), "--dataset", str(dataset)]
    code, said = refused(arguments, capsys)
    assert code in (2, 3) and len(said) < 2_000
    if name == "manifest.json":
        assert refused(["verify", "--dataset", str(dataset)], capsys)[0] == 3


def test_a_device_is_written_to_and_stays_a_device(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True)
    write_text(pipe, "a\n")
    assert reader.communicate(timeout=10)[0] == "a\n" and pipe.is_fifo()


def test_a_defect_shows_its_traceback_and_where_to_report_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command("states")
    def broken() -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(module.LazyGroup, "get_command", lambda *_: broken)
    with pytest.raises(SystemExit) as done:
        module.main(["states"])
    said = capsys.readouterr().err
    assert done.value.code == 1
    assert "ZeroDivisionError: ours" in said and said.splitlines()[-1].endswith(module.ISSUES)
    assert as_ours(ZeroDivisionError()) is None


@pytest.mark.parametrize("text", ["T0.7-C0.2-S1-E0.5", "T0.70-C0.200-S1.00-E0.50", "T0.700-C0.2-S1.0-E0.5000"])
def test_what_people_type_is_read_where_it_is_unambiguous(text: str) -> None:
    assert parse_state_id(text, exact=False) == State(0.7, 0.2, 1.0, 0.5)


@pytest.mark.parametrize(
    "text", ["T0.701-C0.2-S1-E0.5", "T0.7-C0.2001-S1-E0.5", "T.7-C0.2-S1-E0.5", "T7e-1-C0.2-S1-E1"]
)
def test_what_an_id_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="state id"):
        parse_state_id(text, exact=False)
