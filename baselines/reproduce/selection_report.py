"""How ``gp_ensemble`` was chosen: the cross-validation table, from the training set alone."""

from __future__ import annotations

import json

from binlj.baselines.reproduce.result import Result
from binlj.baselines.reproduce.runs import Settings, job, metadata_of, train_jobs
from binlj.baselines.training import SELECTION
from binlj.grid import PAIRS
from binlj.markdown import markdown_table


def run(settings: Settings) -> Result:
    """Cross-validated R2 of every candidate: train on two temperatures, predict the third."""
    j = job("gp_ensemble", "extrapolation", 0, settings)
    train_jobs([j], settings)
    table = json.loads((j.folder / SELECTION).read_text(encoding="utf-8"))
    lines = []
    for row in table:
        weight = " ".join(f"{row['weight'][p]:.2f}" for p in PAIRS) if row["weight"] else ""
        lines.append(
            [
                f"{row['regime']}: {row['candidate']}",
                *(f"{row['r2'][p]:.4f}" for p in (*PAIRS, "overall")),
                weight,
            ]
        )
    text = markdown_table(["held out: candidate", *PAIRS, "overall", "weight AA AB BB"], lines)
    seconds = metadata_of(j)["train_seconds"]
    return Result(
        "Choice of the extrapolation model",
        conditions=settings.conditions() | {"seconds, all included": seconds},
        table=text,
        details={"table": table},
        notes=[
            "cold: T* = 0.8 predicted from 1.0 and 1.2; hot: 1.2 from 0.8 and 1.0; inside: a fifth of the "
            "training states at a time. The ensemble's row is cross-fitted: its weights never saw the "
            "composition predicted. "
            "No test temperature enters."
        ],
    )
