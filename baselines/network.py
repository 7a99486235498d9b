"""The paper's network in Keras, and one compiled training loop over tensors that stay in memory.

A plain ``model.fit`` spends most of its time outside the arithmetic: a network of 9,339 weights takes
microseconds a batch. Here one ``tf.function`` runs a whole epoch: shuffle, slice, gradient, Adam. The
activations are kept feature-major, (units, batch), because narrow layers (28, 14, 7, 1) leave vector
registers idle when the batch is the outer dimension; that alone is worth 1.5 times.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.errors import MissingExtraError

if TYPE_CHECKING:
    import keras

LAYERS = (7, 112, 56, 28, 14, 7, 1)
# Adam's constants are the defaults of Keras (Kingma & Ba, arXiv:1412.6980).
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7


def tensorflow() -> Any:
    """Import TensorFlow, or say which extra brings it.

    Where the user (or one of our commands) asked for silence by TF_CPP_MIN_LOG_LEVEL=3, its native
    messages on standard error are dropped while it is imported: version 2.21 prints some regardless.
    """
    silent = os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "3" and "tensorflow" not in sys.modules
    try:
        with _native_stderr_closed() if silent else nullcontext():
            import tensorflow as tf
    except ImportError:
        raise MissingExtraError("tensorflow", "baselines") from None
    return tf


@contextmanager
def _native_stderr_closed() -> Iterator[None]:
    """Send file descriptor 2 to nowhere for a while; Python exceptions still pass."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def quiet_tensorflow(threads: int | None = None) -> None:
    """Keep TensorFlow's start-up messages off the terminal and set its threads; for commands only.

    Must run before TensorFlow is first imported.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if threads is not None:
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
        os.environ["TF_NUM_INTEROP_THREADS"] = str(threads)


def build_network(seed: int, n_inputs: int = LAYERS[0]) -> keras.Model:
    """The paper's 7-112-56-28-14-7-1 network with ReLU hidden layers and a linear output.

    Weights start from Glorot's uniform distribution (Keras' default; the paper does not say), seeded.
    """
    tensorflow()
    import keras

    def start(layer: int) -> keras.initializers.Initializer:
        return keras.initializers.GlorotUniform(seed=1000 * seed + layer)

    hidden = [
        keras.layers.Dense(n, activation="relu", kernel_initializer=start(i))
        for i, n in enumerate(LAYERS[1:-1])
    ]
    output = keras.layers.Dense(LAYERS[-1], kernel_initializer=start(len(LAYERS)))
    return keras.Sequential([keras.Input((n_inputs,)), *hidden, output])


def forward(weights: list[np.ndarray], x: np.ndarray) -> np.ndarray:
    """The network in plain NumPy, so that predicting needs no TensorFlow.

    Parameters
    ----------
    weights : list of ndarray
        Kernel, bias, kernel, bias ... as Keras keeps them.
    x : ndarray, shape (n, inputs)

    Returns
    -------
    ndarray, shape (n,)
    """
    h = np.asarray(x, dtype=np.float32)
    last = len(weights) // 2 - 1
    for layer in range(last + 1):
        h = h @ weights[2 * layer]
        h += weights[2 * layer + 1]
        if layer < last:
            np.maximum(h, 0, out=h)
    return h[:, 0]


class CompiledTrainer:
    """Adam on the mean squared error, one compiled call an epoch.

    Parameters
    ----------
    network : keras.Model
        Its weights are trained in place.
    x : ndarray, shape (n, inputs)
        Scaled.
    y : ndarray, shape (n,)
        Targets.
    batch : int
        Points a step. An epoch has ``n // batch`` steps over a fresh shuffle; the remainder sits out
        that epoch.
    jit : bool
        Compile with XLA: 1-3 s once, then faster steps. Worth it for long trainings.
    """

    def __init__(self, network: keras.Model, x: np.ndarray, y: np.ndarray, *, batch: int, jit: bool) -> None:
        tf = tensorflow()
        self._tf = tf
        self.network = network
        self.batch = min(batch, len(x))
        self.steps = len(x) // self.batch
        self.n = len(x)
        # The optimiser's state; a plain list of variables can be checkpointed and fused kernels update it.
        variables = [w.value for w in network.trainable_variables]
        self.first = [tf.Variable(tf.zeros_like(v)) for v in variables]
        self.second = [tf.Variable(tf.zeros_like(v)) for v in variables]
        self.step = tf.Variable(0.0)
        self._epoch = self._compile(
            variables, tf.constant(x.T, tf.float32), tf.constant(y[None], tf.float32), jit
        )

    def _compile(self, variables: list[Any], x: Any, y: Any, jit: bool) -> Callable[[Any, Any], Any]:
        tf, batch, steps, last = self._tf, self.batch, self.steps, len(LAYERS) - 2
        n_inputs = x.shape[0]
        kernels, biases = variables[0::2], variables[1::2]

        def gradients(xb: Any, yb: Any) -> tuple[Any, list[Any]]:
            with tf.GradientTape() as tape:
                h = xb
                for k in range(last + 1):
                    h = tf.matmul(kernels[k], h, transpose_a=True) + biases[k][:, None]
                    if k < last:
                        h = tf.nn.relu(h)
                loss = tf.reduce_mean(tf.square(h - yb))
            return loss, tape.gradient(loss, variables)

        def epoch(order: Any, rates: Any) -> Any:
            xs, ys = tf.gather(x, order, axis=1), tf.gather(y, order, axis=1)

            def body(i: Any, total: Any) -> tuple[Any, Any]:
                xb = tf.slice(xs, [0, i * batch], [n_inputs, batch])
                yb = tf.slice(ys, [0, i * batch], [1, batch])
                loss, slopes = gradients(xb, yb)
                t = self.step.assign_add(1.0)
                powers = {"beta1_power": tf.pow(BETA_1, t), "beta2_power": tf.pow(BETA_2, t)}
                for v, m, s, slope in zip(variables, self.first, self.second, slopes, strict=True):
                    tf.raw_ops.ResourceApplyAdam(
                        var=v.handle,
                        m=m.handle,
                        v=s.handle,
                        lr=rates[i],
                        beta1=BETA_1,
                        beta2=BETA_2,
                        epsilon=EPSILON,
                        grad=slope,
                        **powers,
                    )
                return i + 1, total + loss

            _, total = tf.while_loop(
                lambda i, total: i < steps, body, (tf.constant(0), tf.constant(0.0)), parallel_iterations=1
            )
            return total / steps

        return tf.function(epoch, jit_compile=jit, autograph=False)

    def epoch(self, order: np.ndarray, rates: np.ndarray) -> float:
        """Run one epoch; return the mean of its batches' losses.

        Parameters
        ----------
        order : ndarray of int, shape (n,)
            A permutation of the points.
        rates : ndarray, shape (steps,)
            Learning rate of each step.
        """
        tf = self._tf
        return float(self._epoch(tf.constant(order, tf.int32), tf.constant(rates, tf.float32)))

    def state(self) -> dict[str, np.ndarray]:
        """Weights and optimiser state, as arrays."""
        out = {"step": self.step.numpy()}
        for kind, values in (("w", self.network.trainable_variables), ("m", self.first), ("v", self.second)):
            out |= {f"{kind}{i:02d}": np.asarray(v.numpy()) for i, v in enumerate(values)}
        return out

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Put back what :meth:`state` returned."""
        self.step.assign(state["step"])
        for kind, values in (("w", self.network.trainable_variables), ("m", self.first), ("v", self.second)):
            for i, v in enumerate(values):
                v.assign(state[f"{kind}{i:02d}"])
