"""g(r) and thermodynamics of any mixture in the grid's ranges, from the theory fitted to all 500 states."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from binlj.errors import DataError, InputError
from binlj.grid import GRID_C_B, GRID_EPS_AB, GRID_S, GRID_T, PAIRS, StatePoint

if TYPE_CHECKING:
    import pandas as pd

    from binlj.theory.fitted import Fitted
    from binlj.theory.prediction import Prediction

INPUTS = ("T", "C_B", "S", "eps_AB")
RANGES = {name: (v[0], v[-1]) for name, v in zip(INPUTS, (GRID_T, GRID_C_B, GRID_S, GRID_EPS_AB), strict=True)}
# Beyond the grid, on request: there is a fluid, and the theory still has solutions.
WIDER = {"T": (0.55, 3.0), "C_B": (0.001, 0.999), "S": (0.4, 2.5), "eps_AB": (0.1, 1.2)}
FILE = Path(__file__).parent / "theory" / "fitted.npz"
NEIGHBOURS_WITHIN = 1.5  # sigma_ij


def rdf(
    T: ArrayLike | pd.DataFrame,
    C_B: ArrayLike | None = None,
    S: ArrayLike | None = None,
    eps_AB: ArrayLike | None = None,
    *,
    extrapolate: bool = False,
) -> pd.DataFrame:
    """Radial distribution functions of binary Lennard-Jones mixtures at P* = 1.

    The model is ``fitted_theory`` of the leaderboard, fitted to all 500 states of the dataset: integral equation,
    phases from a corrected equation of state, and a learned residual.

    Parameters
    ----------
    T, C_B, S, eps_AB : array_like
        Reduced temperature, mole fraction of B, size ratio and cross energy; they broadcast. Or one DataFrame with
        these columns.
    extrapolate : bool
        Whether to answer outside the dataset's ranges, too (:data:`WIDER`), where nothing was trained.

    Returns
    -------
    DataFrame
        One row a state and pair: the four inputs, ``pair``, ``r`` (bin centres, sigma_AA), ``g`` and ``g_std`` (100
        values each), ``p_demixed``, and ``in_range`` (whether the state lies in the dataset's ranges).

    Raises
    ------
    InputError
        If an input is missing or out of range; every problem is listed.

    Examples
    --------
    >>> import binlj
    >>> frame = binlj.rdf(T=0.7, C_B=0.25, S=1.25, eps_AB=0.9)
    >>> list(frame["pair"])
    ['AA', 'AB', 'BB']
    """
    states, inside = state_points(T, C_B, S, eps_AB, extrapolate=extrapolate)
    return rdf_table(states, inside, fitted().predict(states))


def rdf_table(states: Sequence[StatePoint], inside: np.ndarray, found: Prediction) -> pd.DataFrame:
    """The frame that :func:`rdf` returns, from a prediction; `inside` says which states lie in the ranges."""
    import pandas as pd

    from binlj.schema import bin_centres

    rows = [
        {**_inputs(s), "pair": pair, "r": bin_centres(), "g": found.g[i, j], "g_std": found.spread[i, j],
         "p_demixed": found.info[i].p_demixed, "in_range": bool(inside[i])}
        for i, s in enumerate(states) for j, pair in enumerate(PAIRS)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def rdf_and_thermo(
    T: ArrayLike | pd.DataFrame,
    C_B: ArrayLike | None = None,
    S: ArrayLike | None = None,
    eps_AB: ArrayLike | None = None,
    *,
    extrapolate: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The frames of :func:`rdf` and :func:`thermo`, from one solution of each state."""
    states, inside = state_points(T, C_B, S, eps_AB, extrapolate=extrapolate)
    found = fitted().predict(states)
    return rdf_table(states, inside, found), thermo_table(states, inside, found)


def csv_text(curves: pd.DataFrame) -> str:
    """Rows of :func:`rdf` as CSV, one line a bin, with six significant digits."""
    columns = ["r", "g", "g_std"]
    lines = curves.explode(columns).astype(dict.fromkeys(columns, float))
    return str(lines.to_csv(index=False, float_format="%.6g"))


def thermo(
    T: ArrayLike | pd.DataFrame,
    C_B: ArrayLike | None = None,
    S: ArrayLike | None = None,
    eps_AB: ArrayLike | None = None,
    *,
    extrapolate: bool = False,
) -> pd.DataFrame:
    """Thermodynamics and phases of binary Lennard-Jones mixtures at P* = 1, N = 10,000.

    Parameters
    ----------
    T, C_B, S, eps_AB, extrapolate
        As for :func:`rdf`.

    Returns
    -------
    DataFrame
        One row a state: the four inputs; ``density`` N/V and ``density_pets``, that of the homogeneous fluid by the
        PeTS equation of state; ``energy``, the potential energy per particle from the predicted curves; ``phase`` and
        ``p_demixed``, the probability of two phases; ``geometry``, the shape of the smaller phase as in the
        dataset's column, and ``fraction``, the B-rich phase's share of the volume; ``C_B_low``, ``C_B_high``,
        ``density_low``, ``density_high`` of the A-rich and the B-rich phase (NaN if homogeneous); coordination numbers
        ``n_AA``, ``n_AB``, ``n_BA``, ``n_BB`` (j around i) within 1.5 sigma_ij; ``in_range``.

    Raises
    ------
    InputError
        As for :func:`rdf`.
    """
    states, inside = state_points(T, C_B, S, eps_AB, extrapolate=extrapolate)
    return thermo_table(states, inside, fitted().predict(states))


def thermo_table(states: Sequence[StatePoint], inside: np.ndarray, found: Prediction) -> pd.DataFrame:
    """The frame that :func:`thermo` returns, from a prediction."""
    import pandas as pd

    from binlj.pets import pets_density

    rows = []
    for i, state in enumerate(states):
        info = found.info[i]
        two = info.demixed
        low, high = info.densities if two else (np.nan, np.nan)
        density = info.phi * high + (1.0 - info.phi) * low if two else info.densities[0]
        rows.append({
            **_inputs(state),
            "density": density,
            "density_pets": pets_density(state)[0],
            "energy": energy(state, found.g[i], density),
            "phase": "demixed" if two else "homogeneous",
            "p_demixed": info.p_demixed,
            "geometry": info.body,
            "fraction": info.phi,
            "C_B_low": info.compositions[0] if two else np.nan,
            "C_B_high": info.compositions[1] if two else np.nan,
            "density_low": low,
            "density_high": high,
            **coordination(state, found.g[i], density),
            "in_range": bool(inside[i]),
        })  # fmt: skip
    return pd.DataFrame(rows)


def energy(state: StatePoint, g: np.ndarray, density: float) -> float:
    """Potential energy per particle from three curves on the 100 bins.

    U/N = (rho/2) sum_ij x_i x_j int u_ij g_ij 4 pi r^2 dr (Hansen and McDonald, Theory of Simple Liquids, eq. 2.5.20).
    Within a bin g is taken to vary as exp(-u/T): :func:`binlj.potential.energy_weights`.

    Parameters
    ----------
    g : ndarray, shape (3, 100)
    density : float
        Number density N/V.
    """
    from binlj.potential import energy_weights

    sigma, epsilon = (np.array([f(pair) for pair in PAIRS]) for f in (state.sigma, state.epsilon))
    weights = energy_weights(np.full(len(PAIRS), state.T), sigma, epsilon, g.shape[1])
    shares = np.array([(1.0 - state.C_B) ** 2, 2.0 * state.C_B * (1.0 - state.C_B), state.C_B**2])
    return float(0.5 * density * (shares * (weights * g).sum(axis=1)).sum())


def coordination(state: StatePoint, g: np.ndarray, density: float) -> dict[str, float]:
    """Particles of species j within 1.5 sigma_ij of one of species i, as ``n_ij``.

    n_ij = rho x_j int g_ij 4 pi r^2 dr; bins that the limit cuts count in part.
    """
    from binlj.schema import bin_edges, shell_volumes

    edges = bin_edges()
    share = {"A": 1.0 - state.C_B, "B": state.C_B}
    out = {}
    for name, row in (("AA", 0), ("AB", 1), ("BA", 1), ("BB", 2)):
        limit = NEIGHBOURS_WITHIN * state.sigma(PAIRS[row])
        part = (np.clip(limit, edges[:-1], edges[1:]) ** 3 - edges[:-1] ** 3) / np.diff(edges**3)
        out[f"n_{name}"] = float(density * share[name[1]] * (g[row] * shell_volumes() * part).sum())
    return out


@cache
def fitted() -> Fitted:
    """The theory fitted to all states of the dataset.

    Raises
    ------
    DataError
        If the package lacks the file, or it is damaged.
    """
    from binlj.theory.fitted import from_arrays

    fix = "install binlj-rdf again, or fit it: binlj reproduce rdf-model"
    try:
        with np.load(FILE, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(FILE, [f"cannot be read: {error}"], fix=fix) from None
    return from_arrays(arrays, subject=FILE)


def _inputs(state: StatePoint) -> dict[str, float]:
    return {name: getattr(state, name) for name in INPUTS}


def read_states(file: Path) -> pd.DataFrame:
    """A CSV or parquet file of states, for :func:`rdf`.

    Raises
    ------
    InputError
        If there is no such file, or it cannot be read.
    """
    import pandas as pd

    fix = "give a CSV or parquet file with columns T, C_B, S, eps_AB"
    if not file.is_file():
        raise InputError(file, ["no such file"], fix=fix)
    try:
        return pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    except (ValueError, OSError) as error:
        raise InputError(file, [f"cannot be read: {str(error).splitlines()[0]}"], fix=fix) from None


def state_points(
    T: ArrayLike | pd.DataFrame,
    C_B: ArrayLike | None = None,
    S: ArrayLike | None = None,
    eps_AB: ArrayLike | None = None,
    *,
    extrapolate: bool,
) -> tuple[list[StatePoint], np.ndarray]:
    """The states asked for, and which of them lie in the dataset's ranges."""
    given: tuple[Any, ...] = (T, C_B, S, eps_AB)
    if hasattr(T, "columns"):
        frame: Any = T
        missing = [f"column {name!r} is missing" for name in INPUTS if name not in frame]
        beside = zip(INPUTS[1:], given[1:], strict=True)
        extra = [f"{name} is given beside the frame" for name, value in beside if value is not None]
        if missing or extra:
            raise InputError("states", missing + extra, fix="give one frame with T, C_B, S, eps_AB, or four arrays")
        given = tuple(frame[name] for name in INPUTS)
    absent = [f"{name} is missing" for name, value in zip(INPUTS, given, strict=True) if value is None]
    if absent:
        raise InputError("states", absent, fix="rdf(T=0.7, C_B=0.25, S=1.25, eps_AB=0.9)")
    try:
        columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, dtype=float)) for v in given))
    except (TypeError, ValueError) as error:
        raise InputError("states", [f"not four arrays of numbers that broadcast: {error}"]) from None
    values = np.stack([c.ravel() for c in columns], axis=1)
    if not len(values):
        raise InputError("states", ["there is none"])
    allowed = WIDER if extrapolate else RANGES
    problems, inside = [], np.ones(len(values), dtype=bool)
    for j, name in enumerate(INPUTS):
        low, high = allowed[name]
        bad = ~((values[:, j] >= low - 1e-9) & (values[:, j] <= high + 1e-9))
        if bad.any():
            shown = ", ".join(f"{v:g}" for v in dict.fromkeys(values[bad, j].tolist()[:5]))
            problems.append(f"{name} = {shown} lies outside {low:g} to {high:g} ({bad.sum()} of {len(values)} states)")
        inside &= (values[:, j] >= RANGES[name][0] - 1e-9) & (values[:, j] <= RANGES[name][1] + 1e-9)
    if problems:
        fix = "stay in the ranges"
        if not extrapolate:
            fix += ", or ask for theory beyond them: extrapolate=True (--extrapolate)"
        raise InputError("states", problems, fix=fix)
    return [StatePoint(*row) for row in values.tolist()], inside
