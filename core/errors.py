"""The errors this package raises on purpose.

Every one of them is something the user can act on, so the command line prints its text without a
traceback and exits with ``exit_code``. Anything else that escapes is a defect of ours.
"""

from __future__ import annotations

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


class MissingExtraError(BinljError):
    """A command needs an optional dependency that is not installed."""

    exit_code = 6

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"this command needs {package}, which is not installed\n  fix: pip install 'binlj-rdf[{extra}]'"
        )
