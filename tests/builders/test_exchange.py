"""Exchange of identities: the distribution is Boltzmann's, counted out for a few particles."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from binlj.builders.md.exchange import exchange
from binlj.grid import CUTOFF
from binlj.potential import pair_energy


def energy(positions: np.ndarray, types: np.ndarray, length: float, eps: float) -> float:
    """Potential energy, pair by pair."""
    total = 0.0
    for i, j in itertools.combinations(range(len(types)), 2):
        d = positions[i] - positions[j]
        d -= length * np.round(d / length)
        total += float(pair_energy(np.linalg.norm(d), 1.0, 1.0 if types[i] == types[j] else eps))
    return total


def cluster(n: int, length: float) -> np.ndarray:
    """A loose cluster across the box's corner, some pairs beyond the cutoff."""
    rng = np.random.default_rng(4)
    found: list[np.ndarray] = []
    while len(found) < n:
        new = rng.uniform(-1.6, 1.6, 3)
        if all(np.linalg.norm(new - old) > 0.95 for old in found):
            found.append(new)
    return np.array(found)


def test_every_arrangement_comes_as_often_as_its_boltzmann_factor() -> None:
    length, T, eps = 6.0, 0.8, 0.3
    positions = cluster(7, length)
    far = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    assert (far > CUTOFF).any()
    arrangements = [
        np.isin(np.arange(7), b).astype(np.int8) for b in itertools.combinations(range(7), 3)
    ]  # 3 B among 7
    weights = np.exp([-energy(positions, t, length, eps) / T for t in arrangements])
    expected = weights / weights.sum()
    assert expected.max() > 3 / 35  # some are far from equally likely

    number = {tuple(t): i for i, t in enumerate(arrangements)}
    counts = np.zeros(len(arrangements))
    types = arrangements[0]
    n = 20_000
    for seed in range(n):
        types, _ = exchange(positions, types, length=length, T=T, eps_AB=eps, tries=25, seed=seed)
        counts[number[tuple(types)]] += 1
    error = np.sqrt(expected * (1 - expected) / n)
    assert np.abs(counts / n - expected).max() < 5 * error.max()
    assert float((((counts / n - expected) / error) ** 2).mean()) < 3.0  # 25 tries leave some correlation


def test_composition_stays_and_like_particles_exchange_freely() -> None:
    rng = np.random.default_rng(1)
    positions = rng.uniform(0, 8.0, (300, 3))
    types = (np.arange(300) < 30).astype(np.int8)
    after, accepted = exchange(positions, types, length=8.0, T=1.0, eps_AB=1.0, tries=5_000, seed=3)
    assert after.sum() == 30 and accepted == 5_000  # eps_AB = 1: no exchange costs anything
    assert not np.array_equal(after, types) and after.dtype == types.dtype
    again, _ = exchange(positions, types, length=8.0, T=1.0, eps_AB=1.0, tries=5_000, seed=3)
    assert np.array_equal(after, again)


def test_a_box_with_several_images_of_a_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="twice the cutoff"):
        exchange(np.zeros((2, 3)), np.array([0, 1]), length=5.0, T=1.0, eps_AB=0.5, tries=1, seed=0)
