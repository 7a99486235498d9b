"""binlj-rdf: radial distribution functions of binary Lennard-Jones mixtures, as a benchmark.

What most users need is here: :func:`load` (the dataset), :func:`benchmark` (a track to train on and be scored by),
:func:`rdf` and :func:`thermo` (predictions for any mixture), :func:`states` (the grid) and :func:`to_points` (the
paper's point-wise fingerprint). Everything heavier is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

__version__ = "5.0.0"

__all__ = ["BinljError", "State", "__version__", "benchmark", "load", "rdf", "states", "thermo", "to_points"]

if TYPE_CHECKING:
    from binlj.data import load, to_points
    from binlj.errors import BinljError
    from binlj.grid import State, states
    from binlj.leaderboard.benchmark import benchmark
    from binlj.structure import rdf, thermo

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "data": ["load", "to_points"],
        "errors": ["BinljError"],
        "grid": ["State", "states"],
        "leaderboard.benchmark": ["benchmark"],
        "structure": ["rdf", "thermo"],
    },
)
