"""Make a version of the dataset: ``make release VERSION=2.0.0 [DATE=2026-12-01] [GRID=keep] [DRY=1]``.

Each step says whether it is done, so a release that was stopped goes on when the same command is run again. Nothing is
committed or tagged.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from binlj.errors import BinljError, InputError, StoreBusyError
from binlj.files import write_text

ROOT = Path(__file__).resolve().parents[1]
# Where the version and the date stand: file, pattern, text in their place.
PLACES = (
    ("core/__init__.py", r'^__version__ = ".*"$', '__version__ = "{version}"'),
    ("CITATION.cff", r"^version: .*$", "version: {version}"),
    ("CITATION.cff", r"^date-released: .*$", "date-released: {date}"),
    ("CHANGELOG.md", r"^## (Unreleased|{escaped})$", "## {version}"),
)
# What a release writes; changes elsewhere are somebody's unfinished work.
WRITTEN = (
    *dict.fromkeys(file for file, _, _ in PLACES), "README.md", "binlj-rdf/", "builders/campaigns/",
    "core/theory/fitted.npz", "docs/explain/", "docs/reproduce/", "docs/validation/", "docs/rdf.png", "docs/starts.png",
    "leaderboard/history/", "leaderboard/index.html", "leaderboard/results.json", "leaderboard/submissions/",
)  # fmt: skip
CONTINUED = ("release", "offgrid")  # campaigns whose unfinished chains other machines continue


@dataclass(frozen=True)
class Release:
    """What is to be released, and where; with ``keep_grid`` the grid's tables stay those of the version before."""

    root: Path
    version: str
    date: str
    keep_grid: bool = False

    @property
    def work(self) -> Path:
        """Folder of what is kept between two calls."""
        return self.root / "out" / "release"


@dataclass(frozen=True)
class Step:
    """One step: what it does, whether that is done, and how to do it."""

    name: str
    about: str
    done: Callable[[], bool]
    run: Callable[[], None]


def begin(root: Path, version: str, date: str | None, *, keep_grid: bool = False) -> Release:
    """Check the input and the clone.

    Raises
    ------
    InputError
        Listing everything that keeps the version from being made.
    """
    present, problems = _present(root), []
    begun = present == version
    if re.fullmatch(r"\d+\.\d+\.\d+", version) is None:
        problems.append(f"version {version!r} is not of the form 1.2.3")
    elif _order(version) < _order(present):
        problems.append(f"version {version} is below the present one, {present}")
    elif git(root, "tag", "--list", f"v{version}").strip():
        problems.append(f"version {version} is tagged already")
    try:
        datetime.date.fromisoformat(date or "2000-01-01")
    except ValueError:
        problems.append(f"date {date!r} is not of the form 2026-12-31")
    for file, pattern, _ in PLACES:
        if not re.search(_escaped(pattern, version), (root / file).read_text(encoding="utf-8"), re.MULTILINE):
            problems.append(f"{file} has no line {_escaped(pattern, version)}")
    # -uall names files, not folders; a release that was begun has changed files of its own.
    changed = [line[3:].strip('"') for line in git(root, "status", "--porcelain", "-uall").splitlines()]
    problems += [
        f"{name} has changes that are not committed" for name in changed if not (begun and name.startswith(WRITTEN))
    ]
    problems += [f"a campaign is at work in {store.relative_to(root)}" for store in stores(root) if _busy(store)]
    if problems:
        raise InputError("release", problems, fix="mend these and run the same command again")
    kept = re.search(r"^date-released: (.*)$", (root / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return Release(root, version, date or (kept[1] if begun and kept else today), keep_grid)


def steps(release: Release) -> list[Step]:
    """The steps in their order."""
    root, dataset = release.root, release.root / "binlj-rdf"
    commit, earlier = before(release)
    old = release.work / f"before-{earlier}"
    python = str(root / ".venv" / "bin" / "python")
    binlj = str(root / ".venv" / "bin" / "binlj")

    def run(*commands: list[str]) -> Callable[[], None]:
        def each() -> None:
            for command in commands:
                print("+", *command, flush=True)
                subprocess.run(command, cwd=root, check=True)

        return each

    def archive() -> None:
        continued = ("offgrid",) if release.keep_grid else CONTINUED
        for store in stores(root):
            more = ["--configurations"] if store.name in continued else []
            chosen = ["--set", "offgrid"] if store.name == "offgrid" else ["--store", str(store)]
            run([binlj, "campaign", "archive", *chosen, *more])()

    tables = ["--grid", "keep"] if release.keep_grid else ["--snapshots", "refresh"]

    def publish() -> None:
        run(
            [python, "docs/starts.py"],
            [binlj, "publish", "--version", release.version, "--date", release.date, *tables],
        )()
        write_text(release.work / "published.json", json.dumps(_published(release)))

    def published() -> bool:
        stamp = release.work / "published.json"
        return stamp.is_file() and json.loads(stamp.read_text(encoding="utf-8")) == _published(release)

    def compare() -> None:
        unpack(root, commit, old)
        run([binlj, "validate", "diff", str(old / "binlj-rdf"), "--out", "docs/validation"])()

    def compared() -> bool:
        report = root / "docs" / "validation" / "version-diff.md"
        now = _manifest(dataset / "manifest.json")
        wanted = [_manifest_at(root, commit)["data_sha256"][:16], now["data_sha256"][:16]]
        return now["version"] == release.version and report.is_file() and all(
            sha in report.read_text(encoding="utf-8") for sha in wanted
        )

    message = release.work / f"v{release.version}.txt"

    def tag() -> None:
        write_text(message, tag_message(release))
        print(f"\n{message.read_text(encoding='utf-8')}\nRead what changed, open every picture, commit, then:\n"
              f"git tag -a v{release.version} -F {message.relative_to(root)}")  # fmt: skip

    never = lambda: False  # noqa: E731
    # The paper's experiments are of the grid.
    refresh = ["docs/refresh.sh", *(("models", "reports") if release.keep_grid else ())]
    return [
        Step("version", f"write version {release.version} and date {release.date} into "
             + ", ".join(dict.fromkeys(file for file, _, _ in PLACES)),
             lambda: not list(_outdated(release)), lambda: set_version(release)),
        Step("archive", "binlj campaign archive, for " + ", ".join(s.name for s in stores(root)),
             lambda: published() and not any(any((s / "loose").glob("*.parquet")) for s in stores(root)), archive),
        Step("publish", f"draw docs/starts.png; binlj publish {' '.join(tables)}", published, publish),
        Step("verify", "binlj verify", never, run([binlj, "verify"])),
        Step("diff", f"binlj validate diff against version {earlier} of commit {commit[:10]}", compared, compare),
        Step("refresh", f"{' '.join(refresh)}: train, score, write reports, the page and the README", never,
             run(refresh)),
        Step("tag message", f"write {message.relative_to(root)}; nothing is tagged", never, tag),
    ]  # fmt: skip


def set_version(release: Release) -> None:
    """Write version and date everywhere."""
    for path, text in _outdated(release):
        write_text(path, text)


def stores(root: Path) -> list[Path]:
    """The campaigns' folders, those of several system sizes included."""
    found = (root / "builders" / "campaigns").rglob("*")
    parents = {path.parent for path in found if path.is_dir() and path.name in ("packs", "loose")}
    return sorted(path for path in parents if path.name != "damaged")


def before(release: Release) -> tuple[str, str]:
    """Newest commit whose dataset is of another version, and that version.

    Raises
    ------
    InputError
        If there is none.
    """
    for commit in git(release.root, "log", "--format=%H", "--", "binlj-rdf/manifest.json").split():
        version = str(_manifest_at(release.root, commit)["version"])
        if version != release.version:
            return commit, version
    raise InputError("release", ["no earlier version of the dataset in the history"], fix="fetch the whole history")


def unpack(root: Path, commit: str, folder: Path) -> None:
    """Put the dataset of a commit into `folder`."""
    packed = subprocess.run(["git", "archive", commit, "binlj-rdf"], cwd=root, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")


def tag_message(release: Release) -> str:
    """Version, date, hash and the changelog's section of it."""
    text = (release.root / "CHANGELOG.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {release.version}\n", 1)[1].split("\n## ", 1)[0].strip()
    sha = _manifest(release.root / "binlj-rdf" / "manifest.json")["data_sha256"]
    return f"binlj-rdf {release.version}\n\nReleased {release.date}, data SHA-256 {sha}.\n\n{section}\n"


def git(root: Path, *arguments: str) -> str:
    """What git prints."""
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def _outdated(release: Release) -> Iterator[tuple[Path, str]]:
    """Files whose version or date is another one, and what they should hold."""
    for file in dict.fromkeys(file for file, _, _ in PLACES):
        path = release.root / file
        old = new = path.read_text(encoding="utf-8")
        for _, pattern, text in (place for place in PLACES if place[0] == file):
            line = text.format(version=release.version, date=release.date)
            if line in new.splitlines():
                continue  # an "Unreleased" above the version's own heading is for the next one
            new = re.sub(_escaped(pattern, release.version), line, new, count=1, flags=re.MULTILINE)
        if new != old:
            yield path, new


def _escaped(pattern: str, version: str) -> str:
    return pattern.replace("{escaped}", re.escape(version))


def _present(root: Path) -> str:
    """The version of the working tree."""
    found = re.search(r'^__version__ = "(.*)"$', (root / "core/__init__.py").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else "0.0.0"


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _busy(store: Path) -> bool:
    from binlj.builders.records.store import locked

    try:
        with locked(store):
            return False
    except StoreBusyError:
        return True


def _published(release: Release) -> list[str]:
    """What the published tables follow from: records (a pack's name is a hash of its contents) and code; their hash."""
    packs = sorted(path.name for store in stores(release.root) for path in (store / "packs").glob("*.parquet"))
    now = _manifest(release.root / "binlj-rdf" / "manifest.json")
    digest = hashlib.sha256("\n".join(packs).encode()).hexdigest()
    code = git(release.root, "rev-parse", "HEAD").strip()
    return [release.version, release.date, code, digest, str(now["version"]), str(now["data_sha256"])]


def _manifest(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _manifest_at(root: Path, commit: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(git(root, "show", f"{commit}:binlj-rdf/manifest.json"))
    return found


def main(arguments: list[str] | None = None, *, root: Path = ROOT) -> int:
    """Check, then do or list the steps; returns the exit status."""
    parser = argparse.ArgumentParser(description="Make a version of the dataset; see CONTRIBUTING.md.")
    parser.add_argument("version", help="x.y.z")
    parser.add_argument("--date", default=None, help="YYYY-MM-DD [default: today]")
    parser.add_argument("--grid", choices=["assemble", "keep"], default="assemble",
                        help="keep: only off-grid states are new")  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="only list the steps")
    given = parser.parse_args(arguments)
    try:
        release = begin(root, given.version, given.date or None, keep_grid=given.grid == "keep")
        todo = steps(release)
    except BinljError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for number, step in enumerate(todo, start=1):
        done = step.done()
        print(f"[{number}/{len(todo)}] {step.name}: {'done' if done else step.about}", flush=True)
        if done or given.dry_run:
            continue
        try:
            step.run()
        except subprocess.CalledProcessError as error:
            print(f"release: step {step.name!r} failed; the same command goes on from here", file=sys.stderr)
            return error.returncode if error.returncode > 0 else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
