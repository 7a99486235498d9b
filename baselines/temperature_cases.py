"""Where a query lies against the training temperatures, and how each case is imitated inside the training set.

* *cold*: below them; imitated by holding out the coldest training temperature;
* *hot*: above them; the hottest is held out;
* *inside*: between them; every fifth state is held out, in turn.

On the extrapolation track *cold* and *hot* mean: train on two temperatures, predict the third.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

CASES = ("cold", "hot", "inside")
INSIDE_FOLDS = 5


def cases_of(T: np.ndarray, coldest: float, hottest: float) -> np.ndarray:
    """The case of each query temperature, shape (n,), given the range of the training temperatures."""
    return np.where(coldest > T, "cold", np.where(hottest < T, "hot", "inside"))


def folds(train: pd.DataFrame, case: str, seed: int) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """(fit, held-out) parts of a training table for one case."""
    if case == "inside":
        ids = np.array(sorted(set(train["state_id"])))
        fold = np.random.default_rng(seed).permutation(len(ids)) % INSIDE_FOLDS
        of = dict(zip(ids.tolist(), fold.tolist(), strict=True))
        number = train["state_id"].map(of).to_numpy()
        for k in range(INSIDE_FOLDS):
            yield train[number != k], train[number == k]
    else:
        edge = train["T"].min() if case == "cold" else train["T"].max()
        yield train[train["T"] != edge], train[train["T"] == edge]
