"""The answer of `binlj explain parameters` in words: four sentences, tables, and what each interval means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from binlj.eval.explain.parameters import ALL, EFFECT, FIRST, PHASE, SIZE, SWAPS, TOTAL, WITHIN, Found
from binlj.eval.explain.ranking import Ranking
from binlj.markdown import markdown_table
from binlj.schema import FEATURES

NAMES = {"T": "T*", "C_B": "C_B", "S": "S", "eps_AB": "ε_AB"}
WHERE = {"equilibrium": "in equilibrium", "mixed": "shortly after random mixing"}
HALF = 0.5  # of the variance: more than all other parameters together
SHORT = {
    PHASE: "phase (demixed or not)",
    ALL["r"]: "g(r), all states",
    ALL["scaled"]: "g(r / σ_ij), all states",
    WITHIN["r"]: "g(r), homogeneous states",
    WITHIN["scaled"]: "g(r / σ_ij), homogeneous states",
}

IN_WORDS = {
    PHASE: "the phase",
    ALL["r"]: "g(r) of all states",
    WITHIN["r"]: "g(r) of the homogeneous states",
    WITHIN["scaled"]: "g(r / σ_ij) of the homogeneous states",
}


def percent(share: float) -> str:
    """A share as whole per cent."""
    return f"{100 * share:.0f} %"


def leader(r: Ranking) -> str:
    """Who comes first, with shares: ``ε_AB comes first (51 %; next T* 23 %; S 18 %)``, or that nobody clearly does."""
    first, second = r.order[:2]
    share = {f: percent(r.values[f]) for f in FEATURES}
    own = "" if "S" in (first, second) else f"; S {share['S']}"
    if r.dominant(first) == "yes":
        return f"{NAMES[first]} comes first ({share[first]}; next {NAMES[second]} {share[second]}{own})"
    return f"{NAMES[first]} ({share[first]}) and {NAMES[second]} ({share[second]}{own}) cannot be told apart"


def sentences(regimes: Sequence[Found], offgrid: Found | None) -> list[str]:
    """The four sentences: does S dominate, what decides the phase, what the structure within one, and off the grid."""
    out = [
        _join(_dominates(f) for f in regimes),
        _join(_phase(f) for f in regimes),
        _join(_within(f) for f in regimes),
        _off_grid(regimes, offgrid),
    ]
    return [text for text in out if text]


def _join(clauses: Iterable[str]) -> str:
    text = "; ".join(c for c in clauses if c)
    return text[:1].upper() + text[1:] + "." if text else ""


def _dominates(f: Found) -> str:
    r, size = (f.rankings[ALL["r"]][m] for m in (EFFECT, SIZE))
    share, over = r.values["S"], f"g(r) over all {f.details['states']} states"
    if r.dominant() != "yes":
        text = f"S does not dominate {over}: {leader(r)}"
    elif share > HALF:
        text = f"S dominates {over} with {percent(share)} of its variance (next {_second(r)})"
    else:
        text = f"S does not dominate {over}, though it comes first: {percent(share)} of the variance, "
        text += f"next {_second(r)}"
    first = size.order[0]
    if size.dominant(first) != "yes":
        text += f", and by mean |Shapley| value {NAMES[first]} and {NAMES[size.order[1]]} cannot be told apart"
    elif first != r.order[0]:
        text += f", and by mean |Shapley| value {NAMES[first]} comes first"
    return f"{WHERE[f.regime]} {text}"


def _second(r: Ranking) -> str:
    return f"{NAMES[r.order[1]]} {percent(r.values[r.order[1]])}"


def _phase(f: Found) -> str:
    d = f.details
    text = f"{WHERE[f.regime]} {d['demixed']} of {d['states']} states are demixed"
    if PHASE not in f.rankings:
        return text
    text += f": for whether a mixture demixes, {leader(f.rankings[PHASE][EFFECT])}"
    if WITHIN["r"] in f.rankings:
        shares = [f"{_small(v['homogeneous_over_all'])} ({pair})" for pair, v in d["variance"].items()]
        text += ", and the variance of g(r) among the homogeneous states alone is "
        text += f"{', '.join(shares)} of that among all states"
    return text


def _small(share: float) -> str:
    return percent(share) if share >= 0.095 else f"{100 * share:.1f} %"


def _within(f: Found) -> str:
    if WITHIN["r"] not in f.rankings:
        return ""
    at_r, scaled = (f.rankings[WITHIN[s]][EFFECT] for s in ("r", "scaled"))
    before, after = at_r.values["S"], scaled.values["S"]
    text = f"among the homogeneous states {WHERE[f.regime]}, {leader(at_r)} for g(r)"
    text += f"; where r is measured in σ_ij, so that peaks do not move with S, S has {percent(after)} instead of "
    return text + f"{percent(before)}, and {leader(scaled)}"


def _off_grid(regimes: Sequence[Found], offgrid: Found | None) -> str:
    grid = next((f for f in regimes if f.regime == "equilibrium"), None)
    if offgrid is None or grid is None:
        return ""
    same: list[str] = []
    other: list[str] = []
    for target in (PHASE, ALL["r"], WITHIN["r"], WITHIN["scaled"]):
        if target in offgrid.rankings and target in grid.rankings:
            own, data = offgrid.rankings[target][EFFECT], grid.rankings[target]
            known = data.get(SWAPS, data[EFFECT])  # off the grid all effects are by swaps
            first = own.order[0]
            doubt = "" if own.dominant(first) == "yes" else f", not clearly before {NAMES[own.order[1]]}"
            text = f"{NAMES[first]} for {IN_WORDS[target]} ({percent(own.values[first])}{doubt})"
            (same if first == known.order[0] else other).append(text)
    d = offgrid.details
    parts = []
    if same:
        parts.append("the same parameter first as the data do on the grid: " + ", ".join(same))
    if other:
        parts.append("another one than the data do on the grid: " + ", ".join(other))
    if not parts:
        return ""
    return (
        f"Off the grid, at {d['states']} states with {d['values_of_each_feature']['S']} values of S, the fitted theory "
        f"puts {'; and '.join(parts)}."
    )


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
    return "\n\n".join(parts).replace("T*", "T\\*") + "\n"


_CAPTION = (
    "*Shapley effects: shares of the variance, which sum to 1. Left: whether a state is demixed, over all states. "
    "Middle and right: g of the converged homogeneous states, against r and against r / σ_ij; each of the three pairs "
    "counts alike. Diamonds: the fitted theory off the grid, by swaps.*"
)
_MEANING = (
    "The Shapley effect of a parameter is its share of the variance; what parameters explain together is shared among "
    "them (Owen 2014). For curves the variance is summed over r up to 5, and shares are means over AA, AB and BB, so "
    "that g_BB of droplets does not drown the rest. On the complete grid the effects are exact. The homogeneous states "
    "are no complete grid and their parameters depend on each other; the effects are those for dependent inputs (Owen "
    "and Prieur 2017), with means over the states that agree as conditional expectations. A parameter that goes "
    "together with another then shares its effect. The effect by swaps does not have this property: it uses only pairs "
    "of homogeneous states between which every combination is homogeneous too, and a parameter without effect gets "
    "exactly zero. Such pairs lie deeper in the homogeneous region, so a parameter that leads out of it varies less "
    "there."
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
        f"computed: {d['evaluations']:,} states. T*, S, ε_AB and the root of C_B are uniform over the grid's ranges "
        f"and independent of each other. Homogeneous states: the {d['homogeneous_pairs']} pairs with all combinations "
        "homogeneous. All effects are by swaps. The model was fitted to the states of the grid, so it carries their "
        "information to other sizes; it is no independent proof."
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
