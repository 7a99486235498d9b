"""Scores by earlier versions of the data or the evaluator, and scores quoted from the paper.

``history/<version>.json`` holds what one version scored and does not change any more, so that its numbers can
be cited. ``history/quoted.json`` holds published numbers that nothing here recomputes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from binlj.errors import DataError
from binlj.files import write_text
from binlj.leaderboard.partial import label

SCHEMA_VERSION = "binlj-history/1"
QUOTED = "quoted.json"
_VERSIONS = ("dataset_version", "evaluator_version")
_KEPT = ("track", "id", "name", "kind", "rank_interval", "skill", "skill_ci95", "r2", "r2_ci95")


def read_history(folder: Path) -> dict[str, Any]:
    """What `folder` holds: ``versions``, newest first, each with the ``name`` of its file, and ``quoted``.

    Raises
    ------
    DataError
        If a file there is not a history file.
    """
    quoted = folder / QUOTED
    versions = [{"name": p.stem, **_read(p)} for p in sorted(folder.glob("*.json")) if p.name != QUOTED]
    return {
        "versions": sorted(versions, key=_age, reverse=True),
        "quoted": _read(quoted) if quoted.is_file() else None,
    }


def keep(results: Path, header: Mapping[str, Any], folder: Path) -> Path | None:
    """Write the scores in a results.json to `folder` if they are of another evaluator or other data than `header`'s.

    A new version of the data that only adds a track leaves the others' scores as they are: nothing is kept then.

    Returns the file written, or None where there is nothing to keep. A file that is there stays as it is.
    """
    try:
        old = json.loads(results.read_text(encoding="utf-8"))
        if all(old[key] == header[key] for key in _VERSIONS) or _same_tracks(old, header):
            return None
        rows = [_row(row) for row in old["rows"]]
        head = {"schema_version": SCHEMA_VERSION, **{k: old[k] for k in (*_VERSIONS, "dataset_sha256")}}
    except (OSError, ValueError, KeyError, TypeError):
        return None  # no results, or none of ours
    path = folder / f"{head['dataset_version']}.json"
    if path.exists():  # the same data by an earlier evaluator
        path = folder / f"{head['dataset_version']}-evaluator-{head['evaluator_version']}.json"
    if path.exists():
        return None
    parts = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    write_text(path, "{\n" + ",\n".join([*parts, f'"rows": [\n{lines}\n]']) + "\n}\n")
    return path


def _same_tracks(old: Mapping[str, Any], header: Mapping[str, Any]) -> bool:
    """Whether the same evaluator scored the same tables on each track that the old results have."""
    known = old.get("track_sha256") or {}
    if not known or old["evaluator_version"] != header["evaluator_version"]:
        return False
    return all(header["track_sha256"].get(track) == digest for track, digest in known.items())


def _row(row: dict[str, Any]) -> dict[str, Any]:
    kept = {key: row.get(key) for key in _KEPT}
    return {**kept, "states": label(row)} if label(row) else kept


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(value, dict) or not isinstance(value["rows"], list):
            raise ValueError("has no rows")
    except (OSError, ValueError, KeyError) as error:
        raise DataError(path, [f"not a history file: {error}"], fix="restore it from git") from None
    return value


def _age(version: Mapping[str, Any]) -> list[tuple[int, ...]]:
    return [tuple(map(int, re.findall(r"\d+", str(version.get(key))))) for key in _VERSIONS]
