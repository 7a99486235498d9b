"""Trainings shared by the experiments: done once, several at a time, reused when they are asked for again."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.baselines.frames import frame_states
from binlj.baselines.model_files import load_model
from binlj.baselines.registry import make_model
from binlj.baselines.training import METADATA, hardware, predict_track, train_model
from binlj.data import data_line, dataset_info, read_table
from binlj.errors import BinljError
from binlj.progress import progress_bars
from binlj.schema import in_regime

if TYPE_CHECKING:
    import pandas as pd

    from binlj.eval import Scores

PREDICTIONS = "predictions.parquet"
_POLL = 0.2  # seconds


@dataclass(frozen=True)
class Settings:
    """Options of an experiment; see ``binlj reproduce --help``."""

    out: Path
    dataset: Path | None = None
    epochs: int = 1000
    seeds: int | None = None
    workers: int = 2
    models: tuple[str, ...] | None = None
    regime: str | None = None  # of the tracks that an experiment names; the benchmark names them in full

    @property
    def suffix(self) -> str:
        """What the names of an experiment's files end with, so that those of two regimes can stand in one folder."""
        return "-mixed" if self.regime == "mixed" else ""

    def picture(self, name: str) -> Path:
        """The file of a picture."""
        return self.out / f"{name}{self.suffix}.png"

    def title(self, text: str) -> str:
        """A title, with the regime where it is not equilibrium."""
        return text + (", mixed regime" if self.suffix else "")

    def cache(self, name: str) -> Path:
        """The file of a result that takes minutes; its name says which data and how many epochs it is of."""
        digest = str(dataset_info(path=self.dataset)["data_sha256"])[:8]
        return self.out / "runs" / f"{name}{self.suffix}-{self.epochs}-{digest}.json"

    def conditions(self) -> dict[str, Any]:
        """What numbers depend on: the data, for the head of a report, and the rest for its foot."""
        machine = hardware()
        return {
            "data": data_line(self.dataset),
            "epochs": self.epochs,
            "processor": f"{machine['cores']} x {machine['cpu']}",
        }


@dataclass(frozen=True)
class Job:
    """One training to be done or found."""

    model: str
    track: str
    seed: int
    parameters: dict[str, Any]
    folder: Path

    @property
    def label(self) -> str:
        """For progress bars."""
        return f"{self.model} {self.track} seed {self.seed}"


class TrainingFailedError(BinljError):
    """A training in another process ended with an error."""


def job(model: str, track: str, seed: int, settings: Settings) -> Job:
    """The training of a model with the experiment's settings; its folder's name depends on all of them."""
    track = in_regime(track, settings.regime)
    parameters = {"epochs": settings.epochs} if model == "dnn" else {}
    key = [
        make_model(model, **parameters).parameters,
        str(dataset_info(path=settings.dataset)["data_sha256"]),
    ]
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:8]
    return Job(model, track, seed, parameters, settings.out / "runs" / f"{model}-{track}-seed{seed}-{digest}")


def train_jobs(jobs: Sequence[Job], settings: Settings) -> None:
    """Do every training that is not finished yet, ``settings.workers`` at a time, one core each.

    Raises
    ------
    TrainingFailedError
        Naming every training that failed and why.
    """
    todo = [j for j in jobs if not (j.folder / METADATA).is_file()]
    if not todo:
        return
    workers = min(settings.workers, len(todo))
    with progress_bars() as bars:
        tasks = [bars.add_task(f"{j.label} waiting", total=None, start=False) for j in todo]

        def show(number: int, done: int, total: int, note: str) -> None:
            bars.start_task(tasks[number])
            text = f"{todo[number].label} {note}"
            bars.update(tasks[number], completed=done, total=total, description=text)

        if workers == 1:
            from threadpoolctl import threadpool_limits

            failures = []
            with threadpool_limits(1):  # as with more workers; threads beyond the cores only get in each other's way
                for i, j in enumerate(todo):
                    failures.append(_train(i, j, settings.dataset, lambda d, t, s, i=i: show(i, d, t, s)))  # type: ignore[misc]
        else:
            failures = _train_in_processes(todo, settings.dataset, workers, show)
    found = [f"  - {j.label}: {text}" for j, text in zip(todo, failures, strict=True) if text]
    if found:
        raise TrainingFailedError("\n".join([f"{len(found)} of {len(todo)} trainings failed", *found]))


def _train_in_processes(todo: Sequence[Job], dataset: Path | None, workers: int, show: Any) -> list[str]:
    # A fresh process each: TensorFlow fixes its threads at import, and one core a training wastes none.
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        queue = manager.Queue()
        with ProcessPoolExecutor(workers, mp_context=context, max_tasks_per_child=1) as pool:
            futures: list[Future[str]] = [
                pool.submit(_train_alone, i, j, dataset, queue) for i, j in enumerate(todo)
            ]
            try:
                while not all(f.done() for f in futures):
                    try:
                        show(*queue.get(timeout=_POLL))
                    except Empty:
                        continue
            except BaseException:
                for process in list((pool._processes or {}).values()):
                    process.terminate()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            return [
                f.result() if f.exception() is None else f"the process ended: {f.exception()}"
                for f in futures
            ]


def _train_alone(number: int, j: Job, dataset: Path | None, queue: Any) -> str:
    from threadpoolctl import threadpool_limits

    from binlj.baselines.network import quiet_tensorflow

    quiet_tensorflow(1)
    last = [-1]

    def report(done: int, total: int, text: str) -> None:
        percent = 100 * done // max(total, 1)
        if percent != last[0]:
            last[0] = percent
            queue.put((number, done, total, text))

    with threadpool_limits(1):
        return _train(number, j, dataset, report)


def _train(number: int, j: Job, dataset: Path | None, progress: Any) -> str:
    """Train one job; return the text of its error or nothing (our exceptions do not survive pickling)."""
    try:
        train_model(
            j.model,
            track=j.track,
            out=j.folder,
            dataset=dataset,
            seed=j.seed,
            parameters=j.parameters,
            progress=progress,
        )
    except BinljError as error:
        return str(error)
    return ""


def stored_predictions(j: Job, settings: Settings) -> Path:
    """The predictions file of a finished training, written if it is not there yet."""
    from binlj.eval import write_predictions

    file = j.folder / PREDICTIONS
    trained = (j.folder / METADATA).stat().st_mtime_ns
    if not file.is_file() or file.stat().st_mtime_ns < trained:
        frame, _ = predict_track(j.folder, dataset=settings.dataset)
        write_predictions(file, frame)
    return file


def scores(j: Job, settings: Settings, *, n_boot: int = 1000) -> Scores:
    """The evaluator's scores of a training's stored predictions."""
    from binlj.eval import evaluate

    return evaluate(stored_predictions(j, settings), track=j.track, dataset=settings.dataset, n_boot=n_boot)


def predicted_curves(j: Job, frame: pd.DataFrame) -> np.ndarray:
    """A finished training's g(r) for the rows of `frame`, shape (n, 100)."""
    return load_model(j.folder).predict(frame_states(frame), list(frame["pair"]))


def training_frame(track: str, settings: Settings) -> pd.DataFrame:
    """The training table of a track."""
    return read_table(track, "train", regime=settings.regime, path=settings.dataset)


def test_frame(track: str, settings: Settings) -> pd.DataFrame:
    """The test table of a track."""
    return read_table(track, "test", regime=settings.regime, path=settings.dataset)


def metadata_of(j: Job) -> dict[str, Any]:
    """The metadata of a finished training."""
    found: dict[str, Any] = json.loads((j.folder / METADATA).read_text(encoding="utf-8"))
    return found


def seeds(settings: Settings, default: int) -> range:
    """The seeds of an experiment."""
    return range(settings.seeds or default)


def busy() -> float:
    """Load of the machine, to be told beside any time measured on it."""
    return os.getloadavg()[0]
