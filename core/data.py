"""Reading the published dataset: from any folder, offline, without a copy in anybody's cache."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj import paths
from binlj.errors import DataError, InputError
from binlj.files import sha256
from binlj.grid import PAIRS
from binlj.schema import CONFIGS, DEFAULT_CONFIG, SPLITS

if TYPE_CHECKING:
    import pandas as pd
    from datasets import DatasetDict

REFETCH = "run `binlj verify`, then fetch the dataset again"
# The paper's two labels: which species the pair contains.
PAIR_LABELS = {"AA": (1.0, 0.0), "AB": (1.0, 1.0), "BB": (0.0, 1.0)}


def load(config: str = DEFAULT_CONFIG, *, path: str | Path | None = None) -> DatasetDict:
    """Load a config of the installed dataset as a ``datasets.DatasetDict``.

    Same as ``datasets.load_dataset("binlj-rdf", config)`` in the clone, but works from any folder.

    Parameters
    ----------
    config : str
        One of ``extrapolation``, ``interpolation``, ``fine``, ``states``, ``snapshots``.
    path : path, optional
        Another copy of the dataset folder.

    Raises
    ------
    InputError
        If the config does not exist.
    DataError
        If the dataset is not there.
    """
    folder = _folder(config, path)
    with warnings.catch_warnings():  # in a notebook without ipywidgets, of its progress bars
        warnings.filterwarnings("ignore", message="IProgress not found")
        import datasets
    bars = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()  # it takes a second
    try:
        return datasets.load_dataset(str(folder), config)
    finally:
        if bars:
            datasets.enable_progress_bars()


def read_table(
    config: str = DEFAULT_CONFIG, split: str | None = None, *, path: str | Path | None = None
) -> pd.DataFrame:
    """Read one split of a config as a pandas frame, straight from its parquet file.

    Parameters
    ----------
    config : str
        As for :func:`load`.
    split : str, optional
        ``train``, ``test`` or ``all``; may be left out where a config has one split only.
    path : path, optional
        Another copy of the dataset folder.

    Returns
    -------
    DataFrame
        ``pair`` is "AA", "AB" or "BB"; ``r``, ``g`` and ``g_stderr`` hold one ndarray a row.
    """
    folder = _folder(config, path)
    known = SPLITS[config]
    if split is None and len(known) == 1:
        split = known[0]
    if split not in known:
        raise InputError(
            f"split {split!r} of config {config!r}", ["no such split"], fix=f"use one of: {', '.join(known)}"
        )
    file = folder / config / f"{split}.parquet"
    if not file.is_file():
        raise DataError(
            file, ["file is missing"], fix="run `binlj verify`; reinstall or fetch the clone again"
        )
    return read_file(file)


def read_file(file: Path) -> pd.DataFrame:
    """One parquet file of the dataset as a frame with pair names; also of a folder that is still being written."""
    import pyarrow.parquet as pq

    frame: pd.DataFrame = pq.read_table(file).to_pandas()
    if "pair" in frame:
        frame["pair"] = np.array(PAIRS, dtype=object)[frame["pair"].to_numpy()]
    return frame


def curves(frame: pd.DataFrame, column: str = "g") -> np.ndarray:
    """Stack a list column into an array of shape (rows, bins)."""
    return np.stack(frame[column].tolist()).astype(np.float64, copy=False)


def to_points(table: Any) -> tuple[np.ndarray, np.ndarray]:
    """The paper's point-wise form of a table of RDFs.

    Parameters
    ----------
    table : datasets.Dataset or DataFrame
        Rows of an RDF config (any split).

    Returns
    -------
    X : ndarray, shape (rows * bins, 7)
        T*, C_B, S, eps_AB, label of A, label of B, r. The labels are AA = (1, 0), AB = (1, 1), BB = (0, 1).
    y : ndarray, shape (rows * bins,)
        g(r) at the same points.
    """
    columns = {}
    for name in ("T", "C_B", "S", "eps_AB"):
        columns[name] = np.asarray(table[name], dtype=np.float64)
    names = _pair_names(table["pair"])
    labels = np.array([PAIR_LABELS[name] for name in names]).reshape(-1, 2)
    r = np.stack([np.asarray(v, dtype=np.float64) for v in table["r"]])
    g = np.stack([np.asarray(v, dtype=np.float64) for v in table["g"]])
    n = r.shape[1]
    state = np.column_stack([*columns.values(), labels])
    return np.column_stack([np.repeat(state, n, axis=0), r.ravel()]), g.ravel()


def dataset_info(*, path: str | Path | None = None) -> dict[str, Any]:
    """The published dataset's manifest: ``version``, ``data_sha256`` and one SHA-256 per file.

    Raises
    ------
    DataError
        If the manifest is missing or not readable.
    """
    file = Path(path) / "manifest.json" if path else paths.dataset_dir() / "manifest.json"
    try:
        info: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(
            file, ["the dataset's manifest is missing"], fix="`binlj publish` writes it"
        ) from None
    except (ValueError, RecursionError) as error:
        raise DataError(file, [f"not valid JSON: {error}"], fix=REFETCH) from None
    if not isinstance(info, dict):
        raise DataError(file, ["not a manifest: lists no files with their SHA-256"], fix=REFETCH)
    if not all(isinstance(info.get(k), str) for k in ("version", "data_sha256")):
        raise DataError(file, ["not a manifest: `version` or `data_sha256` is missing"], fix=REFETCH)
    return info


def data_hash(files: Mapping[str, str]) -> str:
    """One hash for all data: of the sorted (path, SHA-256) of the parquet files."""
    digest = hashlib.sha256()
    for name in sorted(files):
        if name.endswith(".parquet"):
            digest.update(f"{name} {files[name]}\n".encode())
    return digest.hexdigest()


def check_unchanged(config: str, split: str, *, path: str | Path | None = None) -> None:
    """Compare one table with the SHA-256 that the manifest gives for it, and the manifest with its own hash.

    Raises
    ------
    DataError
        If they differ, or the manifest or the table is missing or not readable.
    """
    folder = _folder(config, path)
    name = f"{config}/{split}.parquet"
    info = dataset_info(path=folder)
    files = info.get("files")
    if not isinstance(files, dict) or not all(isinstance(value, str) for value in files.values()):
        raise DataError(folder / "manifest.json", ["lists no files with their SHA-256"], fix=REFETCH)
    problems = []
    if data_hash(files) != info.get("data_sha256"):
        problems.append("manifest.json: data_sha256 does not belong to the files it lists")
    if name not in files:
        problems.append(f"{name} is not in the manifest")
    elif not (folder / name).is_file():
        problems.append(f"{name} is missing")
    elif sha256(folder / name) != files[name]:
        problems.append(f"{name} was changed after it was published (SHA-256 differs from the manifest)")
    if problems:
        raise DataError(folder, problems, fix=REFETCH)


def _pair_names(values: Any) -> list[str]:
    return [v if isinstance(v, str) else PAIRS[int(v)] for v in values]


def _folder(config: str, path: str | Path | None) -> Path:
    if config not in CONFIGS:
        raise InputError(f"config {config!r}", ["no such config"], fix=f"use one of: {', '.join(CONFIGS)}")
    folder = Path(path) if path else paths.dataset_dir()
    if config == "snapshots" and folder.is_dir() and not (folder / config).is_dir():
        raise DataError(
            folder,
            ["the snapshots are not part of the installed package"],
            fix="use a clone or the Hub's copy",
        )
    if not (folder / "README.md").is_file():
        raise DataError(
            folder, ["no dataset here"], fix="give the folder that holds its README.md and parquet files"
        )
    return folder
