"""The rows that the leaderboard makes itself: ids and names of the naive baselines, id of the noise ceiling."""

from __future__ import annotations

from binlj.schema import track_name

CEILING = "noise-ceiling"
NAIVE_NAMES = {
    "ideal-gas": "Ideal gas, g = 1",
    "mean-rdf": "Mean training RDF",
    "nearest-temperature": "Nearest training temperature",
    "nearest-scaled": "Nearest training state, r / σ",
    "linear-t": "Linear in T*",
    "linear-pmf": "Linear in 1/T* (mean force)",
}
# Off the grid no mixture is a training mixture (binlj.eval.naive says what the baselines do there).
OFFGRID_NAMES = {
    "nearest-temperature": "Nearest training state",
    "linear-t": "Linear in T* at the nearest mixture",
    "linear-pmf": "Linear in 1/T* at the nearest mixture",
}


def naive_name(row_id: str, track: str) -> str:
    """What a naive baseline is called on a track."""
    names = NAIVE_NAMES | OFFGRID_NAMES if track_name(track) == "offgrid" else NAIVE_NAMES
    return names.get(row_id, row_id)
