"""Damaged copies of good files, and what may become of them: used or refused, nothing else.

A :class:`Target` is one kind of file: good examples of it, how to damage them, and how to use one. To fuzz
another kind, add a target to :func:`targets`. Everything follows from the seed of a mutant, so that a
number names it.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from binlj.errors import BinljError

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "builders")]

SAME, OTHER, REFUSED = "accepted, same content", "accepted, other content", "refused"
FOOTER = 2_000  # bytes at the end of a parquet file where most of its structure is

_TOKENS = (
    *("9" * n for n in (1, 20, 400, 5000)), "0x" + "f" * 5000, "0b" + "1" * 5000, "1:30:20", "1e9999", ".inf", ".nan",
    "-1", "~", "null", "true", "[", "]", "{", "}", ": ", "\n", "\n- ", "\n  ", "&a ", "*a", "!!python/name:os.system ",
    "!t ", "<<: ", "? ", "| ", "> ", "--- ", "...\n", "%YAML 9.9\n", "#", "'", '"', "\\", '"\\UFFFFFFFF"', "\t",
    "\u3164", "\u202e", "\u0301" * 9, "\x00", "\x1b[31m", "\ufeff", "2026-02-30", "name: x\n", "a: " * 8, "[" * 900,
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """One kind of file to damage.

    Attributes
    ----------
    name : str
    suffix : str
        Of the file, with the dot.
    seeds : tuple of bytes
        Good files.
    mutate : callable
        (bytes, random generator) -> damaged bytes.
    use : callable
        (path, bytes of the good file) -> SAME or OTHER; raises BinljError where the file is refused.
    file : str
        Name of the file without suffix.
    """

    name: str
    suffix: str
    seeds: tuple[bytes, ...]
    mutate: Callable[[bytes, random.Random], bytes]
    use: Callable[[Path, bytes], str]
    file: str = "mutant"

    def mutant(self, number: int) -> tuple[bytes, bytes]:
        """The damaged file of this number, and the good one it was made from."""
        rng = random.Random(f"{self.name} {number}")
        good = rng.choice(self.seeds)
        return self.mutate(good, rng), good

    def outcome(self, number: int, folder: Path) -> str:
        """What becomes of a mutant; any exception but a refusal passes through."""
        data, good = self.mutant(number)
        path = folder / f"{self.file}{self.suffix}"
        path.write_bytes(data)
        try:
            return self.use(path, good)
        except BinljError as error:
            named = path if self.file == "mutant" else path.parent  # a dataset's folder stands for its manifest
            assert str(named) in str(error), f"the error does not name the file: {error}"
            assert len(str(error)) < 5_000, "the error is too long to read"
            assert all(c.isprintable() or c == "\n" for c in str(error)), "the error holds control characters"
            return REFUSED


def mutate_bytes(data: bytes, rng: random.Random) -> bytes:
    """One to four changes: flipped bits, other bytes, pieces removed, repeated or cut off; often in the footer."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if len(out) < 16:
            break
        low = max(0, len(out) - FOOTER) if rng.random() < 0.6 else 0
        at = rng.randrange(low, len(out))
        size = min(rng.choice((1, 1, 2, 4, 8, 64, 1000)), len(out) - at)
        kind = rng.choice("bbbbvvrrdiztm")
        if kind == "b":
            out[at] ^= 1 << rng.randrange(8)
        elif kind == "v":  # a larger or smaller number, where numbers are written as 7 bits a byte
            out[at : at + size] = bytes(b & 0x80 | rng.randrange(128) for b in out[at : at + size])
        elif kind == "r":
            out[at : at + size] = rng.randbytes(size)
        elif kind == "d":
            del out[at : at + size]
        elif kind == "i":
            out[at:at] = out[at : at + size]
        elif kind == "z":
            out[at : at + size] = rng.choice((b"\x00", b"\xff")) * size
        elif kind == "t" and rng.random() < 0.3:
            del out[at:]
        elif kind == "m":
            other = rng.randrange(len(out))
            out[at : at + size] = out[other : other + size]
    return bytes(out)


def mutate_text(data: bytes, rng: random.Random) -> bytes:
    """One to four changes of lines, words and characters, or of bytes."""
    if rng.random() < 0.2:
        return mutate_bytes(data, rng)
    text = data.decode()
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(len(text) + 1)
        end = min(len(text), at + rng.choice((0, 0, 1, 5, 40)))
        if rng.random() < 0.25:  # a whole value
            colons = [i for i, c in enumerate(text) if c == ":"] or [0]
            at = rng.choice(colons) + 2
            end = max(at, text.find("\n", at))
        other = chr(rng.choice((rng.randrange(256), rng.randrange(0xD800))))
        piece = rng.choice(_TOKENS) if rng.random() < 0.8 else other
        text = text[:at] + piece + text[end:]
    return text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Files:
    """Good files of every kind, by the names of their targets."""

    predictions: tuple[bytes, ...]
    attributions: bytes
    metadata: bytes
    records: bytes
    manifest: bytes


def targets(dataset: Path, good: Files) -> tuple[Target, ...]:
    """The files of a submission to the extrapolation track of `dataset`, its manifest, and segment records."""
    from binlj.eval.truth import required_keys

    keys = required_keys("extrapolation", dataset=dataset)

    def use_predictions(path: Path, good: bytes) -> str:
        from binlj.eval.predictions import check

        checked = check(path, keys)
        checked.validation.raise_if_bad()
        assert checked.g is not None and checked.g.shape == (len(keys), 100) and np.isfinite(checked.g).all()
        _assert_as_pyarrow_reads(path, checked.g, keys)
        return SAME if np.array_equal(checked.g, _g(good, keys)) else OTHER

    def use_attributions(path: Path, good: bytes) -> str:
        import io

        import pyarrow.parquet as pq

        from binlj.eval.explain.attributions import KEYS, read_attributions

        frame = read_attributions(path)
        assert list(zip(frame["feature"], frame["pair"], strict=True)) == list(KEYS)
        assert np.isfinite(frame["value"].to_numpy()).all()
        before = pq.ParquetFile(io.BytesIO(good)).read(columns=["value"], use_threads=False)
        return SAME if frame["value"].tolist() == before.column("value").to_pylist() else OTHER

    def use_metadata(path: Path, good: bytes) -> str:
        import yaml

        from binlj.errors import InputError
        from binlj.leaderboard.strict_yaml import read_yaml
        from binlj.leaderboard.submission import check_metadata

        value = read_yaml(path)
        problems = check_metadata(value)
        if problems:
            raise InputError(path, problems)
        return SAME if value == yaml.load(good, Loader=yaml.BaseLoader) or value == yaml.safe_load(good) else OTHER

    def use_records(path: Path, good: bytes) -> str:
        from binlj.builders.records.record import read_records

        # Other content than the checksums say must never be accepted.
        assert [r.checksum() for r in read_records(path)] == [r.checksum() for r in fuzzed_records()]
        return SAME

    def use_manifest(path: Path, good: bytes) -> str:
        import json

        from binlj.data import check_unchanged, dataset_info

        table = path.parent / "extrapolation"
        if not table.exists():
            (path.parent / "README.md").touch()
            table.symlink_to(dataset / "extrapolation", target_is_directory=True)
        info = dataset_info(path=path.parent)
        check_unchanged("extrapolation", "test", path=path.parent)
        return SAME if info == json.loads(good) else OTHER

    return (
        Target("predictions", ".parquet", good.predictions, mutate_bytes, use_predictions),
        Target("attributions", ".parquet", (good.attributions,), mutate_bytes, use_attributions),
        Target("metadata", ".yaml", (good.metadata,), mutate_text, use_metadata),
        Target("records", ".parquet", (good.records,), mutate_bytes, use_records),
        Target("manifest", ".json", (good.manifest,), mutate_text, use_manifest, "manifest"),
    )


@cache
def fuzzed_records() -> list[Any]:
    """Three records of one chain."""
    from synthetic import chain

    from binlj.grid import State

    return chain(State(1.0, 0.2, 1.0, 0.6), segments=3, frames=4, n_blocks=2, n=1000)


def good_files(dataset: Path, folder: Path) -> Files:
    """A valid submission to the extrapolation track, its predictions in several encodings; records and manifest."""
    import io

    import pyarrow.parquet as pq
    import yaml

    from binlj.eval import template, write_predictions
    from binlj.eval.explain.attributions import write_attributions
    from binlj.grid import PAIRS
    from binlj.schema import FEATURES

    rng = np.random.default_rng(0)
    frame = template("extrapolation", dataset=dataset)
    frame["g"] = [np.round(rng.random(100), 2) for _ in range(len(frame))]
    frame["g_std"] = [np.full(100, 0.1) for _ in range(len(frame))]
    write_predictions(folder / "p.parquet", frame)
    table = pq.read_table(folder / "p.parquet")
    files = []
    for options in (
        {},
        {"compression": "zstd", "use_dictionary": False, "row_group_size": 200},
        {"compression": "gzip", "data_page_version": "2.0", "data_page_size": 4096},
        {"compression": "none", "column_encoding": {"g.list.element": "BYTE_STREAM_SPLIT"}, "use_dictionary": ["pair"]},
    ):
        buffer = io.BytesIO()
        pq.write_table(table, buffer, **options)
        files.append(buffer.getvalue())
    write_attributions(folder / "a.parquet", {p: {f: float(rng.random()) for f in FEATURES} for p in PAIRS})
    meta = {
        "name": "Test model",
        "description": "One sentence.",
        "authors": [{"name": "A. Author", "orcid": "0000-0002-1825-0097"}, {"name": "B. Author"}],
        "submitter": "anna",
        "date": "2026-01-05",
        "license": "CC-BY-4.0",
        "links": {"code": "https://example.org/code"},
        "tracks": {"extrapolation": {"train_seconds": 12.5, "predict_seconds": 0.25}},
        "extra_training_data": "none",
        "prior_knowledge": "none",
        "parameters": 9542,
        "hardware": "2 CPU cores",
        "seeds": [1, 2, 3],
        "notes": "a\nb\n",
    }
    text = yaml.safe_dump(meta, sort_keys=False).encode()
    from binlj.builders.records.record import write_records

    write_records(folder / "r.parquet", fuzzed_records())
    return Files(
        predictions=tuple(files),
        attributions=(folder / "a.parquet").read_bytes(),
        metadata=text,
        records=(folder / "r.parquet").read_bytes(),
        manifest=(dataset / "manifest.json").read_bytes(),
    )


def _g(good: bytes, keys: tuple[tuple[str, str], ...]) -> np.ndarray:
    import io

    return _in_order(io.BytesIO(good), keys)


def _assert_as_pyarrow_reads(path: Path, g: np.ndarray, keys: tuple[tuple[str, str], ...]) -> None:
    """What is scored is what stands in the file."""
    assert np.array_equal(g, _in_order(path, keys)), "the values scored are not those of the file"


def _in_order(source: object, keys: tuple[tuple[str, str], ...]) -> np.ndarray:
    import pyarrow.parquet as pq

    table = pq.ParquetFile(source).read(columns=["state_id", "pair", "g"], use_threads=False)
    row_of = {key: i for i, key in enumerate(zip(*(table.column(i).to_pylist() for i in (0, 1)), strict=True))}
    values = np.array(table.column("g").to_pylist(), dtype=np.float64)
    return values[[row_of[key] for key in keys]]
