"""Order parameters of a configuration: local composition and solid order."""

from __future__ import annotations

import numpy as np

from binlj.builders.records.configuration import Configuration

CELL_PARTICLES = 50  # mean particles per cell of the composition grid
SOLID_Q6_DOT = 0.7  # ten Wolde's threshold on q6(i).q6(j)
SOLID_BONDS = 8  # of 12 nearest neighbours
MIN_SPECIES = 200  # the solid fraction of a rarer species is 0 by definition


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
    q6(i).q6(j) > 0.7. Zero by definition for a species of fewer than 200 particles.
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
