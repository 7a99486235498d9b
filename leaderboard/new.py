"""Making a submission folder from prediction files and what a training run wrote beside them."""

from __future__ import annotations

import datetime
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from binlj.errors import DataError, InputError
from binlj.files import replacing, write_text
from binlj.leaderboard.folder import ATTRIBUTIONS, MAX_SEEDS, METADATA, MIN_SEEDS, predictions_name
from binlj.leaderboard.partial import take_test_states
from binlj.leaderboard.strict_yaml import read_bounded, shown
from binlj.leaderboard.submission import check_id, schema
from binlj.schema import TRACKS

if TYPE_CHECKING:
    import pyarrow as pa

_TIMES = ("train_seconds", "predict_seconds")


class _Dumper(yaml.SafeDumper):
    """What is not known is left empty, so that the check asks for it."""


_Dumper.add_representer(type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", ""))

_SETTABLE = ("date", "license", "description", "hardware", "notes", "parameters", "extra_training_data",
             "prior_knowledge", "seeds", "kind", "submitter", "code", "paper", "model")


def create(
    id: str,
    *,
    root: Path,
    predictions: Mapping[str, Sequence[Path]],
    metadata: Mapping[str, Sequence[Path]] | None = None,
    seconds: Mapping[tuple[str, str], float] | None = None,
    attributions: Path | None = None,
    name: str | None = None,
    authors: Sequence[str] = (),
    fields: Mapping[str, str] | None = None,
    reference: bool = False,
    dataset: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """Write ``root/id`` with a copy of the predictions and a submission.yaml filled as far as known.

    Parameters
    ----------
    id : str
        Name of the new folder.
    root : Path
        The folder of the submissions.
    predictions : mapping
        Track -> its predictions files: one, or of a stochastic model one a seed, 3 to 10.
    metadata : mapping, optional
        Track -> ``metadata.json`` of each training run behind the predictions (one a seed). Taken from
        it are train_seconds and predict_seconds (the mean over the runs where there are as many files,
        else their sum: one file may be made of several runs), hardware, the seeds, the name and, if it
        is a number, parameters.
    seconds : mapping, optional
        (track, "train_seconds" or "predict_seconds") -> seconds; wins over `metadata`.
    attributions : Path, optional
        Feature attributions to copy beside the predictions.
    name, authors, fields : optional
        Further content; `fields` maps keys of submission.yaml (and link names) to text. ``seeds`` are whole numbers
        separated by commas, or "none".
    reference : bool
        Make a ``kind: reference`` of it, which may cover only some of a track's test states: these are
        taken out of the predictions, states of the track's train split are left out. So the same file
        can serve several tracks.
    dataset : Path, optional
        Another copy of the dataset (for `reference`).
    say : callable, optional
        Told what `reference` took from each file.

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
    if reference:
        fields.setdefault("kind", "reference")
    folder = root / id
    problems = place_problems(id, root)
    files = [path for paths in predictions.values() for path in paths] + ([attributions] if attributions else [])
    problems += [f"no such file: {path}" for path in files if not path.is_file()]
    unknown = [key for key in fields if key not in _SETTABLE]
    problems += [f"unknown field {shown(key)} (known: {', '.join(_SETTABLE)})" for key in unknown]
    if not re.fullmatch(r"[0-9]{1,20}", fields.get("parameters", "0")):
        problems.append(f"parameters must be a whole number, not {shown(fields['parameters'])}")
    if not re.fullmatch(r"none|[0-9]{1,20}([ ,]+[0-9]{1,20})*", fields.get("seeds", "none")):
        problems.append(f"seeds must be whole numbers or none, not {shown(fields['seeds'])}")
    if reference and fields["kind"] != "reference":
        problems.append(f"a reference has the kind reference, not {shown(fields['kind'])}")
    for track, paths in predictions.items():
        if len(paths) > 1 and not MIN_SEEDS <= len(paths) <= MAX_SEEDS:
            problems.append(f"{len(paths)} files for the {track} track: give one, or one a seed, "
                            f"{MIN_SEEDS} to {MAX_SEEDS}")
        if reference and len(paths) > 1:
            problems.append(f"{len(paths)} files for the {track} track: a reference has one")
    timed = {*metadata, *(track for track, _ in seconds or {})}
    problems += [f"times are given for the {t} track, predictions are not" for t in sorted(timed - set(predictions))]
    runs: dict[str, list[dict[str, Any]]] = {track: [] for track in predictions}
    for track, path in ((t, path) for t, paths in metadata.items() if t in predictions for path in paths):
        try:
            value = json.loads(read_bounded(path, 1024 * 1024))
            if not isinstance(value, dict):
                raise ValueError("not a JSON object")
        except InputError as error:
            problems.append(str(error).replace("\n  - ", ": ").splitlines()[0])
        except (ValueError, RecursionError) as error:
            problems.append(f"{path}: {str(error).splitlines()[0]}")
        else:
            runs[track].append(value)
    taken, notes, unusable = _take(predictions, dataset) if reference else ({}, [], [])
    problems += unusable
    if problems:
        raise InputError(f"submission {shown(id)}", problems)
    for note in notes:
        say(note)

    times = {
        t: {key: _seconds(runs[t], key, files=len(predictions[t])) for key in _TIMES}
        for t in TRACKS if t in predictions
    }
    for (track, key), value in (seconds or {}).items():
        times[track][key] = value
    text = _yaml(_merge(_from_runs([run for part in runs.values() for run in part]), times, name, authors, fields))
    folder.mkdir(parents=True)
    copies = {
        predictions_name(track, k): path
        for track, paths in predictions.items() if track not in taken for k, path in enumerate(paths)
    }
    if attributions:
        copies[ATTRIBUTIONS] = attributions
    for file_name, path in copies.items():
        with replacing(folder / file_name) as temporary:
            shutil.copyfile(path, temporary)
    for track, table in taken.items():
        _write_table(folder / predictions_name(track), table)
    write_text(folder / METADATA, text)
    return folder


def place_problems(id: str, root: Path) -> list[str]:
    """What is wrong with the id of a new folder, or that the folder exists."""
    problems = check_id(id)
    if not problems and (root / id).exists():
        problems.append(f"{root / id} exists already")
    return problems


def _take(
    predictions: Mapping[str, Sequence[Path]], dataset: Path | None
) -> tuple[dict[str, pa.Table], list[str], list[str]]:
    """Test states of each track that there are files for; what was taken, in words; what cannot be used."""
    taken: dict[str, pa.Table] = {}
    notes: list[str] = []
    problems: list[str] = []
    for track, (path, *_) in predictions.items():
        if not path.is_file():
            continue
        try:
            taken[track], left_out = take_test_states(path, track, dataset=dataset)
        except DataError:
            raise
        except InputError as error:
            problems += [f"{path}: {problem}" for problem in error.problems]
            continue
        n = len({*taken[track].column("state_id").to_pylist()})
        rest = f"; {len(left_out)} states of the {track} train split are left out" if left_out else ""
        notes.append(f"{predictions_name(track)}: {n} states{rest}")
    return taken, notes, problems


def _write_table(path: Path, table: pa.Table) -> None:
    import pyarrow.parquet as pq

    with replacing(path) as temporary:
        pq.write_table(table, temporary)


def _seconds(runs: Sequence[dict[str, Any]], key: str, *, files: int) -> float | None:
    """Mean over the runs if each made one of the files, else their sum; None unless every run has a number."""
    values = [run.get(key) for run in runs]
    known = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if not known or len(known) != len(values):
        return None
    return round(sum(known) / (files if files == len(known) else 1), 3)


def _from_runs(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the metadata of training runs says about the model; everything else in them is left alone."""
    known: dict[str, Any] = {}
    seeds: list[int] = []
    for run in runs:
        inner = run.get("run")
        inner = inner if isinstance(inner, dict) else {}
        for key in ("name", "description"):
            text = run.get(key) or inner.get(key)
            if isinstance(text, str):
                known[key] = text
        if isinstance(run.get("parameters"), int):
            known["parameters"] = max(run["parameters"], known.get("parameters", 0))
        machine = run.get("hardware")
        if isinstance(machine, dict):
            cores = f", {machine['cores']} cores" if machine.get("cores") else ""
            machine = str(machine.get("gpu") or machine.get("cpu") or "") + cores
        if isinstance(machine, str):
            known["hardware"] = machine
        given = run.get("seeds", inner.get("seed"))
        seeds += [s for s in (given if isinstance(given, list) else [given]) if isinstance(s, int)]
    if runs:
        known["seeds"] = sorted(set(seeds))
    return known


def _merge(
    known: dict[str, Any], times: dict[str, dict[str, float | None]], name: str | None, authors: Sequence[str],
    fields: dict[str, str],
) -> dict[str, Any]:
    if name:
        known["name"] = name
    links = {key: fields.pop(key) for key in ("code", "paper", "model") if key in fields}
    known.update(fields)
    if "parameters" in fields:
        known["parameters"] = int(fields["parameters"])
    if "seeds" in fields:
        known["seeds"] = [int(seed) for seed in re.findall("[0-9]+", fields["seeds"])]
    # A ranked entry needs both, so they stand there to be filled in.
    model = known.get("kind", "model") == "model"
    prior = {"prior_knowledge": known.get("prior_knowledge")} if model or "prior_knowledge" in known else {}
    return {
        "name": known.get("name", ""),
        **({"kind": known["kind"]} if "kind" in known else {}),
        "description": known.get("description", "") or None,
        "authors": [{"name": author} for author in authors] or [{"name": ""}],
        "submitter": known.get("submitter") or None,
        "date": known.get("date") or datetime.date.today().isoformat(),
        "license": known.get("license"),
        "links": {**({"code": None} if model else {}), **links} or None,
        "tracks": times,
        "extra_training_data": known.get("extra_training_data"),
        **prior,
        "parameters": known.get("parameters"),
        "hardware": known.get("hardware", ""),
        "seeds": known.get("seeds", None if model else []),
        "notes": known.get("notes") or None,
    }


def _yaml(meta: dict[str, Any]) -> str:
    """submission.yaml with a comment above each line, taken from the schema."""
    described = schema()["properties"]
    lines = ["# Checked against leaderboard/submission.schema.json. No scores: they are recomputed."]
    hints = {
        "description": '""', "submitter": "GitHub account that may change this entry later",
        "links": "{code: https://…, paper: https://…}", "notes": '""',
    }
    for key, value in meta.items():
        if value is None and key in hints:
            lines.append(f"# {key}: {hints[key]}   (optional)")
            continue
        if "description" in described[key]:
            lines.append(f"# {described[key]['description']}")
        text = yaml.dump({key: value}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
        lines.append(text.rstrip("\n"))
    return "\n".join(lines) + "\n"
