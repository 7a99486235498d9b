"""Opening what is to be explained: a predictions file, a submission folder, or folders of trained models."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from binlj.errors import InputError
from binlj.eval.explain.attributions import read_attributions
from binlj.eval.explain.models import as_function, frame_curves, function_curves, read_booster
from binlj.eval.explain.shapley_report import Curves
from binlj.files import sha256
from binlj.schema import TRACKS

if TYPE_CHECKING:
    import pandas as pd

MODEL_FILE = "model.json"
RECORD_FILE = "metadata.json"
ATTRIBUTIONS_FILE = "attributions.parquet"
WHAT = (
    f"give a predictions file (.parquet), a submission folder, a model folder (with {MODEL_FILE}), "
    "or a folder of model folders, one a seed"
)
Loader = Callable[[Path], Any]


@dataclass(frozen=True)
class Source:
    """A model to explain.

    Attributes
    ----------
    name : str
        ``dnn``, ``xgboost`` ... for trained models, the file's or folder's name otherwise.
    runs : list
        Predictions on a grid, pair -> Factorial, one a seed.
    boosters : list
        XGBoost models, one a seed; empty for anything else.
    attributions : DataFrame or None
        The submission's own.
    files : dict
        File -> SHA-256 of what was read.
    trained : bool
        Whether it was opened as a trained model, whose name is known, not as predictions.
    trained_on : dict
        Model folder -> SHA-256 of the dataset it was trained on, where its record tells.
    """

    name: str
    runs: list[Curves]
    boosters: list[Any] = field(default_factory=list)
    attributions: pd.DataFrame | None = None
    files: dict[str, str] = field(default_factory=dict)
    trained: bool = False
    trained_on: dict[str, str] = field(default_factory=dict)


def open_sources(
    paths: Sequence[Path],
    *,
    track: str,
    load_model: Loader,
    dataset: Path | None = None,
    step: Callable[[], object] | None = None,
) -> Source:
    """Open one model, given as one path or as several (training seeds).

    Parameters
    ----------
    track : str
        Track of a predictions file.
    load_model : callable
        Folder -> object with ``predict(states, pairs)`` and perhaps ``predict_points(X)``. Handed in, so that
        nothing here depends on any model's code.

    Raises
    ------
    InputError
        If a path is none of the known kinds, the seeds are of different models or on different states, or
        the predictions do not form a full grid.
    """
    parts = [
        _open(p, track=track, load_model=load_model, dataset=dataset, step=step) for path in paths for p in _seeds(path)
    ]
    names = list(dict.fromkeys(p.name for p in parts))
    grids = {p.runs[0]["AA"].levels for p in parts}
    problems = []
    if len(names) > 1 and any(p.trained for p in parts):
        problems.append(f"these are different models, not seeds of one: {', '.join(names)}")
    if len(grids) > 1:
        problems.append("the predictions are on different states: mix model folders and predictions in separate calls")
    given = [p.attributions for p in parts if p.attributions is not None]
    if len(given) > 1:
        problems.append("more than one of them carries attributions")
    if problems:
        raise InputError(", ".join(map(str, paths)), problems, fix=WHAT)
    return Source(
        names[0],
        [r for p in parts for r in p.runs],
        [b for p in parts for b in p.boosters],
        given[0] if given else None,
        {k: v for p in parts for k, v in p.files.items()},
        all(p.trained for p in parts),
        {k: v for p in parts for k, v in p.trained_on.items()},
    )


def _seeds(path: Path) -> list[Path]:
    if path.is_dir() and not (path / MODEL_FILE).is_file():
        inside = sorted(p.parent for p in path.glob(f"*/{MODEL_FILE}"))
        if inside and not _prediction_files(path):
            return inside
    return [path]


def _prediction_files(path: Path) -> list[Path]:
    return [f for t in TRACKS if (f := path / f"predictions-{t}.parquet").is_file()]


def _trained_on(folder: Path) -> dict[str, str]:
    try:
        record = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
        return {str(folder): str(record["run"]["dataset_sha256"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # the record is a courtesy of `binlj train`, not part of a model


def _open(
    path: Path, *, track: str, load_model: Loader, dataset: Path | None, step: Callable[[], object] | None
) -> Source:
    if path.is_dir() and (path / MODEL_FILE).is_file():
        model = load_model(path)
        function = getattr(model, "predict_points", None) or as_function(model.predict)
        booster = read_booster(path)
        return Source(
            str(getattr(model, "name", path.name)),
            [function_curves(function, step=step)],
            [] if booster is None else [booster],
            None,
            {str(path / MODEL_FILE): sha256(path / MODEL_FILE)},
            True,
            _trained_on(path),
        )
    attributions = None
    file = path
    if path.is_dir():
        file = path / f"predictions-{track}.parquet"
        if not file.is_file():
            raise InputError(path, [f"no {MODEL_FILE} and no predictions-{track}.parquet here"], fix=WHAT)
        if (path / ATTRIBUTIONS_FILE).is_file():
            attributions = read_attributions(path / ATTRIBUTIONS_FILE)
    elif not path.is_file():
        raise InputError(path, ["no such file or folder"], fix=WHAT)
    from binlj.eval.predictions import read_predictions

    frame = read_predictions(file, track=track, dataset=dataset)
    run = frame_curves(frame, subject=str(file))
    files = {str(file): sha256(file)}
    if attributions is not None:
        files[str(path / ATTRIBUTIONS_FILE)] = sha256(path / ATTRIBUTIONS_FILE)
    if step:
        for _ in run:
            step()
    return Source(path.stem if path.is_file() else path.name, [run], [], attributions, files)
