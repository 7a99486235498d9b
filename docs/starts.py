"""Figure of the dataset card: one demixed state from four starts. Run ``python docs/starts.py`` in a clone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from binlj.builders.records.record import SegmentRecord
from binlj.builders.records.store import load_records
from binlj.files import replacing
from binlj.grid import PAIRS
from binlj.schema import MERGE, N_BINS, bin_centres

ROOT = Path(__file__).resolve().parents[1]
STATE = "T1.20-C0.500-S1.50-E0.20"
LABELS = {
    "mixed": "mixed",
    "separated": "separated",
    "saturated": "coexistence-seeded, from the pure side",
    "supersaturated": "coexistence-seeded, from the mixed side",
}
PAIR = PAIRS.index("AA")


def blocks(records: list[SegmentRecord]) -> tuple[np.ndarray, np.ndarray]:
    """Middle steps and g_AA of the blocks of one start's first chain, shapes (n,) and (n, 100)."""
    steps, curves = [], []
    for record in (r for r in records if r.replica == 0):
        counts, ideal = record.counts[:, PAIR], record.ideal_counts()[:, PAIR]
        length = record.steps / record.n_blocks
        steps += [record.step_start + (i + 0.5) * length for i in range(record.n_blocks)]
        curves += list(_merged(counts) / _merged(ideal))
    return np.array(steps), np.array(curves)


def _merged(x: np.ndarray) -> np.ndarray:
    return np.asarray(x.reshape(len(x), N_BINS, MERGE).sum(-1), dtype=float)


def main() -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    records = load_records(ROOT / "builders/campaigns/release", state_ids=[STATE])
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    r = bin_centres(N_BINS)
    for (start, label), colour in zip(LABELS.items(), ("#d95f02", "#1b1b1b", "#1f78b4", "#33a02c"), strict=True):
        steps, curves = blocks([record for record in records if record.start == start])
        left.plot(steps, curves.max(1), "o-", ms=3, lw=1, color=colour, label=label)
        right.plot(r, curves[len(curves) // 2 :].mean(0), lw=1.4, color=colour)
    left.set(xscale="log", xlabel="MD step", ylabel="maximum of $g_{AA}$", title="blocks of each run")
    left.legend(frameon=False, fontsize=8)
    right.set(xlabel=r"$r\;/\;\sigma_{AA}$", ylabel=r"$g_{AA}(r)$", xlim=(0.5, 6), title="second half of each run")
    figure.suptitle(STATE)
    with replacing(ROOT / "docs" / "starts.png") as temporary:
        figure.savefig(temporary, dpi=110, format="png", metadata={"Software": None})


if __name__ == "__main__":
    main()
