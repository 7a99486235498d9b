"""A configuration in its compact stored form, and how LAMMPS's files are read into it and written from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Configuration:
    """One configuration of a chain, compact: positions to L / 65536.

    ``types`` is int8 (N,), 0 for A and 1 for B; ``positions`` is int16 (N, 3), where the coordinate is
    box_length * (value + 32768) / 65536.
    """

    step: int
    box_length: float
    types: np.ndarray
    positions: np.ndarray

    def coordinates(self) -> np.ndarray:
        """Coordinates in [0, L), float64 (N, 3)."""
        return (self.positions.astype(np.float64) + 32768.0) * (self.box_length / 65536.0)


def compact(coordinates: np.ndarray, types: np.ndarray, *, box_length: float, step: int) -> Configuration:
    """Quantise coordinates (wrapped into the box) to 16 bits a component."""
    scaled = np.mod(coordinates / box_length, 1.0)
    return Configuration(
        step=step,
        box_length=box_length,
        types=types.astype(np.int8),
        positions=(np.floor(scaled * 65536.0).astype(np.int64) % 65536 - 32768).astype(np.int16),
    )


def read_last_frame(dump: Path) -> Configuration:
    """Last frame of a segment's dump (``id type x y z``, sorted by id), as a Configuration."""
    text = dump.read_text()
    frame = text[text.rindex("ITEM: TIMESTEP") :].splitlines()
    step, n = int(frame[1]), int(frame[3])
    lo, hi = (float(v) for v in frame[5].split())
    values = np.array([line.split() for line in frame[9 : 9 + n]], dtype=np.float64)
    return compact(values[:, 2:5] - lo, values[:, 1] - 1, box_length=hi - lo, step=step)


def write_data_file(path: Path, configuration: Configuration) -> None:
    """Write a configuration as a LAMMPS data file (atomic style, no velocities)."""
    length = configuration.box_length
    header = f"stored configuration\n\n{len(configuration.types)} atoms\n2 atom types\n\n"
    header += "".join(f"0.0 {length:.10f} {d}lo {d}hi\n" for d in "xyz") + "\nAtoms # atomic\n\n"
    xyz = configuration.coordinates()
    lines = (
        f"{i + 1} {t + 1} {x:.6f} {y:.6f} {z:.6f}"
        for i, (t, (x, y, z)) in enumerate(zip(configuration.types, xyz, strict=True))
    )
    path.write_text(header + "\n".join(lines) + "\n")
