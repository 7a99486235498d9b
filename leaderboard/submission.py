"""A submission folder: what may be in it, and everything that is wrong with it, found at once.

A submission is data from a stranger. Nothing in it is executed, no link is followed, nothing outside
the folder is opened, and every text, number and file has a bound.
"""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from binlj.errors import InputError
from binlj.leaderboard.builtin_rows import CEILING, NAIVE_NAMES, OFFGRID_NAMES
from binlj.leaderboard.folder import (
    ATTRIBUTIONS,
    METADATA,
    list_files,
    predictions_in,
    predictions_name,
    seed_problems,
)
from binlj.leaderboard.strict_yaml import read_yaml, shown
from binlj.leaderboard.text import alike, invisible, stacked
from binlj.schema import TRACKS

if TYPE_CHECKING:
    from binlj.eval.predictions import Checked
    from binlj.eval.truth import Truth
    from binlj.leaderboard.score import Scored

ID_PATTERN = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?!-)){0,38}[a-z0-9]")
# Rows the leaderboard makes itself, and names no file system should have to hold.
RESERVED = frozenset({
    *NAIVE_NAMES, CEILING,
    "con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(10)),
})
FIX = "CONTRIBUTING.md says what belongs in a submission"


@dataclass(frozen=True)
class Submission:
    """A folder that passed the check.

    Attributes
    ----------
    id : str
        Name of the folder.
    folder : Path
    meta : dict
        Content of submission.yaml, valid against submission.schema.json.
    warnings : tuple of str
        What is odd but accepted as given.
    checked : mapping
        Path of a predictions file -> its checked curves, so that scoring need not read it again.
    """

    id: str
    folder: Path
    meta: dict[str, Any]
    warnings: tuple[str, ...] = ()
    checked: Mapping[Path, Checked] = field(default_factory=dict, repr=False, compare=False)

    @property
    def tracks(self) -> tuple[str, ...]:
        """The tracks it enters, in the benchmark's order."""
        return tuple(t for t in TRACKS if t in self.meta["tracks"])

    @property
    def ranked(self) -> bool:
        """Whether it competes: a model trained on the track's train split alone."""
        return _ranked(self.meta)

    @property
    def may_be_partial(self) -> bool:
        """Whether its predictions may cover only some of a track's test states: those of a reference may."""
        return _may_be_partial(self.meta)

    def predictions(self, track: str) -> tuple[Path, ...]:
        """The predictions files of a track, one a seed; the first is the one that pictures show."""
        names = {entry.name for entry in self.folder.iterdir()}
        return tuple(self.folder / name for name in predictions_in(names, track))

    def score(self, track: str, truth: Truth) -> Scored:
        """The scores of a track, from all its files."""
        from binlj.leaderboard.score import score_files

        return score_files(self.predictions(track), truth, partial=self.may_be_partial, checked=self.checked)

    @property
    def attributions(self) -> Path | None:
        """The feature attributions, where they were sent."""
        path = self.folder / ATTRIBUTIONS
        return path if path.is_file() else None


def _ranked(meta: dict[str, Any]) -> bool:
    return meta.get("kind", "model") == "model" and meta.get("extra_training_data") == "none"


def _may_be_partial(meta: dict[str, Any] | None) -> bool:
    return meta is not None and meta.get("kind", "model") == "reference"


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of submission.yaml."""
    text = (Path(__file__).parent / "submission.schema.json").read_text(encoding="utf-8")
    value: dict[str, Any] = json.loads(text)
    return value


def check(
    folder: Path,
    *,
    dataset: Path | None = None,
    names: Mapping[str, Collection[str]] | None = None,
    latest: datetime.date | None = None,
) -> Submission:
    """Check a submission folder.

    Parameters
    ----------
    folder : Path
        ``leaderboard/submissions/<id>``.
    dataset : Path, optional
        Another copy of the dataset.
    names : mapping, optional
        From :func:`names_in`: what the other entries are called.
    latest : date, optional
        The last day the submission may be dated (see :func:`latest_date`); without it any day will do, so
        that a rescore does not depend on the clock.

    Returns
    -------
    Submission

    Raises
    ------
    InputError
        With every problem of the folder, its metadata and its predictions.
    """
    from binlj.eval.predictions import check_track

    if folder.is_symlink() or not folder.is_dir():
        raise InputError(folder, ["not a folder" if not folder.is_symlink() else "is a symbolic link"], fix=FIX)
    problems = check_id(folder.resolve().name)
    files, file_problems = list_files(folder)
    problems += file_problems

    meta: dict[str, Any] | None = None
    if METADATA not in files:
        problems.append(f"{METADATA} is missing")
    else:
        try:
            value = read_yaml(folder / METADATA)
        except InputError as error:
            problems += [f"{METADATA}: {problem}" for problem in error.problems]
        else:
            found = check_metadata(value, latest=latest)
            found += _check_name(value, folder.resolve().name, names or {})
            problems += [f"{METADATA}: {problem}" for problem in found]
            meta = value if isinstance(value, dict) else None

    problems += seed_problems(files, reference=_may_be_partial(meta))
    present = {t for t in TRACKS if predictions_name(t) in files}
    claimed = meta.get("tracks") if meta else None
    if isinstance(claimed, dict):
        for track in TRACKS:
            if track in claimed and track not in present:
                problems.append(f"{predictions_name(track)} is missing, but {METADATA} enters the {track} track")
            if track in present and track not in claimed:
                problems.append(f"{predictions_name(track)} is there, but {METADATA} does not enter the {track} track")
    elif not present:
        problems.append(f"no predictions: expected {' or '.join(predictions_name(t) for t in TRACKS)}")
    warnings: list[str] = []
    checked: dict[Path, Checked] = {}
    for track in TRACKS:
        for name in predictions_in(files, track):
            found_in = checked[folder / name] = check_track(
                folder / name, track, dataset=dataset, partial=_may_be_partial(meta)
            )
            problems += [f"{name}: {problem}" for problem in found_in.validation.problems]
            warnings += [f"{name}: {warning}" for warning in found_in.validation.warnings]
    if ATTRIBUTIONS in files:
        problems += [f"{ATTRIBUTIONS}: {problem}" for problem in _check_attributions(folder / ATTRIBUTIONS)]
    if problems or meta is None:
        raise InputError(folder, problems, fix=FIX)
    return Submission(id=folder.resolve().name, folder=folder, meta=meta, warnings=tuple(warnings), checked=checked)


def check_id(name: str) -> list[str]:
    """Problems of a submission id (the folder's name)."""
    if not ID_PATTERN.fullmatch(name):
        return [f"folder name {shown(name)} is not an id: use 2 to 40 of a-z, 0-9 and single hyphens between them"]
    if name in RESERVED:
        return [f"folder name {shown(name)} is reserved; choose another"]
    return []


def names_in(root: Path | None) -> dict[str, list[str]]:
    """What the entries under `root` are called: the form in which names are compared -> ids.

    An entry whose metadata cannot be read has no name here; its own check says why.
    """
    found: dict[str, list[str]] = {}
    for entry in sorted(root.iterdir()) if root and root.is_dir() else []:
        try:
            value = read_yaml(entry / METADATA)
        except InputError:
            continue
        if isinstance(value, dict) and isinstance(value.get("name"), str):
            found.setdefault(alike(value["name"]), []).append(entry.name)
    return found


def latest_date(*, dataset: Path | None = None) -> datetime.date:
    """The last day a submission may be dated: today anywhere on Earth, or the day the dataset was released.

    The latter, because it answers that dataset: on a machine whose clock is behind the release the clock is wrong.
    """
    from binlj.data import dataset_info

    now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=14)
    try:
        released = datetime.date.fromisoformat(str(dataset_info(path=dataset).get("released")))
    except ValueError:
        return now.date()
    return max(now.date(), released)


def _check_name(value: Any, id: str, names: Mapping[str, Collection[str]]) -> list[str]:
    """Whether a name is that of a row the leaderboard makes itself, or of another entry."""

    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(name, str):
        return []
    own = (*NAIVE_NAMES, *NAIVE_NAMES.values(), *OFFGRID_NAMES.values(), CEILING, CEILING.replace("-", " "))
    if alike(name) in {alike(n) for n in own}:
        return [f"name: {shown(name)} is a row of the leaderboard itself; choose another"]
    others = [other for other in names.get(alike(name), ()) if other != id]
    return [f"name: {shown(name)} is also that of {shown(others[0])}; choose another"] if others else []


def check_metadata(value: Any, *, latest: datetime.date | None = None) -> list[str]:
    """Problems of a parsed submission.yaml, one line each, against the JSON Schema and beyond it.

    With `latest`, the day it may be dated at the latest.
    """
    import jsonschema

    if not isinstance(value, dict):
        return ["must be `key: value` lines"]
    validator = jsonschema.Draft202012Validator(schema())
    problems = []
    for error in sorted(validator.iter_errors(value), key=lambda e: [str(p) for p in e.absolute_path]):
        problems += _explain(error)
    if _ranked(value):
        links = value.get("links")
        if not isinstance(links, dict) or "code" not in links:
            problems.append("links.code is missing: a ranked entry links its code (commit, archive or repository)")
        if "prior_knowledge" not in value:
            problems.append('prior_knowledge is missing: a ranked entry names the physics it starts from, or "none"')
    for where, text in _texts(value):
        hidden = invisible(text)
        if hidden:
            problems.append(f"{where}: holds invisible or control characters ({', '.join(hidden[:5])})")
        elif "\n" in text and where != "notes":
            problems.append(f"{where}: must be one line")
        if stacked(text):
            problems.append(f"{where}: holds combining marks without a letter, or too many on one")
    problems += [f"{where}: {number} is not a finite number" for where, number in _not_finite(value)]
    date = value.get("date")
    if isinstance(date, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", date):
        try:
            if latest and datetime.date.fromisoformat(date) > latest:
                problems.append(f"date: {date} is in the future")
            datetime.date.fromisoformat(date)
        except ValueError:
            problems.append(f"date: {date} is not in the calendar")
    return list(dict.fromkeys(problems))


def _explain(error: Any) -> list[str]:
    """A schema error as lines a submitter can act on; never longer than a line, never raw input."""
    where = ".".join(str(part) for part in error.absolute_path)
    at = f"{where}: " if where else ""
    rule, got = error.validator, error.instance
    if where and (got is None or got == ""):
        top = schema()["properties"].get(str(error.absolute_path[0]), {}) if len(error.absolute_path) == 1 else {}
        meaning = error.schema.get("description") or top.get("description", "")
        return [f"{at}is empty" + (f"; fill in: {_uncapitalised(meaning)}" if meaning else "")]
    if rule == "additionalProperties":
        allowed = error.schema.get("properties", {})
        unknown = [key for key in got if key not in allowed]
        named = ", ".join(shown(key, 40) for key in unknown[:5]) + (" …" if len(unknown) > 5 else "")
        return [f"{at}unknown key{'s' if len(unknown) > 1 else ''} {named} (known: {', '.join(allowed)})"]
    if rule == "required":
        return [f"{at}{name} is missing" for name in error.validator_value if name not in got]
    if rule == "type":
        return [f"{at}must be {_named(error.validator_value)}, not {shown(got)}"]
    if rule == "enum":
        return [f"{at}{shown(got)} is not one of {', '.join(map(str, error.validator_value))}"]
    if rule in ("maxLength", "minLength", "maxItems", "minItems", "minProperties"):
        size = error.validator_value
        bound = f"at most {size:,}" if rule.startswith("max") else f"at least {size}"
        kind = "characters" if rule.endswith("Length") else "entries"
        too_many = rule.startswith("max")
        return [f"{at}has {len(got):,} {kind}, {bound} allowed" if too_many else f"{at}needs {bound} {kind}"]
    if rule == "pattern":
        return [f"{at}{shown(got)} {_PATTERNS.get(_last(error), 'does not have the required form')}"]
    if rule in ("minimum", "maximum"):
        return [f"{at}{shown(got)} must be {'at least' if rule == 'minimum' else 'at most'} {error.validator_value}"]
    return [f"{at}does not satisfy {rule}"]


def _uncapitalised(text: str) -> str:
    """The text with a small first letter, unless its first word is an abbreviation."""
    return text[0].lower() + text[1:] if text[1:2].islower() else text


_PATTERNS = {
    "date": "is not a date; write YYYY-MM-DD",
    "submitter": "is not the name of a GitHub account",
    "orcid": "is not an ORCID such as 0000-0002-1825-0097",
    "code": "is not a plain https:// link",
    "paper": "is not a plain https:// link",
    "model": "is not a plain https:// link",
}


def _last(error: Any) -> str:
    names = [part for part in error.absolute_path if isinstance(part, str)]
    return names[-1] if names else ""


def _named(kind: str) -> str:
    return {"object": "a mapping", "array": "a list", "string": "text", "integer": "a whole number",
            "number": "a number"}.get(kind, kind)


def _texts(value: Any, where: str = "") -> list[tuple[str, str]]:
    if isinstance(value, str):
        return [(where, value)]
    if isinstance(value, dict):
        at = {key: f"{where}.{shown(key, 40)[1:-1]}" if where else shown(key, 40)[1:-1] for key in value}
        return [x for key, v in value.items() for x in _texts(v, at[key])]
    if isinstance(value, list):
        return [x for i, v in enumerate(value) for x in _texts(v, f"{where}.{i}")]
    return []


def _not_finite(value: Any, where: str = "") -> list[tuple[str, float]]:
    if isinstance(value, float) and not math.isfinite(value):
        return [(where, value)]
    if isinstance(value, dict):
        return [x for k, v in value.items() for x in _not_finite(v, f"{where}.{k}" if where else str(k))]
    if isinstance(value, list):
        return [x for i, v in enumerate(value) for x in _not_finite(v, f"{where}.{i}")]
    return []


def _check_attributions(path: Path) -> list[str]:
    from binlj.eval.explain.attributions import read_attributions

    try:
        read_attributions(path)
    except InputError as error:
        return list(error.problems)
    return []
