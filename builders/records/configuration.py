"""A configuration in its compact stored form, and how LAMMPS's files are read into it and written from it."""

from __future__ import annotations

from collections.abc import Iterator
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


def pairs_within(coordinates: np.ndarray, *, length: float, reach: float) -> np.ndarray:
    """Pairs of particles whose nearest images in a periodic cube are at most `reach` apart.

    Parameters
    ----------
    coordinates : ndarray, shape (n, 3)
        Need not lie inside the box.
    length : float
        Edge of the cube, more than twice `reach`.
    reach : float

    Returns
    -------
    ndarray of int, shape (pairs, 2)
        Each unordered pair once.
    """
    from scipy.spatial import cKDTree

    inside = np.mod(coordinates, length)
    inside[inside >= length] = 0.0  # the remainder of a tiny negative number is rounded to the edge itself
    return np.asarray(cKDTree(inside, boxsize=length).query_pairs(reach, output_type="ndarray"))


@dataclass(frozen=True)
class Frame:
    """One frame of a segment's dump: coordinates from the box's corner in sigma_AA (n, 3), types 0 and 1 (n,)."""

    step: int
    box_length: float
    types: np.ndarray
    coordinates: np.ndarray

    def compact(self) -> Configuration:
        """In 16 bits a component."""
        return compact(self.coordinates, self.types, box_length=self.box_length, step=self.step)


def read_frames(dump: Path) -> Iterator[Frame]:
    """The frames of a segment's dump (``id type x y z``, sorted by id), one after the other."""
    with open(dump, encoding="ascii") as stream:
        while stream.readline():
            head = [stream.readline() for _ in range(8)]
            low, high = map(float, head[4].split())
            values = np.loadtxt(stream, max_rows=int(head[2]), usecols=(1, 2, 3, 4), ndmin=2)
            yield Frame(int(head[0]), high - low, (values[:, 0] - 1).astype(np.int8), values[:, 1:] - low)


def write_species(path: Path, types: np.ndarray) -> None:
    """Write LAMMPS commands that give every particle its species (0 or 1 in `types`)."""
    ids = " ".join(map(str, (np.flatnonzero(types) + 1).tolist()))
    path.write_text(f"group B id {ids}\nset group all type 1\nset group B type 2\ngroup B delete\n")


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
