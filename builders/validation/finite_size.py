"""Finite size: homogeneous states and a demixed one at several N, compared with the expected difference.

* **Homogeneous**: in a closed box the tail of g differs from 1 by a term of order 1/N. The local structure does not
  depend on the box. Expected differences are below the errors.
* **Demixed**: pairs that reach across the interface are lost. By Porod's law the share of pairs of one domain that lie
  within it is 1 - r S_V / 4, with S_V the interface area over the domain's volume. So g of like pairs changes by a
  factor that is linear in r / L, and g of unlike pairs, which meet only at the interface, is proportional to 1 / L,
  with L ~ N^(1/3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from binlj.builders.analysis import criteria
from binlj.builders.analysis.assemble import StateResult, assemble_state
from binlj.builders.analysis.observables import relative_rms
from binlj.builders.campaign.fixed_plan import Job, Records, unfinished
from binlj.builders.md.chain import Chain
from binlj.builders.md.profiles import PROFILES
from binlj.builders.validation.output import number
from binlj.grid import N_PARTICLES, PAIRS, State
from binlj.markdown import markdown_table
from binlj.schema import bin_centres

# Of the first three the mixture with the next lower eps_AB demixes; then a dense cold one and a dilute one.
HOMOGENEOUS = (
    State(1.2, 0.3, 1.5, 0.8), State(1.4, 0.3, 1.5, 0.6), State(1.4, 0.2, 1.0, 0.4),
    State(0.6, 0.3, 0.5, 1.0), State(1.0, 0.1, 2.0, 1.0),
)  # fmt: skip
DEMIXED = State(0.8, 0.5, 1.0, 0.2)
STATES = (*((state, "mixed") for state in HOMOGENEOUS), (DEMIXED, "separated"))
TRIES = 50  # exchanges of A and B per particle and frame, where S = 1: long waves of the composition diffuse slowly
# (N, steps): about as many atom-steps for each, so that the small boxes do not drown in noise.
SIZES = ((2_000, 40_000), (10_000, 16_000), (30_000, 8_000))
SEGMENT = 2_000  # the first one is equilibration: the head that is always dropped
EVERY = 200


@dataclass(frozen=True)
class Series:
    """One state at several N; ``results`` by N, those that have records of two segments or more."""

    state: State
    start: str
    shape: str
    results: Mapping[int, StateResult]

    @property
    def reference(self) -> int | None:
        """The N the others are compared with: the benchmark's, else the largest there is."""
        if N_PARTICLES in self.results:
            return N_PARTICLES
        return max(self.results, default=None)


def plan(store: Path) -> list[Job]:
    """A chain for every state and every (N, steps), each N in a store of its own."""
    return [
        Job(
            Chain(state, start), n, tuple((end, EVERY) for end in range(SEGMENT, steps + 1, SEGMENT)),
            store / f"N{n}", PROFILES["release"].start_steps,
            exchanges=TRIES if state.S == 1.0 and start == "mixed" else 0,
        )
        for state, start in STATES
        for n, steps in SIZES
    ]  # fmt: skip


def analyse(jobs: Sequence[Job], records: Records) -> list[Series]:
    """Assemble what there is of a plan, state by state."""
    out = []
    for state, start in dict.fromkeys((job.chain.state, job.chain.start) for job in jobs):
        mine = [job for job in jobs if (job.chain.state, job.chain.start) == (state, start)]
        results = {
            job.n: assemble_state(state, records[job.store, job.key])
            for job in mine
            if len(records[job.store, job.key]) > 1
        }
        out.append(Series(state, start, mine[0].chain.shape, dict(sorted(results.items()))))
    return out


def expected_difference(series: Series, n: float, *, by: int) -> np.ndarray | None:
    """g at N = `n` (it may be infinite) minus g at N = `by` as geometry has it, (3, 100); None for a mixed start.

    Like pairs: factor (1 - x_n) / (1 - x_by) with x = r S_V / 4 (Porod); unlike pairs: L_by / L_n. Meant for
    domains that are nearly pure, and r below the thickness of the thinner one (:func:`thinnest`).
    """
    if series.shape == "mixed":
        return None
    reference = series.results[by]
    f = series.state.volume_fraction_B
    area = {"slab": 2.0, "cylinder": 2 * np.sqrt(np.pi * f), "sphere": (36 * np.pi * f**2) ** (1 / 3)}[series.shape]
    r = bin_centres()
    length = {m: (m / reference.density) ** (1 / 3) for m in (n, by)}

    def kept(volume: float, m: float) -> np.ndarray:
        return np.maximum(1 - r * area / (4 * volume * length[m]), 0.05)

    like = [kept(volume, n) / kept(volume, by) for volume in (1 - f, f)]
    factors = np.array([like[0], np.full_like(r, length[by] / length[n]), like[1]])
    return np.asarray(reference.g * (factors - 1))


def thinnest(series: Series, n: int) -> float:
    """Thickness of the thinner domain at N = `n`: beyond it pairs reach the next interface."""
    length = (n / series.results[n].density) ** (1 / 3)
    f = series.state.volume_fraction_B
    sphere = 2 * (3 * f / (4 * np.pi)) ** (1 / 3)
    width = {"slab": f, "cylinder": 2 * np.sqrt(f / np.pi), "sphere": sphere}[series.shape]
    return float(min(width, 1 - width) * length)


def compare(series: Series) -> list[dict[str, Any]]:
    """One row for every N and pair: difference from the reference N over 0.9 to 5 sigma."""
    by = series.reference
    if by is None:
        return []
    reference = series.results[by]
    far, top = bin_centres() >= 8, reference.g.max(1)
    rows = []
    for n, result in series.results.items():
        expected = expected_difference(series, n, by=by)
        of_interface = None if expected is None or n == by else relative_rms(expected, top)
        difference = relative_rms(result.g - reference.g, top)
        noise = relative_rms(np.hypot(result.g_stderr, reference.g_stderr), top)
        for i, pair in enumerate(PAIRS):
            rows.append(
                {
                    "state_id": series.state.state_id, "start": series.start, "n": n, "pair": pair, "reference_n": by,
                    "rms": float(difference[i]), "noise": float(noise[i]),
                    "rms_in_errors": float(difference[i] / noise[i]) if n != by and noise[i] > 0 else None,
                    "expected": None if of_interface is None else float(of_interface[i]),
                    "density": result.density, "density_stderr": result.density_stderr, "energy": result.energy,
                    "energy_stderr": result.energy_stderr, "phase": result.phase, "drift": result.drift,
                    "production_steps": result.production_steps, "tail": float(result.g[i][far].mean()),
                }
            )  # fmt: skip
    return rows


def report(jobs: Sequence[Job], records: Records, found: Sequence[Series]) -> tuple[str, dict[str, Any]]:
    """The check as Markdown and as data."""
    left = unfinished(jobs, records)
    lines = ["# Finite size", ""]
    lines.append(f"{len(left)} of {len(jobs)} chains not finished:" if left else f"All {len(jobs)} chains finished.")
    lines += [f"- {line}" for line in left]
    compared = [(series, compare(series)) for series in found]
    data: dict[str, Any] = {"unfinished": left, "rows": [row for _, rows in compared for row in rows]}
    lines += _overview([row for series, rows in compared if series.shape == "mixed" for row in rows])
    for series, rows in compared:
        lines += ["", f"## {series.state.state_id}, {series.start} start", ""]
        if not rows:
            lines.append("No size has two segments yet.")
            continue
        by = series.reference
        lines += [
            markdown_table(
                ["N", "phase", "production steps", "drift, σ", "density", "energy per particle"],
                [[f"{n:,}", x.phase, f"{x.production_steps:,}", number(x.drift, 1),
                  _with_error(x.density, x.density_stderr), _with_error(x.energy, x.energy_stderr)]
                 for n, x in series.results.items()],
            ),
            "", f"Difference of g from N = {by:,}, rms over {criteria.ERROR_RANGE[0]:g} to {criteria.ERROR_RANGE[1]:g} "
            "σ, in per cent of the curve's maximum:", "",
            markdown_table(
                ["N", "pair", "difference", "combined standard error", "difference / error", "expected (interface)",
                 "g at 8 to 10 σ"],
                [[f"{r['n']:,}", r["pair"], number(r["rms"], 2, scale=100), number(r["noise"], 2, scale=100),
                  number(r["rms_in_errors"], 1), number(r["expected"], 2, scale=100), number(r["tail"], 3)]
                 for r in rows if r["n"] != by],
            ),
            "", _expectation(series),
        ]  # fmt: skip
    return "\n".join(lines), data


def _overview(rows: Sequence[dict[str, Any]]) -> list[str]:
    """One line for each homogeneous state and N: differences in units of their errors."""
    others = [row for row in rows if row["n"] != row["reference_n"]]
    if not others:
        return []
    beyond = sum((row["rms_in_errors"] or 0.0) > criteria.COVERED for row in others)
    lines: dict[tuple[str, int], list[str]] = {}
    for row in others:
        state_id, n = row["state_id"], row["n"]
        lines.setdefault((state_id, n), [state_id, f"{n:,}"]).append(number(row["rms_in_errors"], 1))
    return [
        "", "## Homogeneous states", "",
        "Difference of g from the reference size, rms over "
        f"{criteria.ERROR_RANGE[0]:g} to {criteria.ERROR_RANGE[1]:g} σ, in combined standard errors. "
        f"{beyond} of {len(others)} curves differ by more than {criteria.COVERED:g}.", "",
        markdown_table(["state", "N", *PAIRS], list(lines.values())),
    ]  # fmt: skip


def _with_error(value: float, error: float | None) -> str:
    return f"{value:.4f}" + (f" ± {error:.4f}" if error is not None else "")


def _expectation(series: Series) -> str:
    by = series.reference or N_PARTICLES
    others = [n for n in series.results if n != by]
    if series.shape == "mixed":
        sizes = "; ".join(f"N = {n:,}: {100 * abs(1 / n - 1 / by):.3f} %" for n in others)
        return (
            "Expected of a homogeneous fluid in a closed box: a tail of 1 − O(1/N) and no other change, so differences "
            f"of the order of |1/N − 1/{by:,}| ({sizes}): the differences should be noise, 1 in units of the error."
        )
    shares = "; ".join(f"N = {n:,}: {(by / n) ** (1 / 3):.2f} times" for n in others)
    bulk = expected_difference(series, float("inf"), by=by)
    assert bulk is not None
    r = bin_centres()
    inside = (r >= criteria.ERROR_RANGE[0]) & (r <= criteria.ERROR_RANGE[1])
    gone = 100 * np.sqrt((bulk[:, inside] ** 2).mean(1)) / series.results[by].g.max(1)
    listed = ", ".join(f"{pair} {share:.1f} %" for pair, share in zip(PAIRS, gone, strict=True))
    return (
        f"Expected of two phases ({series.shape}): the share of the particles near the interface goes as N^(−1/3), so "
        f"against N = {by:,} it is {shares}. The column \"expected\" is the change of g that follows from the "
        "interface alone: like pairs lose r S/(4V) (Porod), unlike pairs go as 1/L. Differences of that size are the "
        "box, not noise. By the same law, without any interface (N → ∞) the curves would differ from those at "
        f"N = {by:,} by {listed} of the maximum."
    )
