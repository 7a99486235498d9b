"""Gibbs energy curves, tension and phases of a finite box against solutions that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from binlj.errors import InputError
from binlj.grid import State
from binlj.pets import pets_coexistence, pets_density
from binlj.theory.correction import (
    N_DENSITY,
    N_GIBBS,
    Correction,
    corrected,
    density_features,
    gibbs_features,
)
from binlj.theory.gibbs import MOMENT, GibbsCurve, binodal, gibbs_curve, tension
from binlj.theory.phases import LEAST_SHARE, phases, split
from binlj.theory.prediction import predict


def regular(chi: float, *, T: float = 1.0, density: float = 0.8) -> GibbsCurve:
    """A regular solution, h = chi x (1 - x), of equal sizes."""
    logit = np.linspace(-14, 14, 57)
    x = 1 / (1 + np.exp(-logit))
    return GibbsCurve(T, 1.0, 0.5, logit, chi * x * (1 - x), np.full(57, density))


def regular_binodal(chi: float) -> float:
    """The A-rich root of ln((1 - x) / x) = chi (1 - 2 x)."""
    return brentq(lambda x: np.log((1 - x) / x) - chi * (1 - 2 * x), 1e-9, 0.5 - 1e-6)


@pytest.mark.parametrize("chi", [2.3, 3.0, 5.0])
def test_binodal_of_a_regular_solution(chi: float):
    low, high = binodal(regular(chi)) or (np.nan, np.nan)
    # The tangent touches points of a grid of 0.1 in the logit.
    assert np.log(low / (1 - low)) == pytest.approx(np.log(regular_binodal(chi) / (1 - regular_binodal(chi))), abs=0.1)
    assert low + high == pytest.approx(1, abs=1e-9)


def test_below_its_critical_chi_a_regular_solution_does_not_demix():
    assert binodal(regular(1.9)) is None and split(regular(1.9), 0.5) is None


def test_tension_of_a_regular_solution_is_its_integral():
    curve, chi = regular(3.0), 3.0
    x0 = regular_binodal(chi)
    g = lambda x: x * np.log(x) + (1 - x) * np.log(1 - x) + chi * x * (1 - x)  # noqa: E731
    # Equal sizes and densities: c = MOMENT / 12 rho^2 (2 - 2 eps_AB).
    c = MOMENT / 12 * 0.8**2 * (2 - 2 * 0.5)
    expected = 2 * quad(lambda x: np.sqrt(c * 0.8 * max(g(x) - g(x0), 0.0)), x0, 1 - x0)[0]
    assert tension(curve, x0, 1 - x0) == pytest.approx(expected, rel=2e-3)


def test_a_small_droplet_is_not_stable_and_a_large_box_has_the_bulk_phases():
    curve = regular(3.0)
    x0 = regular_binodal(3.0)
    small, large = split(curve, 0.12, n=300), split(curve, 0.12, n=10**9)
    assert small is not None and large is not None
    assert small.gain > 0 > large.gain
    assert large.compositions == pytest.approx((x0, 1 - x0), rel=0.01)


def test_what_surrounds_a_droplet_holds_more_b_than_in_bulk():
    # Gibbs-Thomson: mu_B rises with the curvature.
    curve = regular(3.0)
    droplet, slab = split(curve, 0.15, n=10_000), split(curve, 0.5, n=10_000)
    assert droplet is not None and slab is not None
    x0 = regular_binodal(3.0)
    assert droplet.compositions[0] > 1.02 * x0
    assert slab.compositions[0] == pytest.approx(x0, rel=0.01), "a flat interface changes nothing"


@pytest.mark.parametrize("values", [(0.8, 0.3, 1.5, 0.4), (1.2, 0.2, 1.0, 0.4)])
def test_binodal_of_pets_is_that_of_its_own_flash(values: tuple[float, float, float, float]):
    state = State(*values)
    flash, curve = pets_coexistence(state), gibbs_curve(state.T, state.S, state.eps_AB)
    assert flash is not None and curve is not None
    found = binodal(curve)
    assert found is not None
    for x, phase in zip(found, flash, strict=True):
        assert float(curve.to_logit(x)) == pytest.approx(float(curve.to_logit(phase.C_B)), abs=0.15)
        assert float(curve.rho(phase.C_B)) == pytest.approx(phase.density, rel=1e-3)


def test_density_of_the_curve_is_that_of_pets():
    state = State(1.0, 0.2, 0.5, 0.8)
    curve = gibbs_curve(1.0, 0.5, 0.8)
    assert curve is not None
    assert float(curve.rho(0.2)) == pytest.approx(pets_density(state)[0], rel=1e-3)


def test_one_substance_needs_no_correction_of_its_gibbs_energy():
    x = np.linspace(0.01, 0.99, 7)
    assert np.allclose(gibbs_features(0.8, 1.0, 1.0, x), 0.0)
    assert not np.allclose(gibbs_features(0.8, 1.5, 0.6, x), 0.0)
    assert density_features(0.8, 1.0, 1.0, x).shape == (7, N_DENSITY)


def test_a_correction_is_added_to_h_and_multiplies_the_density():
    curve = gibbs_curve(0.8, 1.5, 0.6)
    assert curve is not None
    gibbs, density = np.zeros(N_GIBBS), np.zeros(N_DENSITY)
    gibbs[0], density[0] = 2.0, np.log(1.1)
    changed = corrected(curve, Correction(gibbs, density))
    psi = 1 / (1 + np.exp(-curve.logit))
    x = curve.composition(curve.logit)
    assert np.allclose(changed.h - curve.h, 2.0 * 0.4 * (1 - x + x * 1.5**3) * psi * (1 - psi))
    assert np.allclose(changed.density / curve.density, 1.1)


def test_corrections_are_checked():
    with pytest.raises(InputError, match="gibbs must be 13") as caught:
        Correction(np.zeros(3), np.full(N_DENSITY, np.nan))
    assert len(caught.value.problems) == 2


def test_a_curve_of_another_mixture_is_refused():
    with pytest.raises(InputError, match="another mixture"):
        phases(State(0.8, 0.3, 1.0, 0.4), curve=gibbs_curve(0.8, 1.5, 0.4))


def test_curves_are_of_the_more_probable_number_of_phases_and_the_spread_of_both():
    state = State(1.2, 0.5, 1.0, 0.6)  # hardly demixed by theory
    nothing = Correction(np.zeros(N_GIBBS), np.zeros(N_DENSITY))
    mixing = Correction(np.eye(N_GIBBS)[0] * -5.0, np.zeros(N_DENSITY))
    sharp, soft = predict([state]), predict([state], corrections=[nothing], softness=1e6)
    one = predict([state], corrections=[mixing])
    assert sharp.info[0].p_demixed == 1.0 and np.all(sharp.spread == 0)
    assert one.info[0].p_demixed == 0.0 and np.abs(one.g - sharp.g).max() > 0.1
    assert soft.info[0].p_demixed == pytest.approx(0.5, abs=0.01)
    assert np.allclose(soft.g, sharp.g, atol=1e-9)
    assert np.allclose(soft.spread, np.sqrt(0.5) * np.abs(one.g - sharp.g), rtol=0.05, atol=1e-6)
    assert np.allclose(predict([state], corrections=[nothing, nothing]).g, sharp.g, atol=1e-9)


def test_a_vanishing_droplet_is_no_second_phase():
    """Where a droplet costs energy, the least gain is that of a real one: positive, and with B of its own."""
    for state in (State(1.0, 0.01, 1.0, 0.4), State(0.8, 0.01, 1.0, 0.6)):
        found = split(gibbs_curve(state.T, state.S, state.eps_AB), state.C_B)
        low, high = found.compositions
        assert (state.C_B - low) / (high - low) * high / state.C_B == pytest.approx(LEAST_SHARE, abs=0.01)
        assert found.gain > 10.0
    state = State(1.2, 0.01, 1.5, 0.4)
    assert split(gibbs_curve(state.T, state.S, state.eps_AB), state.C_B).gain < -10.0
