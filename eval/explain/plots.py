"""Pictures of the explainability track: the counterparts of Fig. 7A-D, and the Sobol indices along r."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.eval.explain.embedding import K_RANGE
from binlj.eval.explain.sobol import noise_of
from binlj.files import replacing
from binlj.schema import FEATURES

if TYPE_CHECKING:
    from binlj.eval.explain.curve_report import CurveReport
    from binlj.eval.explain.map_report import MapReport
    from binlj.eval.explain.model_report import ModelReport
    from binlj.eval.explain.ranking import Ranking

NOISY = 0.1  # share of noise in the variance above which a pair is shown without its most dilute composition
LABELS = {"T": r"$T^*$", "C_B": r"$C_B$", "S": r"$S$", "eps_AB": r"$\epsilon_{AB}$"}
# Okabe and Ito's palette, told apart by readers with any colour vision.
COLOURS = {"T": "#D55E00", "C_B": "#009E73", "S": "#0072B2", "eps_AB": "#CC79A7"}
CLUSTERS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#999933",
    "#000000",
    "#882255",
    "#888888",
)
OUTSIDE: dict[str, Any] = {
    "loc": "upper left",
    "bbox_to_anchor": (1.0, 1.02),
    "frameon": False,
    "handletextpad": 0.1,
}


def _figure(width: float, height: float, **kwargs: Any) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(**kwargs)


def _save(figure: Any, path: Path) -> Path:
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=150)
    return path


def plot_map(report: MapReport, path: Path) -> Path:
    """Fig. 7A: the map coloured by cluster, and by each feature."""
    figure, axes = _figure(12.5, 6.4, nrows=2, ncols=3)
    x, y = report.points.T
    flat = axes.ravel()
    for c in np.unique(report.labels):
        at = report.labels == c
        flat[0].scatter(x[at], y[at], s=11, color=CLUSTERS[c], label=f"{c + 1}: {at.sum()} states")
    flat[0].set_title("K-means clusters", fontsize=10)
    flat[0].legend(fontsize=7, title="cluster", title_fontsize=7, **OUTSIDE)
    for ax, i in zip(flat[1:5], range(4), strict=True):
        values = np.unique(report.states[:, i])
        for value, colour in zip(values, _ramp(len(values)), strict=True):
            at = report.states[:, i] == value
            ax.scatter(x[at], y[at], s=11, color=colour, label=f"{value:g}")
        ax.set_title(f"coloured by {LABELS[FEATURES[i]]}", fontsize=10)
        ax.legend(fontsize=7, title=LABELS[FEATURES[i]], title_fontsize=8, **OUTSIDE)
    for ax in flat[:5]:
        ax.set(xlabel="UMAP 1", ylabel="UMAP 2")
    flat[5].axis("off")
    flat[5].text(
        0,
        0.95,
        "One point a state:\n"
        r"$g_{AA}$, $g_{AB}$, $g_{BB}$ "
        + (r"at $r/\sigma_{ij}$ from 0.9 to 4.96," if report.scaled else r"from 0.9$\sigma$ to 5$\sigma$,")
        + "\n80 points each (240 in all),\nprojected by UMAP.\nThe axes have no unit.",
        va="top",
        fontsize=10,
    )
    return _save(figure, path)


def plot_k(report: MapReport, path: Path) -> Path:
    """Fig. 7B: inertia and silhouette against K, mean and range over the seeds."""
    figure, ax = _figure(5.2, 3.8)
    other = ax.twinx()
    k = np.array(K_RANGE)
    for axis, values, colour, name, mark in (
        (ax, report.inertia, "#0072B2", "inertia", "o"),
        (other, report.silhouette, "#D55E00", "silhouette", "s"),
    ):
        axis.fill_between(k, values.min(0), values.max(0), color=colour, alpha=0.2, lw=0)
        axis.plot(k, values.mean(0), color=colour, marker=mark, ms=4)
        axis.set_ylabel(f"{name} (mean and range, {len(values)} seeds)", color=colour, fontsize=9)
        axis.tick_params(axis="y", colors=colour)
    ax.set(xlabel="number of clusters K", xticks=k)
    ax.set_ylim(bottom=0)
    return _save(figure, path)


def plot_entropy(rankings: Sequence[Ranking], states: np.ndarray, path: Path) -> Path:
    """Fig. 7C: mixing entropy as in the paper, and divided by log(number of values)."""
    figure, axes = _figure(8, 3.6, ncols=2)
    for ax, ranking, ylabel in zip(
        axes, rankings[:2], ("mixing entropy (nats)", "mixing entropy / log n"), strict=True
    ):
        _bars(ax, ranking)
        for i, name in enumerate(FEATURES):
            n = len(np.unique(states[:, i]))
            top = np.log(n) if ranking is rankings[0] else 1.0
            where = ranking.order[::-1].index(name)
            ax.plot(
                [where - 0.42, where + 0.42],
                [top, top],
                color="black",
                lw=1.2,
                ls=":",
                label="no relation at all" if i == 0 else None,
            )
        ax.set_ylabel(ylabel)
        ax.set_ylim(0, ax.get_ylim()[1] * 1.18)
        ax.legend(fontsize=7, loc="upper right")
        ax.set_title("lowest = most important", fontsize=9)
    return _save(figure, path)


def _bars(ax: Any, ranking: Ranking) -> None:
    names = ranking.order[::-1] if ranking.strongest == "lowest" else ranking.order
    value = np.array([ranking.values[n] for n in names])
    low, high = (np.array([getattr(ranking, k)[n] for n in names]) for k in ("low", "high"))
    error = np.maximum([value - low, high - value], 0)
    ax.bar(range(4), value, color=[COLOURS[n] for n in names], yerr=error, capsize=3, width=0.7)
    ax.set_xticks(range(4), [LABELS[n] for n in names])


def plot_shap(report: ModelReport, path: Path) -> Path:
    """Fig. 7D: beeswarm and bars of the Shapley values, and the bars of each pair."""
    figure, (swarm, bars, pairs) = _figure(12, 3.9, ncols=3, width_ratios=(1.35, 0.8, 1.1))
    ranking = report.rankings[0]
    order = ranking.order[::-1]
    phi, states = report.cloud["phi"], report.cloud["states"]
    points = None
    swarm.set_xlabel(r"Shapley value: change of $g(r)$")
    unit = _stretch(swarm, phi)
    for row, name in enumerate(order):
        i = FEATURES.index(name)
        value = states[:, i]
        colour = (value - value.min()) / max(float(np.ptp(value)), 1e-12)
        points = swarm.scatter(
            phi[:, i],
            row + _swarm(np.arcsinh(phi[:, i] / unit)),
            c=colour,
            cmap="coolwarm",
            s=2.5,
            lw=0,
            rasterized=True,
        )
    swarm.set_yticks(range(4), [LABELS[n] for n in order])
    swarm.axvline(0, color="grey", lw=0.8)
    swarm.set(title=f"{report.name}: {len(phi):,} of {report.details['points']:,} points")
    bar = figure.colorbar(points, ax=swarm, ticks=[0, 1], pad=0.02)
    bar.ax.set_yticklabels(["low", "high"])
    bar.set_label("value of the feature", fontsize=9)
    _bars(bars, ranking)
    bars.set(ylabel=r"mean |Shapley value|", title="all pairs, 95 % intervals")
    width = 0.2
    for k, name in enumerate(FEATURES):
        own = [r.values[name] for r in ranking.by_pair.values()]
        pairs.bar(np.arange(3) + (k - 1.5) * width, own, width, color=COLOURS[name], label=LABELS[name])
    pairs.set_xticks(range(3), list(ranking.by_pair))
    pairs.set(xlabel="pair", ylabel=r"mean |Shapley value|", title="pair by pair")
    pairs.legend(fontsize=8, **OUTSIDE)
    return _save(figure, path)


def plot_sobol(report: CurveReport, path: Path) -> Path:
    """First-order Sobol indices along r and along r / sigma_ij, with the variance they share out.

    A pair whose curves carry much noise is shown without its most dilute composition.
    """
    figure, axes = _figure(10, 8, nrows=3, ncols=2, sharex=True, sharey=True)
    for column, (scale, label) in enumerate((("r", r"$r\ /\ \sigma_{AA}$"), ("scaled", r"$r\ /\ \sigma_{ij}$"))):
        for ax, (pair, curve) in zip(axes[:, column], report.curves[scale].items(), strict=True):
            found = report.indices[scale][pair]
            name_of = pair
            if found.noise_share > NOISY:
                curve, found = report.dense[scale][pair], report.dense_indices[scale][pair]
                name_of = rf"{pair} without the lowest $C_B$"
            share = np.maximum(found.variance_x, 0) / found.variance_x.max()
            ax.fill_between(curve.x, share, color="0.85", lw=0, label="variance / largest")
            seen = (found.variance_x > 3 * noise_of(curve)) & (share > 1e-4)  # where there is something to share out
            for i, name in enumerate(FEATURES):
                ax.plot(
                    curve.x,
                    np.where(seen, found.first_x[i], np.nan),
                    color=COLOURS[name],
                    lw=1.5,
                    label=LABELS[name],
                )
            whole = ", ".join(f"{LABELS[n]} {max(v, 0):.2f}" for n, v in zip(FEATURES, found.first, strict=True))
            ax.set_title(f"{name_of}, whole curve: {whole}", fontsize=9)
        axes[2, column].set_xlabel(label)
    for ax in axes[:, 0]:
        ax.set_ylabel("first-order index")
    axes[0, 0].set(xlim=(0.4, 5), ylim=(-0.02, 1.02))
    axes[0, 1].legend(fontsize=8, loc="upper right", ncols=2)
    return _save(figure, path)


def _stretch(ax: Any, values: np.ndarray) -> float:
    """Logarithmic beyond the bulk of the values where a few of them reach far out, linear otherwise.

    Returns the value up to which the axis is linear.
    """
    size = np.abs(values)
    bulk, largest = float(np.quantile(size, 0.99)), float(size.max())
    if not 0 < bulk < largest / 4:
        return max(largest, 1e-12)
    unit = float(10.0 ** np.floor(np.log10(bulk)))
    decades = unit * 10.0 ** np.arange(int(np.floor(np.log10(largest / unit))) + 1)
    ax.set_xscale("symlog", linthresh=unit)
    ticks = [*(-decades[::-1]), 0.0, *decades]
    ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
    ax.set_xlabel(ax.get_xlabel() + f" (logarithmic beyond {unit:g})")
    return unit


def _ramp(n: int) -> list[Any]:
    import matplotlib

    return [matplotlib.colormaps["viridis"](v) for v in np.linspace(0, 0.92, n)]


def _swarm(values: np.ndarray, *, bins: int = 120, height: float = 0.38) -> np.ndarray:
    """Vertical offsets that grow with the square root of the local density, above and below in turn."""
    edges = np.linspace(values.min(), values.max() + 1e-12, bins + 1)
    which = np.digitize(values, edges)
    offset = np.zeros(len(values))
    largest = max(np.bincount(which).max(), 1)
    for b in np.unique(which):
        at = np.flatnonzero(which == b)
        ladder = (np.arange(len(at)) + 1) // 2 * np.where(np.arange(len(at)) % 2, 1, -1)
        offset[at] = ladder / len(at) * 2 * height * np.sqrt(len(at) / largest)
    return offset
