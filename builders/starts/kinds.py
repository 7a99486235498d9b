"""The kinds of start a chain may have: one table, read by every room that names one.

To add a kind, add a row to ``KINDS``; a coexistence-seeded kind also names the small simulations
(:mod:`binlj.builders.coexistence`) that its phases come from.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StartKind:
    """One kind of start.

    Attributes
    ----------
    name : str
        As stored in records.
    description : str
        What the chain starts from.
    where : str
        For which states it is run.
    simulations : tuple of str
        The small simulations that give the compositions of the two phases, oldest first; the last one
        that exists is used. Empty for a start that is not seeded from coexisting phases.
    side : str
        "pure" or "mixed": whether these simulations approached coexistence from purer or from more mixed phases.
    later : bool
        Whether the kind belongs to the second round, which exists only where the first left a gap.
    contrast : float
        Where the small simulation ended in one phase: share of the composition difference of PeTS's two
        phases that the start keeps.
    """

    name: str
    description: str
    where: str
    simulations: tuple[str, ...] = ()
    side: str = ""
    later: bool = False
    contrast: float = 0.0

    @property
    def seeded(self) -> bool:
        """Whether the start is seeded from coexisting phases."""
        return bool(self.simulations)


_STILL = "no two earlier starts agree"
_BEFORE = "before 3.0.0, where no two earlier starts agreed"
KINDS = (
    StartKind("mixed", "random positions and species", "every state"),
    StartKind(
        "separated", "A and B apart, one of them in a slab, cylinder or sphere",
        "PeTS does not predict a stable mixture, or the mixed run shows demixing, solid order or drift",
    ),
    StartKind(
        "saturated", "coexistence-seeded, from the pure side", _STILL, ("pure",), "pure", contrast=0.4,
    ),
    StartKind(
        "supersaturated", "coexistence-seeded, from the mixed side", _STILL, ("mixed",), "mixed", contrast=0.2,
    ),
    StartKind(
        "saturated2", "the same from the pure side, from a later round of longer small simulations", _BEFORE,
        ("pure2", "pure3"), "pure", later=True, contrast=0.3,
    ),
    StartKind(
        "supersaturated2", "the same from the mixed side, from a later round of longer small simulations", _BEFORE,
        ("mixed2", "mixed3"), "mixed", later=True, contrast=0.15,
    ),
)  # fmt: skip
BY_NAME = {kind.name: kind for kind in KINDS}
STARTS = tuple(BY_NAME)
SEEDED = tuple(kind.name for kind in KINDS if kind.seeded)
FIRST_ROUND = tuple(kind.name for kind in KINDS if kind.seeded and not kind.later)
SHAPES = ("mixed", "slab", "cylinder", "sphere", "A-cylinder", "A-sphere")


def same_side(start: str, other: str) -> bool:
    """Whether two different starts have phases that were approached from the same side of coexistence."""
    a, b = BY_NAME[start], BY_NAME[other]
    return a != b and a.seeded and a.side == b.side
