"""Column names, bins and table schemas of the dataset: the one place where they are written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from binlj.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

LAYOUT = "2.0.0"  # the version whose columns are written unless another one is asked for
R_MAX = 10.0
N_FINE = 500  # native resolution of the builder, 0.02 sigma
N_BINS = 100  # resolution of the benchmark (the paper's), 0.1 sigma
MERGE = N_FINE // N_BINS

KEYS = ("state_id", "pair")
FEATURES = ("T", "C_B", "S", "eps_AB")
REGIMES = ("equilibrium", "mixed")
TRACK_NAMES = ("extrapolation", "interpolation", "offgrid")
# Every track of every regime, by the name of its config: the regime stands in front, but for equilibrium.
TRACKS = (*TRACK_NAMES, *(f"mixed_{name}" for name in TRACK_NAMES))
CONFIGS = (*TRACK_NAMES, "fine", "states", "snapshots", *TRACKS[len(TRACK_NAMES) :], "mixed_fine", "mixed_states")
DEFAULT_CONFIG = "extrapolation"
# "all" is the grid: the off-grid states are in a config and a split of their own.
SPLITS = {
    **dict.fromkeys(CONFIGS, ("train", "test")),
    **dict.fromkeys(("fine", "mixed_fine", "snapshots"), ("all",)),
    **dict.fromkeys(("states", "mixed_states"), ("all", "offgrid")),
}
# The datasets library reserves the name "all" (the union of all splits), so it knows these tables as "full".
LIBRARY_SPLIT = {"train": "train", "test": "test", "all": "full", "offgrid": "offgrid"}
# Splits without a file of their own: training on the whole grid takes both sides of the default track.
_SHARED = {
    (f"{mixed}offgrid", "train"): ((f"{mixed}extrapolation", "train"), (f"{mixed}extrapolation", "test"))
    for mixed in ("", "mixed_")
}
FILES = tuple(
    f"{config}/{split}.parquet"
    for config in CONFIGS for split in SPLITS[config] if (config, split) not in _SHARED
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """Files of the dataset that come together or not at all: since which version, and what they hold."""

    name: str
    since: str
    holds: str
    files: tuple[str, ...]


OFFGRID = Part(
    "offgrid", "1.2.0", "off-grid states (track `offgrid`)", ("offgrid/test.parquet", "states/offgrid.parquet")
)
MIXED = Part(
    "mixed", "2.0.0", "mixed regime",
    tuple(f for f in FILES if f.startswith("mixed_") and "offgrid" not in f),
)  # fmt: skip
MIXED_OFFGRID = Part(
    "mixed_offgrid", "2.1.0", "off-grid states in the mixed regime",
    ("mixed_offgrid/test.parquet", "mixed_states/offgrid.parquet"),
)  # fmt: skip
PARTS = (OFFGRID, MIXED, MIXED_OFFGRID)
ALWAYS = tuple(f for f in FILES if not any(f in part.files for part in PARTS))


def in_regime(config: str, regime: str | None) -> str:
    """Name of a config or track in a regime, e.g. ``mixed_extrapolation``; as it is where `regime` is None.

    Raises
    ------
    InputError
        If there is no such regime, or the config exists in equilibrium only or belongs to another regime.
    """
    if regime is None:
        return config
    if regime not in REGIMES:
        raise InputError(f"regime {regime!r}", ["no such regime"], fix=f"use one of: {', '.join(REGIMES)}")
    if regime_of(config) == regime:
        return config
    if regime == "mixed" and f"mixed_{config}" in CONFIGS:
        return f"mixed_{config}"
    if config not in CONFIGS:
        return config  # whoever looks it up says so
    known = [c for c in CONFIGS if regime_of(c) == regime]
    raise InputError(
        f"config {config!r}", [f"not in the {regime} regime"], fix=f"use one of: {', '.join(known)}"
    )


def regime_of(config: str) -> str:
    """``mixed`` for the configs and tracks of the mixed regime, else ``equilibrium``."""
    return "mixed" if config.startswith("mixed_") else "equilibrium"


def track_name(track: str) -> str:
    """A track's name without its regime: ``extrapolation``, ``interpolation`` or ``offgrid``."""
    return track.removeprefix("mixed_")


def states_split(track: str) -> tuple[str, str]:
    """Config and split of the table that describes a track's test states, e.g. ``("mixed_states", "all")``."""
    return in_regime("states", regime_of(track)), "offgrid" if track_name(track) == "offgrid" else "all"


def split_files(config: str, split: str) -> tuple[str, ...]:
    """Parquet files of a split within the dataset folder, in the order of their rows."""
    return tuple(f"{c}/{s}.parquet" for c, s in _SHARED.get((config, split), ((config, split),)))


def track_files(track: str) -> tuple[str, ...]:
    """Files that a track's scores follow from: its training and test curves and the facts about its test states."""
    config, split = states_split(track)
    return (*split_files(track, "train"), *split_files(track, "test"), f"{config}/{split}.parquet")


def bin_edges(n: int = N_BINS) -> np.ndarray:
    """Edges of `n` equal bins from 0 to 10 sigma, shape (n + 1,), in units of sigma_AA."""
    return np.arange(n + 1) * (R_MAX / n)


def bin_centres(n: int = N_BINS) -> np.ndarray:
    """Bin centres, shape (n,): 0.05, 0.15 ... 9.95 for the benchmark's 100 bins."""
    return (np.arange(n) + 0.5) * (R_MAX / n)


def shell_volumes(n: int = N_BINS) -> np.ndarray:
    """Volumes 4 pi (r2^3 - r1^3) / 3 of the spherical shells, shape (n,), in sigma_AA^3."""
    return 4.0 * np.pi / 3.0 * np.diff(bin_edges(n) ** 3)


def merge_bins(fine: np.ndarray) -> np.ndarray:
    """Merge 0.02 sigma bins into 0.1 sigma bins, weighting each by its shell volume (exact for g(r)).

    Parameters
    ----------
    fine : ndarray, shape (..., 500)

    Returns
    -------
    ndarray, shape (..., 100)
    """
    if fine.shape[-1] != N_FINE:
        raise ValueError(f"expected {N_FINE} bins, got {fine.shape[-1]}")
    w = shell_volumes(N_FINE).reshape(N_BINS, MERGE)
    return (fine.reshape(*fine.shape[:-1], N_BINS, MERGE) * w).sum(-1) / w.sum(-1)


def rdf_schema(n: int) -> pa.Schema:
    """Arrow schema of the RDF tables: one row per (state, pair), `n` bins a curve.

    ``r``, ``g`` and ``g_stderr`` are fixed-size lists of float64; ``pair`` is 0, 1, 2 for AA, AB, BB
    (a ``ClassLabel`` for the ``datasets`` library).
    """
    import pyarrow as pa

    curve = pa.list_(pa.float64(), n)
    return pa.schema(
        [
            ("state_id", pa.string()),
            *((name, pa.float64()) for name in FEATURES),
            ("pair", pa.int64()),
            ("r", curve),
            ("g", curve),
            ("g_stderr", curve),
        ]
    )


def major(version: str) -> int:
    """First number of a dataset's version; 0 if it does not begin with one."""
    first = version.split(".")[0]
    return int(first) if first.isdecimal() else 0


def states_schema(version: str = LAYOUT) -> pa.Schema:
    """Arrow schema of the ``states`` config: one row per state.

    Parameters
    ----------
    version : str
        The dataset's. Before 2.0.0 the table has no ``start_gap_stderr``, ``start_pairs`` and ``exchanges``.
    """
    import pyarrow as pa

    f, i, s, b = pa.float64(), pa.int64(), pa.string(), pa.bool_()
    since_2 = [("start_gap_stderr", f), ("start_pairs", i), ("exchanges", i)] if major(version) >= 2 else []
    return pa.schema(
        [
            ("state_id", s),
            *((name, f) for name in FEATURES),
            ("n_A", i),
            ("n_B", i),
            ("density", f),
            ("density_stderr", f),
            ("energy", f),
            ("energy_stderr", f),
            ("pressure", f),
            ("pressure_stderr", f),
            ("energy_from_rdf", f),
            ("pressure_from_rdf", f),
            ("density_pets", f),
            ("n_eff", f),
            ("drift", f),
            ("equilibration_steps", i),
            ("production_steps", i),
            ("start", s),
            ("geometry", s),
            ("start_gap", f),
            *since_2,
            ("compared_with", s),
            ("phase", s),
            ("composition_fluctuation", f),
            ("solid_fraction", f),
            ("g_relative_error_AA", f),
            ("g_relative_error_AB", f),
            ("g_relative_error_BB", f),
            ("converged", b),
            ("reason", s),
            ("engine", s),
            ("deck_sha256", s),
            ("seeds", pa.list_(i)),
            ("atom_steps", i),
        ]
    )


def snapshots_schema() -> pa.Schema:
    """Arrow schema of the ``snapshots`` config: the last configuration of each state.

    ``positions`` holds x0 y0 z0 x1 ... as int16: position = box_length * (value + 32768) / 65536.
    ``types`` is 0 for A and 1 for B, one byte a particle.
    """
    import pyarrow as pa

    return pa.schema(
        [
            ("state_id", pa.string()),
            ("start", pa.string()),
            ("step", pa.int64()),
            ("box_length", pa.float64()),
            ("types", pa.list_(pa.int8())),
            ("positions", pa.list_(pa.int16())),
        ]
    )
