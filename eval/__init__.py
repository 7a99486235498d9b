"""The evaluator: predictions in, scores out.

Public names are imported on first use, so that importing this package costs nothing. Nothing here
imports TensorFlow or any other model library: the evaluator reads predictions, never models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from binlj.eval.comparison import Comparison, compare
    from binlj.eval.naive import NAIVE_BASELINES, naive_predictions
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
    "NAIVE_BASELINES", "Comparison", "Scores", "Validation", "compare", "evaluate", "naive_predictions",
    "read_predictions", "scores_schema", "template", "validate", "write_predictions",
]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "comparison": ["Comparison", "compare"],
        "naive": ["NAIVE_BASELINES", "naive_predictions"],
        "predictions": ["Validation", "read_predictions", "template", "validate", "write_predictions"],
        "scores": ["Scores", "scores_schema"],
        "scoring": ["evaluate"],
    },
)
