"""The model-free importances alone, without intervals: what submitted attributions are scored against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from binlj.eval.explain.curves import load_frames, merged_curves
from binlj.eval.explain.sobol import sobol_indices
from binlj.schema import FEATURES

METHODS = {
    ("first", False): "Sobol first order, r",
    ("total", False): "Sobol total, r",
    ("first", True): "Sobol first order, r / sigma_ij",
    ("total", True): "Sobol total, r / sigma_ij",
}


def model_free_importances(dataset: Path | None = None) -> dict[str, dict[str, dict[str, float]]]:
    """Sobol indices of the data per pair: method -> pair -> feature -> index.

    The same estimates as in :func:`binlj.eval.explain.curve_report.explain_curves`, which adds intervals
    at the cost of some hundred noisy copies of the data.

    Raises
    ------
    DataError
        If the dataset cannot be read or is not a full factorial.
    """
    fine, coarse = load_frames(dataset)
    out: dict[str, dict[str, dict[str, float]]] = {name: {} for name in METHODS.values()}
    for scaled in (False, True):
        for pair, curve in merged_curves(fine, coarse, scaled=scaled).items():
            found = sobol_indices(curve)
            for (which, on_scaled), name in METHODS.items():
                if on_scaled == scaled:
                    out[name][pair] = dict(zip(FEATURES, getattr(found, which).tolist(), strict=True))
    return out


def score_file(path: Path, truth: dict[str, dict[str, dict[str, float]]]) -> dict[str, dict[str, Any]]:
    """Agreement of an attributions file with `truth`, as the leaderboard keeps it: the means over the pairs.

    Returns
    -------
    dict
        Method -> ``kendall``, ``spearman``, ``overlap`` (means over AA, AB, BB) and ``same_first`` (on all).

    Raises
    ------
    InputError
        With every problem of the file.
    """
    from binlj.eval.explain.attributions import read_attributions, score_attributions

    found = score_attributions(read_attributions(path), truth)
    return {method: dict(by_pair["mean"]) for method, by_pair in found.items()}

