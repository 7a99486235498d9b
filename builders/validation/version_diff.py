"""Version diff of the dataset: changes of curves, published starts, phases and convergence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.builders.analysis import criteria
from binlj.builders.analysis.observables import relative_rms
from binlj.builders.validation.output import COLOURS, new_figure, number
from binlj.data import curves, data_line, dataset_info, read_table, tracks_of
from binlj.errors import DataError
from binlj.grid import PAIRS
from binlj.markdown import markdown_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LARGEST = 20
SETS = {  # a track whose curves, each once, are those of a set of states, and what the report calls the set
    "interpolation": "grid", "offgrid": "off the grid",
    "mixed_interpolation": "grid, mixed regime", "mixed_offgrid": "off the grid, mixed regime",
}  # fmt: skip
_COLUMNS = ["state_id", "T", "start", "phase", "converged", "production_steps"]


def compare(before: Path, after: Path | None = None) -> pd.DataFrame:
    """One row for each state of both versions.

    Parameters
    ----------
    before, after : path
        Dataset folders; `after` is the installed one if left out.

    Returns
    -------
    DataFrame
        Columns ``state_id``, ``T``; ``start``, ``phase``, ``converged`` and ``production_steps`` with the endings
        ``_before`` and ``_after``; for each pair ``rms_AA`` ... the rms difference of g over 0.9 to 5 sigma as a
        share of the curve's maximum now, and ``err_AA`` ... its combined standard error.

    Raises
    ------
    DataError
        If a folder holds no dataset, or the two have other states.
    """
    import pandas as pd

    states = [read_table("states", path=path)[_COLUMNS] for path in (before, after)]
    frame = states[0].merge(states[1].drop(columns="T"), on="state_id", suffixes=("_before", "_after"))
    if not len(states[0]) == len(states[1]) == len(frame):
        raise DataError(before, ["its states are not those of the other version"], fix="give versions of one grid")
    one, other = (_curves(path) for path in (before, after))
    for name in ("rms", "err"):
        frame[[f"{name}_{pair}" for pair in PAIRS]] = 0.0
    for i, state_id in enumerate(frame.state_id):
        (g1, e1), (g2, e2) = one[state_id], other[state_id]
        for name, values in (("rms", g2 - g1), ("err", np.hypot(e1, e2))):
            frame.loc[i, [f"{name}_{pair}" for pair in PAIRS]] = relative_rms(values, g2.max(1))
    return pd.DataFrame(frame)


def changes(before: Path, after: Path | None = None) -> pd.DataFrame:
    """One row for each state of both versions, of all sets that both have.

    Returns
    -------
    DataFrame
        Columns ``set`` (a value of ``SETS``) and ``state_id``; ``start``, ``geometry``, ``phase`` and ``converged``
        with the endings ``_before`` and ``_after``; ``curves``, whether any of the three differs at all.
    """
    import pandas as pd

    columns, found = ["start", "geometry", "phase", "converged"], []
    known = {*tracks_of(before)} & {*tracks_of(after)}
    for track in (track for track in SETS if track in known):
        config, split = "mixed_states" if "mixed" in track else "states", "offgrid" if "offgrid" in track else "all"
        old, new = (read_table(config, split, path=path)[["state_id", *columns]] for path in (before, after))
        frame = old.merge(new, on="state_id", suffixes=("_before", "_after"))
        one, other = _curves(before, track), _curves(after, track)
        frame["curves"] = [not np.array_equal(one[state_id][0], other[state_id][0]) for state_id in frame.state_id]
        found.append(frame.assign(set=SETS[track]))
    return pd.concat(found, ignore_index=True)


def _curves(path: Path | None, track: str = "interpolation") -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """g and its standard error of every state of a track that is not on the grid as well, each (3, bins)."""
    import pandas as pd

    splits = ("test",) if "offgrid" in track else ("train", "test")
    rows = pd.concat([read_table(track, split, path=path) for split in splits])
    order = {pair: i for i, pair in enumerate(PAIRS)}
    rows = rows.assign(order=rows.pair.map(order)).sort_values(["state_id", "order"])
    g, e = (curves(rows, column).reshape(-1, len(PAIRS), len(rows.g.iloc[0])) for column in ("g", "g_stderr"))
    return {state_id: (g[i], e[i]) for i, state_id in enumerate(rows.state_id.iloc[:: len(PAIRS)])}


def scores(before: Path, after: Path | None = None) -> dict[str, dict[str, float | None]]:
    """R² of the old curves as predictions of the new ones, for each track: AA, AB, BB, overall.

    The states are those of the present test set; an older version may have had some of them in the training set.
    """
    import pandas as pd

    from binlj.eval.scoring import load_case, pooled
    from binlj.eval.truth import load_truth

    found = {}
    for track in (t for t in tracks_of(before) if t in tracks_of(after)):
        truth = load_truth(track, dataset=after)
        old = pd.concat([read_table(track, side, path=before) for side in ("train", "test")])
        old = old[old.state_id.isin(read_table(track, "test", path=after).state_id)]
        case, _ = load_case(old[["state_id", "pair", "g"]], truth)
        found[track] = dict(pooled(case, "r2"))
    return found


def _tables(before: Path, after: Path | None) -> str:
    """Which parquet files are new, changed or gone."""
    old, new = ({k: v for k, v in dataset_info(path=path)["files"].items() if k.endswith(".parquet")}
                for path in (before, after))  # fmt: skip
    kinds = {
        "New": sorted(set(new) - set(old)),
        "Changed": sorted(name for name in set(new) & set(old) if new[name] != old[name]),
        "Removed": sorted(set(old) - set(new)),
    }
    return " ".join(f"{kind} tables: {', '.join(names) or 'none'}." for kind, names in kinds.items())


def _overview(changed: pd.DataFrame) -> list[str]:
    """How many states of each set changed in what; ids of those no longer converged, and of another phase."""
    table, lists = [], []
    for name, mine in changed.groupby("set", sort=False):
        differ = {what: mine[f"{what}_before"] != mine[f"{what}_after"] for what in ("start", "geometry", "phase")}
        was, now = mine.converged_before.astype(bool), mine.converged_after.astype(bool)
        table.append([
            str(name), *(str(int(n)) for n in (len(mine), mine.curves.sum(), *(d.sum() for d in differ.values()))),
            *(str(int(n)) for n in (was.sum(), now.sum(), (now & ~was).sum(), (was & ~now).sum())),
        ])  # fmt: skip
        lost = list(mine.state_id[was & ~now])
        other = mine[differ["phase"]]
        phases = [f"{row.state_id} ({row.phase_before} → {row.phase_after})" for row in other.itertuples()]
        for what, states in (("No longer converged", lost), ("Another phase", phases)):
            if states:
                lists += [f"{what}, {name}: {', '.join(states)}.", ""]
    head = ["set", "states", "other curves", "another start", "another geometry", "another phase",
            "converged before", "now", "newly", "no longer"]  # fmt: skip
    return ["## States that changed", "", markdown_table(head, table), "", *lists]


def report(
    frame: pd.DataFrame, r2: dict[str, dict[str, float | None]], changed: pd.DataFrame, before: Path,
    after: Path | None = None,
) -> tuple[str, dict[str, Any]]:  # fmt: skip
    """Markdown and data, from :func:`compare`, :func:`scores` and :func:`changes`."""
    rms = frame[[f"rms_{pair}" for pair in PAIRS]].to_numpy()
    err = frame[[f"err_{pair}" for pair in PAIRS]].to_numpy()
    beyond = rms > criteria.DIFFERENT_SIGMAS * err
    columns = ["AA", "AB", "BB", "overall"]
    worst = frame.assign(worst=rms.max(1)).nlargest(LARGEST, "worst")
    lines = [
        "# Version diff: changes since the previous version", "",
        f"Before: {data_line(before)[:-1]}. Now: {data_line(after)}", "",
        _tables(before, after), "",
        f"Median production steps on the grid: {number(float(frame.production_steps_before.median()), 0)} before, "
        f"{number(float(frame.production_steps_after.median()), 0)} now.", "",
        *_overview(changed),
        "## Curves of the grid", "",
        "Rms difference of g over 0.9 to 5 σ, as a share of the curve's maximum:", "",
        markdown_table(
            ["pair", "median", "90 % of the states below", "largest",
             f"beyond {criteria.DIFFERENT_SIGMAS:g} combined standard errors"],
            [[pair, *(number(float(v), 1, scale=100) + " %" for v in (np.median(rms[:, i]), np.quantile(rms[:, i], 0.9),
                                                                      rms[:, i].max())), str(int(beyond[:, i].sum()))]
             for i, pair in enumerate(PAIRS)],
        ), "",
        "## Scores of the old curves", "",
        "R² of the old curves as predictions of the new ones, i.e. the present score of a model that reproduces the "
        "previous version exactly.", "",
        markdown_table(
            ["track", *columns], [[track, *(number(r2[track][c], 3) for c in columns)] for track in r2],
        ), "",
        f"## The {len(worst)} states that changed most", "",
        markdown_table(
            ["state", "AA", "AB", "BB", "start before", "now", "phase before", "now"],
            [[str(row.state_id), *(number(getattr(row, f"rms_{pair}"), 1, scale=100) + " %" for pair in PAIRS),
              *(str(getattr(row, f"{what}_{when}")) for what in ("start", "phase") for when in ("before", "after"))]
             for row in worst.itertuples()],
        ),
    ]  # fmt: skip
    return "\n".join(lines), {"r2": r2, "states": frame.to_dict("records"), "changes": changed.to_dict("records")}


def draw(frame: pd.DataFrame) -> Figure:
    """Change of every curve, by temperature; states whose published start is another one stand out."""
    figure = new_figure(12, 4)
    rng = np.random.default_rng(0)
    temperatures = sorted(frame["T"].unique())
    for axis, pair in zip(figure.subplots(1, len(PAIRS), sharey=True), PAIRS, strict=True):
        for phase, colour in COLOURS.items():
            for other, mark in ((False, "o"), (True, "x")):
                mine = frame[(frame.phase_after == phase) & ((frame.start_before != frame.start_after) == other)]
                if len(mine):
                    x = np.array([temperatures.index(T) for T in mine["T"]]) + rng.uniform(-0.3, 0.3, len(mine))
                    label = phase + (", another start" if other else "")
                    axis.scatter(x, 100 * mine[f"rms_{pair}"].clip(lower=1e-5), s=14, marker=mark, color=colour,
                                 alpha=0.7, lw=1, label=label)  # fmt: skip
        axis.set_xticks(range(len(temperatures)), [f"{T:g}" for T in temperatures])
        axis.set(yscale="log", title=pair, xlabel="T*")
        axis.grid(alpha=0.25)
    axes = figure.axes
    axes[0].set_ylabel("rms change of g, % of the maximum (0.001: or less)")
    axes[-1].legend(fontsize=8, loc="lower right", bbox_to_anchor=(1.0, 0.08))
    return figure
