"""Options of the command line that name a track: ``--track`` and ``--regime``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from binlj.schema import REGIMES, TRACK_NAMES, in_regime, regime_of, track_name

regime_option = click.option(
    "--regime", type=click.Choice(REGIMES), default=REGIMES[0], show_default=True,
    help="Equilibrium, or the first steps after random mixing.",
)  # fmt: skip


def track_options(about: str, *, default: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command ``--track`` and ``--regime``; its argument ``track`` is the full name, e.g. ``mixed_offgrid``.

    Parameters
    ----------
    about : str
        Help of ``--track``.
    default : str, optional
        Track to take where none is given; without it the option is required.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option(
            "--track", type=click.Choice(TRACK_NAMES), required=default is None, default=default,
            show_default=default is not None, help=about,
        )  # fmt: skip
        @regime_option
        @functools.wraps(command)
        def run(*args: Any, track: str, regime: str, **options: Any) -> Any:
            return command(*args, track=in_regime(track, regime), **options)

        return run

    return decorate


def track_flags(track: str) -> str:
    """How the command line names a track, e.g. ``--track extrapolation --regime mixed``."""
    regime = regime_of(track)
    return f"--track {track_name(track)}" + ("" if regime == REGIMES[0] else f" --regime {regime}")
