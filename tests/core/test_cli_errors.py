"""The top of the command line: one line for what the system refuses, a traceback for our own defects."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from binlj import cli as module
from binlj.errors import InputError, as_ours
from binlj.grid import State, parse_state_id


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs the device /dev/full")
def test_a_full_output_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "binlj.cli", "states"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 7
    assert done.stderr.startswith("error: No space left on device") and "Traceback" not in done.stderr


def test_a_store_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    command = [sys.executable, "-m", "binlj.cli", "simulate", "T0.7-C0.2-S1-E0.5", "--out", str(tmp_path / "store")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (4, 7), done.stderr  # 4: no LAMMPS here
    assert "Traceback" not in done.stderr


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
