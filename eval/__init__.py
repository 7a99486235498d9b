"""The evaluator: predictions in, scores out.

Public names are imported on first use, so that importing this package costs nothing. Nothing here
imports TensorFlow or any other model library: the evaluator reads predictions, never models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from binlj.eval.comparison import Comparison, compare
    from binlj.eval.floors import FLOORS, floor_predictions
    from binlj.eval.predictions import (
        Validation,
        read_predictions,
        template,
        validate,
        write_predictions,
    )
    from binlj.eval.scores import Scores, scores_schema
    from binlj.eval.scoring import evaluate

__all__ = [
    "FLOORS", "Comparison", "Scores", "Validation", "compare", "evaluate", "floor_predictions",
    "read_predictions", "scores_schema", "template", "validate", "write_predictions",
]

_LAZY = {
    "Comparison": "comparison",
    "compare": "comparison",
    "FLOORS": "floors",
    "floor_predictions": "floors",
    "Validation": "predictions",
    "read_predictions": "predictions",
    "template": "predictions",
    "validate": "predictions",
    "write_predictions": "predictions",
    "Scores": "scores",
    "scores_schema": "scores",
    "evaluate": "scoring",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'binlj.eval' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f"binlj.eval.{_LAZY[name]}"), name)
    globals()[name] = value
    return value
