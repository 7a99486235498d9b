"""Order and rank intervals of the rows of one track, by overall skill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

Row = dict[str, Any]


def order(rows: Sequence[Row]) -> list[Row]:
    """Rows by overall skill, best first; equal scores and undefined ones in order of their ids."""
    def key(row: Row) -> tuple[bool, float, str]:
        skill = row["skill"]["overall"]
        return skill is None, -(skill or 0.0), row["id"]

    return sorted(rows, key=key)


def significantly_better(draws: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Which models are significantly better than which, by paired bootstrap.

    Model i is significantly better than j if its score is higher and the 95 % percentile interval of the
    difference of their resampled scores lies above 0. An undefined draw makes nothing significant.

    Parameters
    ----------
    draws : ndarray, shape (models, resamples)
        The score of every model in the same resamples.
    scores : ndarray, shape (models,)

    Returns
    -------
    ndarray of bool, shape (models, models)
        ``[i, j]``: i is significantly better than j.
    """
    import numpy as np

    better = np.zeros((len(draws), len(draws)), dtype=bool)
    for i in range(len(draws)):
        low = np.percentile(draws[i] - draws, 2.5, axis=1)  # NaN compares as False
        better[i] = (low > 0) & (scores[i] > scores)
    return better


def assign(rows: Sequence[Row], draws: Mapping[str, np.ndarray]) -> list[Row]:
    """Order the rows of a track and give the ranked ones their place and rank interval.

    The interval runs from 1 + the number of ranked models that are significantly better to the number of
    ranked models that are not significantly worse, itself included (:func:`significantly_better`). The
    place in the order of the scores always lies within it. Every model is compared with every other, so
    the interval does not depend on who happens to stand at the top of a group.

    Parameters
    ----------
    rows : sequence of dict
        Each with ``id``, ``skill`` and ``ranked``; the others are ordered along but get None.
    draws : mapping
        Id of every ranked row -> its overall skill in each resample, the same resamples for all.

    Returns
    -------
    list of dict
        New rows with ``rank`` (place) and ``rank_interval`` ([best, worst]).
    """
    import numpy as np

    ordered = [dict(row, rank=None, rank_interval=None) for row in order(rows)]
    ranked = [row for row in ordered if row["ranked"]]
    if not ranked:
        return ordered
    scores = np.array([np.nan if (s := row["skill"]["overall"]) is None else s for row in ranked])
    better = significantly_better(np.stack([draws[row["id"]] for row in ranked]), scores)
    for place, row in enumerate(ranked, 1):
        i = place - 1
        row["rank"] = place
        row["rank_interval"] = [1 + int(better[:, i].sum()), len(ranked) - int(better[i].sum())]
    return ordered
