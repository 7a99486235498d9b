"""The fitted theory finds a correction that is known, and steps back to theory where it knows nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from binlj.baselines.fitted_theory.model import FittedTheory, bootstrap_mixtures, fit_density, training_states
from binlj.baselines.frames import with_state_columns
from binlj.baselines.model_files import load_model, save_model
from binlj.baselines.reproduce.selection_report import candidates, skill
from binlj.data import read_table
from binlj.errors import DataError, InputError
from binlj.grid import PAIRS, State
from binlj.schema import bin_centres
from binlj.theory import predict
from binlj.theory.correction import N_DENSITY, N_GIBBS, Correction

GIBBS = np.zeros(N_GIBBS)
GIBBS[1] = -0.35  # u / T: the true mixture demixes less than PeTS says
DENSITY = np.zeros(N_DENSITY)
DENSITY[0] = 0.03  # and is 3 % denser
TRUTH = Correction(GIBBS, DENSITY)
STATES = [State(T, c, 1.0, e) for T in (0.8, 1.1) for c in (0.2, 0.5) for e in (0.4, 0.6, 1.0)]


def table(states: list[State]) -> pd.DataFrame:
    """What a simulation of the corrected equation of state would publish."""
    found = predict(states, corrections=[TRUTH])
    rows = []
    for state, g, info in zip(states, found.g, found.info, strict=True):
        two = len(info.densities) == 2
        density = info.phi * info.densities[1] + (1 - info.phi) * info.densities[0] if two else info.densities[0]
        for pair, curve in zip(PAIRS, g, strict=True):
            rows.append({
                "state_id": state.state_id, "T": state.T, "C_B": state.C_B, "S": state.S, "eps_AB": state.eps_AB,
                "pair": pair, "r": bin_centres(), "g": curve, "g_stderr": np.full(100, 1e-3),
                "density": density, "phase": "demixed" if two else "homogeneous", "converged": True,
            })  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def train() -> pd.DataFrame:
    return table(STATES)


@pytest.fixture(scope="module")
def fitted(train: pd.DataFrame) -> FittedTheory:
    model = FittedTheory(bag=1, ridge=0.01, softness=0.0)
    model.fit(train)
    return model


def test_the_training_data_hold_both_phases(train: pd.DataFrame):
    assert set(train["phase"]) == {"demixed", "homogeneous"}


def test_a_known_density_is_found(train: pd.DataFrame):
    data = training_states(train)
    coefficients = fit_density(data, ridge=1e-9)
    from binlj.theory.correction import density_features

    assert density_features(1.0, 1.0, 0.6, 0.2) @ coefficients == pytest.approx(0.03, abs=2e-3)


def test_phases_elsewhere_are_nearer_to_the_truth_than_those_of_the_plain_equation_of_state(fitted: FittedTheory):
    elsewhere = [State(0.9, 0.3, 1.0, 0.6), State(1.2, 0.4, 1.0, 0.4)]
    truth, plain = predict(elsewhere, corrections=[TRUTH]), predict(elsewhere)
    assert fitted.fitted is not None
    found = predict(elsewhere, corrections=fitted.fitted.corrections)
    assert all(len(i.compositions) == 2 for i in truth.info), "demixed, or nothing is compared"
    for t, p, f in zip(truth.info, plain.info, found.info, strict=True):
        # Compositions in logits.
        a, b, c = (np.log(np.divide(i.compositions, np.subtract(1, i.compositions))) for i in (t, p, f))
        assert np.abs(c - a).max() < 0.5 * np.abs(b - a).max()


def test_curves_at_a_training_state_come_back(fitted: FittedTheory, train: pd.DataFrame):
    state = STATES[4]
    g, std = fitted.predict_with_std([state] * 3, list(PAIRS))
    truth = np.stack(list(train[train["state_id"] == state.state_id]["g"]))
    assert np.abs(g - truth).max() < 0.1 and np.all(std >= 0)


def test_far_from_all_training_states_no_residual_is_added(fitted: FittedTheory):
    far = State(0.6, 0.5, 2.0, 0.2)
    assert fitted.fitted is not None
    theory = predict([far], corrections=fitted.fitted.corrections)
    assert np.allclose(fitted.theory([far]).g, theory.g, atol=1e-3)


def test_a_saved_model_predicts_the_same(fitted: FittedTheory, tmp_path: Path):
    save_model(fitted, tmp_path / "m")
    again = load_model(tmp_path / "m")
    state = State(0.9, 0.2, 1.0, 0.5)
    assert np.allclose(again.predict([state], ["BB"]), fitted.predict([state], ["BB"]), atol=1e-4)


def test_the_columns_of_the_states_are_needed(train: pd.DataFrame):
    with pytest.raises(DataError, match="'density' is missing"):
        FittedTheory().fit(train.drop(columns="density"))


def test_state_columns_are_joined_by_state(toy: Path):
    toy_train = read_table("extrapolation", "train", path=toy)
    joined = with_state_columns(toy_train, dataset=toy)
    assert {"density", "phase", "converged"} <= set(joined) and len(joined) == len(toy_train)
    assert joined.groupby("state_id")["density"].nunique().max() == 1
    with pytest.raises(DataError, match="nowhere is missing"):
        with_state_columns(toy_train.assign(state_id="nowhere"), dataset=toy)


def test_parameters_are_checked():
    with pytest.raises(InputError) as caught:
        FittedTheory(bag=0, ridge=-1.0)
    assert len(caught.value.problems) == 2
    with pytest.raises(InputError, match="not fitted"):
        FittedTheory().predict([STATES[0]], ["AA"])


def test_a_bootstrap_sample_keeps_mixtures_whole():
    rows = bootstrap_mixtures(STATES, np.random.default_rng(0))
    drawn = [STATES[i] for i in rows]
    for mixture in {(s.S, s.eps_AB) for s in drawn}:
        count = sum((s.S, s.eps_AB) == mixture for s in drawn)
        assert count % 4 == 0, "4 states a mixture, as often as it was drawn"


def test_each_part_brings_curves_elsewhere_nearer_to_the_truth(train: pd.DataFrame):
    held = training_states(table([State(0.9, 0.3, 1.0, 0.6), State(1.2, 0.4, 1.0, 0.4), State(1.0, 0.4, 1.0, 1.0)]))
    found = {name: skill(held, g)["overall"] for name, g in candidates(training_states(train), held.states)}
    _, theory, density, gibbs, bag, residuals = found.values()
    assert theory < density < gibbs, found
    assert min(bag, residuals) > theory, found


def test_skill_caps_the_error_of_each_curve(train: pd.DataFrame):
    data = training_states(train)
    g = data.g.copy()
    g[0, 1] = 1e6
    found = skill(data, g)
    assert (found["AA"], found["BB"]) == (1.0, 1.0)
    assert found["AB"] == pytest.approx(1 - 1 / len(STATES))
