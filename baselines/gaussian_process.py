"""A Gaussian process for many outputs at once, with a slope in temperature that varies over compositions.

Why not scikit-learn's: all 100 bins of a curve share one kernel, so the likelihood needs only the n x n
matrix Y Y^T / p (its cost does not grow with the bins), and the kernel needs a linear term in one
coordinate only. The formulas are those of Rasmussen & Williams, Gaussian Processes for Machine Learning
(2006), sections 2.2, 4.2 and 5.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from binlj.baselines.frames import scaling

_JITTER = 1e-8
# theta = ln of: Matern variance, slope variance, noise variance, 4 lengths of the Matern part (temperature
# first), 3 lengths of the slope over compositions. Inputs are scaled to unit standard deviation.
_START = np.log(np.array([1.0, 0.5, 1e-3, 2.0, 2.0, 1.5, 2.0, 3.0, 2.0, 3.0]))
_MOST_ROWS = 160  # the likelihood is maximised on at most so many rows, evenly spread; conditioning uses all
_STEPS = 40
_PRIOR_WIDTH = 1.5  # in ln units; keeps lengths sane where the data do not decide
_BOUNDS = [(-7.0, 5.0), (-12.0, 5.0), (-14.0, 1.0), *[(-2.5, 5.0)] * 7]


@dataclass(frozen=True)
class Fitted:
    """A conditioned process: everything needed to predict."""

    theta: np.ndarray
    x: np.ndarray
    shift: np.ndarray
    scale: np.ndarray
    mean: np.ndarray
    alpha: np.ndarray


def fit(x: np.ndarray, y: np.ndarray, noise: np.ndarray, *, theta: np.ndarray | None = None) -> Fitted:
    """Condition a process on data.

    Parameters
    ----------
    x : ndarray, shape (n, 4)
        Coordinates; the first is the temperature-like one.
    y : ndarray, shape (n, p)
        Outputs.
    noise : ndarray, shape (n,)
        Known noise variance of each row, in units of `y` squared; a common one is fitted on top.
    theta : ndarray, optional
        Hyperparameters; fitted by their posterior mode if not given.

    Returns
    -------
    Fitted
    """
    from scipy.linalg import cho_factor, cho_solve

    shift, scale = scaling(x)
    z = (x - shift) / scale
    mean = y.mean(0)
    centred = y - mean
    size = float(np.sqrt(np.mean(centred**2))) or 1.0
    if theta is None:
        some = np.unique(np.linspace(0, len(z) - 1, min(len(z), _MOST_ROWS)).round().astype(int))
        theta = _optimise(z[some], centred[some] / size, noise[some] / size**2)
    k = _kernel(theta, z, z) + np.diag(np.exp(theta[2]) + noise / size**2 + _JITTER)
    alpha = cho_solve(cho_factor(k, lower=True), centred)
    return Fitted(theta, z, shift, scale, mean, alpha)


def predict(fitted: Fitted, x: np.ndarray) -> np.ndarray:
    """Posterior mean at `x` of shape (m, 4); shape (m, p)."""
    z = (x - fitted.shift) / fitted.scale
    return fitted.mean + _kernel(fitted.theta, z, fitted.x) @ fitted.alpha


def _matern(square: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Matern 5/2 of a squared distance, and minus twice its derivative by that square."""
    d = np.sqrt(5.0 * square)
    e = np.exp(-d)
    return (1.0 + d + d * d / 3.0) * e, (5.0 / 3.0) * (1.0 + d) * e


def _squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a.T[:, :, None] - b.T[:, None, :]) ** 2


def _kernel(theta: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    squares = _squares(a, b)
    return _parts(theta, squares, np.outer(a[:, 0], b[:, 0]))[0]


def _parts(
    theta: np.ndarray, squares: np.ndarray, product: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Kernel without noise, and its derivatives by theta (noise left out)."""
    w_all, w_slope = np.exp(-2 * theta[3:7]), np.exp(-2 * theta[7:10])
    m_all, d_all = _matern(np.tensordot(w_all, squares, 1))
    m_slope, d_slope = _matern(np.tensordot(w_slope, squares[1:], 1))
    smooth = np.exp(theta[0]) * m_all
    trend = np.exp(theta[1]) * product * m_slope
    by_length = [np.exp(theta[0]) * d_all * w_all[i] * squares[i] for i in range(4)]
    by_length += [np.exp(theta[1]) * product * d_slope * w_slope[i] * squares[i + 1] for i in range(3)]
    return smooth + trend, [smooth, trend, *by_length]


def _optimise(z: np.ndarray, y: np.ndarray, noise: np.ndarray) -> np.ndarray:
    from scipy.linalg import cho_factor, cho_solve
    from scipy.optimize import minimize

    n = len(z)
    second = y @ y.T / y.shape[1]
    squares, product = _squares(z, z), np.outer(z[:, 0], z[:, 0])
    identity = np.eye(n)

    def objective(theta: np.ndarray) -> tuple[float, np.ndarray]:
        k, slopes = _parts(theta, squares, product)
        common = np.exp(theta[2])
        try:
            factor = cho_factor(k + np.diag(common + noise + _JITTER), lower=True)
        except np.linalg.LinAlgError:
            return 1e12, np.zeros_like(theta)
        inverse = cho_solve(factor, identity)
        weighted = inverse @ second
        value = 0.5 * np.trace(weighted) + np.log(np.diag(factor[0])).sum()
        a = 0.5 * (inverse - weighted @ inverse)
        gradient = [np.vdot(a, d) for d in slopes]
        gradient.insert(2, float(np.trace(a) * common))
        away = (theta - _START) / _PRIOR_WIDTH
        return float(value / n + 0.5 * (away @ away) / n), (np.array(gradient) + away / _PRIOR_WIDTH) / n

    best = minimize(
        objective, _START, jac=True, method="L-BFGS-B", bounds=_BOUNDS, options={"maxiter": _STEPS}
    )
    return np.asarray(best.x)
