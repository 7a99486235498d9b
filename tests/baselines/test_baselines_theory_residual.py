"""Learners on the residual of the theory: known residuals, saving and loading, bad parameters."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from binlj.baselines import load_model, make_model, save_model
from binlj.baselines.frames import frame_states
from binlj.baselines.protocol import Model
from binlj.baselines.temperature_cases import folds
from binlj.baselines.theory_residual import theory_of
from binlj.errors import DataError, InputError

pytestmark = pytest.mark.skipif(not importlib.util.find_spec("xgboost"), reason="needs XGBoost")


def predict(model: Model, frame: pd.DataFrame) -> np.ndarray:
    return model.predict(frame_states(frame), list(frame["pair"]))


def quick() -> Model:
    return make_model("xgboost_physics", depths=[3], max_trees=30, folds=2)


def with_curves(frame: pd.DataFrame, g: np.ndarray) -> pd.DataFrame:
    return frame.assign(g=list(g))


def test_without_residual_it_is_the_theory(small_train: pd.DataFrame, small_test: pd.DataFrame):
    model = quick()
    model.fit(with_curves(small_train, theory_of(small_train).g))
    theory = make_model("integral_equation")
    np.testing.assert_array_equal(predict(model, small_test), predict(theory, small_test))
    assert {row.weight for row in model.table} == {0.0}


def test_a_constant_residual_is_learnt_at_full_weight(small_train: pd.DataFrame, small_test: pd.DataFrame):
    theory, unseen = theory_of(small_train), theory_of(small_test)
    model = quick()
    model.fit(with_curves(small_train, theory.g + 0.7 * theory.scale))
    assert {row.weight for row in model.table} == {1.0}
    assert all(row.skill > 0.99 > row.theory for row in model.table)
    np.testing.assert_allclose(predict(model, small_test), unseen.g + 0.7 * unseen.scale, atol=0.01)


def test_noise_is_given_less_weight_than_structure(small_train: pd.DataFrame):
    """A level drawn for each state cannot be known for another one: the model must step back to the theory."""
    theory, rng = theory_of(small_train), np.random.default_rng(0)
    level = dict(zip(sorted(set(small_train["state_id"])), rng.choice([0.0, 3.0], 18, p=[0.7, 0.3]), strict=True))
    shift = np.array([level[s] for s in small_train["state_id"]])[:, None]
    model = quick()
    model.fit(with_curves(small_train, theory.g + shift * theory.scale))
    assert all(row.weight <= 0.5 and row.skill >= row.theory for row in model.table)


def test_inputs_are_the_papers_and_the_theorys(small_test: pd.DataFrame):
    rows = small_test[small_test["pair"] == "BB"].head(1).assign(S=1.5, C_B=0.3, T=1.4, eps_AB=1.0)
    theory = theory_of(rows)
    assert theory.x.shape == (1, 100, 11)
    np.testing.assert_allclose(theory.x[0, :, 6] / theory.x[0, :, 7], 1.5)  # r / (r / sigma_BB)
    np.testing.assert_allclose(np.exp(theory.x[0, :, 8]), theory.g[0] + 0.05)
    np.testing.assert_allclose(theory.x[0, :, 9:], 0.3)  # one phase of this composition
    assert theory.outside_core[0].sum() == (theory.x[0, :, 7] >= 0.8).sum() == 88


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("xgboost_physics", {"depths": [3], "max_trees": 5, "folds": 2}),
        ("dnn_physics", {"epochs": 1, "batch": 500, "jit": False}),
    ],
)
def test_saved_and_loaded_it_predicts_the_same(
    name: str, settings: dict[str, object], small_train: pd.DataFrame, small_test: pd.DataFrame, tmp_path: Path
):
    pytest.importorskip("tensorflow")
    model = make_model(name, **settings)
    model.fit(small_train)
    g = predict(model, small_test)
    assert (g >= 0).all()
    save_model(model, tmp_path)
    loaded = load_model(tmp_path)
    np.testing.assert_array_equal(predict(loaded, small_test), g)
    assert loaded.parameters == model.parameters
    assert loaded.n_parameters == model.n_parameters


def test_the_network_is_as_large_as_the_papers():
    from binlj.baselines.network import build_network

    pytest.importorskip("tensorflow")
    assert build_network(0, 11).count_params() == 9339 + 4 * 112


def test_bad_parameters_are_one_error():
    with pytest.raises(InputError) as caught:
        make_model("dnn_physics", epochs=0, batch=0)
    assert len(caught.value.problems) == 2
    with pytest.raises(InputError, match="unexpected keyword"):
        make_model("xgboost_physics", epochs=3)


def test_two_temperatures_are_too_few(small_train: pd.DataFrame):
    with pytest.raises(DataError, match="2 different temperatures, at least 3 needed"):
        quick().fit(small_train[small_train["T"] > 0.9])


def test_folds_hold_out_the_edge_and_whole_states(small_train: pd.DataFrame):
    ((inner, held),) = folds(small_train, "cold", 0)
    assert set(held["T"]) == {0.8}
    assert set(inner["T"]) == {1.0, 1.2}
    ((inner, held),) = folds(small_train, "hot", 0)
    assert set(held["T"]) == {1.2}
    parts = list(folds(small_train, "inside", 0))
    assert sum(len(h) for _, h in parts) == len(small_train)
    for inner, held in parts:
        assert not set(inner["state_id"]) & set(held["state_id"])
