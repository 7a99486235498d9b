"""Packed curves come back within the error the page states."""

from __future__ import annotations

import numpy as np

from binlj.leaderboard.pack import pack_signed, pack_unsigned, size, unpack


def test_data_error_is_within_the_stated_bound() -> None:
    g = np.abs(np.random.default_rng(0).normal(1, 4, (40, 100)))
    for bits, kind, bound in ((16, "u2", 1 / 131_000), (8, "u1", 1 / 509)):
        back = unpack(pack_unsigned(g, bits), kind, 100)
        worst = np.abs(back - g).max(axis=1) / g.max(axis=1)
        assert worst.max() < bound
        assert worst.max() > bound / 10  # it is a quantisation, not a copy


def test_differences_keep_their_sign_and_the_stated_error() -> None:
    d = np.random.default_rng(1).normal(0, 0.3, (40, 100)) * np.logspace(-4, 3, 40)[:, None]
    back = unpack(pack_signed(d), "i1", 100)
    assert (np.abs(back - d).max(axis=1) / np.abs(d).max(axis=1)).max() < 0.004
    large = np.abs(d) > 0.1 * np.abs(d).max(axis=1, keepdims=True)
    assert (np.sign(back[large]) == np.sign(d[large])).all()


def test_zero_curves_stay_zero_and_extremes_are_exact() -> None:
    assert (unpack(pack_signed(np.zeros((2, 100))), "i1", 100) == 0).all()
    assert (unpack(pack_unsigned(np.zeros((2, 100)), 16), "u2", 100) == 0).all()
    d = np.zeros((1, 100))
    d[0, 3], d[0, 4] = 0.5, -0.5
    assert unpack(pack_signed(d), "i1", 100)[0, [3, 4]].tolist() == [0.5, -0.5]


def test_a_curve_takes_one_byte_a_point() -> None:
    packed = pack_signed(np.ones((600, 100)))
    assert size(packed) == 4 * 60_000 // 3 + 4 * 2400 // 3
