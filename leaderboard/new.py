"""Making a submission folder from prediction files and what a training run wrote beside them."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from binlj.errors import InputError
from binlj.files import replacing, write_text
from binlj.leaderboard.strict_yaml import read_bounded, shown
from binlj.leaderboard.submission import METADATA, check_id, predictions_name, schema
from binlj.schema import TRACKS

# Taken from a run's metadata; everything else in that file is left alone.
_FROM_RUN = ("name", "description", "parameters", "hardware", "seeds")
_TIMES = ("train_seconds", "predict_seconds")


class _Dumper(yaml.SafeDumper):
    """What is not known is left empty, so that the check asks for it."""


_Dumper.add_representer(type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", ""))

_SETTABLE = ("date", "license", "description", "hardware", "notes", "parameters", "extra_training_data", "kind",
             "code", "paper", "model")


def create(
    id: str,
    *,
    root: Path,
    predictions: Mapping[str, Path],
    metadata: Mapping[str, Path] | None = None,
    name: str | None = None,
    authors: Sequence[str] = (),
    fields: Mapping[str, str] | None = None,
) -> Path:
    """Write ``root/id`` with a copy of the predictions and a submission.yaml filled as far as known.

    Parameters
    ----------
    id : str
        Name of the new folder.
    root : Path
        The folder of the submissions.
    predictions : mapping
        Track -> predictions file.
    metadata : mapping, optional
        Track -> JSON file of the training run, with any of name, description, parameters,
        train_seconds, predict_seconds, hardware, seeds.
    name, authors, fields : optional
        Further content; `fields` maps keys of submission.yaml (and link names) to text.

    Returns
    -------
    Path
        The new folder. What is not known stays empty in submission.yaml, and the check asks for it.

    Raises
    ------
    InputError
        For a bad id, unreadable files, unknown fields, or a folder that exists; nothing is written then.
    """
    metadata, fields = metadata or {}, dict(fields or {})
    folder = root / id
    problems = check_id(id)
    if not problems and folder.exists():
        problems.append(f"{folder} exists already")
    problems += [f"no such file: {path}" for path in predictions.values() if not path.is_file()]
    problems += [f"unknown field {shown(key)} (known: {', '.join(_SETTABLE)})" for key in fields if key not in _SETTABLE]
    if fields.get("parameters", "0").isdigit() is False:
        problems.append(f"parameters must be a whole number, not {shown(fields['parameters'])}")
    runs: dict[str, dict[str, Any]] = {}
    for track, path in metadata.items():
        try:
            value = json.loads(read_bounded(path, 1024 * 1024))
            if not isinstance(value, dict):
                raise ValueError("not a JSON object")
        except (InputError, ValueError) as error:
            problems.append(f"{path}: {str(error).splitlines()[0]}")
        else:
            runs[track] = value
    if problems:
        raise InputError(f"submission {shown(id)}", problems)

    text = _yaml(_merge(runs, predictions, name, authors, fields))
    folder.mkdir(parents=True)
    for track, path in predictions.items():
        with replacing(folder / predictions_name(track)) as temporary:
            shutil.copyfile(path, temporary)
    write_text(folder / METADATA, text)
    return folder


def _merge(
    runs: Mapping[str, dict[str, Any]], predictions: Mapping[str, Path], name: str | None, authors: Sequence[str],
    fields: dict[str, str],
) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for run in runs.values():
        known.update({key: run[key] for key in _FROM_RUN if key in run})
    if name:
        known["name"] = name
    links = {key: fields.pop(key) for key in ("code", "paper", "model") if key in fields}
    known.update(fields)
    if "parameters" in fields:
        known["parameters"] = int(fields["parameters"])
    return {
        "name": known.get("name", ""),
        **({"kind": known["kind"]} if "kind" in known else {}),
        "description": known.get("description", "") or None,
        "authors": [{"name": author} for author in authors] or [{"name": ""}],
        "date": known.get("date") or datetime.date.today().isoformat(),
        "license": known.get("license", "CC-BY-4.0"),
        "links": links or None,
        "tracks": {
            t: {key: runs.get(t, {}).get(key) for key in _TIMES} for t in TRACKS if t in predictions
        },
        "extra_training_data": known.get("extra_training_data", "none"),
        "parameters": known.get("parameters"),
        "hardware": known.get("hardware", ""),
        "seeds": known.get("seeds", []),
        "notes": known.get("notes") or None,
    }


def _yaml(meta: dict[str, Any]) -> str:
    """submission.yaml with a comment above each line, taken from the schema."""
    described = schema()["properties"]
    lines = ["# Checked against leaderboard/submission.schema.json. No scores: they are recomputed."]
    for key, value in meta.items():
        if value is None and key in ("description", "links", "notes"):
            hint = {"description": '""', "links": "{code: https://…, paper: https://…}", "notes": '""'}[key]
            lines.append(f"# {key}: {hint}   (optional)")
            continue
        if "description" in described[key]:
            lines.append(f"# {described[key]['description']}")
        lines.append(yaml.dump({key: value}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110).rstrip("\n"))
    return "\n".join(lines) + "\n"
