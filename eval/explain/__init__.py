"""Explainability track: which of T*, C_B, S and eps_AB rules the structure, and how sure are we?

Everything here is model-agnostic: a model is a callable ``X[n, 7] -> g[n]`` with the columns of
:func:`binlj.data.to_points` (T*, C_B, S, eps_AB, label of A, label of B, r). Heavy libraries are imported
by the functions that need them.
"""

from __future__ import annotations

import importlib

_LAZY = {
    "Factorial": "factorial",
    "load_curves": "curves",
    "sobol_indices": "sobol",
    "grid_shapley": "shapley",
    "explain_curves": "curve_report",
    "explain_map": "map_report",
    "explain_model": "model_report",
    "read_attributions": "attributions",
    "score_attributions": "attributions",
    "write_attributions": "attributions",
    "model_free_importances": "model_free",
}

__all__ = list(_LAZY)


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'binlj.eval.explain' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"binlj.eval.explain.{_LAZY[name]}"), name)
    globals()[name] = value
    return value
