"""Every threshold by which the builders judge records, curves and reports: numbers, and nothing else.

Two kinds of number are elsewhere, because they define what is computed rather than judge it: when a small simulation
has two phases (:mod:`binlj.builders.starts.coexistence_table`), and when a particle is solid-like
(:mod:`binlj.builders.md.order_parameters`).
"""

from __future__ import annotations

from typing import Any

from binlj.grid import State

# --- convergence -----------------------------------------------------------------------------------------
MIN_PRODUCTION_STEPS = 16_000  # after equilibration, for each start that is kept

ERROR_RANGE = (0.9, 5.0)  # sigma_AA; the standard error's rms is taken over these r
_ERROR_TARGET = {"AA": 0.005, "AB": 0.01, "BB": 0.03}  # of the curve's maximum
_ERROR_TARGET_BB_DILUTE = 0.08  # C_B = 0.01: only 100 B particles

# Two starts agree if, for each pair, their rms difference, its noise taken out, is within this share of the curve's
# maximum,
GAP_RELATIVE = 0.02
# or the rms difference is within this many combined standard errors, and these are within the target error. (AA and AB
# have targets below 2 %, so this is of use for BB.) Beyond both they differ; between, the errors are too large to tell.
GAP_SIGMAS = 3.0
# In either case the combined standard error has to be within this many times the target of one curve, so that noise
# closes no gap (1.4 where both curves just meet their target; 2 lets the other start be about a third as long).
GAP_NOISE = 2.0

# --- drift between the halves of what is kept --------------------------------------------------------------
# Student's t on energy, density and AB coordination, with the statistical inefficiency; 0.01 in all for the
# three (Bonferroni). Drift is quoted as the z-score of the same p-value, so that one number serves for every
# length: 2.935 is the two-sided 0.01 / 3.
DRIFT_LEVEL = 0.01
DRIFT_LIMIT = 2.935
MIN_FRAMES_TO_MEASURE = 4  # fewer frames give no standard error, no statistical inefficiency and no drift

# --- equilibration ---------------------------------------------------------------------------------------
MIN_HEAD_STEPS = 2_000  # of the first record, always dropped if there is more than one
MIN_BLOCKS_KEPT = 2  # a standard error needs two
MIN_FRAMES_TO_DETECT = 8  # the equilibration of fewer frames cannot be judged

# --- which states get the other start too ------------------------------------------------------------------
# Every state that PeTS does not call stable (tangent-plane analysis: metastable counts as not stable), and every
# other one that demixes, has solid order or drifts. The composition of a short mixed run is no criterion: a
# fluctuation of 1.2 times the random one selected only 180 of the 277 states that are not stable, by chance.

# --- which start is right where they differ -----------------------------------------------------------------
MIN_STEPS_TO_JUDGE = 4_000  # production steps below which a chain cannot be called stationary

# Where neither chain drifts: a start moves if it closes this share of the gap between the starts from its first half
# to its second, and this many times as much as the other. The gap is far larger than its noise, so this detects a
# dissolving droplet long before the density does.
MIN_APPROACH = 0.1
APPROACH_RATIO = 3.0

# A coexistence-seeded start that mixes at once is equivalent to a mixed one. It counts beside the mixed start only if
# the composition of its first segment varied this many times as much as that of the mixed one.
MIN_FIRST_FLUCTUATION = 1.5

# --- phase flag ------------------------------------------------------------------------------------------
DEMIXED_FLUCTUATION = 3.0  # variance of the local composition over that of an ideal mixture
SOLID_FRACTION = 0.3  # of the particles of either species
SOLID_GROWTH = 0.05  # growth of that fraction within what is kept, by which a solid-like state crystallises still

# --- checks of the published tables (`binlj verify`) -------------------------------------------------------
ENERGY_TOLERANCE = 0.002  # |energy from g(r) / LAMMPS's - 1|
PRESSURE_TOLERANCE = 0.03  # |pressure from g(r) - 1|
# The same in the mixed regime: within the window density and structure change together, so that means of the one and
# of the other do not give the mean energy, and few frames leave more noise in the pressure.
MIXED_ENERGY_TOLERANCE, MIXED_PRESSURE_TOLERANCE = 0.005, 0.05
PETS_TOLERANCE = 0.01  # density against PeTS where S = eps_AB = 1
PETS_MIN_T = 0.64  # lowest T* of PeTS's range; below it the density check is not made
SAME_SPECIES_CHI2 = 2.0  # chi-square per bin between AA, AB and BB where S = eps_AB = 1
EXCHANGE_SIGMAS = 3.0  # of the difference between AA and BB where S = 1 and C_B = 0.5, besides the start gap
FAR_RANGE = (8.0, 10.0)  # sigma_AA; where g of a homogeneous state must be near 1
FAR_TOLERANCE = 0.03
FAR_SIGMAS = 3.0  # ... and this many standard errors besides

# --- what the dataset card calls by a name -----------------------------------------------------------------
PURE_PHASE = 0.005  # mole fraction of the other species below which a phase is pure
CLOSE_SURFACE = 0.05  # geometries whose surfaces differ by less would have served as well

# --- reports on published data (`binlj validate`, `binlj resimulate`) --------------------------------------
DIFFERENT_SIGMAS = 3.0  # combined standard errors beyond which two values or curves differ
RESIMULATED_FINITE_SIZE = 0.01  # share of the curve's maximum allowed besides, since N = 2,000 is not 10,000
CLOSE_TO_ONE = (0.5, 2.0)  # chi-square per bin of a repetition whose errors are right
CHANCE = 0.95  # share of repetitions for which the range of chance is given
COVERED = 2.0  # a repetition is covered within this many times its errors and start gap, added in quadrature
CLOSING_SEEN = 0.02  # a start that closes a smaller share of the gap from half to half is not seen to move


def tolerances(regime: str) -> tuple[float, float]:
    """Bounds of energy and pressure from g(r) in a regime."""
    if regime == "mixed":
        return MIXED_ENERGY_TOLERANCE, MIXED_PRESSURE_TOLERANCE
    return ENERGY_TOLERANCE, PRESSURE_TOLERANCE


def pets_applies(T: Any, S: Any, eps_AB: Any) -> Any:
    """Whether the density must agree with PeTS's: all particles alike, T* in its range. Numbers or columns."""
    return (S == 1) & (eps_AB == 1) & (T >= PETS_MIN_T)


def error_target(state: State, pair: str) -> float:
    """Largest standard error allowed, as a share of the curve's maximum."""
    if pair == "BB":  # shot noise of g_BB goes as 1 / N_B
        return max(_ERROR_TARGET["BB"], _ERROR_TARGET_BB_DILUTE * min(1.0, 0.01 / state.C_B))
    return _ERROR_TARGET[pair]
