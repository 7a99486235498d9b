"""Reading the published dataset: from any folder, offline, without a copy in anybody's cache."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj import paths
from binlj.errors import DataError, InputError
from binlj.files import sha256
from binlj.grid import PAIRS
from binlj.schema import CONFIGS, DEFAULT_CONFIG, PARTS, SPLITS, TRACKS, Part, in_regime, split_files, track_files

if TYPE_CHECKING:
    import pandas as pd
    from datasets import DatasetDict

REFETCH = "run `binlj verify`, then fetch the dataset again"
# The paper's two labels: which species the pair contains.
PAIR_LABELS = {"AA": (1.0, 0.0), "AB": (1.0, 1.0), "BB": (0.0, 1.0)}


def load(
    config: str = DEFAULT_CONFIG, *, regime: str | None = None, path: str | Path | None = None
) -> DatasetDict:
    """Load a config of the installed dataset as a ``datasets.DatasetDict``.

    Same as ``datasets.load_dataset("binlj-rdf", config)`` in the clone, but works from any folder.

    Parameters
    ----------
    config : str
        One of ``extrapolation``, ``interpolation``, ``offgrid``, ``fine``, ``states``, ``snapshots``; or the full name
        of a config of the mixed regime, such as ``mixed_extrapolation``.
    regime : str, optional
        ``equilibrium`` or ``mixed``: ``load("extrapolation", regime="mixed")`` is ``load("mixed_extrapolation")``.
        Default: as `config` says, which is equilibrium where it names no regime.
    path : path, optional
        Another copy of the dataset folder.

    Raises
    ------
    InputError
        If the config or the regime does not exist.
    DataError
        If the dataset is not there, or is of a version that has no such config.
    """
    config = in_regime(config, regime)
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
    config: str = DEFAULT_CONFIG, split: str | None = None, *, regime: str | None = None,
    path: str | Path | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Read one split of a config as a pandas frame, straight from its parquet file.

    Parameters
    ----------
    config, regime : str
        As for :func:`load`.
    split : str, optional
        ``train``, ``test``, ``all`` or, of ``states`` and ``mixed_states``, ``offgrid``. Default: ``all``, where a
        config has it.
    path : path, optional
        Another copy of the dataset folder.

    Returns
    -------
    DataFrame
        ``pair`` is "AA", "AB" or "BB"; ``r``, ``g`` and ``g_stderr`` hold one ndarray a row.
    """
    config = in_regime(config, regime)
    folder = _folder(config, path)
    known = SPLITS[config]
    if split is None and "all" in known:
        split = "all"
    if split not in known:
        raise InputError(
            f"split {split!r} of config {config!r}", ["no such split"], fix=f"use one of: {', '.join(known)}"
        )
    files = split_files(config, split)
    _check_has(folder, files)
    for name in files:
        if not (folder / name).is_file():
            raise DataError(
                folder / name, ["file is missing"], fix="run `binlj verify`; reinstall or fetch the clone again"
            )
    return read_file(*(folder / name for name in files))


def read_file(*files: Path) -> pd.DataFrame:
    """Parquet files of the dataset as a frame with pair names; also of a folder that is still being written."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame: pd.DataFrame = pa.concat_tables([pq.read_table(file) for file in files]).to_pandas()
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


def data_line(path: str | Path | None = None) -> str:
    """What a report that read a dataset says of it: version, and the first 16 digits of the hash."""
    info = dataset_info(path=path)
    return f"Dataset {info['version']}, SHA-256 {info['data_sha256'][:16]}."


def data_hash(files: Mapping[str, str]) -> str:
    """One hash for all data: of the sorted (path, SHA-256) of the parquet files."""
    digest = hashlib.sha256()
    for name in sorted(files):
        if name.endswith(".parquet"):
            digest.update(f"{name} {files[name]}\n".encode())
    return digest.hexdigest()


def tracks_of(path: str | Path | None = None) -> tuple[str, ...]:
    """The tracks of a dataset folder: older versions lack some (:data:`binlj.schema.PARTS`)."""
    folder = Path(path) if path else paths.dataset_dir()
    return tuple(track for track in TRACKS if not _missing_part(folder, track_files(track)))


def track_hash(info: Mapping[str, Any], track: str) -> str:
    """One hash for what a track's scores follow from, by the dataset's manifest.

    It stays the same in a new version that only adds data to other tracks.
    """
    files = info.get("files", {})
    return data_hash({name: files[name] for name in track_files(track) if name in files})


def check_unchanged(config: str, split: str, *, path: str | Path | None = None) -> None:
    """Compare a split's files with the SHA-256 that the manifest gives for them, and the manifest with its own hash.

    Raises
    ------
    DataError
        If they differ, or the manifest or the table is missing or not readable.
    """
    folder = _folder(config, path)
    names = split_files(config, split)
    _check_has(folder, names)
    info = dataset_info(path=folder)
    files = info.get("files")
    if not isinstance(files, dict) or not all(isinstance(value, str) for value in files.values()):
        raise DataError(folder / "manifest.json", ["lists no files with their SHA-256"], fix=REFETCH)
    problems = []
    if data_hash(files) != info.get("data_sha256"):
        problems.append("manifest.json: data_sha256 does not belong to the files it lists")
    for name in names:
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
    _check_has(folder, split_files(config, "test" if "test" in SPLITS[config] else "all"))
    return folder


def _missing_part(folder: Path, names: Iterable[str]) -> Part | None:
    """The first part of the dataset that these files belong to and that a folder has nothing of."""
    wanted = set(names)
    for part in PARTS:
        if wanted & set(part.files) and not any((folder / name).is_file() for name in part.files):
            return part
    return None


def _check_has(folder: Path, names: Iterable[str]) -> None:
    """Say so where a dataset is too old to hold these files."""
    if part := _missing_part(folder, names):
        version = dataset_info(path=folder)["version"]
        raise DataError(
            folder,
            [f"version {version} of the dataset has no {part.holds}"],
            fix=f"fetch version {part.since} or later; the other tracks work with this one",
        )
