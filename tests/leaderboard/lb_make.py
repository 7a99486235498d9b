"""Submissions for tests: made from the toy dataset, never committed as entries."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from binlj.cli import main
from binlj.data import curves, read_table, tracks_of
from binlj.eval import naive_predictions, write_predictions
from binlj.leaderboard.folder import METADATA, predictions_name

HOSTILE = '</script><img src=x onerror="window.pwned=1">'
META: dict[str, Any] = {
    "name": "Test model",
    "authors": [{"name": "A. Author", "affiliation": "Some Institute"}],
    "date": "2026-01-05",
    "license": "CC-BY-4.0",
    "links": {"code": "https://example.org/code"},
    "extra_training_data": "none",
    "prior_knowledge": "none",
    "parameters": 9542,
    "hardware": "2 CPU cores",
    "seeds": [1, 2, 3],
}


def blend(track: str, dataset: Path, *, share: float, noise: float, seed: int) -> Any:
    """Predictions frame: `share` of the truth, the rest a naive baseline, with noise like the data's times `noise`."""
    test = read_table(track, "test", path=dataset)
    naive = naive_predictions("linear_T", track=track, dataset=dataset)
    assert list(naive["state_id"]) == list(test["state_id"])
    g = share * curves(test) + (1 - share) * curves(naive)
    rng = np.random.default_rng(seed)
    g = np.maximum(g + noise * curves(test, "g_stderr") * rng.standard_normal(g.shape), 0.0)
    frame = test[["state_id", "pair"]].copy()
    frame["g"] = list(g)
    return frame


def some_states(frame: Any, n: int) -> Any:
    """The rows of `n` states, evenly spread over the frame."""
    ids = list(dict.fromkeys(frame["state_id"]))
    return frame[frame["state_id"].isin(ids[:: len(ids) // n][:n])]


def make(
    root: Path,
    id: str,
    dataset: Path,
    *,
    share: float = 0.9,
    noise: float = 1.0,
    seed: int = 0,
    tracks: tuple[str, ...] | None = None,
    seconds: float = 12.5,
    states: int | None = None,
    files: int = 1,
    **meta: Any,
) -> Path:
    """Write the submission folder `root`/`id`, on all tracks of the dataset by default.

    `meta` overrides or, with None, removes keys.
    With `states`, the predictions cover only so many of a track's test states, evenly spread. `files` is the
    number of seeds' files a track.
    """
    folder = root / id
    folder.mkdir(parents=True)
    tracks = tracks or tracks_of(dataset)
    for track, k in itertools.product(tracks, range(files)):
        frame = blend(track, dataset, share=share - 0.02 * k, noise=noise, seed=seed + 100 * k)
        if states:
            frame = some_states(frame, states)
        write_predictions(folder / predictions_name(track, k), frame)
    values = {
        **META,
        "name": f"Test model {id}",
        "tracks": {t: {"train_seconds": seconds, "predict_seconds": seconds / 100} for t in tracks},
        **meta,
    }
    values = {key: value for key, value in values.items() if value is not None}
    (folder / METADATA).write_text(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return folder


def a_dozen(root: Path, dataset: Path) -> Path:
    """Nine models of different quality and cost, a reference, one with extra data, one on a single track."""
    for i, (id, name, share, noise, seconds, parameters) in enumerate(
        [
            ("dnn", "DNN of the paper (Keras, 7-112-56-28-14-7-1)", 0.55, 2, 95.0, 9542),
            ("xgboost", "XGBoost, point-wise", 0.62, 2, 21.0, 480_000),
            ("residual-gp", "Gaussian process on the residual mean force", 0.93, 1, 240.0, 1200),
            ("residual-gp-small", "Gaussian process, 100 inducing points", 0.9299, 1.5, 31.0, 400),
            ("fourier-operator", "Fourier neural operator", 0.86, 3, 5400.0, 2_300_000),
            ("kernel-ridge", "Kernel ridge", 0.80, 1, 2.1, 90_000),
            ("percus-yevick", "Percus–Yevick closure, k_ij fitted", 0.4, 0.5, 0.4, 3),
            ("splines", "Splines in (T*, ε_AB)", 0.71, 1, 0.0, 4000),
            (
                "transformer",
                "A transformer with a rather long name nobody can shorten",
                -0.2,
                1,
                86000.0,
                1_200_000_000,
            ),
        ]
    ):
        make(
            root,
            id,
            dataset,
            share=share,
            noise=noise,
            seed=i,
            seconds=seconds,
            name=name,
            parameters=parameters,
            date=f"2026-02-{i + 1:02d}",
            description=f"Made for tests, share {share} of the truth.",
            links={"code": f"https://example.org/{id}", "paper": "https://doi.org/10.1039/D5SM00198F"},
        )
    make(
        root,
        "repeated",
        dataset,
        share=1,
        noise=1.4,
        seed=20,
        seconds=9e5,
        name="Simulation, repeated",
        kind="reference",
        parameters=0,
    )
    make(
        root,
        "foundation",
        dataset,
        share=0.97,
        seed=21,
        seconds=700.0,
        name="Pretrained on other fluids",
        extra_training_data="10,000 RDFs of one-component fluids",
        parameters=5_000_000,
    )
    make(
        root,
        "single-track",
        dataset,
        share=0.75,
        seed=22,
        seconds=8.0,
        name="Only extrapolates",
        tracks=("extrapolation",),
    )
    return root


def run(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    """Run `binlj` in this process; exit code, stdout, stderr."""
    code = 0
    try:
        main([str(a) for a in args])
    except SystemExit as error:
        code = int(error.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err
