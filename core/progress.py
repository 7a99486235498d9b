"""Progress bars on the error stream, with an estimate of the time left; silent where that is not a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

# Segments and trainings take minutes: the estimate looks back further than rich's 30 s.
_ESTIMATE_SECONDS = 1800


def progress_bars(unit: str = "") -> Progress:
    """A context manager of bars: ``add_task``, ``update`` and ``advance`` are those of ``rich.progress.Progress``.

    Parameters
    ----------
    unit : str
        What is counted, shown behind the numbers.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    return Progress(
        BarColumn(),
        MofNCompleteColumn(),
        *([TextColumn(unit, markup=False)] if unit else []),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),  # last, since its length changes
        console=console,
        transient=True,
        disable=not console.is_terminal,
        speed_estimate_period=_ESTIMATE_SECONDS,
    )


@contextmanager
def progress_bar(text: str, unit: str = "") -> Iterator[Callable[..., None]]:
    """One bar; yields a callback that takes ``(done, total, note="")``."""
    with progress_bars(unit) as bars:
        task = bars.add_task(text, total=None)

        def show(done: float, total: float, note: str = "") -> None:
            bars.update(task, completed=done, total=total, description=f"{text} {note}".rstrip())

        yield show
