"""The model-free truth: Sobol indices and Shapley values of the curves, against r and r / sigma_ij."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from binlj.eval.explain import sobol
from binlj.eval.explain.curves import REACH, WIDTH, benchmark_curves, merged_curves
from binlj.eval.explain.factorial import Factorial
from binlj.eval.explain.ranking import Ranking, rank
from binlj.eval.explain.shapley_report import ALL, Curves, data_shapley_ranking, joined
from binlj.schema import FEATURES

SCALES = {"r": "r", "scaled": "r / sigma_ij"}
DILUTE = FEATURES.index("C_B")


@dataclass(frozen=True)
class CurveReport:
    """Model-free rankings.

    Attributes
    ----------
    curves : dict
        ``"r"`` and ``"scaled"`` -> pair -> Factorial.
    indices : dict
        The same keys -> pair or ``"all"`` -> Sobol indices.
    dense, dense_indices : dict
        Both without the most dilute composition.
    rankings : list of Ranking
    details : dict
        JSON-ready.
    """

    curves: dict[str, Curves]
    indices: dict[str, dict[str, sobol.Indices]]
    dense: dict[str, Curves]
    dense_indices: dict[str, dict[str, sobol.Indices]]
    rankings: list[Ranking]
    details: dict[str, Any]

    def truth(self) -> dict[str, dict[str, dict[str, float]]]:
        """Model-free importances by method, then pair: what attributions are compared with."""
        out = {}
        for r in self.rankings:
            out[r.method] = {ALL: r.values, **{pair: own.values for pair, own in r.by_pair.items()}}
        return out


def restrict_frames(frames: tuple[pd.DataFrame, pd.DataFrame], run: Curves) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The two tables on the states of a model's predictions only, so that like is compared with like."""
    levels = next(iter(run.values())).levels
    fine, coarse = (
        f[np.logical_and.reduce([f[name].isin(v) for name, v in zip(FEATURES, levels, strict=True)])].reset_index(
            drop=True
        )
        for f in frames
    )
    return fine, coarse


def explain_curves(
    fine: pd.DataFrame,
    coarse: pd.DataFrame,
    *,
    n_boot: int = 200,
    seed: int = 0,
    step: Callable[[], object] | None = None,
) -> CurveReport:
    """Rank the features by the variance of g(r) they explain, without any model.

    Sobol indices come twice: on all states, and without the most dilute composition (C_B = 0.01, 100 B
    particles), whose counting noise can drown everything else.

    Parameters
    ----------
    fine, coarse : DataFrame
        From :func:`binlj.eval.explain.curves.load_frames`.
    n_boot : int
        Noisy copies for each noise model and set of curves, and resamples of the states.
    step : callable, optional
        Called ``8 * n_boot`` times.
    """
    curves = {scale: merged_curves(fine, coarse, scaled=scale == "scaled") for scale in SCALES}
    whole = benchmark_curves(coarse)  # as far as r goes, like the models' curves
    indices: dict[str, dict[str, sobol.Indices]] = {}
    dense: dict[str, Curves] = {}
    dense_indices: dict[str, dict[str, sobol.Indices]] = {}
    rankings: list[Ranking] = []
    details: dict[str, Any] = {"reach": REACH, "bin_width": WIDTH}
    for scale, own in curves.items():
        label = SCALES[scale]
        indices[scale], found = _sobol(own, label, n_boot=n_boot, seed=seed, step=step)
        rankings += found
        details[scale] = {name: _spectrum(i, own.get(name)) for name, i in indices[scale].items()}
        lowest = own["AA"].levels[DILUTE][0]
        dense[scale] = {pair: c.without(DILUTE, 0) for pair, c in own.items()}
        text = f"{label}, C_B > {lowest:g}"
        dense_indices[scale], found = _sobol(dense[scale], text, n_boot=n_boot, seed=seed, step=step)
        rankings += found
        rankings.append(
            data_shapley_ranking(
                whole if scale == "r" else own, method=f"mean |Shapley|, {label}", n_boot=n_boot, seed=seed
            )
        )
    details["to_10_sigma"] = {
        name: dict(zip(FEATURES, sobol.sobol_indices(*g).first.tolist(), strict=True))
        for name, g in _groups(whole).items()
    }
    return CurveReport(curves, indices, dense, dense_indices, rankings, details)


def _groups(curves: Curves) -> dict[str, list[Factorial]]:
    return {ALL: list(curves.values()), **{pair: [c] for pair, c in curves.items()}}


def _sobol(
    curves: Curves, label: str, *, n_boot: int, seed: int, step: Callable[[], object] | None
) -> tuple[dict[str, sobol.Indices], list[Ranking]]:
    """Indices of each pair and of all together, and their first-order and total rankings."""
    groups = _groups(curves)
    indices = {name: sobol.sobol_indices(*g) for name, g in groups.items()}
    copies = sobol.replicates(*curves.values(), n=n_boot, seed=seed, step=step)
    members = {ALL: range(len(curves)), **{pair: [k] for k, pair in enumerate(curves)}}
    rankings = []
    for which, word in (("first", "first order"), ("total", "total")):
        found = {
            name: rank(
                f"Sobol {word}, {label}",
                "data",
                getattr(i, which),
                copies.widest(which, members[name], i.scale),
                uncertainty=f"{n_boot} noisy copies from g_stderr",
                notes=_notes(i, groups[name], which),
            )
            for name, i in indices.items()
        }
        rankings.append(joined(found))
    return indices, rankings


def _notes(i: sobol.Indices, curves: list[Factorial], which: str) -> dict[str, Any]:
    notes = {"noise_share_taken_out": i.noise_share, "noise_dominated": i.noise_dominated}
    if which != "first":
        return notes
    sub = sobol.leave_one_level_out(*curves)
    leads = sub.argmax(axis=1) == FEATURES.index("S")
    return notes | {
        "sub_grids_without_one_level": len(sub),
        "S_first_on_sub_grids": int(leads.sum()),
        "lowest_on_sub_grids": dict(zip(FEATURES, sub.min(axis=0).tolist(), strict=True)),
        "highest_on_sub_grids": dict(zip(FEATURES, sub.max(axis=0).tolist(), strict=True)),
    }


def _spectrum(i: sobol.Indices, curve: Factorial | None) -> dict[str, Any]:
    components = {" x ".join(FEATURES[k] for k in u): share for u, share in i.components.items()}
    out: dict[str, Any] = {"components": components}
    if curve is not None:
        out |= {
            "x": curve.x.tolist(),
            "variance": i.variance_x.tolist(),
            "first": {f: _no_nan(v) for f, v in zip(FEATURES, i.first_x, strict=True)},
            "total": {f: _no_nan(v) for f, v in zip(FEATURES, i.total_x, strict=True)},
        }
    return out


def _no_nan(values: np.ndarray) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]
