"""Mixing entropy of a feature over clusters: the paper's, the normalised one, and mutual information."""

from __future__ import annotations

import numpy as np

from binlj.schema import FEATURES


def mixing_entropy(
    clusters: np.ndarray, feature: np.ndarray, *, weights: np.ndarray | None = None, normalised: bool = False
) -> float:
    """Average over the clusters of E = -sum_i p_i log p_i, p_i being the share of value i in the cluster.

    Natural logarithm; clusters count equally, as in the paper. A feature that is spread evenly over every
    cluster reaches log(number of its values): log 4 for S but log 5 for the others. `normalised` divides by
    that, so that 1 means no relation for every feature.

    Parameters
    ----------
    clusters, feature : ndarray, shape (n,)
    weights : ndarray, shape (n,), optional
    """
    values, index = np.unique(feature, return_inverse=True)
    found = []
    for c in np.unique(clusters):
        inside = clusters == c
        count = np.bincount(index[inside], None if weights is None else weights[inside], minlength=len(values))
        p = count[count > 0] / count.sum()
        found.append(-(p * np.log(p)).sum())
    mean = float(np.mean(found))
    if not normalised:
        return mean
    # one value only: nothing to mix, so no relation either
    return mean / float(np.log(len(values))) if len(values) > 1 else 1.0


def entropies(
    clusters: np.ndarray, states: np.ndarray, *, weights: np.ndarray | None = None, normalised: bool = False
) -> np.ndarray:
    """:func:`mixing_entropy` of each column of `states`, shape (features,)."""
    return np.array(
        [mixing_entropy(clusters, states[:, i], weights=weights, normalised=normalised) for i in range(states.shape[1])]
    )


def mutual_information(clusters: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Adjusted mutual information of the clusters with each feature: 1 the same partition, 0 chance."""
    from sklearn.metrics import adjusted_mutual_info_score

    return np.array(
        [
            adjusted_mutual_info_score(np.unique(states[:, i], return_inverse=True)[1], clusters)
            for i in range(states.shape[1])
        ]
    )


def chance(clusters: np.ndarray, states: np.ndarray, *, n: int = 500, seed: int = 0) -> dict[str, dict[str, float]]:
    """What the entropies say when the clusters are shuffled over the states, i.e. mean nothing.

    Returns
    -------
    dict
        ``raw`` and ``normalised`` -> feature -> share of the shufflings in which it has the lowest entropy.
        The raw entropy names S nearly always: it has four values where the others have five.
    """
    rng = np.random.default_rng(seed)
    wins = {"raw": np.zeros(states.shape[1]), "normalised": np.zeros(states.shape[1])}
    ceiling = np.log([len(np.unique(states[:, i])) for i in range(states.shape[1])])
    for _ in range(n):
        e = entropies(rng.permutation(clusters), states)
        wins["raw"][e.argmin()] += 1
        wins["normalised"][(e / ceiling).argmin()] += 1
    return {kind: dict(zip(FEATURES, (w / n).tolist(), strict=True)) for kind, w in wins.items()}
