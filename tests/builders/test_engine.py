"""LAMMPS executables: found, asked for their version, their errors passed on, none left running."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from binlj.builders.md.engine import Engine, deck_sha256, find_engine, run_script
from binlj.errors import EngineError, InputError

pytestmark = pytest.mark.lammps


def test_missing_and_broken_engines_are_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no LAMMPS executable 'lmp-that-is-not-there'"):
        find_engine("lmp-that-is-not-there")
    fake = tmp_path / "lmp"
    fake.write_text("#!/bin/sh\necho I am not LAMMPS\nexit 3\n")
    fake.chmod(0o755)
    with pytest.raises(EngineError, match="does not answer like LAMMPS .exit code 3.: 'I am not LAMMPS'"):
        find_engine(str(fake))
    fake.write_text("\x7fELF nonsense")
    with pytest.raises(EngineError, match="does not run"):
        find_engine(str(fake.rename(tmp_path / "lmp2")))


def test_a_restart_file_of_a_newer_lammps_is_named_as_such(tmp_path: Path) -> None:
    """What an older LAMMPS says of it does not tell."""
    fake = tmp_path / "lmp"
    said = "ERROR: Invalid flag in header section of restart file (src/read_restart.cpp:855)"
    fake.write_text(f"#!/bin/sh\necho '{said}' > segment.log\nexit 1\n")
    fake.chmod(0o755)
    with pytest.raises(EngineError, match="Invalid flag(.|\n)*fix: a newer LAMMPS wrote the restart file"):
        run_script(Engine(str(fake), "", "", "fake"), "segment", tmp_path, {})


def test_script_hash_ignores_comments_but_not_what_scripts_do(tmp_path: Path) -> None:
    from binlj import paths

    for name in ("a", "b", "c"):
        shutil.copytree(paths.scripts_dir(), tmp_path / name)
    script = tmp_path / "b" / "segment.lmp"
    script.write_text("# another comment\n\n" + script.read_text())
    script = tmp_path / "c" / "potential.lmp"
    script.write_text(script.read_text().replace("0.005", "0.004"))
    a, b, c = (deck_sha256(tmp_path / name) for name in ("a", "b", "c"))
    assert a == b == deck_sha256()
    assert a != c


def test_no_lammps_outlives_a_killed_builder(tmp_path: Path) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    command = [sys.executable, "-m", "binlj.cli", "simulate", "T1.00-C0.500-S1.00-E1.00", "--out", str(tmp_path),
               "--n", "4000", "--steps", "20000", "--every", "20000", "--segments", "1"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def children() -> list[str]:
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                    if (
                        words
                        and words[0].endswith(b"/lmp")
                        and str(tmp_path).encode() in os.readlink(entry / "cwd").encode()
                    ):
                        found.append(entry.name)
                except OSError:
                    continue
        return found

    deadline = time.monotonic() + 60
    while not children() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert children(), "LAMMPS never started"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 20
    while children() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not children()


def test_paths_may_hold_spaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the store and of the input scripts (a clone): LAMMPS splits its input at spaces."""
    from binlj import paths
    from binlj.builders.md.chain import Chain
    from binlj.builders.md.profiles import Profile
    from binlj.builders.md.segment import advance
    from binlj.grid import State

    scripts = tmp_path / "my clone" / "lammps"
    shutil.copytree(paths.scripts_dir(), scripts)
    monkeypatch.setattr(paths, "scripts_dir", lambda: scripts)
    store = tmp_path / "my store"
    files = advance(
        Chain(State(1.4, 0.3, 1.0, 0.6)), profile=Profile("tiny", 500, 100, (), 40, 20, 10_000), engine=find_engine(),
        folder=store / "work", records=store / "loose", segments=2,
    )  # fmt: skip
    assert len(files) == 2


def test_quotes_that_do_not_close_are_refused() -> None:
    with pytest.raises(InputError, match="--lmp-args"):
        find_engine(args='-sf "opt')
