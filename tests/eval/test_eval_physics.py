"""Peaks, neighbours, distances and energies against closed forms and independent libraries."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from eval_cases import settled, value, with_g
from scipy.integrate import quad
from scipy.stats import wasserstein_distance

from binlj.data import curves, read_table
from binlj.eval import physics
from binlj.eval.metrics import Case
from binlj.eval.truth import Truth
from binlj.potential import pair_energy
from binlj.schema import bin_centres, bin_edges, merge_bins, shell_volumes


def test_peak_of_a_parabola_is_found_exactly(truth: Truth) -> None:
    for centre in (1.08, 1.12, 1.149):
        parabola = 3.0 - 40.0 * (truth.r - centre * truth.sigma[:, None]) ** 2
        position, height = physics.first_peak(truth, parabola)
        np.testing.assert_allclose(position, centre * truth.sigma, atol=1e-12)
        np.testing.assert_allclose(height, 3.0, atol=1e-12)


def test_peak_error_of_a_moved_parabola(truth: Truth) -> None:
    def bump(centre: float, top: float) -> np.ndarray:
        return top - 40.0 * (truth.r - centre * truth.sigma[:, None]) ** 2

    case = Case(with_g(truth, bump(1.1, 3.0)), bump(1.1, 3.4))
    assert value("peak_height", case) == pytest.approx(0.4, abs=1e-12)
    moved = Case(with_g(truth, 3.0 - 40.0 * (truth.r - 1.1 * truth.sigma[:, None]) ** 2),
                 3.0 - 40.0 * (truth.r - 1.1 * truth.sigma[:, None] - 0.03) ** 2)
    assert value("peak_position", moved) == pytest.approx(0.03, abs=1e-12)
    assert value("peak_height", moved) == pytest.approx(0.0, abs=1e-12)


def test_a_higher_second_shell_is_not_the_first_peak(truth: Truth) -> None:
    x = truth.r / truth.sigma[:, None]
    g = np.exp(-(((x - 1.1) / 0.1) ** 2)) + 5 * np.exp(-(((x - 2.5) / 0.1) ** 2))
    position, _ = physics.first_peak(truth, g)
    np.testing.assert_allclose(position / truth.sigma, 1.1, atol=0.06)


def test_a_rising_curve_has_no_refined_peak(truth: Truth) -> None:
    position, height = physics.first_peak(truth, np.broadcast_to(truth.r**2, truth.g.shape))
    assert np.isin(position, truth.r).all()
    np.testing.assert_allclose(height, position**2)
    assert (position <= 1.5 * truth.sigma).all() and (position > 1.5 * truth.sigma - 0.1 - 1e-9).all()


def test_coordination_of_the_ideal_gas(truth: Truth) -> None:
    n = physics.running_coordination(truth, np.ones_like(truth.g))
    sphere = 4 / 3 * np.pi * bin_edges()[1:] ** 3
    partner = np.where(truth.pair == 0, 1 - truth.C_B[truth.state], truth.C_B[truth.state])
    np.testing.assert_allclose(n, (truth.density[truth.state] * partner)[:, None] * sphere, rtol=1e-12)


def test_coordination_error_by_hand(truth: Truth) -> None:
    truth = settled(truth)
    # One bin, 0.3 too high, is seen by every radius from there on: (bins from there) / (bins in range).
    g = truth.g.copy()
    g[:, 2] += 0.3
    case = Case(truth, g)
    shell = shell_volumes()[2]
    partner = np.where(truth.pair == 0, 1 - truth.C_B[truth.state], truth.C_B[truth.state])
    extra = 0.3 * shell * truth.density[truth.state] * partner
    n_range = (truth.r <= 2.5 * truth.sigma[:, None] + 1e-9).sum(axis=1)
    expected = extra * (n_range - 2) / n_range
    for code in range(3):
        rows = truth.pair == code
        assert value("coordination", case, code) == pytest.approx(expected[rows].mean(), rel=1e-9)


def test_wasserstein_of_two_shells_is_their_distance(truth: Truth) -> None:
    y, p = np.zeros(100), np.zeros(100)
    y[5], p[8] = 2.0, 0.7  # all neighbours in one bin, three bins apart, whatever their number
    case = Case(with_g(truth, y), np.broadcast_to(p, truth.g.shape))
    assert value("wasserstein", case) == pytest.approx(0.3, abs=1e-12)


def test_wasserstein_is_scipys(truth: Truth) -> None:
    rng = np.random.default_rng(1)
    p = rng.random(truth.g.shape)
    got = physics.wasserstein(truth, p)
    r, shells = truth.r, shell_volumes()
    for i in rng.choice(len(p), 40, replace=False):
        near = r <= 2.5 * truth.sigma[i] + 1e-9
        expected = wasserstein_distance(r[near], r[near], (p[i] * shells)[near], (truth.g[i] * shells)[near])
        assert got[i] == pytest.approx(expected, abs=1e-12)


def test_wasserstein_without_any_neighbour_is_the_worst_possible(truth: Truth) -> None:
    got = physics.wasserstein(truth, np.zeros_like(truth.g))
    np.testing.assert_allclose(got, 2.5 * truth.sigma)
    assert (physics.wasserstein(truth, np.ones_like(truth.g)) < got).all()


def test_pair_energy_is_cut_and_shifted() -> None:
    sigma, epsilon = np.array(1.5), np.array(0.4)
    at_cut = 4 * 0.4 * (2.5**-12 - 2.5**-6)
    minimum = pair_energy(np.array([2 ** (1 / 6) * 1.5]), sigma, epsilon)
    assert minimum[0] == pytest.approx(-0.4 - at_cut, abs=1e-14)
    assert pair_energy(np.array([1.5]), sigma, epsilon)[0] == pytest.approx(-at_cut, abs=1e-14)
    near = pair_energy(np.array([3.75 - 1e-9, 3.75, 4.0]), sigma, epsilon)
    assert abs(near[0]) < 1e-8 and near[1] == near[2] == 0.0


def _low_density_curves(truth: Truth, n: int) -> np.ndarray:
    """exp(-u/T), averaged over `n` bins: the exact g(r) at vanishing density."""
    fine = 50
    r = (np.arange(n * fine) + 0.5) * (10.0 / (n * fine))
    u = pair_energy(r, truth.sigma[:, None], truth.epsilon[:, None])
    g = np.exp(-np.minimum(u / truth.T[truth.state][:, None], 700)) * r**2
    return g.reshape(len(g), n, fine).sum(axis=2) / (r**2).reshape(n, fine).sum(axis=1)


def test_energy_at_low_density_is_the_integral(truth: Truth) -> None:
    energy = physics.energy(truth, _low_density_curves(truth, 100))
    for s in (0, 37, 111, 199):
        expected = 0.0
        rows = np.flatnonzero(truth.state == s)
        x = {0: (1 - truth.C_B[s]) ** 2, 1: 2 * truth.C_B[s] * (1 - truth.C_B[s]), 2: truth.C_B[s] ** 2}
        for i in rows:
            sigma, epsilon, T = truth.sigma[i], truth.epsilon[i], truth.T[s]

            def integrand(r: float, sigma: float = sigma, epsilon: float = epsilon, T: float = T) -> float:
                u = float(pair_energy(np.array(r), np.array(sigma), np.array(epsilon)))
                return u * np.exp(-u / T) * 4 * np.pi * r**2

            integral = quad(integrand, 0.6 * sigma, 2.5 * sigma, epsrel=1e-9, points=[sigma, 1.2 * sigma])[0]
            expected += x[int(truth.pair[i])] * integral
        assert energy[s] == pytest.approx(0.5 * truth.density[s] * expected, rel=2e-3)


def test_energy_of_100_bins_is_close_to_that_of_500(truth: Truth, toy: Path) -> None:
    fine = read_table("fine", path=toy).set_index(["state_id", "pair"]).loc[list(truth.keys)]
    g = curves(fine)
    exact, coarse = physics.energy(truth, g), physics.energy(truth, merge_bins(g))
    assert np.abs(coarse / exact - 1).max() < 0.01
    # The potential at the bin's centre, the obvious rule, is much worse.
    u = pair_energy(truth.r, truth.sigma[:, None], truth.epsilon[:, None])
    naive = np.where(truth.r > 0.7 * truth.sigma[:, None], u, 0.0) * shell_volumes(100)
    by_centre = physics.energy(truth, merge_bins(g), naive)
    assert np.median(np.abs(by_centre / exact - 1)) > 5 * np.median(np.abs(coarse / exact - 1))


def test_energy_error_is_linear_in_a_small_change(truth: Truth) -> None:
    truth = settled(truth)
    # Doubling every g doubles the energy.
    case = Case(truth, 2 * truth.g)
    assert value("energy", case) == pytest.approx(np.abs(physics.energy(truth, truth.g)).mean(), rel=1e-12)


def test_energy_resolution_compares_with_the_simulation(truth: Truth) -> None:
    exact = replace(truth, energy=physics.energy(truth, truth.g) + 0.25)
    for prediction in (exact.g, 2 * exact.g):  # a property of the data, whatever is predicted
        assert value("energy_resolution", Case(exact, prediction)) == pytest.approx(0.25, abs=1e-12)


def test_the_core_does_not_blow_up_the_energy(truth: Truth) -> None:
    # g = 0.01 at r = 0.05 would be 10^13 epsilon of energy; such a bin carries no weight.
    g = truth.g.copy()
    g[:, 0] = 0.01
    np.testing.assert_array_equal(physics.energy(truth, g), physics.energy(truth, truth.g))


def test_bins_are_the_published_ones(truth: Truth) -> None:
    np.testing.assert_allclose(truth.r, bin_centres(100))
