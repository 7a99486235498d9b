"""Train a model on a track into a folder, and predict a track's test set from such a folder.

A run folder holds the model (:mod:`binlj.baselines.model_files`), ``metadata.json`` (what was trained on what,
how long, with which versions) and ``loss.png`` where there is a loss. ``metadata.json`` is written last: a
folder with it is finished, and is reused when exactly the same run is asked for again.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata as packages
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from binlj import __version__
from binlj.baselines.frames import frame_states, with_state_columns
from binlj.baselines.model_files import FORMAT, load_model, save_model
from binlj.baselines.protocol import FitContext, Model, ModelWithStd, Progress, silent
from binlj.baselines.registry import MODELS, make_model
from binlj.data import dataset_info, read_table, track_hash
from binlj.errors import InputError
from binlj.files import replacing, write_json
from binlj.grid import PAIRS, State
from binlj.machine import processor
from binlj.schema import bin_centres, regime_of
from binlj.tracks import check_track

if TYPE_CHECKING:
    import pandas as pd

METADATA = "metadata.json"
LOSS = "loss.png"
SELECTION = "selection.json"
_PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "tensorflow",
    "tensorflow-cpu",
    "keras",
    "xgboost",
    "xgboost-cpu",
)


@dataclass(frozen=True)
class Run:
    """What identifies a training; equal runs on equal machines give equal numbers."""

    model: str
    parameters: dict[str, Any]
    track: str
    seed: int
    dataset_version: str
    dataset_sha256: str
    format: int = FORMAT


@dataclass(frozen=True)
class Trained:
    """A finished training: the model, its metadata, and whether it was found finished."""

    model: Model
    metadata: dict[str, Any]
    reused: bool


def train_model(
    name: str,
    *,
    track: str,
    out: Path,
    dataset: Path | None = None,
    seed: int = 0,
    parameters: dict[str, Any] | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> Trained:
    """Train a model on a track's training split and write it into a folder.

    Parameters
    ----------
    name, track : str
        A key of ``MODELS``; a track, e.g. ``extrapolation`` or ``mixed_extrapolation``.
    out : Path
        The run folder. A finished run of the same model, parameters, track, seed and dataset is reused.
    parameters : dict, optional
        The model's parameters; the rest keep their defaults.
    force : bool
        Replace another run in `out`.

    Raises
    ------
    InputError
        For an unknown name, track or parameter, or if `out` holds another run.
    DataError
        If the dataset is missing or not fit for training.
    """
    check_track(track)
    model = make_model(name, **(parameters or {}))
    info = dataset_info(path=dataset)
    run = Run(name, model.parameters, track, seed, str(info["version"]), str(info["data_sha256"]))
    found = _finished(out)
    if found is not None and not force:
        differing = [k for k, v in asdict(run).items() if found.get("run", {}).get(k) != v]
        if differing:
            raise InputError(
                out,
                [
                    f"holds another run: {k} is {found.get('run', {}).get(k)!r}, asked for {asdict(run)[k]!r}"
                    for k in differing
                ],
                fix="give another --out, or --force to replace it",
            )
        return Trained(load_model(out), found, reused=True)
    train = with_state_columns(
        read_table(track, "train", path=dataset), regime=regime_of(track), dataset=dataset
    )
    out.mkdir(parents=True, exist_ok=True)
    (out / METADATA).unlink(missing_ok=True)
    started, cpu = time.perf_counter(), time.process_time()
    model.fit(train, FitContext(seed, progress, out / "checkpoint.npz", regime_of(track)))
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    save_model(model, out)
    record = {
        "name": name,
        "description": MODELS[name].summary,
        "parameters": getattr(model, "n_parameters", None),
        "run": asdict(run),
        "track_sha256": track_hash(info, track),
        "train_curves": len(train),
        "train_states": int(train["state_id"].nunique()),
        "train_seconds": round(seconds, 3),
        "train_cpu_seconds": round(cpu, 3),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": hardware(),
        "versions": versions(),
    }
    if model.history.get("loss"):
        record["final_loss"] = model.history["loss"][-1]
        write_loss_picture(out / LOSS, model.history["loss"], title=f"{name}, {track} track, seed {seed}")
    table = getattr(model, "table", None)
    if table:
        write_json(out / SELECTION, [asdict(row) for row in table])
    write_json(out / METADATA, record)
    return Trained(model, record, reused=False)


def predict_track(folder: Path, *, dataset: Path | None = None) -> tuple[pd.DataFrame, str]:
    """Predictions of a trained model for its own track's test set.

    Only the keys of the test set are used, not its curves. The time it took, loading included, is noted
    in the run's metadata as ``predict_seconds``.

    Returns
    -------
    frame : DataFrame
        ``state_id``, ``pair``, ``g`` and, where the model gives it, ``g_std``: ready for
        :func:`binlj.eval.write_predictions`.
    track : str

    Raises
    ------
    InputError
        If `folder` holds no finished run, or one trained on other data of its track.
    """
    found = _finished(folder)
    if found is None:
        raise InputError(
            folder,
            [f"no finished training here ({METADATA} is missing)"],
            fix=f"binlj train NAME --track TRACK --out {folder}",
        )
    track, trained_on = found["run"]["track"], found["run"]["dataset_sha256"]
    info = dataset_info(path=dataset)
    here = str(info["data_sha256"])
    if here != trained_on and found.get("track_sha256") != track_hash(info, track):
        raise InputError(
            folder,
            [f"trained on dataset {trained_on[:16]}, asked to predict dataset {here[:16]}"],
            fix="train again on this dataset, or give the one it was trained on with --dataset",
        )
    test = read_table(track, "test", path=dataset).drop(columns=["g", "g_stderr"])
    started = time.perf_counter()
    model = load_model(folder)
    states, pairs = frame_states(test), list(test["pair"])
    frame = _with_curves(test[["state_id", "pair"]].copy(), model, states, pairs)
    write_json(folder / METADATA, found | {"predict_seconds": round(time.perf_counter() - started, 3)})
    return frame, track


def predict_states(folder: Path, states: pd.DataFrame) -> pd.DataFrame:
    """Predictions of a trained model for any states.

    Parameters
    ----------
    folder : Path
        Of a model (:func:`binlj.baselines.model_files.load_model`).
    states : DataFrame
        Columns ``T``, ``C_B``, ``S``, ``eps_AB``.

    Returns
    -------
    DataFrame
        One row a state and pair: the inputs, ``pair``, ``r``, ``g`` and, where the model gives it, ``g_std``.

    Raises
    ------
    InputError
        If `folder` holds no model, a column is missing, or a value lies outside :data:`binlj.structure.WIDER`.
    """
    import pandas as pd

    from binlj.structure import INPUTS, state_points

    model = load_model(folder)
    points, _ = state_points(states, extrapolate=True)
    rows = [(point, pair) for point in points for pair in PAIRS]
    frame = pd.DataFrame([{name: getattr(point, name) for name in INPUTS} for point, _ in rows])
    frame["pair"] = [pair for _, pair in rows]
    frame["r"] = list(np.tile(bin_centres(), (len(rows), 1)))
    # Models read the four values of a state and do not need its identifier.
    return _with_curves(frame, model, cast("list[State]", [point for point, _ in rows]), list(frame["pair"]))


def _with_curves(
    frame: pd.DataFrame, model: Model, states: Sequence[State], pairs: Sequence[str]
) -> pd.DataFrame:
    if isinstance(model, ModelWithStd):
        g, std = model.predict_with_std(states, pairs)
        frame["g"], frame["g_std"] = list(g), list(std)
    else:
        frame["g"] = list(model.predict(states, pairs))
    return frame


def write_loss_picture(file: Path, loss: list[float], *, title: str) -> None:
    """Draw a training loss against the step, as in the paper's Fig. 2A and 3A."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(np.arange(1, len(loss) + 1), loss, lw=1.2)
    axes.set(xlabel="epoch or tree", ylabel="mean squared error of g(r)", yscale="log", title=title)
    axes.grid(alpha=0.3)
    with replacing(file) as temporary:
        figure.savefig(temporary, format="png", dpi=150)


def hardware() -> dict[str, Any]:
    """Processor, cores and load: what a training time is worth."""
    return {"cpu": processor(), "cores": os.cpu_count(), "load_average": round(os.getloadavg()[0], 2)}


def versions() -> dict[str, str]:
    """Versions of Python, this package and the libraries that decide numbers; only those installed."""
    found = {"python": platform.python_version(), "binlj-rdf": __version__}
    for name in _PACKAGES:
        try:
            found[name] = packages.version(name)
        except packages.PackageNotFoundError:
            continue
    return found


def _finished(folder: Path) -> dict[str, Any] | None:
    file = folder / METADATA
    if not file.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        found["run"]["track"], found["run"]["dataset_sha256"]
        format(found["train_seconds"], ".1f")  # as it is shown
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(file, [f"not a training's metadata: {error!r}"], fix="train again with --force") from None
    return found
