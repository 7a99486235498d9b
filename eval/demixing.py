"""Phase call: do three predicted curves of a state show demixing?

If every particle carries the label "is B", then for two particles a distance r apart in a mixture whose
total density is uniform, the correlation coefficient of their labels is

    chi(r) = x_A x_B [g_AA(r) + g_BB(r) - 2 g_AB(r)],

since the covariance is x_B^2 (g_BB - 1) = x_A^2 x_B^2 (g_AA + g_BB - 2 g_AB) and the variance x_A x_B. It is
the r-space form of Bhatia & Thornton's concentration-concentration structure factor (Phys. Rev. B 2, 3004,
1970), whose long-wavelength limit Kirkwood-Buff integrals give: 0 beyond the local order of a mixed fluid,
1 inside pure phases. A state is called demixed if the mean of chi over the shell between 3 and 5 sigma_AA
exceeds 0.02. The shell lies outside the local order and inside the droplets of the rarest B.

Window and threshold were chosen by the training splits of data version 1.1.0: of the eight windows tried
(2-3, 2-5, 2.5-10, 3-5, 3-6, 3-10, 4-6 and 5-10 sigma_AA) this one had the highest balanced accuracy on both
tracks' training curves, and there any threshold from 0.0175 to 0.0242 came within 0.005 of the best.
"""

from __future__ import annotations

import numpy as np

from binlj.eval.truth import Truth
from binlj.schema import shell_volumes

WINDOW = (3.0, 5.0)  # sigma_AA
THRESHOLD = 0.02


def label_correlation(truth: Truth, g: np.ndarray) -> np.ndarray:
    """Mean of chi over the shell :data:`WINDOW`, by volume, shape (states,)."""
    inside = (truth.r >= WINDOW[0]) & (truth.r <= WINDOW[1])
    weight = shell_volumes(g.shape[1])[inside]
    mean = g[:, inside] @ (weight / weight.sum())
    of_state = np.zeros((len(truth.state_id), 3))
    of_state[truth.state, truth.pair] = mean
    c = truth.C_B
    chi: np.ndarray = c * (1 - c) * (of_state[:, 0] + of_state[:, 2] - 2 * of_state[:, 1])
    return chi


def call_terms(truth: Truth, g: np.ndarray) -> np.ndarray:
    """Demixed and called so, demixed, not demixed and called so, not demixed: 0 or 1, shape (states, 4)."""
    called, demixed = label_correlation(truth, g) > THRESHOLD, truth.phase == "demixed"
    return np.column_stack([called & demixed, demixed, ~called & ~demixed, ~demixed]).astype(float)


def balanced_accuracy(sums: np.ndarray) -> np.ndarray:
    """Mean of the shares called right among demixed and other states; NaN where there are none of one kind."""
    n = sums[..., [1, 3]]
    share = np.divide(sums[..., [0, 2]], n, out=np.full(n.shape, np.nan), where=n > 0)
    mean: np.ndarray = share.mean(axis=-1)
    return mean
