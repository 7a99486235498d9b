"""Progress bars for long fits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from binlj.baselines.protocol import Progress


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """A rich progress bar with the time left, as a progress callback."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None, note="")

        def advance(done: int, total: int, text: str) -> None:
            bar.update(task, completed=done, total=total, note=text)

        yield advance
