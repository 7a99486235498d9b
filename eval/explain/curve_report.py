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
from binlj.eval.explain.ranking import Ranking, bootstrap_states, rank
from binlj.eval.explain.shapley import importance
from binlj.schema import FEATURES

ALL = "all"
SCALES = {"r": "r", "scaled": "r / sigma_ij"}
Curves = dict[str, Factorial]


@dataclass(frozen=True)
class CurveReport:
    """Model-free rankings.

    Attributes
    ----------
    curves : dict
        ``"r"`` and ``"scaled"`` -> pair -> Factorial.
    indices : dict
        The same keys -> pair or ``"all"`` -> Sobol indices.
    rankings : list of Ranking
    details : dict
        JSON-ready.
    """

    curves: dict[str, Curves]
    indices: dict[str, dict[str, sobol.Indices]]
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

    Parameters
    ----------
    fine, coarse : DataFrame
        From :func:`binlj.eval.explain.curves.load_frames`.
    n_boot : int
        Noisy copies for each noise model and set of curves, and resamples of the states.
    step : callable, optional
        Called ``16 * n_boot`` times.
    """
    curves = {"r": merged_curves(fine, coarse, scaled=False), "scaled": merged_curves(fine, coarse, scaled=True)}
    whole = benchmark_curves(coarse)  # as far as r goes, like the models' curves
    indices: dict[str, dict[str, sobol.Indices]] = {}
    rankings: list[Ranking] = []
    details: dict[str, Any] = {"reach": REACH, "bin_width": WIDTH}
    for scale, own in curves.items():
        groups = {ALL: list(own.values()), **{pair: [c] for pair, c in own.items()}}
        indices[scale] = {name: sobol.sobol_indices(*g) for name, g in groups.items()}
        copies = {name: sobol.replicates(*g, n=n_boot, seed=seed, step=step) for name, g in groups.items()}
        for which, word in (("first", "first order"), ("total", "total")):
            found = {
                name: rank(
                    f"Sobol {word}, {SCALES[scale]}",
                    "data",
                    getattr(i, which),
                    copies[name].widest(which),
                    uncertainty=f"{n_boot} noisy copies from g_stderr",
                    notes=_notes(i, groups[name], which),
                )
                for name, i in indices[scale].items()
            }
            rankings.append(_joined(found))
        details[scale] = {name: _spectrum(i, groups[name]) for name, i in indices[scale].items()}
        rankings.append(
            shapley_ranking(
                {"data": [whole if scale == "r" else own]},
                method=f"mean |Shapley|, {SCALES[scale]}",
                n_boot=n_boot,
                seed=seed,
            )[0]
        )
    details["to_10_sigma"] = {
        name: dict(zip(FEATURES, sobol.sobol_indices(*g).first.tolist(), strict=True))
        for name, g in {ALL: list(whole.values()), **{p: [c] for p, c in whole.items()}}.items()
    }
    return CurveReport(curves, indices, rankings, details)


def shapley_ranking(sources: dict[str, list[Curves]], *, method: str, n_boot: int, seed: int) -> list[Ranking]:
    """Rank by mean |Shapley value| over states, r and pairs; the replicates resample seeds and states.

    Parameters
    ----------
    sources : dict
        Name of the data or model -> one set of curves a seed.
    """
    out = []
    for name, runs in sources.items():
        per = {pair: np.stack([importance(run[pair]) for run in runs]) for pair in runs[0]}
        per = {ALL: np.mean(list(per.values()), axis=0), **per}
        size = next(iter(runs[0].values()))
        text = f"{n_boot} resamples of {size.n_states} states" + (f" and of {len(runs)} seeds" if len(runs) > 1 else "")
        notes = {
            "states": size.n_states,
            "background_states": size.n_states,
            "points_per_curve": len(size.x),
            "seeds": len(runs),
        }
        found = {}
        for pair, v in per.items():
            by_seed = v.mean(axis=1)
            spread = by_seed.std(axis=0, ddof=1).tolist() if len(runs) > 1 else [None] * len(FEATURES)
            found[pair] = rank(
                method,
                name,
                by_seed.mean(axis=0),
                bootstrap_states(v, n=n_boot, seed=seed),
                uncertainty=text,
                notes={**notes, "sd_over_seeds": dict(zip(FEATURES, spread, strict=True))},
            )
        out.append(_joined(found))
    return out


def _joined(found: dict[str, Ranking]) -> Ranking:
    from dataclasses import replace

    return replace(found[ALL], by_pair={pair: r for pair, r in found.items() if pair != ALL})


def _notes(i: sobol.Indices, curves: list[Factorial], which: str) -> dict[str, Any]:
    if which != "first":
        return {"noise_share_taken_out": i.noise_share}
    sub = sobol.leave_one_level_out(*curves)
    leads = sub.argmax(axis=1) == FEATURES.index("S")
    return {
        "noise_share_taken_out": i.noise_share,
        "sub_grids_without_one_level": len(sub),
        "S_first_on_sub_grids": int(leads.sum()),
        "lowest_on_sub_grids": dict(zip(FEATURES, sub.min(axis=0).tolist(), strict=True)),
        "highest_on_sub_grids": dict(zip(FEATURES, sub.max(axis=0).tolist(), strict=True)),
    }


def _spectrum(i: sobol.Indices, curves: list[Factorial]) -> dict[str, Any]:
    components = {" x ".join(FEATURES[k] for k in u): share for u, share in i.components.items()}
    out: dict[str, Any] = {"components": components}
    if len(curves) == 1:
        out |= {
            "x": curves[0].x.tolist(),
            "variance": i.variance_x.tolist(),
            "first": {f: _no_nan(v) for f, v in zip(FEATURES, i.first_x, strict=True)},
            "total": {f: _no_nan(v) for f, v in zip(FEATURES, i.total_x, strict=True)},
        }
    return out


def _no_nan(values: np.ndarray) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]
