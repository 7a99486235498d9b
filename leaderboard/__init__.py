"""The leaderboard: submissions in, scores recomputed from their predictions, one page out.

``check`` reads a submission folder and lists everything wrong with it; ``rescore`` scores all of them;
``build`` writes ``results.json`` and ``index.html``. Public names are imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from binlj.leaderboard.build import Board, build, differences, rescore
    from binlj.leaderboard.new import create
    from binlj.leaderboard.submission import Submission, check

__all__ = ["Board", "Submission", "build", "check", "create", "differences", "rescore"]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "build": ["Board", "build", "differences", "rescore"],
        "new": ["create"],
        "submission": ["Submission", "check"],
    },
)
