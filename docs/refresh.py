"""The parts of refresh.sh that are no commands of `binlj`."""

from __future__ import annotations

import sys
from pathlib import Path


def data() -> str:
    """Version and hash of the dataset, as the name of a folder."""
    from binlj.data import dataset_info

    info = dataset_info()
    return f"{info['version']}-{info['data_sha256'][:8]}"


def tracks() -> str:
    """All tracks on which anything can be scored, regimes included."""
    from binlj.eval.scoring import scorable_tracks

    return " ".join(scorable_tracks())


def runs(out: str, model: str, track: str, seeds: str) -> str:
    """Folders of a model's trainings, one a seed."""
    from binlj.baselines.reproduce.runs import Settings, job

    return " ".join(str(job(model, track, seed, Settings(Path(out))).folder) for seed in range(int(seeds)))


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


def losses(folder: str) -> str:
    """What `binlj evaluate --losses` says of a submission's predictions, track by track, as Markdown."""
    from binlj.data import data_line, tracks_of
    from binlj.eval.losses import losses_markdown
    from binlj.eval.scoring import load_case
    from binlj.eval.truth import load_truth

    parts = []
    for track in tracks_of():
        predictions = Path(folder) / f"predictions-{track}.parquet"
        if not predictions.is_file():
            continue
        truth = load_truth(track)
        case, _ = load_case(predictions, truth)
        parts.append(f"### {track}\n\n{losses_markdown(case)}")
    return f"## Where {Path(folder).name} loses skill\n\n{data_line()}\n\n" + "\n".join(parts)


if __name__ == "__main__":
    asked = {f.__name__: f for f in (data, tracks, runs, seconds, hardware, losses)}
    print(asked[sys.argv[1]](*sys.argv[2:]))
