"""Profiles: system size, run length and sampling interval of a campaign."""

from __future__ import annotations

from dataclasses import dataclass, replace

from binlj.builders.starts.kinds import BY_NAME
from binlj.errors import InputError
from binlj.grid import N_PARTICLES


@dataclass(frozen=True)
class Profile:
    """How a chain is cut into segments.

    Attributes
    ----------
    name : str
    n : int
        Particles.
    start_steps : int
        NPT steps of the start procedure (never recorded).
    first : tuple of (int, int)
        (steps, frame interval) of a chain's first segments: short, so that a first pass over the grid
        comes early, and with few frames where nothing is in equilibrium yet.
    steps, every : int
        Steps and frame interval of all later segments.
    max_steps : int
        Steps after which a chain is left alone.
    first_later : tuple of (int, int)
        The same for the chains of later starts: they come one state after the other, with nothing to be seen early.
    exchanges : int
        Exchanges of identities to try for each particle from frame to frame (:mod:`binlj.builders.md.exchange`).
    stretch : int
        Steps from exchanges to exchanges, a divisor of the frame interval; 0 for that interval itself.
    """

    name: str
    n: int
    start_steps: int
    first: tuple[tuple[int, int], ...]
    steps: int
    every: int
    max_steps: int
    first_later: tuple[tuple[int, int], ...] = ()
    exchanges: int = 0
    stretch: int = 0

    def of(self, start: str) -> Profile:
        """The profile for chains of this start."""
        return self if not BY_NAME[start].seeded else replace(self, first=self.first_later)

    def segment(self, index: int) -> tuple[int, int]:
        """(steps, frame interval) of the chain's `index`-th segment."""
        return self.first[index] if index < len(self.first) else (self.steps, self.every)

    def segment_from(self, index: int, step: int) -> tuple[int, int]:
        """(steps, frame interval) of the `index`-th segment of a chain that stands at `step`.

        Frames lie at multiples of the interval, so a segment ends at one: it is cut short by less than an
        interval where the chain stopped between two (a segment with another interval).
        """
        steps, every = self.segment(index)
        end = (step + steps) // every * every
        return (end if end > step else end + every) - step, every


PROFILES = {
    p.name: p
    for p in (
        Profile("smoke", 1000, 100, (), 400, 100, 2_000),
        # Frames 500 steps apart: counting them costs half as much per step as every 200, and where B is rare enough
        # for noise to matter, frames closer than that repeat each other.
        Profile("release", N_PARTICLES, 250, ((200, 200), (400, 200), (1_000, 200), (2_000, 400)), 5_000, 500, 120_000,
                ((2_000, 500), *[(4_000, 500)] * 4)),
        Profile("paper", N_PARTICLES, 1_000, (), 100_000, 1_000, 20_000_000),
    )
}


def get_profile(name: str) -> Profile:
    """Profile by name.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in PROFILES:
        raise InputError(f"profile {name!r}", ["no such profile"], fix=f"use one of: {', '.join(PROFILES)}")
    return PROFILES[name]
