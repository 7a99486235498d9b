"""The files of a submission folder: their names, and what is wrong with what lies there."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path

from binlj.leaderboard.strict_yaml import shown
from binlj.schema import TRACKS

METADATA = "submission.yaml"
ATTRIBUTIONS = "attributions.parquet"  # optional: what the model says about the features
MIN_SEEDS, MAX_SEEDS = 3, 10  # files of a track, where there is more than one
MAX_BYTES = 100 * 2**20  # of a folder; 600 curves with g_std are 1 MB a file
_SEED = re.compile(rf"predictions-(?:{'|'.join(TRACKS)})-seed[1-{MAX_SEEDS - 1}]\.parquet")


def predictions_name(track: str, seed: int = 0) -> str:
    """``predictions-<track>.parquet``; ``predictions-<track>-seed<k>.parquet`` for the further seeds k = 1, 2, …"""
    return f"predictions-{track}{f'-seed{seed}' if seed else ''}.parquet"


def predictions_in(files: Collection[str], track: str) -> list[str]:
    """Names of a track's predictions files among `files`, in the order of the seeds."""
    return [name for k in range(MAX_SEEDS) if (name := predictions_name(track, k)) in files]


def list_files(folder: Path) -> tuple[set[str], list[str]]:
    """Names of the regular files that belong in a submission, and a problem for everything else."""
    expected = {METADATA, ATTRIBUTIONS, *(predictions_name(t) for t in TRACKS)}
    good: set[str] = set()
    problems: list[str] = []
    strangers: list[str] = []
    size = 0
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            if entry.name not in expected and not _SEED.fullmatch(entry.name):
                strangers.append(entry.name)
            elif entry.is_symlink() or not entry.is_file(follow_symlinks=False):
                problems.append(f"{entry.name} is not a regular file (links are not followed)")
            else:
                good.add(entry.name)
                size += entry.stat(follow_symlinks=False).st_size
    if strangers:
        named = ", ".join(shown(name, 40) for name in strangers[:5]) + (" …" if len(strangers) > 5 else "")
        allowed = [*sorted(expected), f"predictions-<track>-seed<k>.parquet (k = 1 to {MAX_SEEDS - 1})"]
        problems.append(f"{len(strangers)} unexpected: {named}; allowed are {', '.join(allowed)}")
    if size > MAX_BYTES:
        problems.append(f"holds {size / 2**20:.0f} MiB, the limit is {MAX_BYTES / 2**20:.0f} MiB")
    return good, problems


def seed_problems(files: Collection[str], *, reference: bool) -> list[str]:
    """What is wrong with the numbers of the files that hold further seeds."""
    problems = []
    for track in TRACKS:
        there = predictions_in(files, track)
        further = [name for name in there if name != predictions_name(track)]
        if not further:
            continue
        if reference:
            problems.append(f"{', '.join(further)}: a reference has one file a track")
            continue
        wanted = [predictions_name(track, k) for k in range(max(len(there), MIN_SEEDS))]
        absent = [name for name in wanted if name not in there]
        if absent:
            problems.append(f"seeds of the {track} track: {', '.join(absent)} is missing (at least {MIN_SEEDS} files, "
                            "the first without a number, then seed1, seed2, …)")
    return problems
