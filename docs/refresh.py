"""The parts of refresh.sh that are no commands of `binlj`: seeds, seconds, hardware."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def seeds(file: str) -> str:
    """What the seeds of the network that were not entered gave, for the notes of its submission."""
    scores = json.loads(Path(file).read_text(encoding="utf-8"))["details"]["scores"]
    texts = []
    for track in ("extrapolation", "interpolation"):
        found = [f"{s['r2']['overall']:.3f}" for s in scores if s["track"] == track and s["seed"] > 0]
        texts.append(f"{' and '.join(found)} on {track}")
    return (
        f"Seed 0 is entered, whatever it gives; seeds 1 and 2 give R² {' and '.join(texts)} overall "
        "(binlj reproduce benchmark --models dnn --seeds 3)."
    )


def seconds(store: str, track: str) -> str:
    """Wall time of the simulations in a store of the states in a track's test set, on one core."""
    from binlj.builders.records.store import load_records
    from binlj.tracks import split

    wanted = {state.state_id for state in split(track)[1]}
    return f"{sum(r.wall_seconds for r in load_records(Path(store)) if r.state_id in wanted):.0f}"


def hardware() -> str:
    """Processor of this machine."""
    from binlj.baselines.training import hardware as machine

    return f"{machine()['cpu']}, {machine()['cores']} cores"


if __name__ == "__main__":
    print({"seeds": seeds, "seconds": seconds, "hardware": hardware}[sys.argv[1]](*sys.argv[2:]))
