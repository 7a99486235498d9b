"""Chemical potentials at infinite dilution against limits that are known, simulations and the equation of state."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

import binlj
from binlj.builders.starts import coexistence_table
from binlj.builders.validation.coexistence_report import compare, with_integral_equation
from binlj.grid import CUTOFF
from binlj.theory import dilution
from binlj.theory.dilution import solute_change, with_dilute_limits
from binlj.theory.gibbs import GibbsCurve, binodal, gibbs_curve


def one(*values: float) -> float:
    """The change for one solute."""
    return float(solute_change(*(np.array([v]) for v in values))[0])


def known(T: float, S: float, eps_AB: float) -> GibbsCurve:
    """PeTS's curve, which these mixtures have."""
    curve = gibbs_curve(T, S, eps_AB)
    assert curve is not None
    return curve


@pytest.mark.parametrize(("S", "eps_AB"), [(1.0, 0.4), (1.5, 0.2), (0.5, 0.8)])
def test_in_a_dilute_gas_it_is_the_difference_of_two_second_virial_coefficients(S: float, eps_AB: float):
    T, rho, sigma = 1.2, 1e-4, (1 + S) / 2

    def u(r: float) -> float:
        lj = lambda x: 4 * (x**-12 - x**-6)  # noqa: E731
        return lj(r / sigma) - lj(CUTOFF)

    def virial(eps: float) -> float:
        mayer = lambda r: 4 * np.pi * r**2 * (np.exp(-eps * u(r) / T) - 1)  # noqa: E731
        return -0.5 * quad(mayer, 0.3 * sigma, CUTOFF * sigma, limit=200)[0]

    # mu = 2 rho B_AB kT; the part inside 0.3 sigma is the same for both.
    assert one(T, rho, S, eps_AB) == pytest.approx(2 * rho * (virial(eps_AB) - virial(1.0)), rel=0.03)


def test_nothing_changes_at_a_cross_energy_of_one():
    assert one(0.8, 0.8, 1.5, 1.0) == 0.0


@pytest.mark.parametrize("T", [0.6, 1.0, 1.4])
def test_the_first_particle_that_is_less_attracted_costs_its_share_of_the_energy(T: float):
    """d mu / d eps_AB at eps_AB = 1, S = 1, is twice the potential energy per particle of the pure fluid."""
    states = binlj.load("states")["full"].to_pandas()
    same = states[(states["T"] == T) & (states["S"] == 1.0) & (states["eps_AB"] == 1.0)]
    energy, density = same["energy"].mean(), same["density"].mean()
    step = 1e-3
    assert one(T, density, 1.0, 1.0 - step) == pytest.approx(-step * 2 * energy / T, rel=0.02)


def test_two_points_of_the_integral_are_enough(monkeypatch: pytest.MonkeyPatch):
    found = one(0.6, 0.84, 1.0, 0.2)
    monkeypatch.setattr(dilution, "POINTS", 6)
    assert found == pytest.approx(one(0.6, 0.84, 1.0, 0.2), rel=0.02)


def test_the_curve_gets_the_limits_and_keeps_the_pure_substances():
    plain, alike = known(1.0, 1.5, 0.4), known(1.0, 1.5, 1.0)
    (curve,) = with_dilute_limits([plain])
    rho_a, rho_b = plain.density[[0, -1]]
    wanted = one(1.0, rho_a, 1.5, 0.4), one(1.0, rho_b * 1.5**3, 1 / 1.5, 0.4)
    for now, before, change in zip(curve.dilute_slopes(), alike.dilute_slopes(), wanted, strict=True):
        assert now - before == pytest.approx(change, abs=0.01)
    assert curve.h[[0, -1]] == pytest.approx(plain.h[[0, -1]], abs=1e-4)
    assert np.array_equal(curve.density, plain.density)


def test_with_equal_sizes_both_ends_are_alike():
    (curve,) = with_dilute_limits([known(1.2, 1.0, 0.4)])
    b_in_a, a_in_b = curve.dilute_slopes()
    assert b_in_a == pytest.approx(a_in_b, abs=0.01)
    low, high = binodal(curve) or (np.nan, np.nan)
    assert low + high == pytest.approx(1, abs=1e-3)


def test_a_mixture_stays_as_it_is_without_a_solution(monkeypatch: pytest.MonkeyPatch):
    curve = known(0.8, 1.0, 0.4)
    monkeypatch.setattr(dilution, "solute_change", lambda T, *_: np.full(len(T), np.nan))
    assert with_dilute_limits([curve]) == [curve]


def test_no_mixture_or_one_substance_needs_no_solution(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(dilution, "solute_change")
    assert with_dilute_limits([]) == []
    curve = known(0.8, 1.5, 1.0)
    assert with_dilute_limits([curve]) == [curve]


def test_solubilities_come_closer_to_those_of_simulations():
    """Slabs of two phases, simulated from both sides (docs/validation/coexistence.md)."""
    by_triple: dict[coexistence_table.Triple, dict[str, coexistence_table.Slabs]] = {}
    for slabs in coexistence_table.read_table():
        by_triple.setdefault(slabs.triple, {})[slabs.side] = slabs
    both = {t: sides for t, sides in by_triple.items() if t.T >= 1.0 and {"pure", "mixed"} <= set(sides)}
    found = compare(both, with_integral_equation(list(both)))
    assert found.pets.size > 20 and np.median(found.pets) > 0.8, "PeTS's phases are too pure"
    assert np.median(np.abs(found.dilute)) < 0.6 * np.median(np.abs(found.pets))
