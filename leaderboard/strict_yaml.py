"""Reading YAML written by strangers: plain scalars, lists and mappings, bounded, and nothing else.

PyYAML only splits the text into events; the value is built here, so that nothing is expanded, no key is
overwritten and no text is turned into a date, a number in base 60 or one of thousands of digits. A plain
scalar is a number if it is written in decimal, ``true`` and ``false`` are truth values, nothing, ``~`` and
``null`` are null, and everything else is text.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any

import yaml

from binlj.errors import InputError
from binlj.leaderboard.text import invisible

MAX_BYTES = 64 * 1024
MAX_DEPTH = 6
MAX_NODES = 2_000
FIX = "use plain `key: value` lines as in CONTRIBUTING.md"

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,19})")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]{0,19})(\.[0-9]{0,30})?([eE][-+]?[0-9]{1,3})?")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


def read_bounded(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes, never following a symbolic link.

    Raises
    ------
    InputError
        If it is missing, a link, not a regular file, or larger.
    """
    try:
        # O_NONBLOCK: opening a named pipe must not hang; it is refused below.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise InputError(path, ["file is missing"]) from None
    except OSError:
        raise InputError(path, ["cannot be read, or is a symbolic link"], fix="put the file itself here") from None
    with os.fdopen(handle, "rb") as stream:
        info = os.fstat(stream.fileno())
        if not stat.S_ISREG(info.st_mode):
            raise InputError(path, ["not a regular file"])
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise InputError(path, [f"larger than {limit:,} bytes"], fix="shorten it")
    return data


def read_yaml(path: Path) -> Any:
    """Read one small YAML document.

    Raises
    ------
    InputError
        If the file is unreadable, larger than 64 KiB, not UTF-8, not YAML, or uses anchors, aliases,
        tags, several documents, duplicate keys, keys that are not text, or deep nesting.
    """
    data = read_bounded(path, MAX_BYTES)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(path, [f"not UTF-8 text: {error.reason} at byte {error.start}"]) from None
    problems: list[str] = []
    try:
        value = _build(text, problems)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        problems.append(_one_line(error))
    if problems:
        raise InputError(path, problems, fix=FIX)
    return value


def _build(text: str, problems: list[str]) -> Any:
    """The value of the only document in `text`; what a plain record never needs goes to `problems`, by line."""
    document: list[Any] = []
    holders: list[list[Any] | dict[str, Any]] = [document]
    keys: list[str | None] = [None]  # beside each holder: in a mapping, the key that waits for its value
    nodes = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        at = f"line {event.start_mark.line + 1}: " if event.start_mark else ""
        if isinstance(event, yaml.DocumentStartEvent) and document:
            raise ValueError(at + "more than one YAML document")
        if isinstance(event, yaml.CollectionEndEvent):
            holders.pop()
            keys.pop()
        if not isinstance(event, yaml.NodeEvent):
            continue
        nodes += 1
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            problems.append(at + "anchors and aliases (& and *) are not allowed")
        if tag := getattr(event, "tag", None):
            problems.append(f"{at}tags ({shown(tag)}) are not allowed")
        if nodes > MAX_NODES:
            raise ValueError(f"{at}more than {MAX_NODES:,} values")
        if len(problems) >= 20:
            break
        value = _value(event)
        holder = holders[-1]
        if isinstance(holder, list):
            holder.append(value)
        elif (key := keys[-1]) is not None:
            holder[key], keys[-1] = value, None
        else:
            if not isinstance(value, str):
                problems.append(at + "keys must be plain text")
            elif value in holder:
                problems.append(f"{at}key {shown(value)} is given twice")
            keys[-1] = str(value)
        if isinstance(event, yaml.CollectionStartEvent):
            if len(holders) > MAX_DEPTH:
                raise ValueError(f"{at}nested deeper than {MAX_DEPTH} levels")
            holders.append(value)
            keys.append(None)
    return document[0] if document else None


def _value(event: yaml.NodeEvent) -> Any:
    """A scalar, or the empty list or mapping that the next events fill; None for an alias."""
    if isinstance(event, yaml.CollectionStartEvent):
        return {} if isinstance(event, yaml.MappingStartEvent) else []
    if not isinstance(event, yaml.ScalarEvent):
        return None
    text: str = event.value
    if event.style is not None:  # quoted or a block
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def shown(value: Any, limit: int = 60) -> str:
    """`value` for a message: quoted, control characters escaped, cut to `limit` characters."""
    text = ascii(value) if not isinstance(value, str) or invisible(value) else repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _one_line(error: Exception) -> str:
    if not isinstance(error, yaml.YAMLError):
        return str(error)[:200]
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}: " if mark else ""
    what = getattr(error, "problem", None) or str(error) or type(error).__name__
    return f"{where}not readable as YAML: {shown(' '.join(str(what).split()), 160)[1:-1]}"
