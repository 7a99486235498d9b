"""Several starts, one answer: which chains of a state are published, and how far apart the starts are.

Two starts are compared by these rules, the mixed and the separated one first:

* Both agree (each pair's rms difference over 0.9 to 5 sigma is within three combined standard errors or 2 % of the
  curve's maximum, and the errors are small enough to tell): all chains are averaged, but for a drifting start beside a
  stationary one, and one without the production steps wanted beside one that has them: it checks the other.
* They differ, and a chain is too short to show a drift: the separated one is published, unless PeTS calls the
  homogeneous mixture stable.
* They differ, one is stationary and the other drifts towards it: the stationary one is published; flagged.
* They differ, none is seen to drift, but one closes the gap between them from half to half (a droplet that dissolves
  moves g long before it moves the density): the other one is published; flagged.
* Anything else: if both are stationary, the later one of mixed, separated, saturated, supersaturated (a start that
  stays separated has no nucleation to wait for, and less is left to dissolve), else the one that drifts less; flagged.

A start from either end can take very long: the mixed one has to coarsen, the pure phases of the separated one have to
dissolve in each other. Where the two differ, others come from between them (:mod:`binlj.builders.coexistence`): first
the *saturated* start, phases that come from the purer side of equilibrium, then, if that one differs too, the
*supersaturated*, from the other side, then both again as a second round of small simulations has them. If one agrees
with any earlier start, the answer is reached from two sides, and where the remaining starts are does not matter. Three
exceptions: the two rounds of one side say nothing by agreeing; where the small simulations were still mixing when they
ended, on the mixed side too, all starts but the mixed one come from the purer side, and only agreement with that one
counts; otherwise the mixed start, where it is not the one published so far, counts only if the other did not mix at
once (a small droplet can dissolve for want of size where a larger one is stable). If it agrees with none, it and the
start published so far are settled by the same rules, and the state's gap is theirs; but one of the second round, which
need not lie nearer, forms a pair with a start from between of the other side only where that makes the gap narrower
(and so does any, with the mixed one, where only that one counts).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from binlj.builders.analysis import criteria
from binlj.builders.analysis.block_errors import Blocks, even_out, mean_and_error
from binlj.builders.analysis.chains import ChainPart
from binlj.builders.analysis.small_simulations import still_mixing
from binlj.builders.starts.kinds import FIRST_ROUND, SEEDED, STARTS, same_side
from binlj.grid import PAIRS, State
from binlj.pets import pets_stable
from binlj.potential import pair_energy
from binlj.schema import MERGE, N_BINS, N_FINE, bin_centres

NEEDS_SECOND = "the other start has not been run"
OPEN_GAP = "start gap"
UNDECIDED = f"{OPEN_GAP}: too short to tell"
PHASES = ("homogeneous", "demixed", "solid-like")


@dataclass(frozen=True)
class Choice:
    """The chains to publish.

    Attributes
    ----------
    kept : tuple of ChainPart
    start : str
        Their start; two that agree are joined by a plus sign, as in "separated+saturated".
    gap : float or None
        Difference between the starts, noise taken out; None with one start.
    reasons : tuple of str
        What is wrong.
    compared_with : str
        The start that the gap is the difference from (of two published together, the later one); empty with one start.
    """

    kept: tuple[ChainPart, ...]
    start: str
    gap: float | None
    reasons: tuple[str, ...]
    compared_with: str = ""

    @property
    def rival(self) -> str:
        """The start that the published one still differs from; empty if there is none, or the gap is closed."""
        return self.compared_with if self.reasons else ""


@dataclass(frozen=True)
class Gap:
    """Difference between the starts of each pair, as a share of the curve's maximum."""

    rms: np.ndarray
    stderr: np.ndarray

    @property
    def agree(self) -> bool:
        return bool(np.all(self.rms <= self._allowed()))

    def telling(self, state: State) -> bool:
        """Whether the difference is known well enough to say that there is none."""
        limits = np.array([criteria.GAP_NOISE * criteria.error_target(state, pair) for pair in PAIRS])
        return bool(np.all(self.stderr <= limits))

    @property
    def systematic(self) -> float:
        """Largest difference after its noise is taken off in quadrature."""
        return float(np.sqrt(np.maximum(self.rms**2 - self.stderr**2, 0.0)).max())

    def __str__(self) -> str:
        i = int(np.argmax(self.rms / self._allowed()))
        rms, stderr = 100 * self.rms[i], 100 * self.stderr[i]
        return f"{PAIRS[i]} differs by {rms:.2g} % (standard error {stderr:.2g} %)"

    def _allowed(self) -> np.ndarray:
        return np.maximum(criteria.GAP_SIGMAS * self.stderr, criteria.GAP_RELATIVE)


def choose(state: State, parts: Sequence[ChainPart]) -> Choice:
    """Reconcile the chains of one state."""
    starts = {name: [p for p in parts if p.start == name] for name in STARTS}
    starts = {name: chains for name, chains in starts.items() if chains}
    if len(starts) == 1:
        (start, chains), = starts.items()
        reasons = []
        wants = _wants_second_start(state, chains)
        if wants:
            reasons.append(f"{wants}, and {NEEDS_SECOND}")
        return Choice(tuple(chains), start, None, tuple(reasons))
    first, second, *others = starts
    choice = _settle(state, {name: starts[name] for name in (first, second)})
    seen, one_sided = [first, second], still_mixing(state)
    for other in others:
        if not choice.rival or steps_by_start(starts[other])[other] < criteria.MIN_STEPS_TO_JUDGE:
            continue
        pairs = {
            name: _settle(state, {name: starts[name], other: starts[other]})
            for name in seen if (name == "mixed" if one_sided else not same_side(name, other))
        }  # fmt: skip
        agreeing = [
            pair for name, pair in pairs.items()
            if not pair.rival
            and (name != "mixed" or one_sided or choice.start == "mixed" or _began_apart(starts[other], starts[name]))
        ]  # fmt: skip
        if agreeing:
            choice = min(agreeing, key=_wanting)
        elif other in FIRST_ROUND and not one_sided:
            choice = pairs[choice.start]
        else:
            near = [pair for name, pair in pairs.items() if (one_sided or name in SEEDED) and pair.rival]
            choice = min([choice, *near], key=lambda pair: pair.gap or 0.0)
        seen.append(other)
    return choice


def _wanting(choice: Choice) -> tuple[int, float]:
    """Production steps it lacks, and its gap."""
    steps = min(steps_by_start(choice.kept).values())
    return max(criteria.MIN_PRODUCTION_STEPS - steps, 0), choice.gap or 0.0


def _began_apart(other: Sequence[ChainPart], mixed: Sequence[ChainPart]) -> bool:
    """Whether a start's composition varied more at first than the mixed one's does: it had not mixed at once."""
    own = max(weighted(mixed, "composition_fluctuation"), 1.0)
    return other[0].first_fluctuation >= criteria.MIN_FIRST_FLUCTUATION * own


def _settle(state: State, starts: Mapping[str, Sequence[ChainPart]]) -> Choice:
    """Which of two starts is published; where nothing tells, the later one."""
    first, second = starts
    steps = steps_by_start([*starts[first], *starts[second]])
    gap = start_gap(state, starts[first], starts[second])
    still = [name for name, chains in starts.items() if all(p.drift <= criteria.DRIFT_LIMIT for p in chains)]

    def publish(name: str, *why: str) -> Choice:
        return Choice(tuple(starts[name]), name, gap.systematic, why, second if name == first else first)

    if gap.agree:
        agreeing = still if len(still) == 1 else [first, second]
        longest = max(agreeing, key=lambda name: steps[name])
        if not gap.telling(state):
            return publish(longest, f"{OPEN_GAP}: too noisy to tell, {gap}")
        enough = [name for name in agreeing if steps[name] >= criteria.MIN_PRODUCTION_STEPS]
        agreeing = enough or [longest]
        if len(agreeing) == 1:
            return publish(agreeing[0])
        return Choice((*starts[first], *starts[second]), f"{first}+{second}", gap.systematic, (), second)
    if min(steps.values()) < criteria.MIN_STEPS_TO_JUDGE:
        stable = pets_stable(state)
        why = f"{UNDECIDED}, the mixture is {'stable' if stable else 'not stable'} by PeTS, {gap}"
        return publish("mixed" if first == "mixed" and stable else second, why)
    if len(still) == 1:
        kept = still[0]
        moving = second if kept == first else first
        towards = _moves_towards(starts[moving], starts[kept])
        way = "drifts towards" if towards else "drifts, but not towards"
        return publish(kept, f"{OPEN_GAP}: the {moving} start {way} the {kept} one, {gap}")
    closed = closing(starts)
    moving = max(closed, key=lambda name: closed[name])
    kept = second if moving == first else first
    if still and closed[moving] >= max(criteria.MIN_APPROACH, criteria.APPROACH_RATIO * closed[kept]):
        why = f"the {moving} start closes {100 * closed[moving]:.0f} % of it from half to half, the {kept} one "
        why += f"{100 * closed[kept]:.0f} %"
    elif still:
        kept, why = second, f"neither the {first} nor the {second} start is seen to drift, and they differ"
    else:
        kept = min(starts, key=lambda name: max(p.drift for p in starts[name]))
        why = f"the {first} and the {second} start drift and differ"
    return publish(kept, f"{OPEN_GAP}: {why}, {gap}")


def steps_by_start(parts: Sequence[ChainPart]) -> dict[str, int]:
    """Production steps of each start, summed over its chains."""
    result: dict[str, int] = {}
    for part in parts:
        result[part.start] = result.get(part.start, 0) + part.production_steps
    return result


def start_gap(state: State, one: Sequence[ChainPart], other: Sequence[ChainPart]) -> Gap:
    """Rms difference of two starts' g over 0.9 to 5 sigma, and its standard error, for the three pairs."""
    dilute = dilute_limit(state, N_BINS)
    (g1, e1), (g2, e2) = (
        mean_and_error(blocks_of(chains).rebin(MERGE), dilute=dilute) for chains in (one, other)
    )
    r = bin_centres(N_BINS)
    inside = (r >= criteria.ERROR_RANGE[0]) & (r <= criteria.ERROR_RANGE[1])
    top = np.maximum(np.maximum(g1, g2).max(1), 1e-300)

    def rms(x: np.ndarray) -> np.ndarray:
        return np.sqrt((x[:, inside] ** 2).mean(1)) / top

    return Gap(rms(g1 - g2), rms(np.hypot(e1, e2)))


def closing(starts: Mapping[str, Sequence[ChainPart]]) -> dict[str, float]:
    """Share of the gap in g that each of two starts closes from its first half to its second.

    Pairs are scaled by the curve's maximum.
    """
    first, second = starts
    g = {name: _mean(chains) for name, chains in starts.items()}
    scale = 1.0 / np.maximum(np.maximum(*g.values()).max(1), 1e-300)[:, None]
    inside = bin_centres(N_FINE) >= criteria.ERROR_RANGE[0]
    gap = ((g[second] - g[first]) * scale)[:, inside]
    closed = {
        name: float(sign * np.sum((_change(starts[name]) * scale)[:, inside] * gap) / np.sum(gap**2))
        for name, sign in ((first, 1), (second, -1))
    }
    return {name: max(share, 0.0) for name, share in closed.items()}


def blocks_of(parts: Sequence[ChainPart]) -> Blocks:
    """All blocks of some chains, short ones joined."""
    return even_out(
        Blocks(
            np.concatenate([p.counts for p in parts]), np.concatenate([p.ideal for p in parts]),
            np.concatenate([p.frames for p in parts]),
            np.concatenate([np.full(len(p.frames), i) for i, p in enumerate(parts)]),
        )
    )


def dilute_limit(state: State, n: int) -> np.ndarray:
    """exp(-u/T) of the three pairs at the bin centres, shape (3, n)."""
    r = np.maximum(bin_centres(n), 0.3)
    energies = np.array([pair_energy(r, state.sigma(pair), state.epsilon(pair)) for pair in PAIRS])
    return np.array(np.exp(-energies / state.T))


def phase(parts: Sequence[ChainPart]) -> str:
    """Phase flag of some chains: solid-like beats demixed beats homogeneous."""
    for name in ("A", "B"):
        if weighted(parts, f"solid_{name}") > criteria.SOLID_FRACTION:
            return "solid-like"
    if weighted(parts, "composition_fluctuation") > criteria.DEMIXED_FLUCTUATION:
        return "demixed"
    return "homogeneous"


def weighted(parts: Sequence[ChainPart], name: str) -> float:
    """Mean of an attribute over chains, weighted by production steps."""
    return float(np.average([getattr(p, name) for p in parts], weights=[p.production_steps for p in parts]))


def _wants_second_start(state: State, chains: Sequence[ChainPart]) -> str:
    """Why the other start has to be run: the first pass shows (a beginning of) demixing, solid order or drift."""
    flag = phase(chains)
    if flag != "homogeneous":
        return flag
    if any(p.drift > criteria.DRIFT_LIMIT for p in chains):
        return "drift"
    stable = pets_stable(state)
    return "" if stable else "may demix (PeTS)" if stable is None else "not stable by PeTS"


def _moves_towards(moving: Sequence[ChainPart], target: Sequence[ChainPart]) -> bool:
    """Whether the change of g within the moving chains points at the target's g (pairs scaled by maximum)."""
    goal = _mean(target)
    scale = 1.0 / np.maximum(goal.max(1), 1e-300)[:, None]
    inside = bin_centres(goal.shape[-1]) >= criteria.ERROR_RANGE[0]
    return bool(np.sum((_change(moving) * (goal - _mean(moving)) * scale**2)[:, inside]) > 0)


def _mean(parts: Sequence[ChainPart]) -> np.ndarray:
    return np.asarray(sum(p.counts.sum(0) for p in parts) / sum(p.ideal.sum(0) for p in parts))


def _change(parts: Sequence[ChainPart]) -> np.ndarray:
    """Mean g of the second halves minus that of the first."""
    return np.asarray(sum(p.direction * p.ideal.sum(0) for p in parts) / sum(p.ideal.sum(0) for p in parts))
