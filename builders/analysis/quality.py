"""How far the states are from convergence, and which is the most urgent: what a scheduler needs to know."""

from __future__ import annotations

from dataclasses import dataclass

from binlj.builders.analysis import criteria, reconcile
from binlj.builders.analysis.assemble import StateResult
from binlj.grid import PAIRS, PRESSURE


@dataclass(frozen=True)
class Quality:
    """How far a state is from its criteria, for the scheduler. A ratio above 1 does not meet its criterion.

    Attributes
    ----------
    error : float
        Largest relative standard error over its target.
    drift : float
        Drift over its limit.
    gap : float
        Start gap over its limit (0 where one start only was run).
    production : float
        Required production steps over those there are.
    needs_second_start : bool
    converged : bool
    bounds : float
        The larger of two deviations, each over its bound: of the pressure from g(r) from P* = 1, and of the density
        from PeTS where all particles are alike.
    published, rival, waits_for : str
        The start that is published (two that agree are joined by a plus sign), the one that it differs from, and the
        one whose further steps can close the gap (empty if there is none).
    undecided : bool
        The mixed and the separated start differ, and one of them is too short for the drift test.
    thin_slab : bool
        See :attr:`StateResult.thin_slab`.
    exchanged : bool
        Made with identity exchange, so that plain dynamics does not count any more.
    noisy : bool
        The errors of the published start and the rival are too large to tell whether they differ.
    """

    error: float
    drift: float
    gap: float
    production: float
    needs_second_start: bool
    converged: bool
    bounds: float = 0.0
    published: str = "mixed"
    rival: str = ""
    waits_for: str = ""
    undecided: bool = False
    noisy: bool = False
    exchanged: bool = False
    thin_slab: bool = False

    @property
    def urgency(self) -> tuple[int, float]:
        """Order of the work: the largest comes first.

        States that drift or violate a bound, and lack production steps, come first. States whose starts differ, but are
        too short to judge, follow. The others are ordered by the work they still need, least first, so that states are
        completed one after the other: those without a gap between the starts by the missing share of the sample, then
        those with a gap by that share plus the gap, each relative to its criterion.
        """
        missing = max(self.production, self.error**2)  # the share by which the sample has to grow
        if max(self.bounds, self.drift) > 1 and self.production > 1:
            return 4, max(self.bounds, self.drift)
        if self.undecided:
            return 3, self.production
        if self.rival:
            return 0, -(max(missing, 1.0) + self.gap)
        return 2, -missing


def quality(result: StateResult) -> Quality:
    """What a scheduler needs to know of a result (no arrays touched)."""
    errors = [
        error / criteria.error_target(result.state, pair)
        for pair, error in zip(PAIRS, result.relative_error, strict=True)
    ]
    return Quality(
        error=max(errors),
        drift=result.drift / criteria.DRIFT_LIMIT,
        gap=(result.start_gap or 0.0) / criteria.GAP_RELATIVE,
        bounds=max(abs(result.pressure_from_rdf - PRESSURE) / criteria.PRESSURE_TOLERANCE, _off_pets(result)),
        production=criteria.MIN_PRODUCTION_STEPS / max(result.min_production_steps, 1),
        needs_second_start=reconcile.NEEDS_SECOND in result.reason,
        published=result.start,
        rival=result.rival,
        waits_for=result.waits_for,
        undecided=reconcile.UNDECIDED in result.reason,
        noisy=reconcile.NOISY in result.reason,
        exchanged=result.exchanges > 0,
        thin_slab=result.thin_slab,
        converged=result.converged,
    )


def _off_pets(result: StateResult) -> float:
    """Deviation of the density from PeTS over its bound, where `binlj verify` asks for it; else 0."""
    state, pets = result.state, result.density_pets
    if not (criteria.pets_applies(state.T, state.S, state.eps_AB) and pets):
        return 0.0
    return abs(result.density / pets - 1) / criteria.PETS_TOLERANCE
