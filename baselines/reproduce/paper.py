"""Numbers printed in the paper (Hashmi et al., Soft Matter 2025, doi 10.1039/D5SM00198F)."""

from __future__ import annotations

INTERPOLATION_R2 = {"train": 0.99, "test": 0.99}
EXTRAPOLATION_R2 = {"train": 0.98, "test": 0.89, "AA": 0.97, "AB": 0.98, "BB": 0.83}
# Section IV: "about 0.1 for the case of 50000 training data points, ... about 0.9 for 90000".
LEARNING_CURVE_R2 = {50_000: 0.1, 90_000: 0.9}
SECONDS_100_RDFS = 40.0
SECONDS_100_RDFS_EARLIER_MODEL = 250.0
FAILING_STATE = "T0.60-C0.010-S1.50-E0.20"
