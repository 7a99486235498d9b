"""``dnn``: the paper's network, 7-112-56-28-14-7-1, trained point by point.

From the paper: the layers, ReLU, Adam, learning rate 0.001, mean squared error, about 1000 epochs and the
seven inputs. The paper leaves open, and we chose:

* inputs: each of the seven shifted and divided by its mean and standard deviation over the training points;
* targets: g(r) as it is, so that the loss is in the units of Fig. 2A and 3A;
* batch: 250 points (it divides the training sets of all tracks, so no point sits out);
* start: Glorot's uniform distribution, zero biases, one seed for start and shuffles;
* predictions below 0 are set to 0, since no g(r) is negative.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.baselines.frames import check_training_table, point_inputs, query_frame, scaling
from binlj.baselines.model_files import read_arrays, write_arrays
from binlj.baselines.network import LAYERS, CompiledTrainer, build_network, forward
from binlj.baselines.protocol import FitContext
from binlj.data import curves
from binlj.errors import BinljError, InputError
from binlj.files import replacing
from binlj.grid import State
from binlj.schema import N_BINS

if TYPE_CHECKING:
    import pandas as pd

SCHEDULES = ("constant", "cosine")
_CHECKPOINT_EPOCHS = 50


class DivergedError(BinljError):
    """The training loss is no longer a number."""


class Dnn:
    """The paper's deep neural network.

    Parameters
    ----------
    epochs : int
        Passes over the training points.
    batch : int
        Points a step.
    learning_rate : float
        Adam's; with the ``cosine`` schedule its highest value.
    schedule : {"constant", "cosine"}
        ``constant`` is the paper's. ``cosine`` rises over the first tenth of the steps and falls to zero:
        the same quality in far fewer epochs.
    jit : bool
        Compile with XLA (see :class:`binlj.baselines.network.CompiledTrainer`).
    """

    name = "dnn"

    def __init__(
        self,
        *,
        epochs: int = 1000,
        batch: int = 250,
        learning_rate: float = 0.001,
        schedule: str = "constant",
        jit: bool = True,
    ) -> None:
        problems = [
            f"{k} = {v} must be at least 1" for k, v in (("epochs", epochs), ("batch", batch)) if v < 1
        ]
        if not 0 < learning_rate < 1:
            problems.append(f"learning_rate = {learning_rate} must lie between 0 and 1")
        if schedule not in SCHEDULES:
            problems.append(f"schedule = {schedule!r} is none of {', '.join(SCHEDULES)}")
        if problems:
            raise InputError("parameters of dnn", problems)
        self.parameters: dict[str, Any] = {
            "epochs": epochs,
            "batch": batch,
            "learning_rate": learning_rate,
            "schedule": schedule,
            "jit": jit,
        }
        self.history: dict[str, list[float]] = {}
        self._weights: list[np.ndarray] = []
        self._mean = self._scale = np.zeros(0)

    def fit(self, train: pd.DataFrame, context: FitContext = FitContext()) -> None:  # noqa: B008
        """Train on a table of RDFs.

        Raises
        ------
        DataError
            If the table is not fit for training.
        DivergedError
            If the loss becomes NaN or infinite.
        """
        check_training_table(train)
        self.fit_points(point_inputs(train), curves(train).ravel(), context)

    def fit_points(
        self,
        x: np.ndarray,
        y: np.ndarray,
        context: FitContext = FitContext(),  # noqa: B008
        *,
        groups: np.ndarray | None = None,
    ) -> None:
        """Train on points, `x` (n, inputs) and `y` (n,); `groups` is of no use to a network."""
        p = self.parameters
        self._mean, self._scale = scaling(x)
        network = build_network(context.seed, x.shape[1])
        trainer = CompiledTrainer(network, (x - self._mean) / self._scale, y, batch=p["batch"], jit=p["jit"])
        key = _fingerprint(x, y, p, context.seed)
        losses = _resume(trainer, context.checkpoint, key)
        for epoch in range(len(losses), p["epochs"]):
            # One generator an epoch: a resumed run shuffles as the unbroken one would.
            order = np.random.default_rng([context.seed, epoch]).permutation(trainer.n)
            losses.append(trainer.epoch(order, self._rates(epoch, trainer.steps)))
            if not np.isfinite(losses[-1]):
                raise DivergedError(
                    f"dnn: the loss became {losses[-1]} in epoch {epoch + 1}\n  fix: lower learning_rate "
                    f"(now {p['learning_rate']}) or raise batch (now {p['batch']})"
                )
            if context.checkpoint and (epoch + 1) % _CHECKPOINT_EPOCHS == 0:
                _write_checkpoint(context.checkpoint, trainer, losses, key)
            context.progress(epoch + 1, p["epochs"], f"loss {losses[-1]:.5f}")
        self._weights = [np.asarray(w.numpy()) for w in network.trainable_variables]
        self.history = {"loss": losses}
        if context.checkpoint:
            context.checkpoint.unlink(missing_ok=True)

    def predict(self, states: Sequence[State], pairs: Sequence[str]) -> np.ndarray:
        """g(r), shape (n, 100)."""
        return self.predict_points(point_inputs(query_frame(states, pairs))).reshape(-1, N_BINS)

    def predict_points(self, x: np.ndarray) -> np.ndarray:
        """g at points `x` of shape (n, 7); shape (n,)."""
        return np.maximum(self.regress(x), 0.0)

    def regress(self, x: np.ndarray) -> np.ndarray:
        """The network's output at points `x` of shape (n, inputs), of either sign; shape (n,)."""
        if not self._weights:
            raise RuntimeError("fit or load the model first")
        return forward(self._weights, (x - self._mean) / self._scale).astype(np.float64)

    def save(self, folder: Path) -> list[str]:
        """Write Keras' weights and the input scaling."""
        if not self._weights:
            raise RuntimeError("fit the model first")
        weights = {f"w{i:02d}": w for i, w in enumerate(self._weights)}
        loss = np.array(self.history.get("loss", []))
        return [write_arrays(folder, {**weights, "mean": self._mean, "scale": self._scale, "loss": loss})]

    def load(self, folder: Path) -> None:
        """Read them back; the hidden layers must be the paper's."""
        stored = read_arrays(folder)
        weights = [stored[f"w{i:02d}"] for i in range(2 * (len(LAYERS) - 1))]
        expected: list[tuple[int, ...]] = []
        for n_in, n_out in zip((len(stored["mean"]), *LAYERS[1:-1]), LAYERS[1:], strict=True):
            expected += [(n_in, n_out), (n_out,)]
        if [w.shape for w in weights] != expected:
            raise ValueError("the hidden layers are not 112-56-28-14-7")
        self._weights, self._mean, self._scale = weights, stored["mean"], stored["scale"]
        self.history = {"loss": stored["loss"].tolist()}

    @property
    def n_parameters(self) -> int:
        """Number of trained weights."""
        return sum(w.size for w in self._weights)

    def _rates(self, epoch: int, steps: int) -> np.ndarray:
        peak = self.parameters["learning_rate"]
        if self.parameters["schedule"] == "constant":
            return np.full(steps, peak)
        done = (epoch * steps + np.arange(steps)) / (self.parameters["epochs"] * steps)
        rise = 0.1
        return peak * np.minimum(
            done / rise + 0.01, 0.5 * (1 + np.cos(np.pi * np.clip((done - rise) / (1 - rise), 0, 1)))
        )


def _fingerprint(x: np.ndarray, y: np.ndarray, parameters: dict[str, Any], seed: int) -> str:
    digest = hashlib.sha256(json.dumps([parameters, seed], sort_keys=True).encode())
    digest.update(np.ascontiguousarray(x).tobytes())
    digest.update(np.ascontiguousarray(y).tobytes())
    return digest.hexdigest()


def _write_checkpoint(file: Path, trainer: CompiledTrainer, losses: list[float], key: str) -> None:
    with replacing(file) as temporary, open(temporary, "wb") as stream:
        np.savez(stream, key=np.array(key), losses=np.array(losses), **trainer.state())  # type: ignore[arg-type]


def _resume(trainer: CompiledTrainer, file: Path | None, key: str) -> list[float]:
    """Losses so far if `file` is a checkpoint of this very training, else an empty list."""
    if file is None or not file.is_file():
        return []
    with np.load(file, allow_pickle=False) as stored:
        if str(stored["key"]) != key:
            return []
        trainer.restore({name: stored[name] for name in stored.files if name not in ("key", "losses")})
        losses: list[float] = stored["losses"].tolist()
    return losses
