"""What decides the phase, and what the structure within one: shares of T*, C_B, S and eps_AB, from the data alone.

The phase flag and the curves of all states are on the complete grid, where every index is exact. The homogeneous states
alone are an incomplete grid; see :mod:`binlj.eval.explain.effects` for the two estimators used there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from binlj.eval.explain import effects
from binlj.eval.explain.curves import load_frames, merged_curves
from binlj.eval.explain.factorial import factorial
from binlj.eval.explain.ranking import Ranking, bootstrap_states, rank
from binlj.grid import PAIRS
from binlj.schema import FEATURES

SCALES = {"r": "r", "scaled": "r / sigma_ij"}
PHASE = "phase"
ALL = {scale: f"structure of all states, {label}" for scale, label in SCALES.items()}
WITHIN = {scale: f"structure of homogeneous states, {label}" for scale, label in SCALES.items()}
EFFECT, FIRST, TOTAL, SIZE = "Shapley effect", "Sobol first order", "Sobol total", "mean |Shapley|"
SWAPS = "Shapley effect by swaps"
FEWEST = 20  # states of a phase, below which nothing is said of them


@dataclass(frozen=True)
class Target:
    """What is explained over a set of states: one flag, or the curves of the three pairs.

    Attributes
    ----------
    name : str
    parts : dict
        Name of the part (``AA``, ``AB``, ``BB`` or ``flag``) -> values of shape (states, points).
    stderr : dict
        Part -> standard errors, same shape; empty for a flag.
    doubtful : ndarray of bool, shape (states,), or None
        States whose flag may be wrong.
    """

    name: str
    parts: dict[str, np.ndarray]
    stderr: dict[str, np.ndarray]
    doubtful: np.ndarray | None = None

    def curves(self, rng: np.random.Generator | None = None) -> list[tuple[np.ndarray, np.ndarray]]:
        """Values of each part and their noise (squared, summed over the points); with `rng` those of a noisy copy."""
        out = []
        for part, values in self.parts.items():
            error = self.stderr.get(part)
            noise = np.zeros(len(values)) if error is None else (error**2).sum(axis=1)
            if rng is not None and error is not None:
                values, noise = values + error * rng.standard_normal((len(values), 1)), 2 * noise
            if rng is not None and self.doubtful is not None:
                other = rng.integers(2, size=values.shape).astype(np.float64)
                values = np.where(self.doubtful[:, None], other, values)
            out.append((values, noise))
        return out


@dataclass(frozen=True)
class Found:
    """Answers of one regime.

    Attributes
    ----------
    regime : str
    rankings : dict
        Target -> measure -> Ranking. A target that cannot be explained is missing.
    details : dict
        JSON-ready: counts of states, levels, variances.
    left_out : list of str
        Sentences on what could not be answered.
    """

    regime: str
    rankings: dict[str, dict[str, Ranking]]
    details: dict[str, Any]
    left_out: list[str]


def explain_parameters(
    dataset: Path | None = None,
    *,
    regime: str = "equilibrium",
    n_boot: int = 200,
    seed: int = 0,
    step: Callable[[], object] | None = None,
) -> Found:
    """Shares of the features in the phase and in the structure, of a regime of the dataset.

    Parameters
    ----------
    n_boot : int
        Replicates of each interval.
    step : callable, optional
        Called ``2 * n_boot`` times.

    Raises
    ------
    DataError
        If the dataset cannot be read or lacks the regime.
    InputError
        If the states are not a full factorial.
    """
    from binlj import data

    table = data.read_table("states", "all", regime=regime, path=dataset)
    flags = np.column_stack([table["phase"] == "demixed", table["converged"]]).astype(np.float64)
    grid = factorial(table[list(FEATURES)], flags, np.arange(2.0), subject=f"states of the {regime} regime")
    states, (demixed, converged) = grid.states(), (grid.flat() > 0.5).T
    fine, coarse = load_frames(dataset, regime=regime)
    curves = {scale: merged_curves(fine, coarse, scaled=scale == "scaled") for scale in SCALES}

    def structure(names: dict[str, str], mask: np.ndarray) -> list[Target]:
        return [
            Target(
                name,
                {pair: c.flat()[mask] for pair, c in curves[scale].items()},
                {pair: c.flat_stderr()[mask] for pair, c in curves[scale].items()},
            )
            for scale, name in names.items()
        ]

    everything = np.ones(len(states), dtype=bool)
    within = ~demixed & converged
    left_out = []
    targets = structure(ALL, everything)
    if 0 < demixed.sum() < len(states):
        targets.insert(0, Target(PHASE, {"flag": demixed[:, None].astype(np.float64)}, {}, ~converged))
    else:
        which = "all" if demixed.all() else "none"
        left_out.append(f"{regime}: {which} of the {len(states)} states are demixed, so nothing decides the phase.")
    source = f"data, {regime}"
    rankings = _rank(states, targets, source, complete=True, n_boot=n_boot, seed=seed, step=step)
    if within.sum() >= FEWEST:
        own = structure(WITHIN, within)
        rankings |= _rank(states[within], own, source, complete=False, n_boot=n_boot, seed=seed, step=step)
    else:
        left_out.append(f"{regime}: {within.sum()} converged homogeneous states are too few to say what rules them.")
    details = {
        "states": len(states),
        "demixed": int(demixed.sum()),
        "not_converged": int((~converged).sum()),
        "homogeneous_and_converged": int(within.sum()),
        "homogeneous_by_level": {
            f: {f"{v:g}": int((within & (states[:, i] == v)).sum()) for v in grid.levels[i]}
            for i, f in enumerate(FEATURES)
        },
        "variance": {
            pair: _variances(curves["r"][pair].flat(), demixed, within) for pair in PAIRS
        },
    }  # fmt: skip
    return Found(regime, rankings, details, left_out)


def _variances(g: np.ndarray, demixed: np.ndarray, within: np.ndarray) -> dict[str, float]:
    """Variance of a pair's curves, its share between the phases, and that among the homogeneous states over it."""
    total = float(g.var(axis=0).sum())
    means = np.where(demixed[:, None], _mean(g, demixed), _mean(g, ~demixed))
    return {
        "all": total,
        "between_phases": float(means.var(axis=0).sum()) / total,
        "homogeneous_over_all": float(g[within].var(axis=0).sum()) / total if within.any() else 0.0,
    }


def _mean(g: np.ndarray, mask: np.ndarray) -> np.ndarray:
    found: np.ndarray = g[mask].mean(axis=0) if mask.any() else np.zeros(g.shape[1])
    return found


def _rank(
    states: np.ndarray,
    targets: Sequence[Target],
    source: str,
    *,
    complete: bool,
    n_boot: int,
    seed: int,
    step: Callable[[], object] | None,
) -> dict[str, dict[str, Ranking]]:
    """Every measure of each target over one set of states, with its replicates.

    On a complete grid the replicates draw the noise of the curves, or the flags of the doubtful states, again. On an
    incomplete one they also reweight the states (Bayesian bootstrap, Rubin, Ann. Statist. 9, 130 (1981)); since
    uneven weights thin the cells out, which moves every copy towards equal shares, the copies are centred on the
    estimate.
    """
    rng = np.random.default_rng(seed)
    cells = effects.cells(states)
    games = {t.name: _game(cells, t) for t in targets}
    copies: dict[str, list[np.ndarray]] = {t.name: [] for t in targets}
    for _ in range(n_boot):
        weights = None if complete else rng.exponential(size=len(states))
        for t in targets:
            copies[t.name].append(_game(cells, t, rng, weights))
        if step:
            step()
    out = {}
    for t in targets:
        measures = _measures(t, games[t.name], np.array(copies[t.name]), source, centre=not complete)
        if t.name == PHASE:
            found = _sub_grids(states, cells, t)
            for name, f in (("lowest_on_sub_grids", found.min(axis=0)), ("highest_on_sub_grids", found.max(axis=0))):
                measures[EFFECT].notes[name] = dict(zip(FEATURES, f.tolist(), strict=True))
        if not complete:
            measures[SWAPS] = _by_swaps(t, states, source, n_boot=n_boot, seed=seed)
        measures[SIZE] = _sizes(t, states, source, n_boot=n_boot, seed=seed)
        out[t.name] = measures
    return out


def _game(
    cells: np.ndarray, t: Target, rng: np.random.Generator | None = None, weights: np.ndarray | None = None
) -> np.ndarray:
    """Shape (subsets, parts)."""
    parts = t.curves(rng)
    return np.stack([effects.conditional_game(cells, v, noise=noise, weights=weights) for v, noise in parts], axis=1)


def shares_of(game: np.ndarray) -> dict[str, np.ndarray]:
    """Each measure as shares of the variance, shape (features, parts), of a game of shape (subsets, parts)."""
    first, total = effects.sobol_of(game)
    return {name: v / game[-1] for name, v in ((EFFECT, effects.shapley_of(game)), (FIRST, first), (TOTAL, total))}


def rank_shares(
    measure: str, target: str, source: str, value: np.ndarray, copies: np.ndarray, parts: Sequence[str], *,
    uncertainty: str, notes: dict[str, dict[str, Any]] | None = None,
) -> Ranking:  # fmt: skip
    """Rank shares: the pairs each by itself, and the mean over the pairs, in which each counts alike.

    Parameters
    ----------
    value : ndarray, shape (features, parts)
    copies : ndarray, shape (replicates, features, parts)
    notes : dict, optional
        Part, or ``all`` -> notes.
    """
    notes = notes or {}
    method = f"{measure}, {target}"

    def ranked(v: np.ndarray, c: np.ndarray, part: str) -> Ranking:
        return rank(method, source, v, c, uncertainty=uncertainty, notes=dict(notes.get(part, {})))

    by_pair = {part: ranked(value[:, k], copies[:, :, k], part) for k, part in enumerate(parts) if len(parts) > 1}
    return replace(ranked(value.mean(axis=1), copies.mean(axis=2), "all"), by_pair=by_pair)


def _measures(
    t: Target, game: np.ndarray, copies: np.ndarray, source: str, *, centre: bool
) -> dict[str, Ranking]:
    value = shares_of(game)
    many = [shares_of(c) for c in copies]
    noise = np.array([(t.stderr[p] ** 2).sum(axis=1).mean() if p in t.stderr else 0.0 for p in t.parts])
    share = noise / (noise + game[-1])
    notes = {p: {"noise_share_taken_out": float(s), "noise_dominated": bool(s >= 0.5)}
             for p, s in zip(t.parts, share, strict=True)}  # fmt: skip
    notes["all"] = {"states": len(next(iter(t.parts.values()))), "noise_dominated": bool(share.max() >= 0.5)}
    n = len(copies)
    if centre:
        text = f"{n} reweightings of the states (Bayesian bootstrap), with the noise of the curves"
    elif t.doubtful is not None:
        text = f"{n} draws of the phases of the {int(t.doubtful.sum())} states that are not converged"
    else:
        text = f"{n} copies with the noise of the curves"
    out = {}
    for measure, v in value.items():
        c = np.array([m[measure] for m in many])
        if centre:
            c = c - c.mean(axis=0) + v
        found = rank_shares(measure, t.name, source, v, c, tuple(t.parts), uncertainty=text, notes=notes)
        out[measure] = _including(found) if t.doubtful is not None else found
    return out


def _including(r: Ranking) -> Ranking:
    """With the estimate inside its interval: the published flags are one possible set, and the least mixed up one."""
    low = {f: min(v, r.values[f]) for f, v in r.low.items()}
    high = {f: max(v, r.values[f]) for f, v in r.high.items()}
    return replace(r, low=low, high=high)


def _sub_grids(states: np.ndarray, cells: np.ndarray, t: Target) -> np.ndarray:
    """Shapley effects on every sub-grid that lacks one level of one feature, shape (sub-grids, features)."""
    found = []
    for column in states.T:
        values = np.unique(column)
        for level in values if len(values) > 2 else ():
            kept = column != level
            game = _game(cells[:, kept], Target(t.name, {p: v[kept] for p, v in t.parts.items()}, {}))
            if (game[-1] > 0).all():
                found.append(shares_of(game)[EFFECT].mean(axis=1))
    return np.stack(found)


def _by_swaps(t: Target, states: np.ndarray, source: str, *, n_boot: int, seed: int) -> Ranking:
    cubes = effects.closed_cubes(states)
    halves = [effects.half_distances(*part) for part in t.curves()]
    per = np.stack([effects.cube_game(cubes, _looked_up(h)) for h in halves], axis=-1)
    rng = np.random.default_rng(seed)
    copies = []
    for _ in range(n_boot):
        w = rng.exponential(size=len(states))
        both = w[cubes[:, 0]] * w[cubes[:, -1]]
        copies.append(shares_of(np.tensordot(per, both / both.sum(), axes=(1, 0)))[EFFECT])
    pairs = len(states) * (len(states) - 1) // 2
    return rank_shares(
        SWAPS, t.name, source, shares_of(per.mean(axis=1))[EFFECT], np.array(copies), tuple(t.parts),
        uncertainty=f"{n_boot} reweightings of the states (Bayesian bootstrap)",
        notes={"all": {"states": len(states), "pairs_of_states": pairs, "pairs_with_everything_between": len(cubes)}},
    )  # fmt: skip


def _looked_up(half: np.ndarray) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda a, b: half[a, b]


def _sizes(t: Target, states: np.ndarray, source: str, *, n_boot: int, seed: int) -> Ranking:
    """Rank by the mean |Shapley value| over states and points, in units of what is explained."""
    per = {p: np.abs(effects.cohort_shapley(states, v)).mean(axis=2).T for p, v in t.parts.items()}

    def ranked(v: np.ndarray) -> Ranking:
        return rank(
            f"{SIZE}, {t.name}", source, v.mean(axis=0), bootstrap_states(v[None], n=n_boot, seed=seed),
            uncertainty=f"{n_boot} resamples of {len(v)} states",
        )  # fmt: skip

    by_pair = {p: ranked(v) for p, v in per.items() if len(per) > 1}
    return replace(ranked(np.mean(list(per.values()), axis=0)), by_pair=by_pair)
