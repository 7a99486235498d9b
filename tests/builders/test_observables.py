"""Energy and pressure from g(r): known integrals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from binlj.builders.analysis.observables import energy_and_pressure
from binlj.grid import PAIRS, State
from binlj.potential import pair_energy, pair_virial
from binlj.schema import N_FINE, bin_centres


def potential(state: State, pair: str, r: np.ndarray) -> np.ndarray:
    return pair_energy(r, state.sigma(pair), state.epsilon(pair))


def virial(state: State, pair: str, r: np.ndarray) -> np.ndarray:
    return pair_virial(r, state.sigma(pair), state.epsilon(pair))


def test_potential_is_shifted_to_zero_at_each_pairs_own_cutoff() -> None:
    state = State(1.0, 0.2, 2.0, 0.4)
    for pair, cut in (("AA", 2.5), ("AB", 3.75), ("BB", 5.0)):
        assert potential(state, pair, np.array([cut - 1e-9]))[0] == pytest.approx(0, abs=1e-8)
        assert potential(state, pair, np.array([cut]))[0] == 0
        minimum = 2 ** (1 / 6) * state.sigma(pair)
        shift = 4 * state.epsilon(pair) * (2.5**-12 - 2.5**-6)
        assert potential(state, pair, np.array([minimum]))[0] == pytest.approx(-state.epsilon(pair) - shift)


def test_virial_is_minus_r_times_the_slope() -> None:
    state, r, h = State(1.0, 0.2, 1.5, 0.6), np.linspace(0.9, 2.2, 50), 1e-6
    for pair in PAIRS:
        slope = (potential(state, pair, r + h) - potential(state, pair, r - h)) / (2 * h)
        np.testing.assert_allclose(virial(state, pair, r), -r * slope, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "state", [State(1.2, 0.3, 1.0, 1.0), State(0.6, 0.1, 2.0, 0.2), State(1.4, 0.5, 0.5, 0.8)]
)
def test_low_density_limit_reproduces_the_second_virial_coefficient(state: State) -> None:
    """With g = exp(-u/T), P = rho T (1 + rho B2) exactly, and the energy is its temperature integral."""
    density, (n_a, n_b) = 0.01, state.counts(10**7)
    sub = (np.arange(N_FINE * 40) + 0.5) * (10.0 / (N_FINE * 40))
    g = []
    for pair in PAIRS:
        u = potential(state, pair, np.maximum(sub, 0.2))
        shell = sub**2
        boltzmann = np.exp(-np.minimum(u / state.T, 700)) * shell
        g.append(boltzmann.reshape(N_FINE, 40).sum(1) / shell.reshape(N_FINE, 40).sum(1))
    energy, pressure = energy_and_pressure(state, np.array(g), density, n_a=n_a, n_b=n_b)

    x = {"AA": (1 - state.C_B) ** 2, "AB": 2 * state.C_B * (1 - state.C_B), "BB": state.C_B**2}
    b2 = u_mean = 0.0
    for pair in PAIRS:
        s = state.sigma(pair)

        def u_of(r: float, pair: str = pair) -> float:
            return float(potential(state, pair, np.array([max(r, 0.2)]))[0])

        b2 += (
            x[pair]
            * quad(
                lambda r: 2 * np.pi * r * r * (1 - np.exp(-u_of(r) / state.T)),
                0,
                2.5 * s,
                limit=400,
                points=[s],
            )[0]
        )  # noqa: B023, E501
        u_mean += (
            x[pair]
            * quad(
                lambda r: 2 * np.pi * r * r * u_of(r) * np.exp(-u_of(r) / state.T),
                0.5 * s,
                2.5 * s,
                limit=400,
            )[0]
        )  # noqa: B023, E501
    assert pressure == pytest.approx(density * state.T * (1 + density * b2), rel=2e-4)
    assert energy == pytest.approx(density * u_mean, rel=2e-3)


def test_bins_are_where_the_documentation_says() -> None:
    assert bin_centres(N_FINE)[0] == pytest.approx(0.01)
