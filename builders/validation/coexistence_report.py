"""Coexisting phases of every (T*, S, eps_AB): small simulations from both sides, compared with PeTS and with PeTS given
the integral equation's chemical potentials at infinite dilution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import logit

from binlj.builders.analysis.small_simulations import mixes
from binlj.builders.coexistence import slab_simulations
from binlj.builders.starts.coexistence_table import APART, LEAST_WIDTH, Slabs, Triple
from binlj.builders.validation.output import new_figure, number
from binlj.grid import GRID_EPS_AB, GRID_S
from binlj.markdown import markdown_table
from binlj.theory.dilution import mixing_curves
from binlj.theory.gibbs import binodal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = dict(zip(GRID_EPS_AB, ("#440154", "#3b528b", "#21918c", "#5ec962", "#d8a800"), strict=True))
MARKS = {"pure": ">", "mixed": "<"}
_RESOLVED = 0.003  # a mole fraction of about four particles in half of the box


@dataclass(frozen=True)
class Comparison:
    """Distance of theory from simulation in ln(x / (1 - x)), positive where the theory's phase is the purer one.

    Attributes
    ----------
    pets, dilute : ndarray, shape (n,)
        PeTS, and PeTS with :func:`binlj.theory.dilution.with_dilute_limits`; the same phases.
    """

    pets: np.ndarray
    dilute: np.ndarray


def report(slabs: Sequence[Slabs]) -> tuple[str, dict[str, Any]]:
    """Compositions from both sides: Markdown and data."""
    by_triple = {s.triple: {t.side: t for t in slabs if t.triple == s.triple} for s in slabs}
    dilute = with_integral_equation(list(by_triple))
    whole = {triple: sides for triple, sides in by_triple.items() if {"pure", "mixed"} <= set(sides)}
    again = {triple: sides for triple, sides in whole.items() if {"pure2", "mixed2"} <= set(sides)}
    apart = np.array([np.abs(np.subtract(s["pure"].end, s["mixed"].end)) for s in whole.values()])
    off = np.array([
        [s["pure"].begin[0] - np.mean([t.end[0] for t in s.values()]),
         np.mean([t.end[1] for t in s.values()]) - s["pure"].begin[1]]
        for s in ({side: sides[side] for side in ("pure", "mixed")} for sides in whole.values())
    ])  # fmt: skip
    lines = [
        "# Which phases do the mixtures separate into?", "",
        "Mole fractions of B in the A-rich and the B-rich phase at P* = 1. Each has two simulations of two slabs of "
        f"equal volume (N = {slab_simulations.N:,}, {slab_simulations.STEPS:,} steps, of which the second half "
        "counts). One begins with the phases of the PeTS equation of state (from the pure side), the other with those "
        "that it has at a higher temperature (from the mixed side). The coexistence-seeded starts of the campaign "
        "(`saturated` from the pure, `supersaturated` from the mixed side) begin with the two results. Where these "
        f"are more than {slab_simulations.APART:g} apart there is a second round, and where that leaves them apart a "
        "third; the last results make the starts `saturated2` and `supersaturated2`. From either end two slabs again, "
        f"{slab_simulations.LATER_STEPS:,} steps; or, where S = 1, a single phase "
        f"whose particles change species at equal chemical potentials ({slab_simulations.SWAP_STEPS:,} steps, "
        f"{slab_simulations.SWAP_ATTEMPTS} attempts every {slab_simulations.SWAP_EVERY}).", "",
    ]  # fmt: skip
    if len(whole):
        lines += [
            f"After the first round both sides differ by {number(float(np.median(apart)), 3)} in the median, "
            f"{number(float(apart.max()), 3)} at most. PeTS's phases are purer than their mean by "
            f"{number(float(np.median(-off)), 3)} in the median and {number(float((-off).max()), 3)} at most: a "
            "mean-field theory has too high a critical temperature.", "",
        ]  # fmt: skip
        off_in_logits = compare(whole, dilute)
        if off_in_logits.pets.size:
            before, after = (float(np.median(np.abs(v))) for v in (off_in_logits.pets, off_in_logits.dilute))
            lines += [
                "PeTS + IE is PeTS with the chemical potentials that the integral equation gives a lone particle of "
                "either species in the other (docs/models.md). For the mole fractions x between "
                f"{_RESOLVED:g} and {1 - _RESOLVED:g} in which both sides end within {APART:g} of each other "
                f"({off_in_logits.pets.size} phases), the distance from simulation in ln(x / (1 - x)) is "
                f"{number(before, 2)} in the median for PeTS and {number(after, 2)} for PeTS + IE.", "",
            ]  # fmt: skip
    if len(again):
        first, last = (
            np.array([
                np.abs(np.subtract(_last(s, 0, rounds).end, _last(s, 1, rounds).end)).max() for s in again.values()
            ])
            for rounds in (1, len(slab_simulations.ROUNDS))
        )  # fmt: skip
        lines += [
            f"{len(again)} of them went into a second round: there the larger difference was "
            f"{number(float(np.median(first)), 3)} in the median ({number(float(first.max()), 3)} at most) after the "
            f"first and is {number(float(np.median(last)), 3)} ({number(float(last.max()), 3)}) after the last.", "",
        ]  # fmt: skip
    mixing = [t for t, sides in whole.items() if mixes(_last(sides, 1, len(slab_simulations.ROUNDS)))]
    if mixing:
        lines += [
            "The mixed side was still mixing when it ended (by a tenth or more of the difference between its phases "
            "from the first half of its last round to the second), so that both sides came from the purer one: "
            + "; ".join(f"{t.T:.1f}, {t.S:.1f}, {t.eps_AB:.1f}" for t in mixing)
            + ". There only agreement with the mixed start of a state counts.", "",
        ]  # fmt: skip
    lines.append(markdown_table(
        ["T*, S, ε_AB", "PeTS", "PeTS + IE", "from PeTS's side", "from the mixed side", "second round", "second round",
         "third round", "third round"],
        [[f"{t.T:.1f}, {t.S:.1f}, {t.eps_AB:.1f}", _pair(next(iter(sides.values()), None), begin=True),
          _text(dilute[t]),
          *(_pair(sides.get(side)) for side in slab_simulations.SEEDS)] for t, sides in by_triple.items()],
    ))  # fmt: skip
    lines += ["", f"One phase: compositions within {LEAST_WIDTH:g} of each other."]
    return "\n".join(lines), {"slabs": [{**asdict(s), "end": s.end} for s in slabs]}


def with_integral_equation(triples: Sequence[Triple]) -> dict[Triple, tuple[float, float] | None]:
    """Phases by PeTS with the integral equation's dilute limits; None where it has one phase only."""
    keys = {t: (t.T, t.S, t.eps_AB) for t in triples}
    curves = mixing_curves(keys.values())
    return {t: binodal(curves[key]) if key in curves else None for t, key in keys.items()}


def compare(
    whole: Mapping[Triple, Mapping[str, Slabs]], dilute: Mapping[Triple, tuple[float, float] | None]
) -> Comparison:
    """PeTS and PeTS with dilute limits against the phases that both sides of the last round agree on."""
    rows = []
    for triple, sides in whole.items():
        theory, ends = dilute[triple], [_last(sides, i, len(slab_simulations.ROUNDS)).end for i in (0, 1)]
        pets = slab_simulations.begin(triple, "pure")[1]
        for i, outward in enumerate((-1.0, 1.0)):
            x = float(np.mean([end[i] for end in ends]))
            agree = abs(ends[0][i] - ends[1][i]) <= APART and _RESOLVED < x < 1 - _RESOLVED
            if theory is not None and agree:
                rows.append([outward * (logit(y[i]) - logit(x)) for y in (pets, theory)])
    table = np.array(rows).reshape(-1, 2)
    return Comparison(table[:, 0], table[:, 1])


def _last(sides: Mapping[str, Slabs], side: int, rounds: int) -> Slabs:
    """Of one side (0 or 1), in the last of so many rounds that there is."""
    return next(sides[r[side]] for r in reversed(slab_simulations.ROUNDS[:rounds]) if r[side] in sides)


def _pair(slabs: Slabs | None, *, begin: bool = False) -> str:
    if slabs is None:
        return "–"
    return _text(slab_simulations.begin(slabs.triple, "pure")[1] if begin else slabs.end)


def _text(phases: tuple[float, float] | None) -> str:
    different = phases is not None and phases[1] - phases[0] > LEAST_WIDTH
    return f"{phases[0]:.3f}, {phases[1]:.3f}" if phases is not None and different else "one phase"


def draw(slabs: Sequence[Slabs]) -> Figure:
    """Binodals: T* over the composition, one panel a size ratio."""
    figure = new_figure(12, 3.6)
    axes = figure.subplots(1, len(GRID_S), sharey=True)
    dilute = with_integral_equation(list({s.triple: None for s in slabs}))
    for axis, S in zip(axes, GRID_S, strict=True):
        for eps, colour in COLOURS.items():
            mine = [s for s in slabs if (s.triple.S, s.triple.eps_AB) == (S, eps)]
            pets = sorted({(s.triple.T, *slab_simulations.begin(s.triple, "pure")[1]) for s in mine})
            if not pets:
                continue
            T, low, high = np.array(pets).T
            axis.plot(low, T, color=colour, lw=1, label=f"{eps:g}")
            axis.plot(high, T, color=colour, lw=1)
            both = sorted((s.T, *phases) for s, phases in dilute.items() if phases and (s.S, s.eps_AB) == (S, eps))
            for side in (1, 2):
                axis.plot([row[side] for row in both], [row[0] for row in both], "--", color=colour, lw=1)
            for s in mine:
                mark = MARKS[s.side.rstrip("23")]
                face = {} if s.side in slab_simulations.BEFORE else {"mfc": "none"}
                axis.plot(s.end, [s.triple.T] * 2, mark, color=colour, ms=5, **face)
        axis.set(title=f"S = {S:g}", xlabel="mole fraction of B", xlim=(-0.03, 1.03))
    axes[0].set_ylabel("T*")
    lines = {label: line for axis in axes for line, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    shown = sorted(lines)
    axes[0].legend([lines[label] for label in shown], shown, title="ε$_{AB}$", fontsize=8, loc="upper right")
    figure.suptitle(
        "Coexisting phases: PeTS (lines), PeTS + IE (dashed), small simulations from the pure side (▷) and from the "
        "mixed side (◁); later rounds filled"
    )
    return figure
