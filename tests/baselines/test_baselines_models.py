"""Registry, naive baselines and boosted trees; saving and loading; damaged and foreign model folders."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from binlj.baselines import MODELS, load_model, make_model, save_model
from binlj.baselines.frames import frame_states
from binlj.baselines.model_files import write_arrays
from binlj.baselines.protocol import FitContext, Model
from binlj.baselines.reproduce.result import r2
from binlj.data import curves, read_table
from binlj.errors import DataError, InputError
from binlj.eval import NAIVE_BASELINES

NAIVE_NAMES = ("ideal_gas", "mean_rdf", "nearest_temperature", "nearest_scaled", "linear_T", "linear_pmf")


def predict(model: Model, frame: pd.DataFrame) -> np.ndarray:
    return model.predict(frame_states(frame), list(frame["pair"]))


def test_every_naive_baseline_is_a_model():
    assert set(NAIVE_BASELINES) == set(NAIVE_NAMES) < set(MODELS)


def test_unknown_model():
    with pytest.raises(InputError, match="no such model") as caught:
        make_model("transformer")
    assert "fitted_theory" in caught.value.fix


@pytest.mark.parametrize("name", NAIVE_NAMES)
def test_naive_baseline_model_is_the_evaluators_naive_baseline(
    name: str, small_train: pd.DataFrame, small_test: pd.DataFrame, tmp_path: Path
):
    model = make_model(name)
    model.fit(small_train)
    expected = NAIVE_BASELINES[name](small_train, small_test)
    np.testing.assert_allclose(predict(model, small_test), expected, rtol=1e-12)
    save_model(model, tmp_path)
    np.testing.assert_allclose(predict(load_model(tmp_path), small_test), expected, rtol=1e-12)


def trees(**changes) -> Model:
    return make_model("xgboost", **({"depths": [4, 6], "max_trees": 40, "folds": 2} | changes))


def test_trees_learn_and_repeat(small_train: pd.DataFrame, tmp_path: Path):
    pytest.importorskip("xgboost")
    model = trees()
    seen: list[tuple[int, int]] = []
    model.fit(small_train, FitContext(seed=1, progress=lambda d, t, s: seen.append((d, t))))
    assert seen == [(k, 5) for k in range(1, 6)]
    g = predict(model, small_train)
    assert r2(curves(small_train), g) > 0.9
    again = trees()
    again.fit(small_train, FitContext(seed=1))
    np.testing.assert_array_equal(predict(again, small_train), g)
    save_model(model, tmp_path)
    assert (tmp_path / "booster.ubj").is_file()
    loaded = load_model(tmp_path)
    np.testing.assert_array_equal(predict(loaded, small_train), g)
    dumped = "".join(loaded._booster.get_dump()).splitlines()  # one line a node
    assert loaded.n_parameters == model.n_parameters == len(dumped)


def test_trees_tune_on_whole_states(small_train: pd.DataFrame):
    """Half of the states get a level of their own: held-out states cannot know it, held-out points could."""
    pytest.importorskip("xgboost")
    levels = {
        s: float(v)
        for s, v in zip(
            sorted(set(small_train["state_id"])), np.random.default_rng(0).normal(5, 1, 18), strict=True
        )
    }
    frame = small_train.copy()
    frame["g"] = [np.full(100, max(levels[s], 0.0)) for s in frame["state_id"]]
    model = trees(depths=[6])
    model.fit(frame)
    assert model.tuning[0]["mae"] > 0.5  # by points it would be near 0
    assert r2(curves(frame), predict(model, frame)) > 0.2  # though what is in training is learnt


def test_trees_need_as_many_states_as_folds(small_train: pd.DataFrame):
    pytest.importorskip("xgboost")
    one = small_train[small_train["state_id"] == small_train["state_id"].iloc[0]]
    with pytest.raises(DataError, match="at least 2 needed"):
        trees().fit(one)


def test_nan_in_training_data(small_train: pd.DataFrame):
    bad = small_train.copy()
    bad["g"] = [g * np.nan if i == 4 else g for i, g in enumerate(bad["g"])]
    for name in ("dnn", "xgboost", "linear_T"):
        with pytest.raises(DataError, match="NaN or infinite g"):
            make_model(name).fit(bad)


@pytest.fixture
def saved(small_train: pd.DataFrame, tmp_path: Path) -> Path:
    model = make_model("linear_T")
    model.fit(small_train)
    save_model(model, tmp_path)
    return tmp_path


def edit(folder: Path, **changes: object) -> None:
    file = folder / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_model_of_another_format(saved: Path):
    edit(saved, format=2, binlj_version="9.9.9")
    with pytest.raises(InputError, match="format 2, by binlj-rdf 9.9.9"):
        load_model(saved)


def test_model_with_unknown_name_and_missing_file(saved: Path):
    edit(saved, name="oracle", files={"gone.npz": "0", "../arrays.npz": "0"})
    with pytest.raises(InputError) as caught:
        load_model(saved)
    text = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 3
    assert "unknown model 'oracle'" in text
    assert "gone.npz is missing" in text
    assert "leads out of the folder" in text


def test_damaged_model(saved: Path):
    content = bytearray((saved / "arrays.npz").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (saved / "arrays.npz").write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        load_model(saved)


def test_no_model_and_not_json(tmp_path: Path):
    with pytest.raises(InputError, match="no model here"):
        load_model(tmp_path)
    (tmp_path / "model.json").write_text("{]")
    with pytest.raises(InputError, match="not a model description"):
        load_model(tmp_path)


def test_pickled_arrays_are_neither_written_nor_read(saved: Path):
    from binlj.files import sha256

    with pytest.raises(TypeError, match="pickle"):
        write_arrays(saved, {"x": np.array([{}], dtype=object)})
    marker = saved / "executed"
    bomb = type("Bomb", (), {"__reduce__": lambda self: (marker.write_text, ("boom",))})
    np.savez(saved / "arrays.npz", state_id=np.array([bomb()], dtype=object))
    assert pickle.dumps(1)  # the file above holds a pickle
    edit(saved, files={"arrays.npz": sha256(saved / "arrays.npz")})
    with pytest.raises(InputError, match="cannot be read"):
        load_model(saved)
    assert not marker.exists()


def test_models_refuse_to_predict_untrained(small_test: pd.DataFrame):
    for name in ("dnn", "xgboost", "mean_rdf"):
        with pytest.raises(RuntimeError, match="fit or load"):
            predict(make_model(name), small_test)


def test_test_values_cannot_reach_any_model(small: Path, tmp_path: Path):
    """Poison: with every test curve replaced by NaN, trainings and predictions are the same, bit for bit.

    The test states' densities and phases are not there at all.
    """
    from binlj.baselines.training import predict_track, train_model

    poisoned = tmp_path / "binlj-rdf"
    shutil.copytree(small, poisoned)
    file = poisoned / "extrapolation" / "test.parquet"
    table = pq.read_table(file)
    nan = pa.array([[float("nan")] * 100] * len(table), table.schema.field("g").type)
    for column in ("g", "g_stderr"):
        table = table.set_column(table.schema.get_field_index(column), table.schema.field(column), nan)
    pq.write_table(table, file)
    states = pq.read_table(poisoned / "states" / "all.parquet")
    unknown = pc.invert(pc.is_in(states["state_id"], table["state_id"]))
    pq.write_table(states.filter(unknown), poisoned / "states" / "all.parquet")
    assert np.isnan(curves(read_table("extrapolation", "test", path=poisoned))).all()
    models = {
        "linear_pmf": {},
        "fitted_theory": {"bag": 2},
        "xgboost": {"depths": [3], "max_trees": 5, "folds": 2},
    }
    for name, parameters in models.items():
        found = []
        for which, dataset in (("clean", small), ("poisoned", poisoned)):
            out = tmp_path / f"{name}-{which}"
            train_model(name, track="extrapolation", out=out, dataset=dataset, parameters=parameters)
            found.append(curves(predict_track(out, dataset=dataset)[0]))
        np.testing.assert_array_equal(found[0], found[1])
        assert np.isfinite(found[0]).all()
