"""What a configuration looks like: local composition, solid order, and a compact stored form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

CELL_PARTICLES = 50  # mean particles per cell of the composition grid
SOLID_Q6_DOT = 0.7  # ten Wolde's threshold on q6(i).q6(j)
SOLID_BONDS = 8  # of 12 nearest neighbours
MIN_SPECIES = 200  # fewer particles of a species cannot say whether it is solid


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


def composition_fluctuation(configuration: Configuration) -> float:
    """Variance of the local composition over that of randomly labelled particles; 1 means random.

    The box is cut into cubes that hold about 50 particles each; with n_i particles in cube i, of which
    b_i are B, the statistic is mean_i[(b_i - c n_i)^2 / (n_i c (1 - c))]: the Pearson chi-square of the
    cubes' compositions per degree of freedom, times (1 - 1/m) for m cubes.
    """
    n = len(configuration.types)
    per_side = max(2, round((n / CELL_PARTICLES) ** (1 / 3)))
    cell = ((configuration.positions.astype(np.int64) + 32768) * per_side) // 65536
    index = (cell[:, 0] * per_side + cell[:, 1]) * per_side + cell[:, 2]
    total = np.bincount(index, minlength=per_side**3).astype(float)
    b = np.bincount(index, weights=configuration.types.astype(float), minlength=per_side**3)
    c = configuration.types.mean()
    filled = total > 0
    return float(np.sum((b - c * total)[filled] ** 2 / (total[filled] * c * (1 - c))) / (filled.sum() - 1))


def solid_fraction(configuration: Configuration, species: int) -> float:
    """Fraction of one species' particles that are solid-like among their own kind.

    ten Wolde's criterion (J. Chem. Phys. 104, 9932 (1996)), by freud: a particle is solid-like when at
    least 8 of its 12 nearest neighbours of the same species within 1.6 mean spacings have
    q6(i).q6(j) > 0.7. Zero for species of fewer than 200 particles, which cannot say.
    """
    mine = configuration.types == species
    if mine.sum() < MIN_SPECIES:
        return 0.0
    import freud

    box = freud.box.Box.cube(configuration.box_length)
    points = configuration.coordinates()[mine] - configuration.box_length / 2
    bonds = freud.order.SolidLiquid(l=6, q_threshold=SOLID_Q6_DOT, solid_threshold=SOLID_BONDS)
    bonds.compute((box, points.astype(np.float32)), neighbors={"num_neighbors": 12})
    return float(np.mean(np.asarray(bonds.num_connections) >= SOLID_BONDS))


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
