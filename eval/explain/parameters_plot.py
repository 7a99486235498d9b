"""The picture of `binlj explain parameters`: parameters x {phase, structure at r and at r / sigma_ij}."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from binlj.eval.explain.parameters import EFFECT, PHASE, WITHIN, Found
from binlj.eval.explain.plots import COLOURS, LABELS, _figure, _save
from binlj.schema import FEATURES

GROUPS = {
    PHASE: "demixed\nor not",
    WITHIN["r"]: "structure of\nhomogeneous mixtures,\n" + r"$r$ in $\sigma_{AA}$",
    WITHIN["scaled"]: "structure of\nhomogeneous mixtures,\n" + r"$r$ in $\sigma_{ij}$",
}
TITLES = {"equilibrium": "Equilibrium", "mixed": "Shortly after random mixing"}
WIDTH = 0.2


def plot_parameters(regimes: Sequence[Found], offgrid: Found | None, path: Path) -> Path:
    """Shapley effects as bars with their intervals, and as diamonds those of the fitted theory off the grid."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure, axes = _figure(1.0 + 6.2 * len(regimes), 4.0, ncols=len(regimes), sharey=True, squeeze=False)
    for ax, found in zip(axes[0], regimes, strict=True):
        _bars(ax, found, offgrid if found.regime == "equilibrium" else None)
        ax.set(title=f"{TITLES[found.regime]}: {found.details['states']} states", ylim=(0, 1.08))
        ax.set_xticks(range(len(GROUPS)), list(GROUPS.values()), fontsize=9)
        ax.set_xlim(-0.55, len(GROUPS) - 0.45)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel("share of the variance\n(Shapley effect, 95 % interval)")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", frameon=False)
    return _save(figure, path)


def _bars(ax: Any, found: Found, offgrid: Found | None) -> None:
    for group, target in enumerate(GROUPS):
        if target not in found.rankings:
            ax.text(group, 0.5, "does not vary" if target == PHASE else "too few states", ha="center", color="0.4")
            continue
        for k, f in enumerate(FEATURES):
            at = group + (k - 1.5) * WIDTH
            r = found.rankings[target][EFFECT]
            value, low, high = r.values[f], r.low[f], r.high[f]
            ax.bar(
                at, value, 0.92 * WIDTH, color=COLOURS[f], label=LABELS[f] if group == _first(found) else None,
                yerr=np.maximum([[value - low], [high - value]], 0), capsize=2.5, error_kw={"lw": 1},
            )  # fmt: skip
            top = max(value, high)
            if offgrid is not None and target in offgrid.rankings:
                own = offgrid.rankings[target][EFFECT]
                v, a, b = own.values[f], own.low[f], own.high[f]
                last = k == len(FEATURES) - 1 and group == _first(found)
                ax.errorbar(
                    at + 0.3 * WIDTH, v, yerr=np.maximum([[v - a], [b - v]], 0), fmt="D", ms=4, mfc="white",
                    mec="black", ecolor="0.35", lw=0.8, label="theory,\noff the grid" if last else None,
                )  # fmt: skip
                top = max(top, b)
            ax.text(at, top + 0.015, f"{100 * value:.0f} %", ha="center", va="bottom", fontsize=7.5)


def _first(found: Found) -> int:
    return next(k for k, target in enumerate(GROUPS) if target in found.rankings)
