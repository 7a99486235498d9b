"""Reading a stranger's parquet file in a child process with limits on memory, time and output.

A parquet file may be damaged or made so that the reader aborts, or takes gigabytes or hours. The child sets
its limits before it loads the parquet library, reads the file (:func:`binlj.eval.reading.read_here`) and
writes what it found to a temporary file: one line of JSON with problems and warnings, then the bounded
columns as an Arrow stream. However the child ends, the caller gets a table or one problem.

The limits on memory, processor time and output are those of ``resource`` (Linux). macOS has the module but
does not enforce the limit on memory; Windows has neither. There a file that fills the memory is not
stopped early; a crash and the limit of elapsed time still become one problem.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from binlj.eval.reading import LAYOUTS, clip, read_here

if TYPE_CHECKING:
    import pyarrow as pa

MAX_MEMORY = 800 * 2**20  # address space of the child; the libraries take 330 MB of it, most of it never touched
MAX_CPU_SECONDS = 30
MAX_SECONDS = 120  # elapsed; a loaded machine may be slow
MAX_ANSWER = 128 * 2**20
TOO_LARGE = f"takes more than {MAX_MEMORY // 2**20} MiB of memory to read"
TOO_SLOW = f"takes more than {MAX_CPU_SECONDS} s to read"

# One thread and plain malloc: more would reserve address space that is never used.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}


def open_table(path: Path, kind: str = "predictions") -> tuple[pa.Table | None, list[str], list[str]]:
    """Read the known columns of a parquet file in a child process.

    Parameters
    ----------
    path : Path
    kind : str
        Which of :data:`binlj.eval.reading.LAYOUTS` the file has.

    Returns
    -------
    table, problems, warnings
        As :func:`binlj.eval.reading.read_here`; never raises for what the file contains.
    """
    if not path.exists():
        return None, ["no such file"], []
    if not path.is_file():
        return None, ["not a regular file"], []
    size, limit = path.stat().st_size, LAYOUTS[kind].max_bytes
    if size > limit:
        return None, [f"file is {size / 2**20:.4g} MiB, the limit is {limit / 2**20:.4g} MiB"], []
    # -P: nothing is imported from the working folder, where a submission may lie.
    command = [sys.executable, "-P", "-m", "binlj.eval.sandbox", kind, str(path.absolute())]
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as noise:
        try:
            code = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=answer, stderr=noise,
                env={**os.environ, **ENVIRONMENT}, timeout=MAX_SECONDS, check=False,
            ).returncode  # fmt: skip
        except subprocess.TimeoutExpired:
            return None, [f"takes more than {MAX_SECONDS} s to read"], []
        if code != 0:
            noise.seek(0)
            return None, [_why(code, noise.read(MAX_ANSWER))], []
        return _take(answer)


def _why(code: int, noise: bytes) -> str:
    """One line on why the child ended without an answer."""
    if code == -getattr(signal, "SIGXCPU", 0) or code == -getattr(signal, "SIGKILL", 0):
        return TOO_SLOW
    if b"bad_alloc" in noise or b"MemoryError" in noise:
        return TOO_LARGE
    lines = noise.decode("utf-8", "replace").strip().splitlines()
    name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    detail = f"; {clip(lines[-1].strip(), 120)}" if lines else ""
    return f"not a readable parquet file: it crashes the reader ({name}{detail})"


def _take(answer: IO[bytes]) -> tuple[pa.Table | None, list[str], list[str]]:
    import pyarrow as pa

    answer.seek(0, os.SEEK_END)
    size = answer.tell()
    answer.seek(0)
    try:
        if size > MAX_ANSWER:
            raise ValueError("too much was read")
        found = json.loads(answer.readline())
        rest = answer.read()
        table = pa.ipc.open_stream(rest).read_all() if rest else None
        if table is not None:
            table.validate(full=True)
        return table, [str(p) for p in found["problems"]], [str(w) for w in found["warnings"]]
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        return None, [f"not a readable parquet file: the reader's answer is damaged ({clip(str(error), 120)})"], []


def set_limits(*, cpu_seconds: int = MAX_CPU_SECONDS) -> None:
    """Limit this process for good, as far as the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for name, limit in (
        ("RLIMIT_AS", MAX_MEMORY),
        ("RLIMIT_CPU", cpu_seconds),
        ("RLIMIT_FSIZE", MAX_ANSWER),
        ("RLIMIT_CORE", 0),
    ):
        try:
            resource.setrlimit(getattr(resource, name), (limit, limit))
        except (AttributeError, OSError, ValueError):  # not on this system, or a lower limit holds already
            continue


def main(arguments: Sequence[str]) -> int:
    """The child: ``python -m binlj.eval.sandbox KIND PATH`` writes its answer to standard output."""
    set_limits()
    sys.modules["numpy"] = None  # type: ignore[assignment]  # pyarrow (18 and later) starts faster without
    kind, path = arguments
    try:
        table, problems, warnings = read_here(Path(path), LAYOUTS[kind])
    except MemoryError:
        table, problems, warnings = None, [TOO_LARGE], []
    out = sys.stdout.buffer
    out.write(json.dumps({"problems": problems, "warnings": warnings}).encode() + b"\n")
    if table is not None:
        import pyarrow as pa

        with pa.ipc.new_stream(out, table.schema) as stream:
            stream.write_table(table)
    out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
