"""Scores of earlier versions of the data, kept so that a quoted number can be found for ever.

One small file a version, ``history/<version>.json``, taken from results.json when the version is left.
A file that exists is never written again.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from binlj.errors import DataError, InputError
from binlj.files import write_text

SCHEMA_VERSION = "binlj-history/1"
FOLDER = "history"
_HEADER = ("dataset_version", "dataset_sha256", "evaluator_version")
_ROW = ("track", "id", "name", "kind", "skill", "skill_ci95", "r2", "r2_ci95")


def extract(results: dict[str, Any]) -> dict[str, Any]:
    """What of a results.json is kept; a score that its evaluator did not have is None."""
    return {
        "schema_version": SCHEMA_VERSION,
        **{key: results[key] for key in _HEADER},
        "rows": [{key: row.get(key) for key in _ROW} for row in results["rows"]],
    }


def archive(folder: Path) -> Path:
    """Write ``history/<version>.json`` from the results.json in `folder`.

    Raises
    ------
    DataError
        If results.json cannot be read.
    InputError
        If the version has its file already.
    """
    source = folder / "results.json"
    try:
        kept = extract(json.loads(source.read_text(encoding="utf-8")))
        version = str(kept["dataset_version"])
        if not re.fullmatch(r"\d+\.\d+\.\d+", version):
            raise ValueError(f"data version {version!a} is not x.y.z")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(source, [f"not a results file: {error}"], fix="`binlj leaderboard build` writes it") from None
    path = folder / FOLDER / f"{version}.json"
    if path.exists():
        raise InputError(path, ["exists already; what was published of a version is not rewritten"])
    head = "".join(f"{json.dumps(k)}: {json.dumps(v)},\n" for k, v in kept.items() if k != "rows")
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in kept["rows"])
    path.parent.mkdir(exist_ok=True)
    write_text(path, f'{{\n{head}"rows": [\n{rows}\n]\n}}\n')
    return path


def read(folder: Path) -> list[dict[str, Any]]:
    """Every kept version, newest first.

    Raises
    ------
    DataError
        With every file that is not one :func:`archive` wrote.
    """
    found, problems = [], []
    for path in sorted((folder / FOLDER).glob("*.json")):
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            if value["schema_version"] != SCHEMA_VERSION or value["dataset_version"] != path.stem:
                raise ValueError("its versions are not those of its name")
            if any(set(row) != set(_ROW) for row in value["rows"]):
                raise ValueError("a row has other fields")
            found.append((tuple(map(int, path.stem.split("."))), value))
        except (OSError, ValueError, KeyError, TypeError) as error:
            problems.append(f"{path.name}: {error}")
    if problems:
        raise DataError(folder / FOLDER, problems, fix="restore it from git")
    return [value for _, value in sorted(found, key=lambda item: item[0], reverse=True)]
