"""Explainability track: which of T*, C_B, S and eps_AB dominates the structure, with uncertainties.

Everything here is model-agnostic: a model is a callable ``X[n, 7] -> g[n]`` with the columns of
:func:`binlj.data.to_points` (T*, C_B, S, eps_AB, label of A, label of B, r). Heavy libraries are imported
by the functions that need them.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "attributions": ["read_attributions", "score_attributions", "write_attributions"],
        "curve_report": ["explain_curves"],
        "curves": ["load_curves"],
        "factorial": ["Factorial"],
        "map_report": ["explain_map"],
        "model_free": ["model_free_importances"],
        "model_report": ["explain_model"],
        "parameters": ["explain_parameters"],
        "shapley": ["grid_shapley"],
        "sobol": ["sobol_indices"],
    },
)
