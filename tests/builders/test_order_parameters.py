"""Composition fluctuation and solid order on configurations whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from binlj.builders.md.order_parameters import composition_fluctuation, solid_fraction
from binlj.builders.records.configuration import compact


def ideal(n: int, *, length: float, seed: int, share: float = 0.3, separated: bool = False):  # noqa: ANN201
    rng = np.random.default_rng(seed)
    xyz = rng.random((n, 3)) * length
    types = xyz[:, 2] < share * length if separated else rng.permutation(n) < share * n
    return compact(xyz, types.astype(int), box_length=length, step=0)


def test_positions_survive_compacting_to_one_part_in_65536() -> None:
    rng = np.random.default_rng(1)
    xyz = rng.random((500, 3)) * 24.0
    back = compact(xyz + 24.0, np.zeros(500), box_length=24.0, step=3).coordinates()
    assert np.max(np.abs(back - xyz)) <= 24.0 / 65536
    assert back.min() >= 0
    assert back.max() < 24.0


def test_random_mixture_has_fluctuation_one() -> None:
    values = [composition_fluctuation(ideal(10_000, length=23.0, seed=s)) for s in range(10)]
    assert np.mean(values) == pytest.approx(1.0, abs=0.05)


def test_separated_mixture_has_a_large_fluctuation() -> None:
    assert composition_fluctuation(ideal(10_000, length=23.0, seed=0, separated=True)) > 20


def test_fcc_is_solid_and_a_gas_is_not() -> None:
    base = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    cells = np.stack(np.meshgrid(*[np.arange(8)] * 3, indexing="ij"), -1).reshape(-1, 3)
    a = 1.55
    xyz = (cells[:, None] + base[None]).reshape(-1, 3) * a + np.random.default_rng(0).normal(
        0, 0.03, (2048, 3)
    )
    crystal = compact(xyz, np.zeros(2048), box_length=8 * a, step=0)
    assert solid_fraction(crystal, 0) > 0.95
    assert solid_fraction(crystal, 1) == 0.0  # no such particles
    assert solid_fraction(ideal(2048, length=12.4, seed=2, share=0.0), 0) < 0.05
