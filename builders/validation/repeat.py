"""Repeatability: states simulated again with another seed, compared with the published curves and errors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.builders.analysis import criteria
from binlj.builders.analysis.assemble import StateResult, assemble_state, relative_errors
from binlj.builders.records.record import SegmentRecord
from binlj.builders.validation.output import number
from binlj.data import curves, data_line, read_table
from binlj.files import replacing
from binlj.grid import GRID_C_B, PAIRS, parse_state_id
from binlj.markdown import markdown_table
from binlj.schema import N_BINS, bin_centres

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ChiSquare:
    """Chi-square per bin of the difference between two curves.

    Attributes
    ----------
    value : float
        Mean of (g1 - g2)^2 / (e1^2 + e2^2) over the bins; NaN if there are none.
    bins : int
        Bins between 0.9 and 5 sigma in which at least one curve has found a pair.
    independent : float
        How many independent bins these are worth: neighbours move together.
    """

    value: float
    bins: int
    independent: float

    def by_chance(self, share: float = criteria.CHANCE) -> tuple[float, float]:
        """Values that right errors give in `share` of all repetitions."""
        from scipy import stats

        low, high = stats.chi2.interval(share, self.independent)
        return float(low) / self.independent, float(high) / self.independent

    def chance_of_close(self) -> float:
        """Probability that right errors give a `close` value."""
        from scipy import stats

        low, high = stats.chi2.cdf(np.multiply(criteria.CLOSE_TO_ONE, self.independent), self.independent)
        return float(high - low)

    @property
    def close(self) -> bool:
        return criteria.CLOSE_TO_ONE[0] <= self.value <= criteria.CLOSE_TO_ONE[1]


def chi_square(g1: np.ndarray, e1: np.ndarray, g2: np.ndarray, e2: np.ndarray) -> ChiSquare:
    """Compare two curves of one pair on the same bins; arrays of shape (bins,)."""
    r = bin_centres(len(g1))
    variance = e1**2 + e2**2
    used = (r >= criteria.ERROR_RANGE[0]) & (r <= criteria.ERROR_RANGE[1]) & ((g1 > 0) | (g2 > 0)) & (variance > 0)
    if not used.any():
        return ChiSquare(float("nan"), 0, 0.0)
    z = (g1 - g2)[used] / np.sqrt(variance[used])
    return ChiSquare(float(np.mean(z**2)), len(z), _independent(z))


def _independent(z: np.ndarray) -> float:
    """Number of independent values in a series of mean zero whose neighbours are correlated.

    n / (1 + 2 sum rho_k^2): the effective number for the mean of squares; the sum stops where rho is lost in noise.
    """
    n, power = len(z), float(z @ z)
    if n < 3 or power == 0:
        return float(n)
    total = 0.0
    for k in range(1, n // 2):
        rho = float(z[k:] @ z[:-k]) / power
        if rho < 2 / np.sqrt(n):
            break
        total += rho**2
    return max(1.0, n / (1 + 2 * total))


@dataclass(frozen=True)
class Repetition:
    """A state's published row and curves (3, 100) beside those of its rerun."""

    row: pd.Series
    g: np.ndarray
    g_stderr: np.ndarray
    new: StateResult

    @property
    def state_id(self) -> str:
        return str(self.row.state_id)

    @property
    def start_gap(self) -> float:
        """The published one; 0 where one start was run."""
        gap = self.row.start_gap
        return 0.0 if gap is None or gap != gap else float(gap)

    def chi_squares(self) -> list[ChiSquare]:
        """One for each pair."""
        both = zip(self.g, self.g_stderr, self.new.g, self.new.g_stderr, strict=True)
        return [chi_square(*four) for four in both]

    def differences(self) -> tuple[float, float, float]:
        """Rms difference over 0.9 to 5 sigma as a share of the published curve's maximum, for AA, AB, BB."""
        return relative_errors(self.g, self.new.g - self.g)

    def uncertainties(self) -> tuple[float, ...]:
        """Uncertainties of the differences, in the same units: both standard errors and the published start gap."""
        errors = relative_errors(self.g, np.hypot(self.g_stderr, self.new.g_stderr))
        return tuple(math.hypot(error, self.start_gap) for error in errors)

    def z_score(self, name: str) -> float:
        """Difference of a scalar ("density", "energy") over its combined standard error; NaN without errors."""
        errors = [self.row[f"{name}_stderr"], getattr(self.new, f"{name}_stderr")]
        known = [float(e) for e in errors if e is not None and e == e]
        if len(known) < 2 or not any(known):
            return float("nan")
        return float((getattr(self.new, name) - self.row[name]) / math.hypot(*known))


def repetitions(
    rows: Sequence[pd.Series], records: Mapping[str, Sequence[SegmentRecord]], *, dataset: Path | None = None
) -> list[Repetition]:
    """Assemble the rerun of every state that has records, beside what was published."""
    import pandas as pd

    table = pd.concat([read_table("extrapolation", side, path=dataset) for side in ("train", "test")])
    done = []
    for row in rows:
        mine = records.get(row.state_id, ())
        if mine:
            published = table[table.state_id == row.state_id].set_index("pair").loc[list(PAIRS)]
            result = assemble_state(parse_state_id(row.state_id), mine)
            done.append(Repetition(row, curves(published), curves(published, "g_stderr"), result))
    return done


def why(repetition: Repetition, chi: ChiSquare) -> str:
    """Why a chi-square is not close to 1, from the state's own numbers; empty if it is close."""
    if chi.close or not chi.bins:
        return "" if chi.bins else "no pair found in the range by either"
    row, new = repetition.row, repetition.new
    low, high = chi.by_chance()
    causes = []
    if low <= chi.value <= high:
        causes.append(f"chance: worth {chi.independent:.0f} independent bins, {low:.2f} … {high:.2f} is expected")
    if chi.value < criteria.CLOSE_TO_ONE[0]:
        causes.append("errors on the safe side (dispersion and inefficiency are taken as at least 1)")
        return "; ".join(causes)
    if new.phase != row.phase:
        causes.append(f"phase {row.phase} published, {new.phase} in the rerun")
    elif row.phase != "homogeneous":
        causes.append(f"{row.phase}: one slow mode moves all bins")
    if new.start != row.start:
        causes.append(f"start {row.start} published, {new.start} kept in the rerun")
    for whose, gap in (("", repetition.start_gap), (" of the rerun", new.start_gap or 0.0)):
        if gap > criteria.GAP_RELATIVE:
            causes.append(f"starts{whose} still {100 * gap:.0f} % apart")
    if row["T"] < criteria.PETS_MIN_T:
        causes.append("cold: A and B change places slowly, and each run may keep some of its first arrangement")
    for name, drift in (("published", row.drift), ("rerun", new.drift)):
        if drift > criteria.DRIFT_LIMIT:
            causes.append(f"{name} drifts ({drift:.1f} σ)")
    shortest = min(int(row.production_steps), new.production_steps)
    if shortest < criteria.MIN_PRODUCTION_STEPS:
        causes.append(f"short ({int(row.production_steps):,} and {new.production_steps:,} production steps)")
    return "; ".join(causes) or "not explained"


def report(
    done: Sequence[Repetition], left: Sequence[str], *, total: int, dataset: Path | None = None
) -> tuple[str, dict[str, Any]]:
    """The experiment as Markdown and as data."""
    lines = ["# Repeatability: the same states with another seed", "", data_line(dataset)]
    rows: list[dict[str, Any]] = []
    for item in done:
        both = zip(item.differences(), item.uncertainties(), strict=True)
        for pair, chi, (difference, uncertainty) in zip(PAIRS, item.chi_squares(), both, strict=True):
            low, high = chi.by_chance() if chi.bins else (float("nan"), float("nan"))
            rows.append(
                {
                    "state_id": item.state_id, "pair": pair, "chi2": chi.value, "difference": difference,
                    "uncertainty": uncertainty, "bins": chi.bins,
                    "independent_bins": chi.independent, "chance_low": low, "chance_high": high,
                    "chance_of_close": chi.chance_of_close() if chi.bins else float("nan"),
                    "close": chi.close, "why": why(item, chi), "phase": item.row.phase, "phase_rerun": item.new.phase,
                    "start": item.row.start, "start_rerun": item.new.start,
                    "start_gap": item.row.start_gap, "drift": item.row.drift, "drift_rerun": item.new.drift,
                    "production_steps": int(item.row.production_steps),
                    "production_steps_rerun": item.new.production_steps,
                    "density_deviate": item.z_score("density"), "energy_deviate": item.z_score("energy"),
                    "seeds_rerun": list(item.new.seeds),
                }
            )  # fmt: skip
    lines += [
        f"{len(done)} of {total} states have a rerun"
        + (f"; {len(left)} chain(s) not finished yet:" if left else ", all of them finished."),
        *(f"- {line}" for line in left), "",
    ]  # fmt: skip
    summary = summarise(rows)
    if rows:
        low, high = criteria.CLOSE_TO_ONE
        lines += [
            "χ² per bin: mean of (g₁ − g₂)² / (e₁² + e₂²) over the 0.1σ bins between "
            f"{criteria.ERROR_RANGE[0]:g} and {criteria.ERROR_RANGE[1]:g} in which either found a pair. "
            "1 means that the published errors are right.", "",
            markdown_table(
                ["curves", "number", "median χ²", "mean χ²", f"within {low:g} … {high:g}", "expected", "below", "above",
                 f"within {100 * criteria.CHANCE:.0f} % chance", "median difference, %", "largest, %"],
                [[name, str(s["curves"]), number(s["median"]), number(s["mean"]), str(s["close"]),
                  number(s["close_expected"], 0), str(s["below"]), str(s["above"]), str(s["by_chance"]),
                  number(s["difference"], 2, scale=100), number(s["difference_max"], 2, scale=100)]
                 for name, s in summary.items()],
            ),
            "", "Expected: if all errors were right. Chance counts neighbouring bins that move together, so that some "
            "curves are worth few independent bins; it does not count that the errors themselves are estimates. "
            "The difference is what the errors are there to tell: its rms over the same r, as a share of the curve's "
            "maximum. Where it is small, a large χ² says that the errors are smaller still.", "",
            f"{sum(r['difference'] > criteria.COVERED * r['uncertainty'] for r in rows)} of {len(rows)} curves differ "
            f"by more than {criteria.COVERED:g} times what their errors and the published start gap together allow.",
            "", "## All states", "",
            markdown_table(
                ["state", "phase", "start", "steps published", "steps rerun", *(f"χ² {p}" for p in PAIRS),
                 *(f"Δ {p}, %" for p in PAIRS), "start gap, %", "Δ density, σ", "Δ energy, σ"],
                [_state_row(item) for item in done],
            ),
        ]  # fmt: skip
        far = [r for r in rows if not r["close"]]
        lines += ["", f"## Not within {low:g} … {high:g}: {len(far)} of {len(rows)} curves", ""]
        if far:
            far.sort(key=lambda r: -abs(np.log(max(r["chi2"], 1e-9))) if r["bins"] else 0.0)
            lines.append(
                markdown_table(
                    ["state", "pair", "χ²", "Δ, %", "why"],
                    [[r["state_id"], r["pair"], number(r["chi2"]), number(r["difference"], 2, scale=100), r["why"]]
                     for r in far],
                )
            )
    return "\n".join(lines), {"curves": rows, "summary": summary, "unfinished": list(left), "states": total}


def _state_row(item: Repetition) -> list[str]:
    return [
        item.state_id, item.row.phase, item.row.start, f"{int(item.row.production_steps):,}",
        f"{item.new.production_steps:,}", *(number(c.value) for c in item.chi_squares()),
        *(number(d, 2, scale=100) for d in item.differences()), number(item.row.start_gap, 2, scale=100),
        number(item.z_score("density"), 1, sign=True), number(item.z_score("energy"), 1, sign=True),
    ]  # fmt: skip


def summarise(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Counts and averages over all curves, by pair, by published phase, and of the droplets at C_B = 0.01."""
    groups = {"all": list(rows)}
    groups |= {pair: [r for r in rows if r["pair"] == pair] for pair in PAIRS}
    for phase in dict.fromkeys(r["phase"] for r in rows):
        groups[phase] = [r for r in rows if r["phase"] == phase]
    droplets = [r for r in rows if min(GRID_C_B) == parse_state_id(r["state_id"]).C_B and r["phase"] == "demixed"]
    if droplets:
        groups["droplets at C_B = 0.01"] = droplets
    out: dict[str, dict[str, Any]] = {}
    low, high = criteria.CLOSE_TO_ONE
    for name, members in groups.items():
        values = np.array([r["chi2"] for r in members if r["bins"]])
        if len(values):
            out[name] = {
                "curves": len(values), "median": float(np.median(values)), "mean": float(values.mean()),
                "close": int(((values >= low) & (values <= high)).sum()),
                "close_expected": sum(r["chance_of_close"] for r in members if r["bins"]),
                "below": int((values < low).sum()), "above": int((values > high).sum()),
                "by_chance": sum(r["chance_low"] <= r["chi2"] <= r["chance_high"] for r in members if r["bins"]),
                "difference": float(np.median([r["difference"] for r in members if r["bins"]])),
                "difference_max": max(r["difference"] for r in members if r["bins"]),
            }  # fmt: skip
    return out


def write_curves(path: Path, done: Sequence[Repetition]) -> None:
    """The rerun's curves in the form of a predictions file: state_id, pair, g (a list of 100 floats)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    flat = np.concatenate([item.new.g.ravel() for item in done])
    offsets = pa.array(np.arange(len(done) * len(PAIRS) + 1, dtype=np.int32) * N_BINS)
    columns = {
        "state_id": pa.array([item.state_id for item in done for _ in PAIRS], pa.string()),
        "pair": pa.array([pair for _ in done for pair in PAIRS], pa.string()),
        "g": pa.ListArray.from_arrays(offsets, pa.array(flat)),
    }
    with replacing(path) as temporary:
        pq.write_table(pa.table(columns), temporary)
