"""The rows that the leaderboard makes itself: ids and names of the naive baselines, id of the noise ceiling."""

from __future__ import annotations

CEILING = "noise-ceiling"
NAIVE_NAMES = {
    "ideal-gas": "Ideal gas, g = 1",
    "mean-rdf": "Mean training RDF",
    "nearest-temperature": "Nearest training temperature",
    "nearest-scaled": "Nearest training state, r / σ",
    "linear-t": "Linear in T*",
    "linear-pmf": "Linear in 1/T* (mean force)",
}
