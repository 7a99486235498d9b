"""Pair counts of a periodic configuration, every image within 10 sigma included."""

from __future__ import annotations

import itertools
import math

import numpy as np

from binlj.builders.md.compiled import compiled
from binlj.schema import N_FINE, R_MAX


def blocks_in(frames: int) -> int:
    """Blocks a segment's counts are kept in: five equal ones if its frames allow it, else two, else one."""
    return next(n for n in (5, 2, 1) if frames % n == 0)


def pair_counts(coordinates: np.ndarray, types: np.ndarray, *, length: float) -> np.ndarray:
    """Unordered pairs AA, AB, BB in each 0.02 sigma bin up to 10 sigma, images of the periodic cube included.

    The same numbers as LAMMPS's ``compute rdf`` with a cutoff of 10 (``lammps/rdf.lmp``), in a fraction of its time:
    at 10 sigma nearly every particle is everybody's neighbour, so that a plain loop over all pairs, which the
    processor does several at a time, beats neighbour lists.

    Parameters
    ----------
    coordinates : ndarray, shape (n, 3)
        Positions in sigma_AA; need not lie inside the box.
    types : ndarray, shape (n,)
        0 for A, 1 for B.
    length : float
        Edge of the cube.

    Returns
    -------
    ndarray of int64, shape (3, 500)
    """
    order = np.argsort(types, kind="stable")
    n_a = int((np.asarray(types) == 0).sum())
    x, y, z = np.ascontiguousarray(np.mod(coordinates[order], length).T)
    counts = np.zeros((3, N_FINE + 1), dtype=np.int64)  # the last bin takes what is farther away
    compiled(_count)(x, y, z, n_a, length, *_images(length), N_FINE / R_MAX, counts)
    n = np.array([n_a, 0, len(order) - n_a])
    return counts[:, :-1] + n[:, None] * _own_images(length)


def _images(length: float) -> tuple[np.ndarray, np.ndarray]:
    """Which images of a pair can lie within reach: per image and axis, (sign, offset) of sign * d + offset.

    With d in [0, L/2] the distance to the nearest image along an axis, the others are at L - d, L + d, 2 L - d ...
    """
    axis = [
        (1.0 - 2.0 * (c % 2), (c + 1) // 2 * length, c * length / 2) for c in range(math.ceil(2 * R_MAX / length) + 1)
    ]
    found = [i for i in itertools.product(axis, repeat=3) if math.hypot(*(nearest for _, _, nearest in i)) < R_MAX]
    signs = np.array([[sign for sign, _, _ in image] for image in found])
    return signs, np.array([[offset for _, offset, _ in image] for image in found])


def _own_images(length: float) -> np.ndarray:
    """Images of a particle within reach of itself, half of them since each such pair is seen from both ends."""
    m = np.arange(-math.ceil(R_MAX / length), math.ceil(R_MAX / length) + 1)
    distance = length * np.sqrt(sum(a * a for a in np.meshgrid(m, m, m, indexing="ij"))).ravel()
    inside = distance[(distance > 0) & (distance < R_MAX)]
    return np.bincount((inside * (N_FINE / R_MAX)).astype(int), minlength=N_FINE) // 2


def _count(
    x: np.ndarray,
    y: np.ndarray,
    z: np.ndarray,
    n_a: int,
    length: float,
    signs: np.ndarray,
    offsets: np.ndarray,
    per_length: float,
    counts: np.ndarray,
) -> None:
    """Compiled by numba. Particles are sorted by species; two plain loops per particle, so that both become fast."""
    n, last = len(x), counts.shape[1] - 1
    bins = np.empty(n, dtype=np.int32)
    for image in range(len(signs)):
        sx, sy, sz = signs[image]
        ox, oy, oz = offsets[image]
        for i in range(n):
            for other in range(2):
                begin = max(i + 1, 0 if other == 0 else n_a)
                end = n_a if other == 0 else n
                if begin >= end:
                    continue
                xj, yj, zj = x[begin:end], y[begin:end], z[begin:end]
                for k in range(end - begin):
                    dx = abs(x[i] - xj[k])
                    dy = abs(y[i] - yj[k])
                    dz = abs(z[i] - zj[k])
                    dx = ox + sx * min(dx, length - dx)
                    dy = oy + sy * min(dy, length - dy)
                    dz = oz + sz * min(dz, length - dz)
                    bins[k] = np.int32(min(np.sqrt(dx * dx + dy * dy + dz * dz) * per_length, last))
                kind = other if i < n_a else 2
                for k in range(end - begin):
                    counts[kind, bins[k]] += 1
