"""``binlj submit`` and ``binlj leaderboard``."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import click

from binlj.progress import progress_bars
from binlj.schema import TRACKS

if TYPE_CHECKING:
    from binlj.leaderboard.statements import Statement

_folder = click.Path(path_type=Path, file_okay=False)
_file = click.Path(path_type=Path, dir_okay=False)
_dataset = click.option("--dataset", type=_folder, help="Another copy of the dataset folder.")
_submissions = click.option(
    "--submissions", type=_folder, help="Folder of the submissions (default: leaderboard/submissions in the clone)."
)


@click.group()
def submit() -> None:
    """Prepare and check a submission to the leaderboard."""


@submit.command("new", short_help="Make a submission folder from prediction files.")
@click.argument("id")
@click.option(
    "--predictions", "-p", "predictions", nargs=2, multiple=True, metavar="TRACK FILE", required=True,
    type=(click.Choice(TRACKS), _file),
    help="Predictions of a track; give it once per track, or once per seed (at least 3) for a stochastic model.",
)
@click.option(
    "--metadata", "-m", "metadata", nargs=2, multiple=True, metavar="TRACK FILE",
    type=(click.Choice(TRACKS), _file),
    help="metadata.json of a training run (times, hardware, seed); give it once per run. Times are averaged over the "
         "seeds' files; where several runs made one file, they add up.",
)
@click.option("--train-seconds", nargs=2, multiple=True, metavar="TRACK SECONDS", type=(click.Choice(TRACKS), float),
              help="Training time, where the metadata do not say it.")
@click.option("--predict-seconds", nargs=2, multiple=True, metavar="TRACK SECONDS", type=(click.Choice(TRACKS), float),
              help="Prediction time, where the metadata do not say it.")
@click.option("--attributions", type=_file, help="Feature attributions, see `binlj explain model`.")
@click.option("--name", help="Name shown in the table.")
@click.option("--author", "authors", multiple=True, help="Author; give it once per author.")
@click.option("--license", help="SPDX identifier of the licence of the predictions, e.g. CC-BY-4.0.")
@click.option("--extra-training-data", metavar="TEXT",
              help='What was used beyond the track\'s train split, or "none".')
@click.option("--prior-knowledge", metavar="TEXT", help='Physics the model starts from, or "none".')
@click.option("--code", metavar="URL", help="Link to the code; required for a ranked entry.")
@click.option("--set", "fields", nargs=2, multiple=True, metavar="KEY VALUE",
              help="Any other line of submission.yaml: description, date, hardware, seeds, notes, parameters …")
@click.option("--reference", is_flag=True,
              help="Not a model but a reference, such as a repeated simulation (kind: reference). It may cover only "
                   "some of a track's test states, which are taken out of FILE; one FILE can serve several tracks.")
@_submissions
@_dataset
def new(
    id: str, predictions: tuple[tuple[str, Path], ...], metadata: tuple[tuple[str, Path], ...],
    train_seconds: tuple[tuple[str, float], ...], predict_seconds: tuple[tuple[str, float], ...],
    attributions: Path | None, name: str | None,
    authors: tuple[str, ...], license: str | None, extra_training_data: str | None, prior_knowledge: str | None,
    code: str | None, fields: tuple[tuple[str, str], ...], reference: bool,
    submissions: Path | None, dataset: Path | None,
) -> None:
    """Make the submission folder ID from prediction files, and say what is left to fill in.

    Name, authors, licence, extra training data, prior knowledge and the link to the code are asked for on a terminal
    where their options do not give them. Elsewhere the options are required.
    """
    from binlj.errors import InputError
    from binlj.leaderboard.new import create, place_problems
    from binlj.leaderboard.statements import complete
    from binlj.leaderboard.submission import check as run
    from binlj.leaderboard.submission import latest_date, names_in

    def by_track(pairs: tuple[tuple[str, Path], ...]) -> dict[str, list[Path]]:
        return {track: [file for t, file in pairs if t == track] for track, _ in pairs}

    root = _root(submissions)
    if problems := place_problems(id, root):  # before any question is asked
        raise InputError(f"submission {id!r}", problems)
    options = {
        "name": name, "authors": ", ".join(authors), "license": license, "extra_training_data": extra_training_data,
        "prior_knowledge": prior_knowledge, "code": code,
    }
    content = complete(
        {**dict(fields), **{key: text for key, text in options.items() if text}},
        reference=reference or dict(fields).get("kind") == "reference", ask=_ask if sys.stdin.isatty() else None,
    )
    name, asked = content.pop("name"), content.pop("authors")
    times = {"train_seconds": train_seconds, "predict_seconds": predict_seconds}
    folder = create(
        id, root=root, predictions=by_track(predictions),
        metadata=by_track(metadata),
        seconds={(track, key): value for key, pairs in times.items() for track, value in pairs},
        attributions=attributions, name=name,
        authors=authors or [author.strip() for author in asked.split(",")], fields=content,
        reference=reference, dataset=dataset, say=click.echo,
    )
    if folder.is_relative_to(Path.cwd()):
        folder = folder.relative_to(Path.cwd())
    click.echo(f"wrote {folder}")
    try:
        submission = run(folder, dataset=dataset, names=names_in(root), latest=latest_date(dataset=dataset))
    except InputError as error:
        click.echo("still to do:")
        for problem in error.problems:
            click.echo(f"  - {problem}")
        click.echo(f"then: binlj submit check {folder}")
    else:
        for warning in submission.warnings:
            click.echo(f"warning: {warning}")
        click.echo("complete and valid")


def _ask(statement: Statement) -> str:
    """The answer to one question, asked until it is one that may stand there."""
    click.echo(statement.meaning)
    label = statement.key.replace("_", " ") + (", separated by commas" if statement.key == "authors" else "")
    answer: str = click.prompt(label, type=click.Choice(statement.choices) if statement.choices else str)
    return answer.strip()


@submit.command("check", short_help="Check a submission folder; list all that is wrong.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@_submissions
@_dataset
def check_command(folder: Path, submissions: Path | None, dataset: Path | None) -> None:
    """Check the submission folder DIR; list everything that is wrong, or say where it would stand."""
    from binlj.leaderboard.preview import preview
    from binlj.leaderboard.submission import check as run
    from binlj.leaderboard.submission import latest_date, names_in

    names = names_in(_root_or_none(submissions))
    submission = run(folder, dataset=dataset, names=names, latest=latest_date(dataset=dataset))
    for warning in submission.warnings:
        click.echo(f"warning: {warning}")
    click.echo(f"{submission.id}: valid; the score of its predictions:")
    for line in preview(submission, others=_root_or_none(submissions), dataset=dataset).lines:
        click.echo(f"  {line}")


@submit.command("pull-request", short_help="Check what a pull request changes (for the workflow).")
@click.option("--repository", type=_folder, default=".", help="Git repository with both commits (default: here).")
@click.option("--base", default="origin/main", show_default=True, help="The target branch.")
@click.option("--head", default="HEAD", show_default=True, help="The proposed commit.")
@click.option("--by", required=True, metavar="ACCOUNT", help="Account that opened the pull request.")
@_submissions
@_dataset
def pull_request(
    repository: Path, base: str, head: str, by: str, submissions: Path | None, dataset: Path | None
) -> None:
    """Check that a change is one new or own submission and nothing else, and check that submission.

    Where GITHUB_STEP_SUMMARY names a file, the scores and the rank interval are appended to it as Markdown.
    """
    from binlj.errors import InputError
    from binlj.leaderboard.pull_request import review
    from binlj.leaderboard.scores_markdown import refusal, summary

    try:
        rows = review(Path(repository), base, head, by=by, submissions=_root(submissions), dataset=dataset,
                      say=click.echo)
    except InputError as error:
        _summarise(refusal(error.problems))
        raise
    if rows:
        _summarise(summary(rows[0]["id"], rows))


def _summarise(text: str) -> None:
    """Append to the job's summary, where the workflow's runner asks for one."""
    if file := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(file).open("a", encoding="utf-8") as stream:
            stream.write(text)


@click.group()
def leaderboard() -> None:
    """Rescore all submissions and build the page."""


@leaderboard.command("build", short_help="Rescore every submission; write results, page and the README's table.")
@click.option("--check", is_flag=True, help="Write nothing; fail if the files differ from a fresh rescore.")
@click.option("--out", type=_folder,
              help="Where results and page go, or are (default: leaderboard/ in the clone, with the README's table).")
@_submissions
@_dataset
def build_command(check: bool, out: Path | None, submissions: Path | None, dataset: Path | None) -> None:
    """Rescore every submission; write results.json, the page index.html and the table in the README."""
    from binlj.errors import DataError
    from binlj.leaderboard.build import PAGE, RESULTS, count_steps, differences

    root = _root(submissions)
    if not check:
        _build(root, out or root.parent, dataset)
        return
    folder = out or root.parent
    with _progress(count_steps(root)) as step:
        problems = differences(root, folder, readme=_readme(folder), dataset=dataset, step=step)
    if problems:
        raise DataError(folder, problems, fix="run `binlj leaderboard build` and commit what it writes")
    click.echo(f"{folder / RESULTS} and {PAGE} are what a fresh rescore gives")


def _build(root: Path, out: Path, dataset: Path | None) -> list[Path]:
    """Build the leaderboard, print its rows; the files written."""
    from binlj.leaderboard.build import build, count_steps
    from binlj.leaderboard.partial import label
    from binlj.leaderboard.scores_markdown import rank_text

    with _progress(count_steps(root)) as step:
        board, written = build(root, out, readme=_readme(out), dataset=dataset, step=step)
    for row in board.rows:
        r2 = "  ".join(f"{pair} {_number(row['r2'][pair])}" for pair in ("AA", "AB", "BB", "overall"))
        rank = rank_text(row) or "–"
        skill = _number(row["skill"]["overall"])
        click.echo(f"{row['track']:<13} {rank:>4} {row['id']:<24} skill {skill}  R² {r2}  {label(row)}".rstrip())
    for path in written.values():
        click.echo(f"{path} ({path.stat().st_size / 1e6:.2f} MB)")
    return list(written.values())


def _readme(out: Path) -> Path | None:
    """The README that shows the results in `out`: the clone's, if they are the clone's."""
    from binlj.paths import clone_root

    clone = clone_root()
    return clone / "README.md" if clone and out.resolve() == clone / "leaderboard" else None


@leaderboard.command("merge", short_help="Check a merged submission, rebuild, say what to commit.")
@click.argument("id")
@_submissions
@_dataset
def merge_command(id: str, submissions: Path | None, dataset: Path | None) -> None:
    """Check the submission ID, rebuild the leaderboard with it, and say what to commit."""
    from binlj.errors import InputError
    from binlj.leaderboard.submission import check, check_id, latest_date, names_in

    root = _root(submissions)
    if problems := check_id(id):
        raise InputError("submission", problems)
    submission = check(root / id, dataset=dataset, names=names_in(root), latest=latest_date(dataset=dataset))
    for warning in submission.warnings:
        click.echo(f"warning: {warning}")
    files = [root / id, *_build(root, root.parent, dataset)]
    here = Path.cwd()
    named = [str(f.relative_to(here) if f.is_relative_to(here) else f) for f in files]
    click.echo(f"to commit:\n  git add {' '.join(map(shlex.quote, named))}\n  git commit -m 'Leaderboard: enter {id}'")


@leaderboard.command("table")
@click.option("--out", type=_folder, help="Where results.json is (default: leaderboard/ in the clone).")
@_submissions
def table_command(out: Path | None, submissions: Path | None) -> None:
    """Print results.json as a Markdown table."""
    from binlj.leaderboard.build import RESULTS
    from binlj.leaderboard.scores_markdown import markdown_table, read_rows

    click.echo(markdown_table(read_rows((out or _root(submissions).parent) / RESULTS)))


def _number(value: float | None) -> str:
    return "   –  " if value is None else f"{value:6.3f}"


def _root(submissions: Path | None) -> Path:
    from binlj.errors import InputError

    root = _root_or_none(submissions)
    if root is None:
        raise InputError(
            "submissions",
            ["no folder leaderboard/submissions here, and binlj is not installed from a clone (pip install -e .)"],
            fix="run it in the clone's root, or give --submissions DIR",
        )
    return root


def _root_or_none(submissions: Path | None) -> Path | None:
    from binlj.paths import clone_root

    clone = clone_root()
    root = (clone or Path()) / "leaderboard" / "submissions"
    return submissions or (root if clone or root.is_dir() else None)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """A progress bar; yields what takes the label of the next submission."""
    with progress_bars() as bars:
        task = bars.add_task("reading submissions", total=total)
        begun = count()

        def step(label: str) -> None:
            bars.update(task, description=label, completed=next(begun))

        yield step
