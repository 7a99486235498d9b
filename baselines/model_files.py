"""Model folders: ``model.json`` says what the model is, the model writes its arrays beside it. No pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from binlj import __version__
from binlj.baselines.protocol import Model
from binlj.errors import InputError
from binlj.files import replacing, sha256, write_json

FORMAT = 1
DESCRIPTION = "model.json"
_MAX_BYTES = 512 * 2**20


def save_model(model: Model, folder: Path) -> None:
    """Write a fitted model into `folder`; ``model.json`` comes last, so with it the rest is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DESCRIPTION).unlink(missing_ok=True)
    written = model.save(folder)
    write_json(
        folder / DESCRIPTION,
        {
            "format": FORMAT,
            "binlj_version": __version__,
            "name": model.name,
            "parameters": model.parameters,
            "files": {name: sha256(folder / name) for name in written},
        },
    )


def load_model(folder: Path) -> Model:
    """Read a model that :func:`save_model` wrote.

    Raises
    ------
    InputError
        If the folder holds no model, one of another format, an unknown name, or damaged files.
    """
    from binlj.baselines.registry import MODELS, make_model

    file = folder / DESCRIPTION
    fix = f"train it again: binlj train NAME --track TRACK --out {folder}"
    if not file.is_file():
        raise InputError(folder, [f"no model here ({DESCRIPTION} is missing)"], fix=fix)
    try:
        described: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        version, name = described["format"], described["name"]
        parameters, files = described["parameters"], described["files"]
        if not (isinstance(name, str) and isinstance(parameters, dict) and isinstance(files, dict)):
            raise TypeError("`name` must be a text, `parameters` and `files` must be tables")
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(file, [f"not a model description: {error!r}"], fix=fix) from None
    if version != FORMAT:
        raise InputError(
            file,
            [
                f"model format {version!r}, by binlj-rdf {described.get('binlj_version', 'unknown')}; "
                f"binlj-rdf {__version__} reads format {FORMAT}"
            ],
            fix=f"install that version of binlj-rdf, or {fix}",
        )
    problems = [] if name in MODELS else [f"unknown model {name!r}; known: {', '.join(MODELS)}"]
    for known, digest in files.items():
        if Path(known).name != known:
            problems.append(f"file name {known!r} leads out of the folder")
        elif not (folder / known).is_file():
            problems.append(f"{known} is missing")
        elif (folder / known).stat().st_size > _MAX_BYTES:
            problems.append(f"{known} is larger than {_MAX_BYTES} bytes")
        elif sha256(folder / known) != digest:
            problems.append(f"{known} is damaged (its SHA-256 differs)")
    if problems:
        raise InputError(folder, problems, fix=fix)
    model = make_model(name, **parameters)
    try:
        model.load(folder)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(folder, [f"cannot be read as a {name} model: {error}"], fix=fix) from None
    return model


def write_arrays(folder: Path, arrays: dict[str, np.ndarray]) -> str:
    """Write ``arrays.npz`` atomically, only plain numeric and text arrays; return its name."""
    objects = [name for name, value in arrays.items() if value.dtype.hasobject]
    if objects:
        raise TypeError(f"object arrays would need pickle: {', '.join(objects)}")
    with replacing(folder / "arrays.npz") as temporary, open(temporary, "wb") as stream:
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    return "arrays.npz"


def read_arrays(folder: Path) -> dict[str, np.ndarray]:
    """Read ``arrays.npz`` with pickle forbidden."""
    with np.load(folder / "arrays.npz", allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
