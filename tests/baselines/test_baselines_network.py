"""The paper's network: architecture, arithmetic against Keras, seeds, learning, resuming, errors."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from binlj.baselines import dnn as dnn_module
from binlj.baselines import make_model
from binlj.baselines.dnn import DivergedError, Dnn
from binlj.baselines.frames import frame_states, point_inputs
from binlj.baselines.network import CompiledTrainer, build_network, forward
from binlj.baselines.protocol import FitContext, Model
from binlj.baselines.reproduce.result import r2
from binlj.data import to_points
from binlj.errors import InputError

# Looked for, not imported: every worker reads this file, and few run it.
pytestmark = pytest.mark.skipif(not importlib.util.find_spec("tensorflow"), reason="needs TensorFlow")


def weights(network) -> list[np.ndarray]:
    return [np.asarray(w.numpy()) for w in network.trainable_variables]


def planted(n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).uniform(-1, 1, (n, 7))
    return x, 1 + np.sin(3 * x[:, 6]) * x[:, 0] + 0.5 * np.abs(x[:, 3])


def quick(**changes) -> Dnn:
    return Dnn(**({"epochs": 3, "batch": 200, "jit": False} | changes))


def test_architecture_is_the_papers():
    network = build_network(0)
    assert [layer.units for layer in network.layers] == [112, 56, 28, 14, 7, 1]
    assert [layer.activation.__name__ for layer in network.layers] == ["relu"] * 5 + ["linear"]
    assert network.input_shape == (None, 7)
    # 7*112+112 + 112*56+56 + 56*28+28 + 28*14+14 + 14*7+7 + 7*1+1
    assert network.count_params() == 9339


def test_defaults_are_the_papers():
    p = make_model("dnn").parameters
    assert (p["epochs"], p["learning_rate"], p["schedule"]) == (1000, 0.001, "constant")


def test_compiled_epoch_does_what_keras_does():
    import keras

    x, y = planted(600)
    order = np.random.default_rng(1).permutation(600)
    ours, theirs = build_network(3), build_network(3)
    trainer = CompiledTrainer(ours, x, y, batch=200, jit=False)
    loss = trainer.epoch(order, np.full(3, 0.001))
    theirs.compile(optimizer=keras.optimizers.Adam(0.001), loss="mse")
    losses = []
    for k in range(3):
        rows = order[200 * k : 200 * (k + 1)]
        losses.append(theirs.train_on_batch(x[rows].astype("float32"), y[rows].astype("float32")))
        theirs.reset_metrics()
    assert loss == pytest.approx(np.mean(losses), rel=1e-5)
    start = weights(build_network(3))
    for a, b, before in zip(weights(ours), weights(theirs), start, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)
        assert np.abs(a - before).max() > 1e-3 or before.shape == (1,)


def test_numpy_forward_is_the_network():
    network, (x, _) = build_network(1), planted(50)
    np.testing.assert_allclose(
        forward(weights(network), x), network(x.astype("float32")).numpy()[:, 0], atol=1e-5
    )


def test_point_inputs_are_those_of_the_core(small_train: pd.DataFrame):
    np.testing.assert_array_equal(point_inputs(small_train), to_points(small_train)[0])


def test_same_seed_same_numbers():
    x, y = planted(1000)
    runs = []
    for seed in (5, 5, 6):
        model = quick()
        model.fit_points(x, y, FitContext(seed=seed))
        runs.append(model.predict_points(x))
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.abs(runs[0] - runs[2]).max() > 1e-3


def test_learns_a_planted_function():
    x, y = planted()
    model = quick(epochs=60, batch=100, learning_rate=0.005, schedule="cosine")
    model.fit_points(x[:3000], y[:3000])
    assert r2(y[3000:], model.predict_points(x[3000:])) > 0.97
    assert len(model.history["loss"]) == 60
    assert model.history["loss"][-1] < 0.05 * model.history["loss"][0]


def test_resumed_training_equals_an_unbroken_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dnn_module, "_CHECKPOINT_EPOCHS", 2)
    x, y = planted(800)
    whole = quick(epochs=6)
    whole.fit_points(x, y)

    def stop(done: int, total: int, text: str) -> None:
        if done == 5:
            raise KeyboardInterrupt

    file = tmp_path / "checkpoint.npz"
    broken = quick(epochs=6)
    with pytest.raises(KeyboardInterrupt):
        broken.fit_points(x, y, FitContext(progress=stop, checkpoint=file))
    assert file.is_file()
    seen: list[int] = []
    resumed = quick(epochs=6)
    resumed.fit_points(x, y, FitContext(progress=lambda d, t, s: seen.append(d), checkpoint=file))
    assert seen == [5, 6]  # went on after the checkpoint of epoch 4
    np.testing.assert_array_equal(resumed.predict_points(x), whole.predict_points(x))
    assert resumed.history == whole.history
    assert not file.exists()


def test_checkpoint_of_another_training_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dnn_module, "_CHECKPOINT_EPOCHS", 2)
    x, y = planted(400)

    def stop(done: int, total: int, text: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    file = tmp_path / "checkpoint.npz"
    with pytest.raises(KeyboardInterrupt):
        quick(epochs=4).fit_points(x, y, FitContext(progress=stop, checkpoint=file))
    seen: list[int] = []
    quick(epochs=4).fit_points(x, y + 1, FitContext(progress=lambda d, t, s: seen.append(d), checkpoint=file))
    assert seen == [1, 2, 3, 4]


def test_diverged_training_says_so():
    x, y = planted(400)
    with pytest.raises(DivergedError, match="lower learning_rate"):
        quick(learning_rate=0.9, epochs=50).fit_points(x, 1e25 * y)


def test_bad_parameters_are_all_listed():
    with pytest.raises(InputError) as caught:
        Dnn(epochs=0, batch=0, learning_rate=2.0, schedule="linear")
    assert len(caught.value.problems) == 4
    with pytest.raises(InputError, match="layers"):
        make_model("dnn", layers=3)


def test_fits_and_predicts_a_table(small_train: pd.DataFrame, small_test: pd.DataFrame, tmp_path: Path):
    from binlj.baselines import load_model, save_model

    model = quick()
    assert isinstance(model, Model)
    model.fit(small_train)
    g = model.predict(frame_states(small_test), list(small_test["pair"]))
    assert g.shape == (36, 100)
    assert (g >= 0).all()
    save_model(model, tmp_path)
    again = load_model(tmp_path)
    np.testing.assert_array_equal(again.predict(frame_states(small_test), list(small_test["pair"])), g)
    assert again.parameters == model.parameters
    assert again.n_parameters == 9339
    assert again.history == model.history


def test_a_constant_input_is_not_blown_up():
    """The deviation of 10,000 times 0.01 is 1e-18, not 0: dividing by it would send other values to 1e17."""
    rng = np.random.default_rng(0)
    x = np.column_stack([np.full(10_000, 0.01), *(rng.random(10_000) for _ in range(6))])
    assert 0 < x.std(0)[0] < 1e-12
    model = quick(epochs=1, batch=1000)
    model.fit_points(x, x[:, 1])
    other = x.copy()
    other[:, 0] = 0.5
    assert np.abs(model.predict_points(other) - model.predict_points(x)).max() < 10
