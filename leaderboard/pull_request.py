"""What a pull request changes, and whether that is one submission and nothing else.

The change is read from git's trees, between the common ancestor of two commits and the second of them;
no file of the pull request is checked out, run or followed. What belongs to the submission is copied out of
git as plain files and checked like any other folder.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from binlj.errors import InputError
from binlj.leaderboard.folder import MAX_BYTES, METADATA
from binlj.leaderboard.strict_yaml import read_yaml, shown
from binlj.leaderboard.submission import check, check_id, latest_date, names_in

SUBMISSIONS = "leaderboard/submissions"
README = f"{SUBMISSIONS}/README.md"  # part of the documentation, not of a submission
FILE = "100644"  # git's mode of a plain file
FIX = "a pull request with a submission adds or changes one folder leaderboard/submissions/<id>, nothing else"


@dataclass(frozen=True)
class Change:
    """One path that differs: its git modes ("000000" where it is absent), and its blob after the change."""

    path: str
    old_mode: str
    new_mode: str
    blob: str

    @property
    def inside(self) -> bool:
        """Whether it is the folder of the submissions or lies in it."""
        return self.path == SUBMISSIONS or (self.path.startswith(f"{SUBMISSIONS}/") and self.path != README)


def review(
    repository: Path,
    base: str,
    head: str,
    *,
    by: str,
    submissions: Path,
    dataset: Path | None = None,
    say: Callable[[str], None] = print,
) -> tuple[dict[str, Any], ...]:
    """Check what a pull request changes; say what was found.

    Parameters
    ----------
    repository : Path
        A git repository that holds both commits.
    base, head : str
        The target branch and the proposed state.
    by : str
        The account that opened the pull request.
    submissions : Path
        The present entries, from the target branch.
    dataset : Path, optional
        Another copy of the dataset.
    say : callable
        Told what was found, line by line.

    Returns
    -------
    tuple of dict
        The rows the submission would have, with their rank intervals; none if the change enters nothing.

    Raises
    ------
    InputError
        If the change touches a submission and is not exactly one valid new or own one.
    """
    from binlj.leaderboard.preview import preview

    changes = read_changes(repository, base, head)
    if not any(change.inside for change in changes):
        say(f"touches no submission ({len(changes)} files elsewhere): nothing to check")
        return ()
    id, problems = single_folder(changes)
    with tempfile.TemporaryDirectory() as temporary:
        if id is not None:
            ancestor = _git(repository, "merge-base", base, head).decode().strip()
            problems += _not_own(repository, ancestor, id, by, Path(temporary) / "old")
        if problems or id is None:
            raise InputError("pull request", problems, fix=FIX)
        say(f"{SUBMISSIONS}/{id}: {', '.join(_word(c) + ' ' + c.path.rpartition('/')[2] for c in changes)}")
        files = _files(repository, head, f"{SUBMISSIONS}/{id}/")
        if not files:
            say(f"{id}: withdrawn")
            return ()
        folder = _copy_out(repository, files, Path(temporary) / id)
        try:
            names = names_in(submissions)
            submission = check(folder, dataset=dataset, names=names, latest=latest_date(dataset=dataset))
        except InputError as error:
            if error.exit_code != InputError.exit_code:
                raise
            raise InputError(f"{SUBMISSIONS}/{id}", error.problems, fix=error.fix) from None
        named = submission.meta.get("submitter")
        if named and named.casefold() != by.casefold():
            raise InputError(
                f"{SUBMISSIONS}/{id}", [f"submitter is {shown(named)}, the pull request is by {shown(by)}"]
            )
        for warning in submission.warnings:
            say(f"warning: {warning}")
        say(f"{id}: valid; the score of its predictions:")
        found = preview(submission, others=submissions, dataset=dataset)
        for line in found.lines:
            say(f"  {line}")
        return found.rows


def read_changes(repository: Path, base: str, head: str) -> list[Change]:
    """Every path that `head` changes since it left `base`, renames as a deletion and an addition."""
    # -z: paths come as they are and end with NUL, so no name can look like another line.
    out = _git(repository, "diff", "--raw", "-z", "--no-renames", "--no-abbrev", "--no-ext-diff", f"{base}...{head}")
    fields = out.decode("utf-8", "surrogateescape").split("\0")[:-1]
    changes = []
    for about, path in zip(fields[::2], fields[1::2], strict=True):
        old_mode, new_mode, _, blob, _ = about.removeprefix(":").split(" ")
        changes.append(Change(path, old_mode, new_mode, blob))
    return changes


def single_folder(changes: Sequence[Change]) -> tuple[str | None, list[str]]:
    """The id of the one submission that is changed, and everything that keeps the change from being one."""
    problems = []
    strays: list[str] = []
    ids: dict[str, None] = {}
    for change in changes:
        parts = change.path.split("/")
        if not change.inside:
            strays.append(change.path)
        elif len(parts) < 4:
            problems.append(f"{shown(change.path)} is not a folder with a submission")
        else:
            ids[parts[2]] = None
            if len(parts) > 4:
                problems.append(f"{shown(change.path)} lies in a folder of its own")
            elif change.new_mode not in (FILE, "000000"):
                problems.append(f"{shown(change.path)} is not a plain file (mode {change.new_mode})")
    bad = [problem for id in ids for problem in check_id(id)]
    problems += bad
    if len(ids) > 1:
        problems.append(f"changes {len(ids)} entries: {_few(ids)}")
    if strays:
        problems.append(f"changes {len(strays)} files outside {SUBMISSIONS}: {_few(strays)}")
    if not ids and not problems:
        problems.append("adds no submission")
    return (next(iter(ids)) if len(ids) == 1 and not bad else None), problems


def _not_own(repository: Path, ancestor: str, id: str, by: str, temporary: Path) -> list[str]:
    """An entry that is there already may be changed by the account its metadata name, and by no other."""
    files = _files(repository, ancestor, f"{SUBMISSIONS}/{id}/")
    if not files:
        return []
    owner = None
    try:
        value = read_yaml(_copy_out(repository, files, temporary) / METADATA)
        owner = value.get("submitter") if isinstance(value, dict) else None
    except InputError:
        pass  # an old entry that cannot be read names nobody
    if isinstance(owner, str) and owner.casefold() == by.casefold():
        return []
    whose = f"its submitter is {shown(owner)}" if owner else "which names no submitter"
    return [f"changes the entry {shown(id)}, {whose}; the pull request is by {shown(by)}: ask a maintainer"]


def _files(repository: Path, commit: str, folder: str) -> dict[str, str]:
    """Name -> blob of everything directly in a folder of a commit."""
    out = _git(repository, "ls-tree", "-z", "--full-tree", commit, "--", folder)
    found = {}
    for line in out.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        about, path = line.split("\t", 1)
        _, kind, blob = about.split(" ")
        if kind == "blob":
            found[path.rpartition("/")[2]] = blob
    return found


def _copy_out(repository: Path, files: dict[str, str], folder: Path) -> Path:
    """Write blobs as plain files, all together no larger than a submission may be."""
    folder.mkdir()
    size = 0
    for name, blob in files.items():
        size += int(_git(repository, "cat-file", "-s", blob))
        if size > MAX_BYTES:
            raise InputError(shown(name), [f"the files are over {MAX_BYTES / 2**20:.0f} MiB together"])
        (folder / name).write_bytes(_git(repository, "cat-file", "blob", blob))
    return folder


def _git(repository: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise InputError("git", ["is not installed"], fix="install git") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise InputError(repository, [f"git {arguments[0]}: {shown(said[0] if said else 'failed', 200)}"],
                         fix="give a clone that holds both commits")
    return done.stdout


def _word(change: Change) -> str:
    if change.old_mode == "000000":
        return "adds"
    return "removes" if change.new_mode == "000000" else "changes"


def _few(names: Collection[str]) -> str:
    return ", ".join(shown(name) for name in list(names)[:5]) + (" …" if len(names) > 5 else "")
