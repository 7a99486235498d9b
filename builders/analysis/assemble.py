"""From the segment records of one state to its RDFs with standard errors: a pure function.

Each chain (start, replica) is cut to its equilibrated part. The starts are then compared (:mod:`reconcile`), and the
blocks of the published ones give the mean g(r), its block standard error and the row of the ``states`` table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from binlj.builders.analysis import criteria, equilibration, reconcile
from binlj.builders.analysis.chains import ChainPart, chains_by_start, equilibrated_parts
from binlj.builders.analysis.observables import energy_and_pressure, relative_rms
from binlj.builders.records.record import SegmentRecord
from binlj.builders.records.survey import counted
from binlj.builders.starts.geometry import slab_surface
from binlj.errors import DataError
from binlj.grid import PAIRS, PRESSURE, State, parse_state_id
from binlj.pets import pets_density
from binlj.schema import N_BINS, N_FINE

THIN_SLAB = "a slab"  # how the reason begins
_SORT_OUT = "keep the records that belong together and move the others out of the store"


@dataclass(frozen=True)
class StateResult:
    """All that is published of one state. Arrays are (3, bins): AA, AB, BB.

    Attributes
    ----------
    drift : float
        Largest absolute z-score of the drift test, over the kept chains and the three series.
    geometry : str
        Shape of the published start; of two, joined as in ``start``.
    start_gap : float or None
        Difference between the starts with its noise subtracted in quadrature, as a share of the curve's maximum; None
        where only one start was run.
    start_gap_stderr : float or None
        Its standard error: what was subtracted, the rms combined standard error of the two curves.
    exchanges : int
        Exchanges of identities tried per particle between two frames; 0 for plain dynamics.
    start_pairs : int
        Pairs of starts compared until two agreed or all had been; 0 where only one start was run.
    compared_with, rival : str
        The start that the gap is the difference from; ``rival`` is empty unless the two still differ.
    waits_for : str
        The start whose further steps can close the gap; empty where there is none.
    relative_error : tuple of float
        Rms standard error over 0.9 to 5 sigma as a share of the curve's maximum, for AA, AB, BB.
    """

    state: State
    g: np.ndarray = field(repr=False)
    g_stderr: np.ndarray = field(repr=False)
    g_fine: np.ndarray = field(repr=False)
    g_fine_stderr: np.ndarray = field(repr=False)
    n_A: int
    n_B: int
    density: float
    density_stderr: float | None
    energy: float
    energy_stderr: float | None
    pressure: float
    pressure_stderr: float | None
    energy_from_rdf: float
    pressure_from_rdf: float
    density_pets: float | None
    n_eff: float
    drift: float
    equilibration_steps: int
    production_steps: int
    min_production_steps: int
    longest_chain_steps: int
    start: str
    geometry: str
    start_gap: float | None
    start_gap_stderr: float | None
    start_pairs: int
    compared_with: str
    rival: str
    waits_for: str
    phase: str
    composition_fluctuation: float
    solid_fraction: float
    relative_error: tuple[float, float, float]
    converged: bool
    reason: str
    engine: str
    deck_sha256: str
    exchanges: int
    seeds: tuple[int, ...]
    atom_steps: int

    @property
    def thin_slab(self) -> bool:
        """Whether it is published as a slab though another body of the A-rich phase has clearly less surface."""
        return THIN_SLAB in self.reason


def assemble_state(state: State, records: Sequence[SegmentRecord]) -> StateResult:
    """Turn the records of one state into its published result.

    Parameters
    ----------
    state : State
    records : sequence of SegmentRecord
        All of them, any start and replica, in any order. With identity exchange from two starts, only these count.

    Raises
    ------
    DataError
        If there is no record, or the records do not belong together (another state, size or
        input scripts, overlapping steps); every problem is listed.
    """
    everything, records = records, counted(records)
    _check(state, everything, records)
    parts = [part for chains in chains_by_start(records).values() for part in equilibrated_parts(chains)]
    return result_of(state, records, reconcile.choose(state, parts), longest=max(p.total_steps for p in parts))


def result_of(
    state: State, records: Sequence[SegmentRecord], choice: reconcile.Choice, *, longest: int
) -> StateResult:
    """What is published of a state once the parts of its chains are chosen; `longest` chain, in steps."""
    kept = choice.kept

    g_fine, g_fine_stderr = reconcile.curves(state, kept, N_FINE)
    g, g_stderr = reconcile.curves(state, kept, N_BINS)
    relative = relative_errors(g, g_stderr)

    n_a, n_b = records[0].n_A, records[0].n_B
    shapes = {r.start: r.shape for r in records}
    phase, geometry = reconcile.phase(kept), "+".join(shapes[start] for start in choice.start.split("+"))
    density, density_stderr = equilibration.mean_and_error([p.density for p in kept])
    energy, energy_stderr = equilibration.mean_and_error([p.energy for p in kept])
    pressure, pressure_stderr = equilibration.mean_and_error([p.pressure for p in kept])
    from_rdf = energy_and_pressure(state, g_fine, density, n_a=n_a, n_b=n_b)
    pets, _ = pets_density(state)

    shortest = min(reconcile.steps_by_start(kept).values())
    reasons = [
        *choice.reasons,
        *_shortcomings(state, kept, relative, shortest),
        *_thermodynamics(from_rdf[0] / energy - 1, from_rdf[1]),
        *_body(state, phase, geometry),
        *(_crystallising(kept) if phase == "solid-like" else ()),
    ]
    return StateResult(
        state=state, g=g, g_stderr=g_stderr, g_fine=g_fine, g_fine_stderr=g_fine_stderr, n_A=n_a, n_B=n_b,
        density=density, density_stderr=density_stderr, energy=energy, energy_stderr=energy_stderr,
        pressure=pressure, pressure_stderr=pressure_stderr,
        energy_from_rdf=from_rdf[0], pressure_from_rdf=from_rdf[1], density_pets=pets,
        n_eff=reconcile.effective_frames(kept), drift=max(p.drift for p in kept),
        equilibration_steps=max(p.equilibration_steps for p in kept),
        production_steps=sum(p.production_steps for p in kept), min_production_steps=shortest,
        longest_chain_steps=longest,
        start=choice.start, geometry=geometry,
        start_gap=choice.gap, start_gap_stderr=choice.gap_stderr, start_pairs=choice.pairs,
        compared_with=choice.compared_with, rival=choice.rival, waits_for=choice.waits_for,
        phase=phase,
        composition_fluctuation=reconcile.weighted(kept, "composition_fluctuation"),
        solid_fraction=(n_a * reconcile.weighted(kept, "solid_A") + n_b * reconcile.weighted(kept, "solid_B"))
        / (n_a + n_b),
        relative_error=relative, converged=not reasons, reason="; ".join(reasons),
        engine="; ".join(sorted({r.engine for r in records})), deck_sha256=records[0].deck_sha256,
        exchanges=max(r.exchanges for r in records),
        seeds=tuple(sorted({seed for p in kept for seed in p.seeds})), atom_steps=sum(r.atom_steps for r in records),
    )


def finished(results: Iterable[StateResult]) -> dict[str, tuple[str, ...]]:
    """Converged states (ids), and the starts they are published from.

    Nothing goes on from the others; the published ones are needed for the snapshots.
    """
    return {r.state.state_id: tuple(r.start.split("+")) for r in results if r.converged}


def relative_errors(g: np.ndarray, stderr: np.ndarray) -> tuple[float, float, float]:
    """Rms standard error over 0.9 to 5 sigma_AA as a share of each curve's maximum."""
    a, b, c = relative_rms(stderr, g.max(1))
    return float(a), float(b), float(c)


def by_state(records: Iterable[SegmentRecord]) -> dict[State, list[SegmentRecord]]:
    """Group records by state, sorted by state."""
    groups: dict[State, list[SegmentRecord]] = defaultdict(list)
    for record in records:
        groups[parse_state_id(record.state_id)].append(record)
    return dict(sorted(groups.items()))


def assemble_all(
    records: Iterable[SegmentRecord],
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[StateResult]:
    """Assemble every state that has records, sorted by state.

    Parameters
    ----------
    workers : int
        Processes. The result does not depend on it.
    progress : callable
        Called with (done, all) after each state.

    Raises
    ------
    DataError
        With the problems of all states, if any state's records do not belong together.
    """
    groups = by_state(records)
    results: list[StateResult] = []
    problems: list[str] = []

    def collect(outcomes: Iterable[StateResult | list[str]]) -> None:
        for i, outcome in enumerate(outcomes):
            if isinstance(outcome, StateResult):
                results.append(outcome)
            else:
                problems.extend(outcome)
            progress(i + 1, len(groups))

    if workers > 1 and len(groups) > 1:
        with ProcessPoolExecutor(workers) as pool:
            collect(pool.map(_assemble_item, groups.items(), chunksize=4))
    else:
        collect(map(_assemble_item, groups.items()))
    if problems:
        raise DataError("segment records", problems, fix=_SORT_OUT)
    return results


def _assemble_item(item: tuple[State, list[SegmentRecord]]) -> StateResult | list[str]:
    try:
        return assemble_state(*item)
    except DataError as error:
        return [f"{item[0].state_id}: {problem}" for problem in error.problems]


def _check(state: State, records: Sequence[SegmentRecord], used: Sequence[SegmentRecord]) -> None:
    """Whether all records belong together, and those that are used have one shape a start."""
    if not records:
        raise DataError(state.state_id, ["no segment records"], fix="`binlj campaign run` makes them")
    problems = []
    for name in ("state_id", "deck_sha256", "n_A", "n_B"):
        values = {str(getattr(record, name)) for record in records}
        if name == "state_id":
            values.add(state.state_id)
        if len(values) > 1:
            problems.append(f"records of different {name}: {', '.join(v[:32] for v in sorted(values))}")
    for start in sorted({r.start for r in used}):
        shapes = {r.shape for r in used if r.start == start}
        if len(shapes) > 1:
            problems.append(f"{start} starts of different shape: {', '.join(sorted(shapes))}")
    ordered = sorted(records, key=lambda r: r.key)
    for a, b in zip(ordered, ordered[1:], strict=False):
        if a.chain == b.chain and b.step_start < a.step_end:
            problems.append(
                f"{a.start}-{a.replica}: steps {a.step_start}-{a.step_end} and "
                f"{b.step_start}-{b.step_end} overlap"
            )
    if problems:
        raise DataError(state.state_id, problems, fix=_SORT_OUT)


def _shortcomings(
    state: State, kept: Sequence[ChainPart], relative: Sequence[float], shortest: int
) -> list[str]:
    """What the kept chains lack for convergence, one phrase each."""
    reasons = []
    if shortest < criteria.MIN_PRODUCTION_STEPS:
        reasons.append(f"{shortest} production steps, {criteria.MIN_PRODUCTION_STEPS} wanted")
    for pair, error in zip(PAIRS, relative, strict=True):
        target = criteria.error_target(state, pair)
        if error > target:
            reasons.append(f"error of {pair} {100 * error:.2g} %, {100 * target:g} % wanted")
    for part in [p for p in kept if p.drift > criteria.DRIFT_LIMIT]:
        reasons.append(f"{part.drift_series} drifts ({part.start} start, {part.drift:.1f} sigma)")
    for part in kept:
        if part.unequilibrated:
            reasons.append(f"not equilibrated ({part.start} start): {part.unequilibrated}")
    return reasons


def _body(state: State, phase: str, geometry: str) -> list[str]:
    """What the shape of the two phases says against the state."""
    more = slab_surface(state) - 1.0
    if phase != "demixed" or "slab" not in geometry or more <= criteria.CLOSE_SURFACE:
        return []
    return [f"{THIN_SLAB}, {100 * more:.0f} % more surface than another body of the A-rich phase"]


def _crystallising(kept: Sequence[ChainPart]) -> list[str]:
    """Chains of a solid-like state in which the crystal still grows, one phrase each."""
    return [
        f"{species} crystallises ({part.start} start, solid-like fraction grows by {growth:.2f})"
        for part in kept for species, growth in zip("AB", part.solid_growth, strict=True)
        if growth > criteria.SOLID_GROWTH
    ]  # fmt: skip


def _thermodynamics(energy_off: float, pressure: float) -> list[str]:
    """What the energy and pressure from g(r) say against the state, one phrase each."""
    reasons = []
    if abs(energy_off) > criteria.ENERGY_TOLERANCE:
        reasons.append(f"energy from g(r) {100 * energy_off:+.2f} % off")
    if abs(pressure - PRESSURE) > criteria.PRESSURE_TOLERANCE:
        reasons.append(f"pressure from g(r) {pressure:.3f}")
    return reasons
