"""Segment records: what one segment of dynamics leaves behind, for ever.

A record is immutable and complete in itself: pair counts in 0.02 sigma bins, the scalars of every frame,
and where it came from. It carries a checksum of its own content, so that an edited or truncated record is
noticed wherever it was copied to. Records are rows of parquet files; a file may hold one or many.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from binlj.builders.starts.kinds import STARTS
from binlj.errors import DataError, InputError
from binlj.files import replacing
from binlj.grid import State, parse_state_id
from binlj.schema import N_FINE, shell_volumes

RECORD_VERSION = 1
BRING_BACK = "bring the file back from where it was made, or move it away and simulate the segment again"

# In `engine_args`, before the number of exchanges of identities per particle that were tried between two frames.
EXCHANGES = "; exchanges of identities per particle and frame: "

ChainKey = tuple[str, str, int]


@dataclass(frozen=True)
class SegmentRecord:
    """One segment of one chain (state, start, replica).

    Attributes
    ----------
    state_id, start, replica : identify the chain. ``start`` is one of `STARTS`.
    shape : the geometry the chain started from, one of `SHAPES`.
    seed : the chain's seed.
    step_start, step_end : steps since the end of the start procedure; frames lie in (start, end].
    n_A, n_B : particles of each species.
    counts : int64 array (n_blocks, 3, 500)
        Pairs AA, AB, BB (each unordered pair once) found in each 0.02 sigma bin, summed over the frames
        of each block. Blocks are consecutive and hold equal numbers of frames.
    step, temperature, energy, pressure, density, ab_coordination : float64 arrays (n_frames,)
        Per frame: instantaneous T*, potential energy per particle, P*, number density, and the number of
        B particles within 1.5 sigma_AB of an A particle.
    composition_fluctuation : float
        Variance of the local composition of the last frame over that of an ideal mixture (1 = random).
    solid_A, solid_B : float
        Fraction of the A (B) particles of the last frame that are solid-like among their own kind.
    deck_sha256, engine, engine_args : what made it.
    loop_seconds, rdf_seconds, wall_seconds : LAMMPS's loop time, time for the RDF, and all of it.
    dangerous_builds : LAMMPS's count of late neighbour-list builds (0 is right).
    """

    state_id: str
    start: str
    replica: int
    shape: str
    seed: int
    step_start: int
    step_end: int
    n_A: int
    n_B: int
    counts: np.ndarray = field(repr=False)
    step: np.ndarray = field(repr=False)
    temperature: np.ndarray = field(repr=False)
    energy: np.ndarray = field(repr=False)
    pressure: np.ndarray = field(repr=False)
    density: np.ndarray = field(repr=False)
    ab_coordination: np.ndarray = field(repr=False)
    composition_fluctuation: float
    solid_A: float
    solid_B: float
    deck_sha256: str
    engine: str
    engine_args: str
    loop_seconds: float
    rdf_seconds: float
    wall_seconds: float
    dangerous_builds: int

    @property
    def chain(self) -> ChainKey:
        return self.state_id, self.start, self.replica

    @property
    def key(self) -> tuple[str, str, int, int, int]:
        return (*self.chain, self.step_start, self.step_end)

    @property
    def state(self) -> State:
        return parse_state_id(self.state_id)

    @property
    def steps(self) -> int:
        return self.step_end - self.step_start

    @property
    def exchanges(self) -> int:
        """Exchanges of identities tried per particle between two frames; 0 in plain dynamics."""
        return int(self.engine_args.partition(EXCHANGES)[2] or 0)

    @property
    def n_frames(self) -> int:
        return len(self.step)

    @property
    def n_blocks(self) -> int:
        return int(self.counts.shape[0])

    @property
    def atom_steps(self) -> int:
        return (self.n_A + self.n_B) * self.steps

    def pairs(self) -> np.ndarray:
        """Numbers of unordered pairs AA, AB, BB in the box, shape (3,)."""
        a, b = float(self.n_A), float(self.n_B)
        return np.array([a * (a - 1) / 2, a * b, b * (b - 1) / 2])

    def ideal_counts(self) -> np.ndarray:
        """Counts an ideal gas of the same densities would give, shape (n_blocks, 3, 500).

        Pairs times shell volume times the sum over the block's frames of 1/V, so that
        g(r) = counts / ideal_counts is the ratio of means over frames.
        """
        inverse_volume = (self.density / (self.n_A + self.n_B)).reshape(self.n_blocks, -1).sum(1)
        return (
            inverse_volume[:, None, None] * self.pairs()[None, :, None] * shell_volumes(N_FINE)[None, None, :]
        )

    def checksum(self) -> str:
        """SHA-256 over all content, independent of the file it is stored in."""
        digest = hashlib.sha256()
        plain = {}
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            if isinstance(value, np.ndarray):
                dtype = "<i8" if f.name == "counts" else "<f8"
                digest.update(f"{f.name}{value.shape}".encode())
                digest.update(np.ascontiguousarray(value, dtype=dtype).tobytes())
            else:
                plain[f.name] = value
        digest.update(json.dumps(plain, sort_keys=True).encode())
        return digest.hexdigest()


_ARRAYS = ("step", "temperature", "energy", "pressure", "density", "ab_coordination")
_FLOATS = ("composition_fluctuation", "solid_A", "solid_B", "loop_seconds", "rdf_seconds", "wall_seconds")
_STRINGS = ("state_id", "start", "shape", "deck_sha256", "engine", "engine_args")
_INTS = ("replica", "seed", "step_start", "step_end", "n_A", "n_B", "dangerous_builds")


def _schema() -> pa.Schema:
    return pa.schema(
        [
            ("record_version", pa.int64()),
            ("checksum", pa.string()),
            ("n_blocks", pa.int64()),
            *((name, pa.string()) for name in _STRINGS),
            *((name, pa.int64()) for name in _INTS),
            *((name, pa.float64()) for name in _FLOATS),
            *((name, pa.list_(pa.float64())) for name in _ARRAYS),
            ("counts", pa.list_(pa.int32())),
        ]
    )


def write_records(path: Path, records: Sequence[SegmentRecord]) -> None:
    """Write records to one parquet file, atomically, sorted by key; the same records give the same bytes."""
    rows = []
    for record in sorted(records, key=lambda r: r.key):
        row = {name: getattr(record, name) for name in (*_STRINGS, *_INTS, *_FLOATS)}
        row |= {name: getattr(record, name).tolist() for name in _ARRAYS}
        row |= {
            "counts": record.counts.ravel().tolist(),
            "n_blocks": record.n_blocks,
            "record_version": RECORD_VERSION,
            "checksum": record.checksum(),
        }
        rows.append(row)
    table = pa.Table.from_pylist(rows, schema=_schema())
    with replacing(path) as temporary:
        # Delta packing: neighbouring bins have similar counts.
        pq.write_table(
            table,
            temporary,
            compression="zstd",
            compression_level=9,
            use_dictionary=list(_STRINGS),
            column_encoding={"counts.list.element": "DELTA_BINARY_PACKED"},
        )


def examine(path: Path) -> tuple[list[SegmentRecord], list[str]]:
    """The sound records of one file, and everything that is wrong with the file."""
    try:
        table = pq.read_table(path)
        if table.schema.names != _schema().names:
            return [], ["not a record file of this version (columns differ)"]
        rows = table.to_pylist()
    except (OSError, pa.ArrowException, ValueError) as error:
        said = "".join(c for c in (str(error) or type(error).__name__).splitlines()[0] if c.isprintable())
        return [], [f"not a readable record file: {said:.400}"]
    records, problems = [], []
    for i, row in enumerate(rows):
        try:
            records.append(_from_row(row))
        except (ValueError, TypeError, OverflowError, InputError) as error:
            name = f"{row['state_id']}, {row['start']}, steps from {row['step_start']}"
            problems.append(f"row {i} ({name!r:.120}): {str(error)!r:.400}")
    if not rows:
        problems.append("holds no record")
    return records, problems


def read_records(path: Path) -> list[SegmentRecord]:
    """Read and check all records of one file.

    Raises
    ------
    DataError
        If the file is not readable, not of this version, or a record does not match its checksum or is
        not consistent; every problem of the file is listed.
    """
    records, problems = examine(path)
    if problems:
        raise DataError(path, problems, fix=BRING_BACK)
    return records


def _from_row(row: dict[str, Any]) -> SegmentRecord:
    if row["record_version"] != RECORD_VERSION:
        raise ValueError(f"record version {row['record_version']}, this program reads {RECORD_VERSION}")
    values: dict[str, Any] = {name: row[name] for name in (*_STRINGS, *_INTS, *_FLOATS)}
    values |= {name: np.array(row[name], dtype=np.float64) for name in _ARRAYS}
    values["counts"] = np.array(row["counts"], dtype=np.int64).reshape(row["n_blocks"], 3, N_FINE)
    record = SegmentRecord(**values)
    if record.checksum() != row["checksum"]:
        raise ValueError("content does not match its checksum: the record was edited or damaged")
    check(record)
    return record


def check(record: SegmentRecord) -> None:
    """Raise ValueError if a record contradicts itself (all contradictions in one message)."""
    problems = []
    state = parse_state_id(record.state_id)
    n = record.n_A + record.n_B
    if (record.n_A, record.n_B) != state.counts(n):
        problems.append(f"{record.n_B} of {n} particles are B, but C_B = {state.C_B}")
    if record.start not in STARTS or (record.start == "mixed") != (record.shape == "mixed"):
        problems.append(f"start {record.start!r} with shape {record.shape!r}")
    if record.n_frames == 0 or record.n_frames % record.n_blocks:
        problems.append(f"{record.n_frames} frames do not fill {record.n_blocks} equal blocks")
    if any(len(getattr(record, name)) != record.n_frames for name in _ARRAYS):
        problems.append("the scalars' lengths differ")
    elif not (
        record.step_start < record.step[0]
        and record.step[-1] <= record.step_end
        and np.all(np.diff(record.step) > 0)
    ):
        problems.append("the frames lie outside the step range or are not in order")
    if not all(np.all(np.isfinite(getattr(record, name))) for name in _ARRAYS):
        problems.append("a scalar is not finite")
    if np.any(record.counts < 0) or np.any(record.density <= 0):
        problems.append("negative counts or density")
    if problems:
        raise ValueError("; ".join(problems))

