"""The paper's map of the structures: UMAP to the plane, K-means there, K by inertia and silhouette."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from binlj.errors import MissingExtraError

K_RANGE = tuple(range(2, 11))


@contextmanager
def without_module(name: str) -> Iterator[None]:
    """Make ``import name`` fail inside the block unless it is imported already; leave no trace."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if sys.modules.get(name) is None:
            sys.modules.pop(name, None)


def import_umap() -> Any:
    """Import umap without TensorFlow, which it would load for a part that is not used here.

    Raises
    ------
    MissingExtraError
        If umap-learn is not installed.
    """
    try:
        with without_module("tensorflow"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import umap
    except ImportError:
        raise MissingExtraError("umap-learn", "explain") from None
    return umap


def embed(vectors: np.ndarray, *, seed: int) -> np.ndarray:
    """UMAP of the vectors in the plane (15 neighbours, min_dist 0.1: the library's defaults), shape (n, 2).

    One thread, since only then the same seed gives the same map.
    """
    umap = import_umap()
    mapper = umap.UMAP(n_components=2, n_neighbors=min(15, len(vectors) - 1), random_state=seed, n_jobs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(mapper.fit_transform(vectors), dtype=np.float64)


@dataclass(frozen=True)
class Clusters:
    """K-means of a map for each K.

    Attributes
    ----------
    labels : dict
        K -> cluster of each state, shape (states,).
    inertia, silhouette : dict
        K -> score.
    """

    labels: dict[int, np.ndarray]
    inertia: dict[int, float]
    silhouette: dict[int, float]

    @property
    def k_silhouette(self) -> int:
        """K with the highest silhouette."""
        return max(self.silhouette, key=lambda k: self.silhouette[k])

    @property
    def k_elbow(self) -> int:
        """K at the elbow of the inertia: the point farthest below the chord from the first K to the last."""
        k, below = self._below_chord()
        return int(k[np.argmax(below)])

    @property
    def k(self) -> int:
        """K by both: theirs where they agree, else the largest sum of the two scores, each scaled to 0-1."""
        if self.k_elbow == self.k_silhouette:
            return self.k_elbow
        k, below = self._below_chord()
        s = np.array([self.silhouette[int(i)] for i in k])
        return int(k[np.argmax(_unit(below) + _unit(s))])

    def _below_chord(self) -> tuple[np.ndarray, np.ndarray]:
        k = np.array(sorted(self.inertia), dtype=np.float64)
        y = np.array([self.inertia[int(i)] for i in k])
        return k, np.interp(k, k[[0, -1]], y[[0, -1]]) - y


def _unit(v: np.ndarray) -> np.ndarray:
    span = np.ptp(v)
    scaled: np.ndarray = (v - v.min()) / span if span > 0 else np.zeros_like(v)
    return scaled


def cluster(points: np.ndarray, *, seed: int, weights: np.ndarray | None = None) -> Clusters:
    """K-means for K = 2 ... 10, with inertia and silhouette.

    Parameters
    ----------
    points : ndarray, shape (n, 2)
    weights : ndarray, shape (n,), optional
        How often each point counts (bootstrap resamples).
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_samples
    from threadpoolctl import threadpool_limits

    labels, inertia, silhouette = {}, {}, {}
    # a few hundred points: on busy cores threads would only wait for each other
    with threadpool_limits(1):
        for k in K_RANGE:
            model = KMeans(k, n_init=10, random_state=seed).fit(points, sample_weight=weights)
            labels[k], inertia[k] = model.labels_, float(model.inertia_)
            silhouette[k] = float(np.average(silhouette_samples(points, model.labels_), weights=weights))
    return Clusters(labels, inertia, silhouette)
