"""Where a submission would stand, told to its author before the pull request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from binlj.errors import BinljError
from binlj.leaderboard.build import model_row
from binlj.leaderboard.partial import label, subset
from binlj.leaderboard.rank import assign
from binlj.leaderboard.score import Scored, mean_draws, mean_values
from binlj.leaderboard.scores_markdown import rank_text
from binlj.leaderboard.submission import Submission, check

if TYPE_CHECKING:
    from binlj.eval.metrics import Case
    from binlj.eval.truth import Truth


@dataclass(frozen=True)
class Preview:
    """What is known of a submission before it is entered.

    Attributes
    ----------
    rows : tuple of dict
        Its rows as the leaderboard would have them, one a track.
    lines : tuple of str
        The same for a terminal.
    """

    rows: tuple[dict[str, Any], ...]
    lines: tuple[str, ...]


def preview(submission: Submission, *, others: Path | None, dataset: Path | None = None) -> Preview:
    """Skill and R² with intervals, the best naive baseline, and the rank interval among the present entries.

    A partial reference has no rank; instead, the ranked models are scored on the same states.

    Parameters
    ----------
    others : Path or None
        Folder of the present submissions; those that do not pass their check are left out and named.
    """
    from binlj.eval.truth import load_truth

    lines: list[str] = []
    rows: list[dict[str, Any]] = []
    rivals: list[Submission] = []
    for folder in sorted(others.iterdir()) if others and others.is_dir() else []:
        if folder.name == submission.id or not folder.is_dir():
            continue
        try:
            rivals.append(check(folder, dataset=dataset))
        except BinljError as error:
            lines.append(f"(not compared with {folder.name!a}: {str(error).splitlines()[0]})")
    for track in submission.tracks:
        truth = load_truth(track, dataset=dataset)
        scored = submission.score(track, truth)
        models = {r.id: _load(r, track, truth) for r in rivals if r.ranked and track in r.tracks}
        row = _placed(submission, track, scored, models)
        if scored.scores.n_states < scored.scores.of_states:
            row["subset"] = subset(scored.cases[0], models)
        rows.append(row)
        lines += [f"{track:<13} {line}" for line in _lines(row, scored, dataset, n_others=len(models))]
    return Preview(tuple(rows), tuple(lines))


def _load(rival: Submission, track: str, truth: Truth) -> list[Case]:
    from binlj.eval.scoring import load_case

    return [load_case(rival.checked[path], truth)[0] for path in rival.predictions(track)]


def _placed(
    submission: Submission, track: str, scored: Scored, models: dict[str, list[Case]]
) -> dict[str, Any]:
    """Its row with the rank interval it would have among `models`."""
    mine = model_row(submission, track, scored)
    if not submission.ranked:
        return {**mine, "rank": None, "rank_interval": None}
    others = [{"id": id, "ranked": True, "skill": mean_values(cases, "skill")} for id, cases in models.items()]
    draws = {mine["id"]: scored.draws, **{id: mean_draws(cases, "skill")[:, -1] for id, cases in models.items()}}
    return next(row for row in assign([mine, *others], draws) if row["id"] == mine["id"])


def _lines(row: dict[str, Any], scored: Scored, dataset: Path | None, *, n_others: int) -> list[str]:
    from binlj.eval.scoring import naive_scores

    lines = []
    if covered := label(row):
        lines.append(f"partial: {covered}; all numbers below are of these states alone")
    seeds = row.get("seeds")
    if seeds:
        lines.append(f"means over {len(seeds['skill'])} seeds, ± their standard deviation")
    ceilings = {"skill": scored.scores.skill_ceiling, "r2": scored.scores.noise_ceiling}
    for name, title in (("skill", "skill"), ("r2", "R²")):
        for pair, value in row[name].items():
            low, high = row[f"{name}_ci95"][pair]
            spread = f" ± {_text(seeds[f'{name}_sd'][pair])}" if seeds else ""
            lines.append(f"{title:<5} {pair:<7} {_text(value)}{spread}  [{_text(low)}, {_text(high)}]  "
                         f"ceiling {_text(ceilings[name][pair])}")
    naive = {name: v["skill"]["overall"] for name, v in naive_scores(scored.cases[0].truth, dataset=dataset).items()}
    known = {name: value for name, value in naive.items() if value is not None}
    best = max(known, key=lambda name: known[name])
    mine = row["skill"]["overall"]
    verdict = "beats" if mine is not None and mine > known[best] else "does not beat"
    lines.append(f"{verdict} the best of the {len(naive)} naive baselines ({best}, skill {known[best]:.4f})")
    if row["rank_interval"]:
        better, not_worse = row["rank_interval"][0] - 1, row["rank_interval"][1] - 1
        lines.append(f"rank interval {rank_text(row)} of {n_others + 1} ranked entries: {better} significantly better, "
                     f"{n_others - not_worse} significantly worse")
    else:
        lines.append("shown outside the ranking (a reference, or trained on extra data)")
        lines += _like_for_like(row)
    return lines


def _like_for_like(row: dict[str, Any]) -> Sequence[str]:
    """What the ranked models score on the states of a partial reference."""
    models = row["subset"]["models"] if "subset" in row else {}
    return [
        f"{title} on the same states, {id}: " + "  ".join(f"{pair} {_text(v)}" for pair, v in values[name].items())
        for id, values in models.items() for name, title in (("skill", "skill"), ("r2", "R²"))
    ]


def _text(value: float | None) -> str:
    return "     –" if value is None else f"{value:6.4f}"
