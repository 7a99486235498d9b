"""Feature attributions that come with a submission: read, check, compare with the model-free ranking.

A parquet file with one row a (feature, pair): ``feature`` is T, C_B, S or eps_AB, ``pair`` AA, AB or BB and
``value`` how much the feature matters to the model there (mean |SHAP| or anything else that is 0 for "not
at all" and larger for "more"). Only ranks and shares count, so the unit is free.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.errors import InputError
from binlj.eval.explain.ranking import agreement
from binlj.eval.reading import ATTRIBUTIONS, clip, first_few
from binlj.eval.sandbox import open_table
from binlj.files import replacing
from binlj.grid import PAIRS
from binlj.schema import FEATURES

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ATTRIBUTIONS.columns
KEYS = tuple((feature, pair) for feature in FEATURES for pair in PAIRS)
MAX_VALUE = 1e12  # the unit is free, but sums of four must keep their digits
FIX = f"columns {', '.join(COLUMNS)}; one row for each of {', '.join(FEATURES)} and each of {', '.join(PAIRS)}"


def read_attributions(path: str | Path) -> pd.DataFrame:
    """Read and check an attributions file.

    Returns
    -------
    DataFrame
        feature, pair, value: 12 rows, features in the order of ``schema.FEATURES`` and pairs AA, AB, BB.

    Raises
    ------
    InputError
        With every problem: unreadable or too large, columns, types, missing, extra or repeated keys, values
        that are negative, not finite or larger than 1e12, a pair whose values are all zero.
    """
    import pandas as pd

    path = Path(path)
    table, problems, _ = open_table(path, "attributions")
    if table is None or problems:
        raise InputError(path, problems, fix=FIX)
    features, pairs = (table.column(name).to_pylist() for name in COLUMNS[:2])
    values = table.column("value").to_numpy().astype(np.float64)
    rows = [(str(f), str(p)) for f, p in zip(features, pairs, strict=True)]
    counts = Counter(rows)
    for found, words in (
        ([k for k in KEYS if k not in counts], "are missing"),
        ([k for k in counts if k not in KEYS], "are unknown"),
        ([k for k, n in counts.items() if n > 1], "appear more than once"),
    ):
        if found:
            problems.append(
                f"{len(found)} keys {words}: {first_few([' '.join(clip(t, 20) for t in k) for k in found])}"
            )
    for bad, words in (
        (~np.isfinite(values), "NaN, inf or null"),
        (values < 0, "negative"),
        (np.isfinite(values) & (values > MAX_VALUE), f"larger than {MAX_VALUE:g}"),
    ):
        if bad.any():
            names = [" ".join(clip(t, 20) for t in rows[i]) for i in np.flatnonzero(bad)]
            problems.append(f"{int(bad.sum())} values are {words}: {first_few(names)}")
    if not problems:
        of = dict(zip(rows, values.tolist(), strict=True))
        problems = [f"pair {p}: all values are zero" for p in PAIRS if not any(of[f, p] for f in FEATURES)]
    if problems:
        raise InputError(path, problems, fix=FIX)
    return pd.DataFrame([{"feature": f, "pair": p, "value": of[f, p]} for f, p in KEYS])


def write_attributions(path: str | Path, importances: dict[str, dict[str, float]]) -> None:
    """Write ``pair -> feature -> value`` as an attributions file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {
            "feature": pa.array([f for f, _ in KEYS], pa.string()),
            "pair": pa.array([p for _, p in KEYS], pa.string()),
            "value": pa.array([float(importances[p][f]) for f, p in KEYS], pa.float64()),
        }
    )
    with replacing(Path(path)) as temporary:
        pq.write_table(table, temporary)


def score_attributions(
    attributions: pd.DataFrame, truth: dict[str, dict[str, dict[str, float]]]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Agreement with every model-free ranking, pair by pair.

    Parameters
    ----------
    attributions : DataFrame
        From :func:`read_attributions`.
    truth : dict
        Method -> pair -> feature -> value, from :meth:`binlj.eval.explain.curve_report.CurveReport.truth`.

    Returns
    -------
    dict
        Method -> pair or ``"mean"`` -> Kendall's tau-b, Spearman's rho, overlap of the shares,
        same first feature.
    """
    own: dict[str, dict[str, float]] = {p: {} for p in PAIRS}
    for feature, pair, value in attributions[list(COLUMNS)].itertuples(index=False):
        own[str(pair)][str(feature)] = float(value)
    return compare_importances(own, truth)


def compare_importances(
    own: dict[str, dict[str, float]], truth: dict[str, dict[str, dict[str, float]]]
) -> dict[str, dict[str, dict[str, Any]]]:
    """As :func:`score_attributions`, of ``pair -> feature -> value``."""
    out: dict[str, dict[str, dict[str, Any]]] = {}
    for method, by_pair in truth.items():
        scored: dict[str, dict[str, Any]] = {p: agreement(own[p], by_pair[p]) for p in PAIRS}
        mean: dict[str, Any] = {}
        for name in ("kendall", "spearman", "overlap"):
            values = [s[name] for s in scored.values()]
            mean[name] = None if None in values else float(np.mean(values))
        mean["same_first"] = all(s["same_first"] for s in scored.values())
        out[method] = {**scored, "mean": mean}
    return out
