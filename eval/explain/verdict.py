"""Does S dominate? Each method's answer, and the claim as the paper makes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from binlj.eval.explain.ranking import Ranking
from binlj.schema import FEATURES

ENTROPY = "mixing entropy (paper)"
CLAIM = (
    "S has the lowest mixing entropy, computed as in the paper, and the highest SHAP score of the DNN "
    "(both in at least 95 % of the replicates)"
)


@dataclass(frozen=True)
class Claim:
    """The paper's claim, checked.

    Attributes
    ----------
    entropy, shap : str
        ``yes``, ``no``, ``undecided``; `shap` is ``not given`` without a DNN.
    details : dict
        The paper's finer statements (T* has the highest entropy, eps_AB is second by SHAP): reported, not
        part of the claim.
    """

    entropy: str
    shap: str
    details: dict[str, str]

    @property
    def holds(self) -> bool:
        """True only if both halves are a plain yes."""
        return self.entropy == "yes" and self.shap == "yes"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "text": CLAIM,
            "holds": self.holds,
            "S_lowest_entropy": self.entropy,
            "S_highest_shap_dnn": self.shap,
            "details": self.details,
        }


def check_claim(rankings: Sequence[Ranking], *, dnn: Ranking | None) -> Claim:
    """Check the claim on the entropy among `rankings` and on the SHAP ranking of the DNN."""
    entropy = next(r for r in rankings if r.method == ENTROPY)
    return Claim(
        entropy.dominant(),
        dnn.dominant() if dnn else "not given",
        {
            "T_has_the_highest_entropy": _above(entropy, "T", [f for f in FEATURES if f != "T"]),
            "eps_AB_is_second_by_shap": _above(dnn, "eps_AB", [f for f in dnn.order[1:] if f != "eps_AB"])
            if dnn and dnn.order[0] != "eps_AB"
            else "not given",
        },
    )


def _above(ranking: Ranking, feature: str, others: Sequence[str]) -> str:
    """Whether a feature's score lies above the others' by more than their 95 % intervals."""
    if all(ranking.low[feature] > ranking.high[f] for f in others):
        return "yes"
    return "no" if any(ranking.high[feature] < ranking.low[f] for f in others) else "undecided"


def differences(rankings: Sequence[Ranking], claim: Claim) -> list[str]:
    """Plain sentences on what speaks against the claim, or makes it weaker than it sounds."""
    out = []
    for r in rankings:
        if r.notes.get("noise_dominated"):
            out.append(f"{r.method} ({r.source}): undecided; noise makes up half of the variance or more.")
        elif r.dominant() == "no":
            out.append(f"{r.method} ({r.source}): {r.order[0]} comes first, S is number {r.order.index('S') + 1}.")
        elif r.dominant() == "undecided":
            out.append(f"{r.method} ({r.source}): undecided; S is first in {r.first_share['S']:.0%} of the replicates.")
        by_chance = r.notes.get("first_share_if_clusters_were_random", {}).get("S")
        if by_chance is not None and by_chance > 0.5:
            out.append(
                f"{r.method}: S would come first in {by_chance:.0%} of cases if the clusters were random, "
                "since it has 4 values where the other features have 5; a yes here says little."
            )
        led = {p: own.order[0] for p, own in r.by_pair.items() if own.order[0] != "S"}
        if led and r.dominant() == "yes":
            text = ", ".join(f"{f} for {p}" for p, f in led.items())
            out.append(f"{r.method} ({r.source}): S comes first over all pairs together, but {text}.")
    for name, word in (
        ("T_has_the_highest_entropy", "The paper finds the highest entropy for T*"),
        ("eps_AB_is_second_by_shap", "The paper finds eps_AB second by SHAP"),
    ):
        if claim.details[name] == "no":
            out.append(f"{word}; here it is another feature.")
        elif claim.details[name] == "undecided":
            out.append(f"{word}; here the intervals of the features overlap.")
    return out


def stale(trained_on: dict[str, str], dataset_sha256: str) -> list[str]:
    """One sentence for each model that was trained on other data than is explained here."""
    return [
        f"{folder} was trained on other data (sha256 {sha[:12]}) than this (sha256 {dataset_sha256[:12]})."
        for folder, sha in trained_on.items()
        if sha != dataset_sha256
    ]


def table(rankings: Sequence[Ranking]) -> str:
    """The rankings as text: each score with half its 95 % interval, the order, and the answer on S.

    A model with several seeds has a second line: half the interval over its seeds alone (Student's t).
    """
    head = ["method", "of", *FEATURES, "order", "first AA/AB/BB", "S dominant"]
    rows = [head]
    for r in rankings:
        cells = [f"{r.values[f]:.3f} ±{(r.high[f] - r.low[f]) / 2:.3f}" for f in FEATURES]
        firsts = " ".join(own.order[0] for own in r.by_pair.values()) or "-"
        rows.append([r.method, r.source, *cells, " > ".join(r.order), firsts, r.dominant()])
        half = r.notes.get("half_interval_over_seeds") or {}
        if r.notes.get("seeds", 1) > 1:
            seeds = [f"{r.values[f]:.3f} ±{half[f]:.3f}" for f in FEATURES]
            rows.append([f"  over {r.notes['seeds']} seeds alone (Student's t)", r.source, *seeds, "", "", ""])
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * w for w in widths), *lines[1:]])
