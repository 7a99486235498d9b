"""Where a submission would stand, told to its author before the pull request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from binlj.errors import BinljError
from binlj.leaderboard.submission import Submission

if TYPE_CHECKING:
    from binlj.eval.metrics import Case


def preview(submission: Submission, *, others: Path | None, dataset: Path | None = None) -> list[str]:
    """Lines for the terminal: skill and R² with intervals, the best naive baseline, and the rank among the present
    entries.

    A partial reference has no rank; instead, the ranked models are scored on the same states.

    Parameters
    ----------
    others : Path or None
        Folder of the present submissions; those that do not pass their check are left out and named.
    """
    from binlj.eval import NAIVE_BASELINES, compare
    from binlj.eval.scoring import evaluate_case
    from binlj.leaderboard.submission import check

    lines: list[str] = []
    rivals: list[Submission] = []
    for folder in sorted(others.iterdir()) if others and others.is_dir() else []:
        if folder.name == submission.id or not folder.is_dir():
            continue
        try:
            rivals.append(check(folder, dataset=dataset))
        except BinljError as error:
            lines.append(f"(not compared with {folder.name!a}: {str(error).splitlines()[0]})")
    for track in submission.tracks:
        path = submission.predictions(track)
        case, scores = evaluate_case(path, track=track, dataset=dataset, partial=submission.may_be_partial)
        partial = scores.n_states < scores.of_states
        if partial:
            lines.append(f"{track:<13} partial: {scores.n_states} of {scores.of_states} test states; "
                         "all numbers below are of these states alone")
        for title, values, bounds, ceiling in (
            ("skill", scores.skill, scores.skill_ci95, scores.skill_ceiling),
            ("R²", scores.r2, scores.r2_ci95, scores.noise_ceiling),
        ):
            for pair, value in values.items():
                low, high = bounds[pair]
                lines.append(f"{track:<13} {title:<5} {pair:<7} {_text(value)}  [{_text(low)}, {_text(high)}]  "
                             f"ceiling {_text(ceiling[pair])}")
        known = {name: skill["overall"] for name, skill in scores.naive_skill.items() if skill["overall"] is not None}
        naive = max(known, key=lambda name: known[name])
        mine = scores.skill["overall"]
        verdict = "beats" if mine is not None and mine > known[naive] else "does not beat"
        lines.append(
            f"{track:<13} {verdict} the best of the {len(NAIVE_BASELINES)} naive baselines "
            f"({naive}, skill {known[naive]:.4f})"
        )
        if not submission.ranked:
            lines.append(f"{track:<13} shown outside the ranking (a reference, or trained on extra data)")
            if partial:
                lines += _like_for_like(case, track, [r for r in rivals if r.ranked and track in r.tracks], dataset)
            continue
        results = {
            r.id: compare(path, r.predictions(track), track=track, dataset=dataset).skill["overall"]
            for r in rivals if r.ranked and track in r.tracks
        }
        better = [name for name, r in results.items() if not r["tie"] and r["difference"] < 0]
        ties = [name for name, r in results.items() if r["tie"]]
        lines.append(
            f"{track:<13} of {len(results)} other ranked entries, {len(better)} significantly better, "
            f"{len(ties)} tied, {len(results) - len(better) - len(ties)} significantly worse"
        )
    return lines


def _like_for_like(case: Case, track: str, rivals: list[Submission], dataset: Path | None) -> list[str]:
    """What the ranked models score on the states of a partial reference."""
    from binlj.eval.scoring import load_case
    from binlj.eval.truth import load_truth
    from binlj.leaderboard.partial import subset

    truth = load_truth(track, dataset=dataset)
    models = {r.id: load_case(r.predictions(track), truth)[0] for r in rivals}
    return [
        f"{track:<13} R² on the same states, {id}: " + "  ".join(f"{pair} {_text(v)}" for pair, v in r2.items())
        for id, r2 in subset(case, models)["models"].items()
    ]


def _text(value: float | None) -> str:
    return "     –" if value is None else f"{value:6.4f}"
