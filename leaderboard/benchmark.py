"""The benchmark as an object: data to train on, curves to predict, scores, and a submission."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from binlj.data import read_table
from binlj.errors import InputError
from binlj.paths import clone_root
from binlj.schema import N_BINS, in_regime
from binlj.tracks import check_track

if TYPE_CHECKING:
    import pandas as pd

    from binlj.eval.scores import Scores


@dataclass(frozen=True)
class Benchmark:
    """One track; made by :func:`benchmark`.

    Attributes
    ----------
    track : str
    dataset : Path or None
        Another copy of the dataset than the installed one.
    """

    track: str
    dataset: Path | None = None

    @cached_property
    def train(self) -> pd.DataFrame:
        """Training curves: ``state_id``, ``T``, ``C_B``, ``S``, ``eps_AB``, ``pair``, ``r``, ``g``, ``g_stderr``.

        ``r``, ``g`` and ``g_stderr`` hold 100 values a row; the pair is a text, ``AA``, ``AB`` or ``BB``.
        """
        return read_table(self.track, "train", path=self.dataset)

    @cached_property
    def test(self) -> pd.DataFrame:
        """What has to be predicted: the columns of :attr:`train` without ``g`` and ``g_stderr``."""
        return read_table(self.track, "test", path=self.dataset).drop(columns=["g", "g_stderr"])

    def predictions(self, g: ArrayLike | pd.DataFrame, g_std: ArrayLike | None = None) -> pd.DataFrame:
        """Predictions as a frame with ``state_id``, ``pair``, ``g`` and, if given, ``g_std``.

        Parameters
        ----------
        g : array_like, shape (n, 100), or DataFrame
            One curve for each row of :attr:`test`, in its order; or a frame with the keys, in any order.
        g_std : array_like, shape (n, 100), optional
            Standard deviations.

        Raises
        ------
        InputError
            If a shape does not fit.
        """
        if hasattr(g, "columns"):
            if g_std is not None:
                raise InputError("predictions", ["g_std is given beside a frame"], fix="make it a column of the frame")
            return g  # type: ignore[return-value]
        frame = self.test[["state_id", "pair"]].copy()
        for name, values in (("g", g), ("g_std", g_std)):
            if values is None:
                continue
            array = np.asarray(values, dtype=float)
            if array.shape != (len(frame), N_BINS):
                raise InputError(
                    "predictions",
                    [f"{name} has shape {array.shape}, not {(len(frame), N_BINS)}"],
                    fix="give one curve of 100 values for each row of .test",
                )
            frame[name] = list(array)
        return frame

    def evaluate(
        self, g: ArrayLike | pd.DataFrame, g_std: ArrayLike | None = None, *, n_boot: int = 1000
    ) -> Scores:
        """Score predictions; see :func:`binlj.eval.evaluate`.

        Parameters
        ----------
        g, g_std
            As for :meth:`predictions`.
        n_boot : int
            Bootstrap resamples.

        Returns
        -------
        Scores
            Prints as the table of ``binlj evaluate``.

        Raises
        ------
        InputError
            With every problem of the predictions.
        """
        from binlj.eval import evaluate

        return evaluate(self.predictions(g, g_std), track=self.track, dataset=self.dataset, n_boot=n_boot)

    def submission(
        self,
        id: str,
        g: ArrayLike | pd.DataFrame,
        g_std: ArrayLike | None = None,
        *,
        root: str | Path | None = None,
        name: str | None = None,
        authors: Sequence[str] = (),
        seeds: Sequence[int] | None = None,
        train_seconds: float | None = None,
        predict_seconds: float | None = None,
        **fields: str | int,
    ) -> Path:
        """Write a submission folder for the leaderboard, ``root/id``.

        Parameters
        ----------
        g, g_std
            As for :meth:`predictions`.
        root : path, optional
            Where the folder is made; by default ``leaderboard/submissions`` in the clone, or here where the package was
            not installed from a clone.
        name, authors
            Of the model.
        seeds : sequence of int, optional
            Random seeds used; empty for a deterministic model.
        train_seconds, predict_seconds : float, optional
            Wall-clock seconds of training, and of predicting the whole test set.
        **fields
            Other lines of submission.yaml: ``license``, ``code`` (a link), ``extra_training_data``,
            ``prior_knowledge``, ``parameters``, ``hardware``, ``description``, ``notes``, ``paper``, ...

        Returns
        -------
        Path
            The folder. Nothing is assumed: what is left out stays empty in submission.yaml. ``binlj submit check``
            refuses the folder until it is filled in, and says what belongs there.

        Raises
        ------
        InputError
            For predictions or fields that do not fit, or if the folder exists.
        """
        from binlj.eval import validate, write_predictions
        from binlj.leaderboard.new import create

        times = {"train_seconds": train_seconds, "predict_seconds": predict_seconds}
        texts = {key: str(value) for key, value in fields.items()}
        if seeds is not None:
            texts["seeds"] = ", ".join(map(str, seeds)) or "none"
        if root is None:
            root = (clone_root() or Path()) / "leaderboard" / "submissions"
        frame = self.predictions(g, g_std)
        validate(frame, track=self.track, dataset=self.dataset).raise_if_bad()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"predictions-{self.track}.parquet"
            write_predictions(file, frame)
            return create(
                id, root=Path(root), predictions={self.track: [file]}, name=name, authors=authors, fields=texts,
                seconds={(self.track, key): value for key, value in times.items() if value is not None},
                dataset=self.dataset,
            )  # fmt: skip

    def __repr__(self) -> str:
        return f"Benchmark({self.track!r}: {len(self.train)} training curves, {len(self.test)} test curves)"


def benchmark(
    track: str = "extrapolation", *, regime: str | None = None, dataset: str | Path | None = None
) -> Benchmark:
    """A track of the benchmark: training data, what to predict, and the evaluator.

    Parameters
    ----------
    track : str
        ``extrapolation`` (T* = 0.6 and 1.4 held out), ``interpolation`` (a fifth of the states held out) or
        ``offgrid`` (trained on all states of the grid, tested on 100 others).
    regime : str, optional
        ``equilibrium`` or ``mixed``; default: as the track's full name says, e.g. ``mixed_extrapolation``.
    dataset : path, optional
        Another copy of the dataset.

    Raises
    ------
    InputError
        If there is no such track.

    Examples
    --------
    >>> import binlj
    >>> bench = binlj.benchmark("extrapolation")
    >>> bench
    Benchmark('extrapolation': 900 training curves, 600 test curves)
    """
    return Benchmark(check_track(in_regime(track, regime)), None if dataset is None else Path(dataset))
