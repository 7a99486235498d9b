"""The leaderboard: submissions in, scores recomputed from their predictions, one page out.

``check`` reads a submission folder and lists everything wrong with it; ``rescore`` scores all of them;
``build`` writes ``results.json`` and ``index.html``. Public names are imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from binlj.leaderboard.build import Board, build, differences, rescore
    from binlj.leaderboard.new import create
    from binlj.leaderboard.submission import Submission, check

__all__ = ["Board", "Submission", "build", "check", "create", "differences", "rescore"]

_LAZY = {
    "Board": "build", "build": "build", "differences": "build", "rescore": "build",
    "create": "new", "Submission": "submission", "check": "submission",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'binlj.leaderboard' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f"binlj.leaderboard.{_LAZY[name]}"), name)
    globals()[name] = value
    return value
