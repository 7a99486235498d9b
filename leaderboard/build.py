"""Rescoring every submission from its predictions, and writing what follows from it.

Nothing here keeps a score between runs, and nothing in the output depends on the clock, the machine or
the order of the file system: two builds of the same inputs are equal byte for byte. Scores are rounded
to six decimals so that the last bits of another processor do not show.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from binlj.errors import DataError, InputError
from binlj.files import write_text
from binlj.leaderboard.builtin_rows import CEILING, naive_name
from binlj.leaderboard.history import keep, read_history
from binlj.leaderboard.partial import subset
from binlj.leaderboard.rank import assign
from binlj.leaderboard.score import Scored, score_cases
from binlj.leaderboard.scores_markdown import with_table
from binlj.leaderboard.submission import Submission, check, names_in
from binlj.schema import TRACKS

if TYPE_CHECKING:
    import numpy as np

    from binlj.eval import Scores

SCHEMA_VERSION = "binlj-leaderboard/2"
DIGITS = 6
RESULTS, PAGE = "results.json", "index.html"
_SAID = ("name", "authors", "date", "license", "extra_training_data", "hardware", "seeds")
Step = Callable[[str], None]


@dataclass(frozen=True)
class Board:
    """Everything the leaderboard shows.

    Attributes
    ----------
    header : dict
        Versions, hash of the data and the description of each metric.
    models : list of dict
        One per model: what its authors say about it.
    rows : list of dict
        One per model and track, in the order of the tracks and then of the scores.
    curves : dict
        (id, track) -> predicted g, shape (test curves, 100), in the order of the test table; of the first
        seed; of a partial reference the curves of the states in its row's ``subset``.
    history : dict
        Scores of earlier versions and quoted ones (:func:`binlj.leaderboard.history.read_history`).
    tracks : tuple of str
        The tracks it has rows of.
    """

    header: dict[str, Any]
    models: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    curves: dict[tuple[str, str], np.ndarray]
    history: dict[str, Any]

    @property
    def tracks(self) -> tuple[str, ...]:
        present = {row["track"] for row in self.rows}
        return tuple(track for track in TRACKS if track in present)


def find(folder: Path, *, dataset: Path | None = None) -> list[Submission]:
    """Check every submission under `folder` and return them in order of their ids.

    Raises
    ------
    InputError
        With every problem of every submission; none is skipped.
    """
    if not folder.is_dir():
        raise InputError(folder, ["no such folder"], fix="give --submissions DIR, or run in a clone of the repository")
    names = names_in(folder)

    def one(entry: Path) -> Submission | list[str]:
        try:
            return check(entry, dataset=dataset, names=names)
        except DataError:
            raise
        except InputError as error:
            return [f"{entry.name!a}: {problem}" for problem in error.problems]

    entries = [e for e in sorted(folder.iterdir(), key=lambda p: p.name) if e.name not in ("README.md", ".gitkeep")]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # a check mostly waits for the process that reads a file
        checked = list(pool.map(one, entries))
    problems = [problem for result in checked if isinstance(result, list) for problem in result]
    if problems:
        raise InputError(folder, problems, fix="`binlj submit check DIR` checks one of them")
    return [result for result in checked if not isinstance(result, list)]


def rescore(folder: Path, *, dataset: Path | None = None, step: Step = lambda _: None) -> Board:
    """Score every submission and every naive baseline on every track.

    Left out are tracks that the dataset does not have, or of which fewer than two test states are converged.

    Parameters
    ----------
    folder : Path
        Holds one folder per submission.
    dataset : Path, optional
        Another copy of the dataset.
    step : callable, optional
        Called with a label before each piece of work (see :func:`count_steps`).

    Raises
    ------
    InputError
        With every problem of every submission.
    DataError
        If the dataset cannot be read.
    """
    from binlj.eval import NAIVE_BASELINES, naive_predictions
    from binlj.eval.scoring import load_case, scorable_tracks
    from binlj.eval.truth import load_truth

    submissions = find(folder, dataset=dataset)
    rows: list[dict[str, Any]] = []
    curves: dict[tuple[str, str], np.ndarray] = {}
    metrics: dict[str, Any] = {}
    digests: dict[str, str] = {}
    for track in scorable_tracks(dataset=dataset):
        truth = load_truth(track, dataset=dataset)
        digests[track] = truth.track_sha256
        on_track: list[dict[str, Any]] = []
        for name in NAIVE_BASELINES:
            row_id = name.lower().replace("_", "-")
            step(f"{track}: {row_id}")
            case, _ = load_case(naive_predictions(name, track=track, dataset=dataset), truth)
            scored = score_cases([case])
            curves[row_id, track] = case.g
            metrics.update(_describe(scored.scores))
            on_track.append(_naive_row(row_id, track, scored))
        whole = scored.scores  # a naive baseline covers the track, a partial reference does not
        entries: dict[str, Scored] = {}
        for submission in (s for s in submissions if track in s.tracks):
            step(f"{track}: {submission.id}")
            scored = submission.score(track, truth)
            curves[submission.id, track], entries[submission.id] = scored.cases[0].g, scored
            metrics.update(_describe(scored.scores))
            on_track.append(model_row(submission, track, scored))
        step(f"{track}: rank intervals")
        ranked = {s.id: entries[s.id] for s in submissions if s.ranked and s.id in entries}
        for row in on_track:
            entry = entries.get(row["id"])
            if entry and entry.cases[0].truth is not truth:
                row["subset"] = subset(entry.cases[0], {id: model.cases for id, model in ranked.items()})
        naive = [r["skill"]["overall"] for r in on_track if r["kind"] == "naive"]
        best = max((value for value in naive if value is not None), default=None)
        for row in on_track:
            if row["kind"] == "model":
                value = row["skill"]["overall"]
                row["beats_naive"] = value is not None and (best is None or value > best)
        draws = {id: model.draws for id, model in ranked.items()}
        rows += [_ceiling_row(track, whole), *assign(on_track, draws)]
    models = [_model_entry(s) for s in submissions]
    if any(s.attributions for s in submissions):
        step("feature attributions")
        agreement = _agreements(submissions, dataset)
        models = [{**m, "attributions": agreement[m["id"]]} if m["id"] in agreement else m for m in models]
    return Board(
        header=_rounded(_header(whole, metrics, digests)), models=_rounded(models), rows=_rounded(rows), curves=curves,
        history=read_history(_history(folder)),
    )


def count_steps(folder: Path) -> int:
    """How many times :func:`rescore` will call ``step``, at most."""
    from binlj.eval import NAIVE_BASELINES

    folders = [p for p in folder.iterdir() if p.is_dir()] if folder.is_dir() else []
    return len(TRACKS) * (len(NAIVE_BASELINES) + len(folders) + 1) + 1


def results_text(board: Board) -> str:
    """Content of results.json: valid JSON with one line per model and one per model and track."""
    def line(value: Any) -> str:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(", ", ": "))

    def lines(values: list[dict[str, Any]]) -> str:
        return "[\n" + ",\n".join(line(v) for v in values) + "\n]" if values else "[]"

    parts = [f"{json.dumps(key)}: {line(value)}" for key, value in sorted(board.header.items())]
    parts += [f'"models": {lines(board.models)}', f'"rows": {lines(board.rows)}']
    return "{\n" + ",\n".join(parts) + "\n}\n"


def outputs(board: Board, *, dataset: Path | None = None) -> dict[str, str]:
    """The files of the leaderboard by name, as text."""
    from binlj.leaderboard.page import page_text

    return {RESULTS: results_text(board), PAGE: page_text(board, dataset=dataset)}


def build(
    folder: Path, out: Path, *, readme: Path | None = None, dataset: Path | None = None,
    step: Step = lambda _: None,
) -> tuple[Board, dict[str, Path]]:
    """Rescore and write results.json and index.html into `out`; returns the board and the files by name.

    With `readme`, the table between its markers is written too. Results beside the submissions that are of
    other versions of the data or the evaluator go into the history first.
    """
    board = rescore(folder, dataset=dataset, step=step)
    written: dict[str, Path] = {}
    table = with_table(readme, board.rows) if readme else ""
    kept = keep(out / RESULTS, board.header, _history(folder)) if out.resolve() == folder.parent.resolve() else None
    if kept:
        board, written[kept.name] = replace(board, history=read_history(kept.parent)), kept
    for name, text in outputs(board, dataset=dataset).items():
        written[name] = out / name
        write_text(written[name], text)
    if readme:
        written[readme.name] = readme
        write_text(readme, table)
    return board, written


def differences(
    folder: Path, committed: Path, *, readme: Path | None = None, dataset: Path | None = None,
    step: Step = lambda _: None,
) -> list[str]:
    """What in `committed`, and in the table of `readme`, differs from a fresh rescore; empty if nothing does."""
    board = rescore(folder, dataset=dataset, step=step)
    problems: list[str] = []
    for name, text in outputs(board, dataset=dataset).items():
        path = committed / name
        try:
            found = path.read_bytes()
        except FileNotFoundError:
            problems.append(f"{name} is missing")
            continue
        if found != text.encode("utf-8"):
            details = _row_differences(found, board) if name == RESULTS else []
            problems += details or [f"{name} is not what a fresh build writes"]
    if readme and with_table(readme, board.rows) != readme.read_text(encoding="utf-8"):
        problems.append(f"the table of results in {readme.name} is not what a fresh build writes")
    return problems


def _history(submissions: Path) -> Path:
    return submissions.parent / "history"


def _row_differences(found: bytes, board: Board) -> list[str]:
    """Name the rows of a committed results.json that a rescore does not confirm."""
    try:
        old = {(row["track"], row["id"]): row for row in json.loads(found)["rows"]}
    except (ValueError, KeyError, TypeError):
        return [f"{RESULTS} is not a results file"]
    new = {(row["track"], row["id"]): row for row in board.rows}
    out = []
    for key in sorted(old.keys() | new.keys()):
        name = f"{RESULTS}: {key[1]} on {key[0]}"
        if key not in new:
            out.append(f"{name} has no submission")
        elif key not in old:
            out.append(f"{name} is missing")
        elif old[key] != new[key]:
            fields = sorted(f for f in old[key].keys() | new[key].keys() if old[key].get(f) != new[key].get(f))
            out.append(f"{name} differs from its rescore in {', '.join(fields)}")
    return out


def _agreements(submissions: list[Submission], dataset: Path | None) -> dict[str, dict[str, Any]]:
    """How well submitted feature attributions agree with the data's own Sobol indices, by id."""
    from binlj.eval.explain.model_free import model_free_importances, score_file

    truth = model_free_importances(dataset)
    return {s.id: score_file(s.attributions, truth) for s in submissions if s.attributions}


def _describe(scores: Scores) -> dict[str, Any]:
    about = ("title", "unit", "formula", "better", "target")
    return {name: {key: m.get(key) for key in about} for name, m in scores.metrics.items()}


def _header(scores: Scores, metrics: dict[str, Any], digests: dict[str, str]) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluator_version": scores.evaluator_version,
        "dataset_version": scores.dataset_version,
        "dataset_sha256": scores.dataset_sha256,
        "track_sha256": digests,
        "bootstrap": {key: value for key, value in scores.bootstrap.items() if key != "n_units"},
        "metrics": [{"name": name, **about} for name, about in metrics.items()],
    }


def _naive_row(row_id: str, track: str, scored: Scored) -> dict[str, Any]:
    name = naive_name(row_id, track)
    return {"id": row_id, "name": name, "kind": "naive", "track": track, "ranked": False, **scored.numbers}


def model_row(submission: Submission, track: str, scored: Scored) -> dict[str, Any]:
    """A submission's row on a track, without its rank."""
    meta = submission.meta
    return {
        "id": submission.id,
        "name": meta["name"],
        "kind": meta.get("kind", "model"),
        "track": track,
        "ranked": submission.ranked,
        **scored.numbers,
        "train_seconds": meta["tracks"][track]["train_seconds"],
        "predict_seconds": meta["tracks"][track]["predict_seconds"],
        "parameters": int(meta["parameters"]),
        "date": meta["date"],
    }


def _ceiling_row(track: str, scores: Scores) -> dict[str, Any]:
    ceiling = scores.metrics["noise_ceiling"]
    return {
        "id": CEILING, "name": "Noise ceiling", "kind": "ceiling", "track": track, "ranked": False,
        "rank": None, "rank_interval": None,
        "skill": scores.skill_ceiling, "skill_ci95": scores.metrics["skill_ceiling"]["ci95"],
        "r2": ceiling["values"], "r2_ci95": ceiling["ci95"],
        "n_states": scores.n_states, "n_scored_states": scores.n_scored_states,
        "n_curves": scores.n_curves, "n_points": scores.n_points,
        "n_compositions": scores.bootstrap["n_units"],
    }


def _model_entry(submission: Submission) -> dict[str, Any]:
    meta = submission.meta
    return {
        "id": submission.id,
        **{key: meta[key] for key in _SAID},
        "parameters": int(meta["parameters"]),
        "kind": meta.get("kind", "model"),
        "description": meta.get("description", ""),
        "notes": meta.get("notes", ""),
        "links": meta.get("links", {}),
        "prior_knowledge": meta.get("prior_knowledge", ""),
    }


def _rounded(value: Any) -> Any:
    """Floats to six decimals (nine below 1e-3, so that small errors keep their digits); -0 becomes 0."""
    if isinstance(value, float):
        return round(value, DIGITS if abs(value) >= 1e-3 else DIGITS + 3) + 0.0
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    return value
