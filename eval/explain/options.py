"""Options and progress bars that the commands of ``binlj explain`` share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from binlj.progress import progress_bars

OPTIONS = [
    click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("out/explain"),
        show_default=True,
        help="Folder for the JSON file and the pictures.",
    ),
    click.option("--seed", default=0, show_default=True, help="Same seed, same answer."),
    click.option(
        "--dataset",
        type=click.Path(path_type=Path, file_okay=False),
        help="Another copy of the dataset folder.",
    ),
]
boot_option = click.option(
    "--n-boot",
    type=click.IntRange(20, 10_000),
    default=200,
    show_default=True,
    help="Replicates for each interval: noisy copies of the curves, or resamples of the states.",
)


def with_options(options: list[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """Give a command several options, in their order."""

    def wrap(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return wrap


@contextmanager
def bars() -> Iterator[Callable[..., Callable[[], None]]]:
    """Progress bars on standard error; yields ``bar(text, total) -> step``."""
    with progress_bars() as shown:

        def bar(text: str, total: int | None) -> Callable[[], None]:
            task = shown.add_task(text, total=total)
            return lambda: shown.advance(task)

        yield bar
