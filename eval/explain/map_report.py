"""The paper's Fig. 7A-C on the data: map, clusters, entropies, and how stable they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from binlj.eval.explain import embedding, entropy
from binlj.eval.explain.curves import map_features
from binlj.eval.explain.ranking import Ranking, rank
from binlj.schema import FEATURES

SEEDS = 20
RESAMPLES = 20


@dataclass(frozen=True)
class MapReport:
    """Everything that Fig. 7A-C and the table need.

    Attributes
    ----------
    states : ndarray, shape (states, 4)
    points : ndarray, shape (states, 2)
        The map of the first seed.
    labels : ndarray, shape (states,)
        Its clusters at the K chosen there.
    inertia, silhouette : ndarray, shape (seeds, number of K)
    rankings : list of Ranking
        Mixing entropy, normalised entropy, mutual information.
    details : dict
        JSON-ready: K of each seed, entropies at every K, what chance alone gives.
    scaled : bool
        Whether the curves were taken against r / sigma_ij.
    """

    states: np.ndarray
    points: np.ndarray
    labels: np.ndarray
    inertia: np.ndarray
    silhouette: np.ndarray
    rankings: list[Ranking]
    details: dict[str, Any]
    scaled: bool


def explain_map(
    fine: pd.DataFrame,
    *,
    seeds: int = SEEDS,
    resamples: int = RESAMPLES,
    seed: int = 0,
    scaled: bool = False,
    step: Callable[[], object] | None = None,
) -> MapReport:
    """Map the structures, cluster the map, and rank the features by mixing entropy.

    The estimate is the mean over `seeds` maps. Its uncertainty comes from those maps together with
    `resamples` bootstrap resamples of the states, each mapped and clustered anew (a state drawn twice counts
    twice in the clustering and in the entropy).

    Parameters
    ----------
    fine : DataFrame
        The `fine` config, from :func:`binlj.eval.explain.curves.load_frames`.
    scaled : bool
        Map the curves against r / sigma_ij.
    step : callable, optional
        Called after each map.
    """
    frame, vectors = map_features(fine, scaled=scaled)
    states = frame[list(FEATURES)].to_numpy(dtype=np.float64)
    maps: list[tuple[np.ndarray, embedding.Clusters]] = []
    for k in range(seeds):
        points = embedding.embed(vectors, seed=seed + k)
        maps.append((points, embedding.cluster(points, seed=seed + k)))
        if step:
            step()
    raw = [entropy.entropies(c.labels[c.k], states) for _, c in maps]
    relative = [entropy.entropies(c.labels[c.k], states, normalised=True) for _, c in maps]
    shared = [entropy.mutual_information(c.labels[c.k], states) for _, c in maps]
    again = _resampled(vectors, states, n=resamples, seed=seed, step=step)
    suffix = ", r / sigma_ij" if scaled else ""
    text = f"{seeds} UMAP seeds and {resamples} bootstrap resamples of the states"
    first_points, first = maps[0]
    chance = entropy.chance(first.labels[first.k], states, seed=seed)
    rankings = [
        rank(
            f"mixing entropy (paper){suffix}",
            "data",
            np.mean(raw, axis=0),
            np.array(raw + again[0]),
            uncertainty=text,
            strongest="lowest",
            notes={"first_share_if_clusters_were_random": chance["raw"]},
        ),
        rank(
            f"mixing entropy / log n{suffix}",
            "data",
            np.mean(relative, axis=0),
            np.array(relative + again[1]),
            uncertainty=text,
            strongest="lowest",
            notes={"first_share_if_clusters_were_random": chance["normalised"]},
        ),
        rank(
            f"adjusted mutual information{suffix}",
            "data",
            np.mean(shared, axis=0),
            np.array(shared + again[2]),
            uncertainty=text,
        ),
    ]
    return MapReport(
        states,
        first_points,
        first.labels[first.k],
        np.array([[c.inertia[k] for k in embedding.K_RANGE] for _, c in maps]),
        np.array([[c.silhouette[k] for k in embedding.K_RANGE] for _, c in maps]),
        rankings,
        _details([c for _, c in maps], states),
        scaled,
    )


def _resampled(
    vectors: np.ndarray, states: np.ndarray, *, n: int, seed: int, step: Callable[[], object] | None
) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    raw, scaled, shared = [], [], []
    for k in range(n):
        count = np.bincount(rng.integers(len(states), size=len(states)), minlength=len(states))
        drawn = np.flatnonzero(count)
        weights = count[drawn].astype(np.float64)
        points = embedding.embed(vectors[drawn], seed=seed + k)
        c = embedding.cluster(points, seed=seed + k, weights=weights)
        labels = c.labels[c.k]
        raw.append(entropy.entropies(labels, states[drawn], weights=weights))
        scaled.append(entropy.entropies(labels, states[drawn], weights=weights, normalised=True))
        twice = np.repeat(np.arange(len(drawn)), count[drawn])
        shared.append(entropy.mutual_information(labels[twice], states[drawn][twice]))
        if step:
            step()
    return raw, scaled, shared


def _details(maps: list[embedding.Clusters], states: np.ndarray) -> dict[str, Any]:
    by_k = {}
    for k in embedding.K_RANGE:
        plain = np.array([entropy.entropies(c.labels[k], states) for c in maps])
        share = np.array([entropy.entropies(c.labels[k], states, normalised=True) for c in maps])
        by_k[str(k)] = {
            "entropy": dict(zip(FEATURES, plain.mean(0).tolist(), strict=True)),
            "normalised": dict(zip(FEATURES, share.mean(0).tolist(), strict=True)),
            "S_lowest_share_of_seeds": float((plain.argmin(1) == FEATURES.index("S")).mean()),
            "S_lowest_share_of_seeds_normalised": float((share.argmin(1) == FEATURES.index("S")).mean()),
            "inertia": float(np.mean([c.inertia[k] for c in maps])),
            "silhouette": float(np.mean([c.silhouette[k] for c in maps])),
        }

    def counts(values: list[int]) -> dict[str, int]:
        return {str(k): n for k, n in sorted(Counter(values).items())}

    return {
        "k_chosen": counts([c.k for c in maps]),
        "k_by_elbow": counts([c.k_elbow for c in maps]),
        "k_by_silhouette": counts([c.k_silhouette for c in maps]),
        "by_k": by_k,
    }
