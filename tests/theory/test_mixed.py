"""The theory of the mixed regime: what is stable is as in equilibrium, and domains have the limits they must have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from binlj.baselines.fitted_theory.model import FittedTheory
from binlj.baselines.integral_equation import IntegralEquation
from binlj.baselines.model_files import load_model, save_model
from binlj.baselines.protocol import FitContext
from binlj.errors import DataError, InputError
from binlj.grid import PAIRS, State
from binlj.schema import bin_centres
from binlj.theory import predict
from binlj.theory.domains import N_FEATURES, Domains, autocorrelation, curvature, features, limits, sizes
from binlj.theory.gibbs import binodal, gibbs_curve
from binlj.theory.mixed import combine, predict_mixed, solve_parts

STABLE, UNSTABLE = State(1.2, 0.3, 1.5, 1.0), State(1.0, 0.3, 1.0, 0.4)
# Inside the spinodal, of different depth and composition.
MANY = [State(T, c, 1.0, e) for T in (0.8, 0.9, 1.0) for c in (0.3, 0.5) for e in (0.2, 0.4)]
KNOWN = Domains(
    np.zeros(N_FEATURES), np.ones(N_FEATURES),
    np.array([[1.2, 0.3, *[0.0] * 8], [-0.3, 0.0, -0.2, *[0.0] * 7], [0.2, 0.5, *[0.0] * 8]]),
)  # fmt: skip
MIXED = FitContext(regime="mixed")


def test_a_stable_mixture_is_as_in_equilibrium() -> None:
    mixed, equilibrium = predict_mixed([STABLE], domains=KNOWN), predict([STABLE])
    np.testing.assert_allclose(mixed.g, equilibrium.g, rtol=1e-12)
    assert mixed.info[0].p_demixed == 0 and mixed.info[0].body == "homogeneous"


def test_without_domains_every_state_is_homogeneous() -> None:
    found = predict_mixed([STABLE, UNSTABLE])
    assert [info.body for info in found.info] == ["homogeneous"] * 2
    assert found.info[1].compositions == (UNSTABLE.C_B,)
    assert predict([UNSTABLE]).info[0].p_demixed == 1, "in equilibrium it demixes"


def test_curvature_of_an_ideal_mixture() -> None:
    """Identical particles: g'' = 1 / (x (1 - x)), whatever the equation of state says."""
    curve = gibbs_curve(1.0, 1.0, 1.0)
    assert curve is not None
    for x in (0.01, 0.2, 0.5):
        assert curvature(curve, x) == pytest.approx(1.0 / (x * (1.0 - x)), rel=2e-3)


def test_the_spinodal_lies_inside_the_binodal_and_is_symmetric_for_equal_sizes() -> None:
    curve = gibbs_curve(1.0, 1.0, 0.4)
    assert curve is not None
    x = np.linspace(0.01, 0.99, 99)
    unstable = np.array([curvature(curve, c) < 0 for c in x])
    low, high = binodal(curve) or (np.nan, np.nan)
    assert unstable.any() and low < x[unstable].min() and x[unstable].max() < high
    np.testing.assert_array_equal(unstable, unstable[::-1])
    with pytest.raises(ValueError, match="not inside the spinodal"):
        features(STABLE, gibbs_curve(STABLE.T, STABLE.S, STABLE.eps_AB), 0.5)


def test_domains_keep_the_box_normalised() -> None:
    """Where domains are uncorrelated and the phases have no structure, g is 1; correlation moves particles only
    between the pairs where both phases are equally dense: sum x_i x_j (g_ij - 1) stays 0."""
    one = np.ones((3, 4))
    x = 0.3
    apart, change = limits(x, (0.1, 0.7), (0.8, 0.7), one, one, one)
    np.testing.assert_allclose(apart, 1.0, rtol=1e-12)
    assert (change[0] > 0).all() and (change[1] < 0).all() and (change[2] > 0).all()
    total = (1 - x) ** 2 * change[0] + 2 * x * (1 - x) * change[1] + x**2 * change[2]
    np.testing.assert_allclose(total, 0.0, atol=1e-12)


def test_autocorrelation_of_domains() -> None:
    r = np.linspace(0.0, 40.0, 4001)
    c = autocorrelation(r, 3.0, 0.7)
    assert c[0] == 1.0 and abs(c[-1]) < 1e-6
    first = r[np.flatnonzero(c < 0)[0]]
    assert first == pytest.approx(np.pi / 0.7, abs=0.011)  # the other phase is most likely beyond half a wavelength


def test_curves_between_the_limits() -> None:
    (parts,) = solve_parts([UNSTABLE])
    np.testing.assert_allclose(parts.curves(np.array([2.0, 0.7, 0.0])), parts.mixture)
    whole = parts.curves(np.array([1e9, 1e-9, 1.0]))  # one domain beyond measure
    np.testing.assert_allclose(whole, parts.apart + parts.change, rtol=1e-6)
    assert sizes(np.array([[99.0, 99.0, 99.0]]))[0] == pytest.approx([np.exp(3.0), np.exp(0.8), 1.0], rel=1e-3)
    with pytest.raises(InputError, match="coefficients"):
        Domains(KNOWN.mean, KNOWN.scale, np.zeros((3, 3)))
    with pytest.raises(InputError, match="states is empty"):
        predict_mixed([])


def table(states: list[State]) -> pd.DataFrame:
    """What simulations would publish if domains were exactly as `KNOWN` says."""
    found = combine(solve_parts(states), KNOWN)
    return pd.DataFrame(
        {
            "state_id": state.state_id, "T": state.T, "C_B": state.C_B, "S": state.S, "eps_AB": state.eps_AB,
            "pair": pair, "r": bin_centres(), "g": curve, "g_stderr": np.full(100, 1e-3),
            "density": 0.8, "phase": "demixed", "converged": True,
        }
        for state, g in zip(states, found.g, strict=True)
        for pair, curve in zip(PAIRS, g, strict=True)
    )  # fmt: skip


def test_the_fit_finds_domains_that_are_known(tmp_path: Path) -> None:
    model = FittedTheory(domain_ridge=1e-6)
    model.fit(table(MANY), MIXED)
    asked = [State(0.95, 0.4, 1.0, 0.3), STABLE]
    found, truth = model.theory(asked), combine(solve_parts(asked), KNOWN)
    outside = bin_centres() > 1.0
    error = np.abs(found.g - truth.g)[..., outside].sum(-1) / np.abs(truth.g - 1)[..., outside].sum(-1)
    assert (error < 0.05).all(), error
    save_model(model, tmp_path)
    np.testing.assert_allclose(load_model(tmp_path).theory(asked).g, found.g, atol=1e-5)
    assert model.n_parameters == 30 + 12 * 300
    with pytest.raises(DataError, match="states inside the spinodal, more than 10 needed"):
        FittedTheory().fit(table(MANY[:3]), MIXED)


def test_theory_without_training_remembers_the_regime(tmp_path: Path) -> None:
    model = IntegralEquation()
    model.fit(pd.DataFrame(), MIXED)
    save_model(model, tmp_path)
    query = [UNSTABLE] * 3
    np.testing.assert_allclose(load_model(tmp_path).predict(query, PAIRS), predict_mixed([UNSTABLE]).g[0])
