"""The errors this package raises on purpose.

Every one of them is something the user can act on, so the command line prints its text without a
traceback and exits with ``exit_code``. Anything else that escapes is a defect of ours.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Sequence
from pathlib import Path


class BinljError(Exception):
    """Base of all errors a user can cause or fix."""

    exit_code = 2


class InputError(BinljError):
    """A value, option or file is wrong; ``problems`` lists everything found, not just the first.

    Parameters
    ----------
    subject : str or Path
        What was being checked: a file, an option, a state id.
    problems : sequence of str
        One line each. At least one.
    fix : str, optional
        What the user should do about it.
    """

    def __init__(self, subject: str | Path, problems: Sequence[str], *, fix: str = "") -> None:
        self.subject = str(subject)
        self.problems = list(problems)
        self.fix = fix
        n = len(self.problems)
        lines = [f"{self.subject}: {n} problem{'s' if n != 1 else ''}"]
        lines += [f"  - {problem}" for problem in self.problems]
        if fix:
            lines.append(f"  fix: {fix}")
        super().__init__("\n".join(lines))


class DataError(InputError):
    """The published dataset, or a record, is not what it claims to be."""

    exit_code = 3


class EngineError(BinljError):
    """LAMMPS is missing, broken, or stopped with an error."""

    exit_code = 4


class StoreBusyError(BinljError):
    """Another campaign holds this store."""

    exit_code = 5


class FileAccessError(BinljError):
    """The operating system refuses a file: not there, not writable, no room left."""

    exit_code = 7


def as_ours(error: Exception) -> BinljError | None:
    """The error of this package that stands for one of the system or of a file library; None for a defect.

    Commands name the file where they can; this is for what they did not expect.
    """
    said = (str(error) or type(error).__name__).splitlines()[0]
    # Arrow has OSErrors of its own, and parts of it are OSErrors of Python without a file name.
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename is not None else ""
        fix = {
            errno.ENOSPC: "free some room and run the same command again",
            errno.EACCES: "choose a place you may write to, or change the permissions",
            errno.EROFS: "choose a place you may write to",
            errno.EEXIST: "a file stands where a folder is needed: move it, or choose another place",
            errno.ENOTDIR: "a file stands where a folder is needed: move it, or choose another place",
            errno.EISDIR: "a folder stands where a file is needed: move it, or choose another place",
        }.get(error.errno or 0, "")
        return FileAccessError(f"{where}{error.strerror or said}" + (f"\n  fix: {fix}" if fix else ""))
    file_libraries = type(error).__module__.partition(".")[0] in ("pyarrow", "zipfile")
    if file_libraries or isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)) or _nested_json(error):
        return DataError("a file that this command reads", [f"{type(error).__name__}: {said}"])
    return None


def _nested_json(error: Exception) -> bool:
    """Whether JSON was nested too deeply to be read."""
    return isinstance(error, RecursionError) and "JSON" in str(error)


class MissingExtraError(BinljError):
    """A command needs an optional dependency that is not installed."""

    exit_code = 6

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"this command needs {package}, which is not installed\n  fix: pip install -e '.[{extra}]' in the clone"
        )
