"""binlj-rdf: radial distribution functions of binary Lennard-Jones mixtures, as a benchmark.

The three things most users need are here: :func:`load` (the dataset), :func:`states` (the grid) and
:func:`to_points` (the paper's point-wise fingerprint). Everything heavier is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "1.1.0"

__all__ = ["BinljError", "State", "__version__", "load", "states", "to_points"]

if TYPE_CHECKING:
    from binlj.data import load, to_points
    from binlj.errors import BinljError
    from binlj.grid import State, states

_LAZY = {
    "load": "binlj.data",
    "to_points": "binlj.data",
    "states": "binlj.grid",
    "State": "binlj.grid",
    "BinljError": "binlj.errors",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'binlj' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value
