"""Comparison of starts: which chains of a state are published, and how far apart the starts are.

Two starts are compared by these rules, the mixed and the separated one first:

1. They agree if, for each pair, the rms difference of g over 0.9 to 5 sigma, its noise subtracted in quadrature, is at
   most 2 % of the curve's maximum; or if the rms difference is at most three combined standard errors, and these three
   are at most the target error of the pair. In either case the combined standard error has to be at most twice the
   target error. All their chains are then averaged. Two exceptions: a drifting start is left out beside a stationary
   one, and a start without the required production steps is left out beside one that has them. The start left out
   serves as a check.
2. They differ only within three standard errors or 2 %, but the errors are too large for case 1: the longest start is
   published.
3. They differ, and one is too short for the drift test: the separated start is published, or the mixed one if PeTS
   calls the homogeneous mixture stable.
4. They differ, and only one is stationary: the stationary one is published.
5. They differ, neither drifts, but one closes the gap in g from its first half to its second (a dissolving droplet
   changes g long before the density): the other one is published.
6. Otherwise, if both are stationary, the later kind in ``STARTS`` is published, because it needs no nucleation and has
   less to dissolve; else the one that drifts less.

In cases 2 to 6 the state is not converged, and its reason says why.

Both first starts can relax very slowly: the mixed one has to coarsen, and the pure phases of the separated one have
to dissolve in each other. Where they differ, coexistence-seeded starts follow (:mod:`binlj.builders.coexistence`): one
from the pure side, then one from the mixed side, then a second round of both. A start that agrees with an earlier one
settles the state, because coexistence has been approached from two sides. Agreement does not count in these cases:

* Two rounds from the same side agree; or, in runs with identity exchange that have no mixed start, the separated start
  and the saturated one.
* The small simulations from the mixed side were still mixing when they ended. All seeded starts then come from the pure
  side, and only agreement with the mixed start counts.
* A seeded start that mixed at once agrees with the mixed start, unless the mixed start is published already. A small
  droplet can dissolve because of its size where a larger one is stable.
* Only a start of the second round agrees. Starts of that round begin close together, and identity exchange contradicts
  states that they settled (``binlj validate exchange``). The agreeing pair is published all the same.

If a seeded start of the first round agrees with none, it and the start published so far are settled by the rules above,
and the gap of the state is theirs; if both are from the same side, the earlier choice stays. A start of the second
round need not lie nearer. It forms a pair with a seeded start of the other side only if that makes the gap narrower.
The same holds for pairs with the mixed start where only agreement with that one counts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from binlj.builders.analysis import criteria
from binlj.builders.analysis.block_errors import Blocks, even_out, mean_and_error
from binlj.builders.analysis.chains import ChainPart
from binlj.builders.analysis.observables import relative_rms
from binlj.builders.analysis.small_simulations import still_mixing
from binlj.builders.starts.kinds import BY_NAME, FIRST_ROUND, SEEDED, STARTS, same_side
from binlj.grid import PAIRS, State
from binlj.pets import pets_stable
from binlj.potential import pair_energy
from binlj.schema import N_BINS, N_FINE, bin_centres

NEEDS_SECOND = "the other start has not been run"
OPEN_GAP = "start gap"
UNDECIDED = f"{OPEN_GAP}: too short to tell"
NOISY = f"{OPEN_GAP}: too noisy to tell"
SECOND_ROUND = f"{OPEN_GAP}: only a start of the second round agrees"
PHASES = ("homogeneous", "demixed", "solid-like")


@dataclass(frozen=True)
class Choice:
    """The chains to publish.

    Attributes
    ----------
    kept : tuple of ChainPart
    start : str
        Their start; two that agree are joined by a plus sign, as in "separated+saturated".
    gap, gap_stderr : float or None
        Difference between the starts, noise taken out, and its standard error; None with one start.
    reasons : tuple of str
        Why the state is not converged.
    compared_with : str
        The start that the gap is the difference from (of two published together, the later one); empty with one start.
    pairs : int
        Pairs of starts compared until a new start agreed with an earlier one, or all had been.
    waits_for : str
        Where starts differ, the one whose further steps can settle the state: of the first round and not from the same
        side as the published one, the nearest to it.
    """

    kept: tuple[ChainPart, ...]
    start: str
    gap: float | None
    gap_stderr: float | None
    reasons: tuple[str, ...]
    compared_with: str = ""
    pairs: int = 0
    waits_for: str = ""

    @property
    def rival(self) -> str:
        """The start that the published one still differs from; empty if there is none, or the gap is closed."""
        return self.compared_with if self.reasons else ""


@dataclass(frozen=True)
class Gap:
    """Difference between two starts, for AA, AB, BB, as a share of the curve's maximum.

    Attributes
    ----------
    rms, stderr : ndarray, shape (3,)
        Rms difference of g, and of its combined standard error. The rms differs from that of the true difference by
        no more than the rms of the noise (triangle inequality), so ``stderr`` is a safe standard error of it.
    target : ndarray, shape (3,)
        Target error of one curve.
    """

    rms: np.ndarray
    stderr: np.ndarray
    target: np.ndarray

    @property
    def differ(self) -> bool:
        """Whether a difference is seen: larger than allowed, and larger than the errors explain."""
        return bool(np.any(self._apart()))

    @property
    def agree(self) -> bool:
        """Whether the difference is known well enough to say that there is none."""
        small = self._without_noise() <= criteria.GAP_RELATIVE
        covered = criteria.GAP_SIGMAS * self.stderr <= self.target
        return not self.differ and bool(np.all((small | covered) & ~self._noisy()))

    @property
    def largest(self) -> tuple[float, float]:
        """Largest of the three differences after the noise is taken off in quadrature, and its standard error."""
        differences = self._without_noise()
        i = np.lexsort((self.stderr, differences))[-1]
        return float(differences[i]), float(self.stderr[i])

    def __str__(self) -> str:
        i = np.lexsort((self._without_noise(), self._noisy(), self._apart()))[-1]
        rms, stderr = 100 * self.rms[i], 100 * self.stderr[i]
        return f"{PAIRS[i]} differs by {rms:.2g} % (standard error {stderr:.2g} %)"

    def _without_noise(self) -> np.ndarray:
        return np.sqrt(np.maximum(self.rms**2 - self.stderr**2, 0.0))

    def _noisy(self) -> np.ndarray:
        return np.asarray(self.stderr > criteria.GAP_NOISE * self.target)

    def _apart(self) -> np.ndarray:
        large = self._without_noise() > criteria.GAP_RELATIVE
        return np.asarray(large & (self.rms > criteria.GAP_SIGMAS * self.stderr))


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
        return Choice(tuple(chains), start, None, None, tuple(reasons))
    # With exchange of unequal particles there is no mixed start; the first two are from different sides all the same.
    first, second, *others = sorted(starts, key=lambda name: name == "saturated" and "mixed" not in starts)
    choice = _settle(state, _pair(starts, first, second))
    seen, one_sided, tried = [first, second], still_mixing(state), 1
    for other in others:
        if not choice.rival or steps_by_start(starts[other])[other] < criteria.MIN_STEPS_TO_JUDGE:
            continue
        pairs = {
            name: _settle(state, _pair(starts, name, other))
            for name in seen if (name == "mixed" if one_sided else not _one_side(name, other, starts))
        }  # fmt: skip
        agreeing = [
            pair for name, pair in pairs.items()
            if not pair.rival
            and (name != "mixed" or one_sided or choice.start == "mixed" or _began_apart(starts[other], starts[name]))
        ]  # fmt: skip
        if agreeing:
            choice = min(agreeing, key=_wanting)
            if BY_NAME[other].later:
                choice = replace(choice, reasons=(SECOND_ROUND,))
        elif other in FIRST_ROUND and not one_sided:
            choice = pairs.get(choice.start, choice)  # none if both are from the pure side
        else:
            near = [pair for name, pair in pairs.items() if (one_sided or name in SEEDED) and pair.rival]
            choice = min([choice, *near], key=lambda pair: pair.gap or 0.0)
        seen.append(other)
        tried += len(pairs)
    return replace(choice, pairs=tried, waits_for=_nearest(state, choice, starts) if choice.rival else "")


def _pair(starts: Mapping[str, list[ChainPart]], *names: str) -> dict[str, list[ChainPart]]:
    """Two of the starts, in the order of ``STARTS``."""
    return {name: starts[name] for name in STARTS if name in names}


def _one_side(start: str, other: str, starts: Collection[str]) -> bool:
    """Whether agreement of two starts says nothing; without a mixed start the separated one counts as a pure one."""
    return same_side(start, other) or ("mixed" not in starts and {start, other} == {"separated", "saturated"})


def _nearest(state: State, choice: Choice, starts: Mapping[str, Sequence[ChainPart]]) -> str:
    published = choice.start.split("+")
    other = [
        name for name in starts
        if name not in published and not BY_NAME[name].later and not all(_one_side(name, p, starts) for p in published)
        and (name != "mixed" or choice.compared_with == "mixed")
    ]  # fmt: skip
    gaps = {name: start_gap(state, starts[name], choice.kept).largest[0] for name in other}
    return min(gaps, key=lambda name: gaps[name], default=choice.compared_with)


def _wanting(choice: Choice) -> tuple[int, float]:
    """Missing production steps, and the gap."""
    steps = min(steps_by_start(choice.kept).values())
    return max(criteria.MIN_PRODUCTION_STEPS - steps, 0), choice.gap or 0.0


def _began_apart(other: Sequence[ChainPart], mixed: Sequence[ChainPart]) -> bool:
    """Whether the composition of a start varied more at first than that of the mixed one: it did not mix at once."""
    own = max(weighted(mixed, "composition_fluctuation"), 1.0)
    return other[0].first_fluctuation >= criteria.MIN_FIRST_FLUCTUATION * own


def _settle(state: State, starts: Mapping[str, Sequence[ChainPart]]) -> Choice:
    """Which of two starts is published; where nothing tells, the later one."""
    first, second = starts
    steps = steps_by_start([*starts[first], *starts[second]])
    gap = start_gap(state, starts[first], starts[second])
    still = [name for name, chains in starts.items() if all(p.drift <= criteria.DRIFT_LIMIT for p in chains)]

    def publish(name: str, *why: str) -> Choice:
        return Choice(tuple(starts[name]), name, *gap.largest, why, second if name == first else first)

    if not gap.differ:
        agreeing = still if len(still) == 1 else [first, second]
        longest = max(agreeing, key=lambda name: steps[name])
        if not gap.agree:
            return publish(longest, f"{NOISY}, {gap}")
        enough = [name for name in agreeing if steps[name] >= criteria.MIN_PRODUCTION_STEPS]
        agreeing = enough or [longest]
        if len(agreeing) == 1:
            return publish(agreeing[0])
        return Choice((*starts[first], *starts[second]), f"{first}+{second}", *gap.largest, (), second)
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
    return difference(state, curves(state, one, N_BINS), curves(state, other, N_BINS))


def difference(
    state: State, one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]
) -> Gap:
    """The same of two results (g and its standard error, each of shape (3, bins))."""
    (g1, e1), (g2, e2) = one, other
    top = np.maximum(g1, g2).max(1)
    target = np.array([criteria.error_target(state, pair) for pair in PAIRS])
    return Gap(relative_rms(g1 - g2, top), relative_rms(np.hypot(e1, e2), top), target)


def curves(state: State, parts: Sequence[ChainPart], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean g of some chains and its standard error on `n` bins, each of shape (3, n)."""
    blocks = blocks_of(parts).rebin(N_FINE // n)
    return mean_and_error(blocks, dilute=dilute_limit(state, n), n_eff=independent_samples(parts))


def effective_frames(parts: Sequence[ChainPart]) -> float:
    """Effectively independent frames of some chains: of the slowest of energy, density and AB coordination."""
    return float(np.sum([p.n_eff for p in parts], axis=0).min())


def independent_samples(parts: Sequence[ChainPart]) -> float:
    """The same, corrected for the length of the series: two fewer a chain, and not less than a fifth.

    The mean of a series is taken out before its correlations are measured, so these come out too small: for a
    first-order autoregressive series by (1 + 3 rho)/n (Marriott and Pope, Biometrika 41, 390 (1954); Kendall, ibid.,
    403), which makes the statistical inefficiency g too small by about 2 g^2/n. With g / (1 - 2g/n) instead of g, n/g
    becomes n/g - 2. That is about half of what is missing in 40 frames with a correlation of 0.8.
    """
    found = np.array([p.n_eff for p in parts])
    return float(np.sum(np.maximum(found - 2.0, found / 5.0), axis=0).min())


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
    """All blocks of some chains, those of a start together; short ones are joined."""
    starts = list(dict.fromkeys(p.start for p in parts))
    parts = sorted(parts, key=lambda p: starts.index(p.start))
    return even_out(
        Blocks(
            np.concatenate([p.counts for p in parts]), np.concatenate([p.ideal for p in parts]),
            np.concatenate([p.frames for p in parts]),
            np.concatenate([np.full(len(p.frames), i) for i, p in enumerate(parts)]),
            np.concatenate([np.full(len(p.frames), starts.index(p.start)) for p in parts]),
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
    """Why the other start has to be run: demixing, solid order, drift, or PeTS does not call the mixture stable."""
    flag = phase(chains)
    if flag != "homogeneous":
        return flag
    if any(p.drift > criteria.DRIFT_LIMIT for p in chains):
        return "drift"
    stable = pets_stable(state)
    return "" if stable else "may demix (PeTS)" if stable is None else "not stable by PeTS"


def _moves_towards(moving: Sequence[ChainPart], target: Sequence[ChainPart]) -> bool:
    """Whether g of the moving chains changes towards the target's g (pairs scaled by the maximum)."""
    goal = _mean(target)
    scale = 1.0 / np.maximum(goal.max(1), 1e-300)[:, None]
    inside = bin_centres(goal.shape[-1]) >= criteria.ERROR_RANGE[0]
    return bool(np.sum((_change(moving) * (goal - _mean(moving)) * scale**2)[:, inside]) > 0)


def _mean(parts: Sequence[ChainPart]) -> np.ndarray:
    return np.asarray(sum(p.counts.sum(0) for p in parts) / sum(p.ideal.sum(0) for p in parts))


def _change(parts: Sequence[ChainPart]) -> np.ndarray:
    """Mean g of the second halves minus that of the first."""
    return np.asarray(sum(p.direction * p.ideal.sum(0) for p in parts) / sum(p.ideal.sum(0) for p in parts))
