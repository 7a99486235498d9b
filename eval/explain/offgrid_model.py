"""Off the grid: what rules the phase and the structure in a model, at states whose values are all different.

The states are the 100 of :func:`binlj.offgrid.offgrid`, a Sobol sequence: the features are independent and uniform
(C_B in its square root), so no ranking hangs on the few values of a grid. Each state is paired with a few others, and
the model is asked for all 16 combinations of a pair's features. From these follow exact Shapley values of either state
with the other as background (baseline Shapley, Sundararajan and Najmi, ICML 2020; the mean over backgrounds is the
interventional SHAP value), and Shapley effects and Sobol indices by swaps
(:func:`binlj.eval.explain.effects.cube_game`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from binlj.eval.explain import effects
from binlj.eval.explain.curves import contact, rebinning
from binlj.eval.explain.parameters import (
    ALL,
    EFFECT,
    FIRST,
    PHASE,
    SIZE,
    TOTAL,
    WITHIN,
    Found,
    rank_shares,
    shares_of,
)
from binlj.eval.explain.ranking import Ranking, bootstrap_states, rank
from binlj.eval.explain.shapley import additivity_error
from binlj.grid import PAIRS, StatePoint
from binlj.offgrid import offgrid
from binlj.schema import FEATURES

if TYPE_CHECKING:
    from binlj.theory.prediction import Prediction

MODEL = "fitted theory"
SOURCE = f"{MODEL}, off-grid"
BINS = 200  # of the model's curves, 0.05 sigma: fine enough for r / sigma_ij at S = 0.5
WIDTH, REACH = 0.1, 5.0
BATCH = 50
ONE_PHASE = 0.05  # probability of two phases below which a corner counts as homogeneous
FEWEST_CUBES = 10
Model = Callable[[Sequence[StatePoint]], "Prediction"]


@dataclass(frozen=True)
class Design:
    """Which states the model is asked for.

    Attributes
    ----------
    states : ndarray, shape (n, 4)
        The off-grid states first, then every other corner, once.
    cubes : ndarray of int, shape (pairs, 16)
        Rows of `states`, as in :func:`binlj.eval.explain.effects.closed_cubes`.
    explained : int
        Number of off-grid states.
    """

    states: np.ndarray
    cubes: np.ndarray
    explained: int


def design(*, backgrounds: int, seed: int = 0) -> Design:
    """Pair every off-grid state with `backgrounds` others, no pair twice; 14 new states a pair, 700 a background.

    Parameters
    ----------
    backgrounds : int
        1 to 20.
    """
    points = np.array([[getattr(s, f) for f in FEATURES] for s in offgrid()])
    rng = np.random.default_rng(seed)
    pairs: dict[tuple[int, int], None] = {}
    rounds = 0
    while rounds < backgrounds:
        found = [(min(p), max(p)) for p in rng.permutation(len(points)).reshape(-1, 2).tolist()]
        if not any(p in pairs for p in found):
            pairs |= dict.fromkeys(found)
            rounds += 1
    rows = {tuple(p): k for k, p in enumerate(points.tolist())}
    cubes = []
    for one, other in pairs:
        corners = []
        for corner in range(2 ** len(FEATURES)):
            state = tuple(points[other if corner >> j & 1 else one, j].item() for j in range(len(FEATURES)))
            corners.append(rows.setdefault(state, len(rows)))
        cubes.append(corners)
    return Design(np.array(list(rows)), np.array(cubes), len(points))


def shipped_model() -> Model:
    """The theory behind :func:`binlj.rdf`, on :data:`BINS` bins."""
    from binlj.structure import fitted

    theory = fitted()
    return lambda states: theory.predict(states, bins=BINS)


def explain_offgrid(
    plan: Design,
    model: Model,
    *,
    n_boot: int = 200,
    seed: int = 0,
    step: Callable[[], object] | None = None,
) -> Found:
    """Shares of the features in the model's phases and curves, off the grid.

    Intervals reweight the off-grid states (Bayesian bootstrap): how much the answer hangs on these 100.

    Parameters
    ----------
    model : callable
        States -> :class:`binlj.theory.prediction.Prediction` on :data:`BINS` bins.
    step : callable, optional
        Called after each state.

    Raises
    ------
    ArithmeticError
        If the Shapley values do not add up to the differences of the states.
    """
    demixed, curves = _evaluate(plan.states, model, step)
    one_phase = (demixed < ONE_PHASE)[plan.cubes].all(axis=1)
    called = (demixed >= 0.5).astype(np.float64)[:, None]
    targets: dict[str, tuple[dict[str, np.ndarray], np.ndarray]] = {PHASE: ({"flag": called}, plan.cubes)}
    targets |= {name: (curves[scale], plan.cubes) for scale, name in ALL.items()}
    left_out = []
    if one_phase.sum() >= FEWEST_CUBES:
        targets |= {name: (curves[scale], plan.cubes[one_phase]) for scale, name in WITHIN.items()}
    else:
        left_out.append(
            f"Off the grid: only {one_phase.sum()} pairs of states are homogeneous with everything between them; more "
            "backgrounds would give more."
        )
    rankings = {
        name: _rankings(name, parts, cubes, plan.explained, n_boot=n_boot, seed=seed)
        for name, (parts, cubes) in targets.items()
    }
    details = {
        "model": MODEL,
        "states": plan.explained,
        "pairs_of_states": len(plan.cubes),
        "backgrounds": 2 * len(plan.cubes) / plan.explained,
        "evaluations": len(plan.states),
        "demixed": int(called[: plan.explained].sum()),
        "homogeneous_pairs": int(one_phase.sum()),
        "values_of_each_feature": {f: len(np.unique(c)) for f, c in zip(FEATURES, plan.states.T, strict=True)},
    }
    return Found("off-grid", rankings, details, left_out)


def _evaluate(
    states: np.ndarray, model: Model, step: Callable[[], object] | None
) -> tuple[np.ndarray, dict[str, dict[str, np.ndarray]]]:
    """Probability of two phases of each state, and its curves: scale -> pair -> (states, points)."""
    bins = cache(lambda unit: rebinning(unit, width=WIDTH, reach=REACH, n=BINS))
    p: list[float] = []
    curves: dict[str, dict[str, list[np.ndarray]]] = {s: {pair: [] for pair in PAIRS} for s in ALL}
    for batch in _batches(states):
        found = model([StatePoint(*row) for row in batch.tolist()])
        for state, info, g in zip(batch, found.info, found.g, strict=True):
            p.append(info.p_demixed)
            for k, pair in enumerate(PAIRS):
                sigma = float(contact(pair, state[FEATURES.index("S")]))
                for scale, unit in (("r", 1.0), ("scaled", sigma)):
                    curves[scale][pair].append(bins(unit) @ g[k])
            if step:
                step()
    return np.array(p), {s: {pair: np.array(v) for pair, v in own.items()} for s, own in curves.items()}


def _batches(states: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(states), BATCH):
        yield states[start : start + BATCH]


def _rankings(
    name: str, parts: dict[str, np.ndarray], cubes: np.ndarray, explained: int, *, n_boot: int, seed: int
) -> dict[str, Ranking]:
    def half(values: np.ndarray) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        return lambda a, b: 0.5 * ((values[a] - values[b]) ** 2).sum(axis=-1)

    per = np.stack([effects.cube_game(cubes, half(v)) for v in parts.values()], axis=-1)  # subsets, cubes, parts
    rng = np.random.default_rng(seed)
    many = []
    for _ in range(n_boot):
        w = rng.exponential(size=explained)
        both = w[cubes[:, 0]] * w[cubes[:, -1]]
        many.append(shares_of(np.tensordot(per, both / both.sum(), axes=(1, 0))))
    text = f"{n_boot} reweightings of the {explained} states (Bayesian bootstrap)"
    value = shares_of(per.mean(axis=1))
    out = {
        measure: rank_shares(
            measure, name, SOURCE, value[measure], np.array([m[measure] for m in many]), tuple(parts),
            uncertainty=text, notes={"all": {"pairs_of_states": len(cubes)}},
        )
        for measure in (EFFECT, FIRST, TOTAL)
    }  # fmt: skip
    out[SIZE] = _sizes(name, parts, cubes, explained, n_boot=n_boot, seed=seed)
    return out


def baseline_shapley(cubes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Shapley values of a cube's first corner with its last as background; swapped, they change their sign.

    Parameters
    ----------
    cubes : ndarray of int, shape (cubes, 16)
    values : ndarray, shape (states, points)

    Returns
    -------
    ndarray, shape (features, cubes, points)
        They sum over the features to first corner minus last.
    """
    from binlj.eval.explain.factorial import subsets

    last = cubes.shape[1] - 1
    # v(u): features in u from the first corner (bit 0), the others from the last (bit 1)
    corners = [last - sum(1 << j for j in u) for u in subsets(len(FEATURES))]
    return effects.shapley_of(np.stack([values[cubes[:, c]] for c in corners]))


def _sizes(
    name: str, parts: dict[str, np.ndarray], cubes: np.ndarray, explained: int, *, n_boot: int, seed: int
) -> Ranking:
    """Rank by mean |SHAP| over states and points; each state's SHAP value is the mean over its backgrounds."""
    one, other = cubes[:, 0], cubes[:, -1]
    count = np.bincount(np.concatenate([one, other]), minlength=explained)
    used = count > 0
    per = {}
    for part, values in parts.items():
        phi = baseline_shapley(cubes, values)
        gap = additivity_error(phi, values[one] - values[other], 0.0)
        if gap > 1e-6:
            raise ArithmeticError(f"{name}: Shapley values miss the differences by {gap:.2e} of their spread")
        total = np.zeros((explained, len(FEATURES), values.shape[1]))
        np.add.at(total, one, phi.swapaxes(0, 1))
        np.add.at(total, other, -phi.swapaxes(0, 1))
        per[part] = np.abs(total[used] / count[used, None, None]).mean(axis=-1)

    def ranked(v: np.ndarray) -> Ranking:
        return rank(
            f"{SIZE}, {name}", SOURCE, v.mean(axis=0), bootstrap_states(v[None], n=n_boot, seed=seed),
            uncertainty=f"{n_boot} resamples of {len(v)} states", notes={"backgrounds": float(count[used].mean())},
        )  # fmt: skip

    by_pair = {part: ranked(v) for part, v in per.items() if len(per) > 1}
    return replace(ranked(np.mean(list(per.values()), axis=0)), by_pair=by_pair)
