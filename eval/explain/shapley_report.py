"""Rankings by mean |Shapley value|: of models, with the spread of their seeds, and of the data, with its noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from binlj.eval.explain.factorial import Factorial
from binlj.eval.explain.ranking import Ranking, bootstrap_states, rank
from binlj.eval.explain.shapley import importance
from binlj.eval.explain.sobol import noisy_copy
from binlj.schema import FEATURES

ALL = "all"
NOISY_COPIES = 10
Curves = dict[str, Factorial]


def model_shapley_ranking(name: str, runs: Sequence[Curves], *, method: str, n_boot: int, seed: int) -> Ranking:
    """Rank by mean |Shapley value| over states, r and pairs; the replicates resample seeds and states.

    Parameters
    ----------
    runs : sequence of dict
        Pair -> predicted curves, one dict a training seed.
    """
    per = _with_all({pair: np.stack([importance(run[pair]) for run in runs]) for pair in runs[0]})
    text = f"{n_boot} resamples of {runs[0]['AA'].n_states} states" + (
        f" and of {len(runs)} seeds" if len(runs) > 1 else ""
    )
    found = {}
    for pair, v in per.items():
        by_seed = v.mean(axis=1)
        found[pair] = rank(
            method,
            name,
            by_seed.mean(axis=0),
            bootstrap_states(v, n=n_boot, seed=seed),
            uncertainty=text,
            notes={
                **_sizes(runs[0]),
                **over_seeds(by_seed),
            },
        )
    return joined(found)


def over_seeds(by_seed: np.ndarray) -> dict[str, Any]:
    """Notes on what another training would give: spread of the seeds, and half of the 95 % interval of their mean.

    The interval is Student's, with one degree of freedom less than there are seeds; it holds nothing of the states.

    Parameters
    ----------
    by_seed : ndarray, shape (seeds, features)

    Returns
    -------
    dict
        ``seeds``, ``sd_over_seeds`` and ``half_interval_over_seeds``, the last two None a feature for a single seed.
    """
    from scipy import stats

    n = len(by_seed)
    if n == 1:
        unknown = dict.fromkeys(FEATURES)
        return {"seeds": n, "sd_over_seeds": unknown, "half_interval_over_seeds": unknown}
    spread = by_seed.std(axis=0, ddof=1)
    half = stats.t.ppf(0.975, n - 1) * spread / np.sqrt(n)
    return {
        "seeds": n,
        "sd_over_seeds": dict(zip(FEATURES, spread.tolist(), strict=True)),
        "half_interval_over_seeds": dict(zip(FEATURES, half.tolist(), strict=True)),
    }


def data_shapley_ranking(curves: Curves, *, method: str, n_boot: int, seed: int) -> Ranking:
    """The same for the data itself; the replicates resample states and add the curves' noise once more.

    Noise cannot be taken out of an absolute value, so what noise alone would give is reported beside
    (``noise_floor``); a ranking whose leader lies below twice its floor counts as dominated by noise.
    """
    rng = np.random.default_rng(seed)
    copies: dict[str, np.ndarray] = {}
    floor: dict[str, np.ndarray] = {}
    for pair, curve in curves.items():
        drawn = [noisy_copy(curve, rng, common=False) for _ in range(NOISY_COPIES)]
        runs = [importance(replace(curve, values=v)) for v in (curve.values, *drawn)]
        copies[pair] = np.stack(runs)
        floor[pair] = np.mean([importance(replace(curve, values=v - curve.values)) for v in drawn], axis=(0, 1))
    floor[ALL] = np.mean(list(floor.values()), axis=0)
    found = {}
    for pair, v in _with_all(copies).items():
        value = v[0].mean(axis=0)
        top = int(value.argmax())
        found[pair] = rank(
            method,
            "data",
            value,
            bootstrap_states(v, n=n_boot, seed=seed),
            uncertainty=f"{n_boot} resamples of {v.shape[1]} states and of {NOISY_COPIES} noisy copies",
            notes={
                **_sizes(curves),
                "noise_floor": dict(zip(FEATURES, floor[pair].tolist(), strict=True)),
                "noise_dominated": bool(floor[pair][top] > 0.5 * value[top]),
            },
        )
    return joined(found)


def joined(found: dict[str, Ranking]) -> Ranking:
    """The ranking of all pairs together, with those of the pairs inside."""
    return replace(found[ALL], by_pair={pair: r for pair, r in found.items() if pair != ALL})


def _with_all(per: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {ALL: np.mean(list(per.values()), axis=0), **per}


def _sizes(curves: Curves) -> dict[str, int]:
    one = next(iter(curves.values()))
    return {"states": one.n_states, "background_states": one.n_states, "points_per_curve": len(one.x)}
