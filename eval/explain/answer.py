"""The answer of `binlj explain parameters` in words: four sentences, tables, and what each interval means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from binlj.eval.explain.parameters import ALL, EFFECT, FIRST, PHASE, SIZE, SWAPS, TOTAL, WITHIN, Found
from binlj.eval.explain.ranking import Ranking
from binlj.markdown import markdown_table
from binlj.schema import FEATURES

NAMES = {"T": "T\\*", "C_B": "C_B", "S": "S", "eps_AB": "ε_AB"}
WHERE = {"equilibrium": "in equilibrium", "mixed": "shortly after random mixing"}
HALF = 0.5  # of the variance: more than all other parameters together
SHORT = {
    PHASE: "phase (demixed or not)",
    ALL["r"]: "g(r), all states",
    ALL["scaled"]: "g(r / σ_ij), all states",
    WITHIN["r"]: "g(r), homogeneous states",
    WITHIN["scaled"]: "g(r / σ_ij), homogeneous states",
}


def percent(share: float) -> str:
    """A share as whole per cent."""
    return f"{100 * share:.0f} %"


def leader(r: Ranking) -> str:
    """Who comes first, with shares: ``ε_AB comes first (51 %; S 18 %)``, or that two cannot be told apart."""
    first, second = r.order[:2]
    share = {f: percent(r.values[f]) for f in FEATURES}
    if r.dominant(first) != "yes":
        rest = "" if "S" in (first, second) else f"; S {share['S']}"
        return f"{NAMES[first]} ({share[first]}) and {NAMES[second]} ({share[second]}{rest}) cannot be told apart"
    beside = f"next is {NAMES[second]} with {share[second]}"
    if "S" not in (first, second):
        beside += f"; S has {share['S']}"
    return f"{NAMES[first]} comes first with {share[first]} ({beside})"


def sentences(regimes: Sequence[Found], offgrid: Found | None) -> list[str]:
    """The four sentences: does S dominate, what decides the phase, what the structure within one, and off the grid."""
    out = [
        _join(_dominates(f) for f in regimes),
        _join(_phase(f) for f in regimes),
        _join(_within(f) for f in regimes),
        _off_grid(regimes, offgrid),
    ]
    return [text for text in out if text]


def _join(clauses: Any) -> str:
    text = "; ".join(c for c in clauses if c)
    return text[:1].upper() + text[1:] + "." if text else ""


def _dominates(f: Found) -> str:
    measures = f.rankings[ALL["r"]]
    r, size = measures[EFFECT], measures[SIZE]
    answer, share = r.dominant(), r.values["S"]
    if answer == "yes" and share > HALF:
        text = f"S dominates g(r) over all states with {percent(share)} of its variance"
        text += f" (next is {NAMES[r.order[1]]} with {percent(r.values[r.order[1]])})"
    elif answer == "yes":
        text = f"S does not dominate g(r) over all states: it comes first, but with {percent(share)} of the variance"
        text += f" (next is {NAMES[r.order[1]]} with {percent(r.values[r.order[1]])})"
    else:
        text = f"S does not dominate g(r) over all states: {leader(r)}"
    if size.order[0] != r.order[0] or size.dominant(size.order[0]) != r.dominant(r.order[0]):
        first, second = size.order[:2]
        apart = size.dominant(first) == "yes"
        text += ", and by mean |Shapley| value "
        text += f"{NAMES[first]} comes first" if apart else f"{NAMES[first]} and {NAMES[second]} cannot be told apart"
    return f"{WHERE[f.regime]} {text}"


def _phase(f: Found) -> str:
    d = f.details
    if PHASE not in f.rankings:
        return f"{WHERE[f.regime]} {d['demixed']} of {d['states']} states are demixed"
    text = f"{WHERE[f.regime]} {d['demixed']} of {d['states']} states are demixed, and in what decides that "
    text += leader(f.rankings[PHASE][EFFECT])
    if WITHIN["r"] in f.rankings:
        ratios = {p: v["homogeneous_over_all"] for p, v in d["variance"].items()}
        text += ", while among the homogeneous states g(r) has " + ", ".join(
            f"{_small(v)} ({p})" for p, v in ratios.items()
        )
        text += " of the variance that it has over all states"
    return text


def _small(share: float) -> str:
    return percent(share) if share >= 0.095 else f"{100 * share:.1f} %"


def _within(f: Found) -> str:
    if WITHIN["r"] not in f.rankings:
        return ""
    at_r, scaled = (f.rankings[WITHIN[s]][EFFECT] for s in ("r", "scaled"))
    before, after = at_r.values["S"], scaled.values["S"]
    text = f"{WHERE[f.regime]}, within the homogeneous phase, {leader(at_r)} for g(r)"
    if after < before:
        text += ", but with r in units of σ_ij, where peaks that only moved with the size coincide, the share of S "
        text += f"falls to {percent(after)}: {leader(scaled)}"
    else:
        text += f", and with r in units of σ_ij the share of S is no smaller: {leader(scaled)}"
    return text


def _off_grid(regimes: Sequence[Found], offgrid: Found | None) -> str:
    grid = next((f for f in regimes if f.regime == "equilibrium"), None)
    if offgrid is None or grid is None:
        return ""
    same, other = [], []
    for target in (PHASE, ALL["r"], WITHIN["r"], WITHIN["scaled"]):
        if target in offgrid.rankings and target in grid.rankings:
            own, known = offgrid.rankings[target][EFFECT], grid.rankings[target][EFFECT]
            apart = "" if own.dominant(own.order[0]) == "yes" else ", not beyond doubt"
            text = f"{NAMES[own.order[0]]} ({percent(own.values[own.order[0]])}{apart})"
            text += f" for {SHORT[target].replace(' (demixed or not)', '')}"
            (same if own.order[0] == known.order[0] else other).append(text)
    d = offgrid.details
    values = d["values_of_each_feature"]["S"]
    start = f"At {d['states']} states off the grid, where S takes {values} values instead of a few, "
    start += "the fitted theory puts "
    parts = []
    if same:
        parts.append("the same parameter first as the data on the grid: " + ", ".join(same))
    if other:
        parts.append("another parameter first than the data on the grid: " + ", ".join(other))
    return start + ", and ".join(parts) + "." if parts else ""


def report(
    regimes: Sequence[Found], offgrid: Found | None, *, left_out: Sequence[str], info: dict[str, Any],
    settings: dict[str, Any], picture: str,
) -> str:  # fmt: skip
    """The Markdown report.

    Parameters
    ----------
    left_out : sequence of str
        Sentences on what could not be answered.
    info : dict
        ``version`` and ``data_sha256`` of the dataset.
    picture : str
        File name of the picture beside the report.
    """
    head = f"# What decides the phase, and what the structure: dataset {info['version']}"
    answers = "\n".join(f"{k}. {text}" for k, text in enumerate(sentences(regimes, offgrid), start=1))
    parts = [head, answers, f"![Shares of the parameters]({picture})", _CAPTION]
    if left_out:
        parts.append("Left out: " + " ".join(left_out))
    parts += ["## Shares", _MEANING]
    parts += [
        f"### {WHERE[f.regime].capitalize()}\n\n{_table(f)}\n\n{_all_measures(f)}\n\n{_population(f)}" for f in regimes
    ]
    if offgrid is not None:
        parts.append(f"### Off the grid: the fitted theory\n\n{_offgrid_text(offgrid)}\n\n{_table(offgrid)}")
        parts.append(_all_measures(offgrid))
    parts += ["## What the intervals mean", _intervals(regimes, offgrid)]
    made = ", ".join(f"{k} {v}" for k, v in settings.items() if isinstance(v, int | str))
    parts.append(
        f"Made by `binlj explain parameters` from dataset {info['version']} (data sha256 `{info['data_sha256']}`); "
        f"{made}."
    )
    return "\n\n".join(parts) + "\n"


_CAPTION = (
    "*Shapley effects: shares of the variance, which sum to 1. Left: whether a state is demixed, over all states. "
    "Middle and right: g of the converged homogeneous states, against r and against r / σ_ij; each of the three pairs "
    "counts alike. Diamonds: the fitted theory off the grid.*"
)
_MEANING = (
    "The Shapley effect of a parameter is its share of the variance; what parameters explain together is shared among "
    "them (Owen 2014). For curves the variance is summed over r up to 5, and shares are means over AA, AB and BB, so "
    "that g_BB of droplets does not drown the rest. On the complete grid the effects are exact. The homogeneous states "
    "are no complete grid and their parameters depend on each other; the effects are those for dependent inputs (Owen "
    "and Prieur 2017), with means over the states that agree as conditional expectations. A parameter that goes "
    "together with another then shares its effect. The effect by swaps does not have this property: it uses only pairs "
    "of homogeneous states between which every combination is homogeneous too, and a parameter without effect gets "
    "exactly zero."
)


def _cell(r: Ranking, f: str) -> str:
    return f"{r.values[f]:.2f} ({r.low[f]:.2f} to {r.high[f]:.2f})"


def _table(f: Found) -> str:
    rows = [
        [SHORT[t], *(_cell(m[EFFECT], x) for x in FEATURES), " > ".join(NAMES[x] for x in m[EFFECT].order)]
        for t, m in f.rankings.items()
    ]
    return markdown_table(["Shapley effect (95 %)", *NAMES.values(), "order"], rows)


def _all_measures(f: Found) -> str:
    rows = []
    for t, measures in f.rankings.items():
        for pair, own in measures[EFFECT].by_pair.items():
            rows.append([SHORT[t], f"{EFFECT}, {pair}", *(f"{own.values[x]:.2f}" for x in FEATURES)])
        for name in (FIRST, TOTAL, SWAPS, SIZE):
            if name in measures:
                digits = 3 if name == SIZE else 2
                rows.append([SHORT[t], name, *(f"{measures[name].values[x]:.{digits}f}" for x in FEATURES)])
    return markdown_table(["of", "measure", *NAMES.values()], rows)


def _population(f: Found) -> str:
    d = f.details
    counts = "; ".join(
        f"{NAMES[x]} " + ", ".join(f"{level}: {n}" for level, n in own.items())
        for x, own in d["homogeneous_by_level"].items()
    )
    between = ", ".join(f"{p} {percent(v['between_phases'])}" for p, v in d["variance"].items())
    text = f"Converged homogeneous states by level: {counts}. "
    if d["demixed"]:
        text += f"The phase flag alone explains of the variance of g(r) over all states: {between}."
    if WITHIN["r"] in f.rankings:
        notes = f.rankings[WITHIN["r"]][SWAPS].notes
        text += f" Swaps use {notes['pairs_with_everything_between']:,} of {notes['pairs_of_states']:,} pairs."
    return text.strip()


def _offgrid_text(f: Found) -> str:
    d = f.details
    return (
        f"The model behind `binlj.rdf` at {d['states']} states of a Sobol sequence, {d['demixed']} of them demixed by "
        f"it. Each was paired with {d['backgrounds']:g} others, and every combination of a pair's parameters was "
        f"computed: {d['evaluations']:,} states. T\\*, S, ε_AB and the root of C_B are uniform over the grid's ranges "
        f"and independent of each other. Homogeneous states: the {d['homogeneous_pairs']} pairs with all combinations "
        "homogeneous. The model was fitted to the states of the grid, so it carries their information to other sizes; "
        "it is no independent proof."
    )


def _intervals(regimes: Sequence[Found], offgrid: Found | None) -> str:
    lines = []
    for f in regimes:
        d = f.details
        if PHASE in f.rankings:
            r = f.rankings[PHASE][EFFECT]
            low, high = r.notes["lowest_on_sub_grids"], r.notes["highest_on_sub_grids"]
            spread = ", ".join(f"{NAMES[x]} {low[x]:.2f} to {high[x]:.2f}" for x in FEATURES)
            lines.append(
                f"- Phase, {f.regime}: the {d['states']} states are the whole grid, not a sample, so there is no "
                f"sampling error. The interval draws the phases of the {d['not_converged']} states that are not "
                "converged at random. How much the levels matter is another question: without any one level of one "
                f"parameter the shares are {spread}."
            )
        lines.append(
            f"- All states, {f.regime}: the whole grid again; the interval adds the noise of the curves (`g_stderr`) "
            "once more, and says nothing about other levels."
        )
        if WITHIN["r"] in f.rankings:
            lines.append(
                f"- Homogeneous states, {f.regime}: the {d['homogeneous_and_converged']} states are reweighted at "
                "random (Bayesian bootstrap) and get the noise of the curves once more. The interval says how much the "
                "answer hangs on single states."
            )
    if offgrid is not None:
        lines.append(
            f"- Off the grid: the {offgrid.details['states']} states are reweighted at random. The interval holds the "
            "scatter from so few states and pairs, not the error of the model."
        )
    lines.append(
        "- Mean |Shapley| value: in units of what is explained (g, or the flag). It includes the noise of the curves."
    )
    return "\n".join(lines)
