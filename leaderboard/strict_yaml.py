"""Reading YAML written by strangers: plain scalars, lists and mappings, bounded, and nothing else.

``yaml.safe_load`` never runs code, but it still expands aliases (a few lines can become gigabytes),
keeps the last of two equal keys, turns ``2026-01-05`` into a date object and overflows the stack on
deep nesting. Here each of these is an error that names the line.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from binlj.errors import InputError

MAX_BYTES = 64 * 1024
MAX_DEPTH = 6
MAX_NODES = 2_000


class _Loader(yaml.SafeLoader):
    """SafeLoader without dates (they stay text) and without duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != "tag:yaml.org,2002:str":
                raise ValueError(f"line {line}: keys must be plain text")
            if key_node.value in seen:
                raise ValueError(f"line {line}: key {shown(key_node.value)} is given twice")
            seen.add(key_node.value)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, regexp) for tag, regexp in resolvers
        if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:merge")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


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
        tags, several documents, duplicate or non-text keys, invisible characters, or deep nesting.
    """
    data = read_bounded(path, MAX_BYTES)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(path, [f"not UTF-8 text: {error.reason} at byte {error.start}"]) from None
    problems = _structure(text)
    if problems:
        raise InputError(path, problems, fix="use plain `key: value` lines as in CONTRIBUTING.md")
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a stricter SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(path, [_one_line(error)], fix="use plain `key: value` lines as in CONTRIBUTING.md") from None


def _structure(text: str) -> list[str]:
    """Refuse what a plain record never needs, from the event stream (which is not recursive)."""
    depth = nodes = documents = 0
    problems: list[str] = []
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            line = event.start_mark.line + 1 if event.start_mark else 0
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                problems.append(f"line {line}: anchors and aliases (& and *) are not allowed")
            tag = getattr(event, "tag", None)
            if tag:
                problems.append(f"line {line}: tags ({shown(tag)}) are not allowed")
            if isinstance(event, yaml.NodeEvent):
                nodes += 1
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MAX_DEPTH:
                return [*problems, f"line {line}: nested deeper than {MAX_DEPTH} levels"]
            if nodes > MAX_NODES:
                return [*problems, f"line {line}: more than {MAX_NODES:,} values"]
            if documents > 1:
                return [*problems, f"line {line}: more than one YAML document"]
            if len(problems) >= 20:
                return problems
    except yaml.YAMLError as error:
        problems.append(_one_line(error))
    return problems


def unprintable(text: str) -> list[str]:
    """Code points in `text` that do not show or that reorder what is shown (controls, bidi overrides)."""
    bad = {
        c for c in text
        if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") and c not in "\n"
    }
    return [f"U+{ord(c):04X}" for c in sorted(bad)]


def shown(value: Any, limit: int = 60) -> str:
    """`value` for a message: quoted, control characters escaped, cut to `limit` characters."""
    text = ascii(value) if not isinstance(value, str) or unprintable(value) else repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _one_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or str(error) or type(error).__name__
    where = f"line {mark.line + 1}: " if mark else ""
    text = " ".join(str(what).split())
    return f"{where}not readable as YAML: {text[:160]}" if isinstance(error, yaml.YAMLError) else text[:200]
