"""RDFs of a demixed periodic box: two bulk phases, and the shape and size of the body that one of them fills.

A pair at distance r lies in phase beta twice with probability P_bb = phi^2 + phi (1 - phi) c(r), in alpha twice with
P_aa = (1 - phi)^2 + phi (1 - phi) c(r), and across with 2 phi (1 - phi) (1 - c(r)), where phi is the volume fraction of
beta and c(r) the normalised autocorrelation of the body's indicator function, averaged over orientations and over the
periodic box (an infinite random medium: Debye, Anderson & Brumberger, J. Appl. Phys. 28, 679 (1957)). So

    rho_i rho_j g_ij = P_aa rho_i^a rho_j^a g^a + P_bb rho_i^b rho_j^b g^b
                       + phi (1 - phi) (1 - c) (rho_i^a rho_j^b + rho_i^b rho_j^a) g^x

with g^x = sqrt(g^a g^b) for pairs across the interface. Lengths are in sigma_AA.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import j1

from binlj.errors import InputError

DIMENSIONS = {"sphere": 3, "cylinder": 2, "slab": 1, "A-cylinder": 2, "A-sphere": 3}  # in which the body ends
BODIES = tuple(DIMENSIONS)
# Least surface in a periodic cube: 4 pi r^2, 2 pi r L or 2 L^2.
SPHERE_BELOW, CYLINDER_BELOW = 4.0 * math.pi / 81.0, 1.0 / math.pi
INTERFACE = 0.5  # width w: the indicator is convolved with a Gaussian of this standard deviation
_DAMPED = 4.0  # terms with k w above this are below 1e-7
_SHELLS = 4000  # longest sum over n^2


@dataclass(frozen=True)
class Box:
    """Two phases in a periodic cube.

    Attributes
    ----------
    length : float
        Edge of the cube.
    phi : float
        Volume fraction of phase beta.
    alpha, beta : tuple of float
        Number densities of A and B in either phase.
    """

    length: float
    phi: float
    alpha: tuple[float, float]
    beta: tuple[float, float]

    @property
    def body(self) -> str:
        """The shape of the smaller phase; see :func:`body_of`."""
        return body_of(self.phi)


def lever(c_b: float, alpha: tuple[float, float], beta: tuple[float, float], *, n: int) -> Box:
    """The box of `n` particles, a share `c_b` of them B, split into phases of given (C_B, density).

    Raises
    ------
    InputError
        If the composition does not lie between those of the phases, or a density is not positive.
    """
    (x_a, rho_a), (x_b, rho_b) = alpha, beta
    problems = []
    if not 0 <= min(x_a, x_b) < c_b < max(x_a, x_b) <= 1:
        problems.append(f"C_B = {c_b} does not lie between the phases' {x_a:g} and {x_b:g}")
    if not (rho_a > 0 and rho_b > 0):
        problems.append(f"densities {rho_a:g}, {rho_b:g} must be positive")
    if n < 2:
        problems.append(f"n = {n} is not a number of particles")
    if problems:
        raise InputError("two phases", problems)
    in_beta = n * (c_b - x_a) / (x_b - x_a)
    v_b = in_beta / rho_b
    volume = v_b + (n - in_beta) / rho_a
    split = [(rho * (1.0 - x), rho * x) for x, rho in (alpha, beta)]
    return Box(volume ** (1.0 / 3.0), v_b / volume, split[0], split[1])


def body_of(phi: float) -> str:
    """The body with the least surface in a periodic cube, at a volume fraction phi of the B-rich phase.

    ``sphere`` or ``cylinder`` of the B-rich phase, ``slab``, or ``A-cylinder`` or ``A-sphere`` of the A-rich phase, as
    in the dataset's column ``geometry``.
    """
    smaller = min(phi, 1.0 - phi)
    body = "sphere" if smaller < SPHERE_BELOW else "cylinder" if smaller < CYLINDER_BELOW else "slab"
    return body if phi <= 0.5 or body == "slab" else f"A-{body}"


def surface(phi: np.ndarray) -> np.ndarray:
    """Surface of that body, in units of the periodic cube's face, shape of `phi`."""
    return np.asarray(np.min(surfaces(phi), axis=0))


def surfaces(phi: np.ndarray) -> np.ndarray:
    """Surfaces of a sphere, a cylinder and a slab that the smaller phase fills, shape (3, ...) with that of `phi`."""
    smaller = np.minimum(phi, 1.0 - phi)
    sphere, cylinder = (36.0 * math.pi) ** (1.0 / 3.0) * smaller ** (2.0 / 3.0), 2.0 * np.sqrt(math.pi * smaller)
    return np.array([sphere, cylinder, np.full_like(sphere, 2.0)])


def autocorrelation(
    r: np.ndarray, *, length: float, phi: float, body: str | None = None, width: float = INTERFACE
) -> np.ndarray:
    """The normalised autocorrelation c(r) of a body's indicator in a periodic cube, shape of `r`.

    The sum over k = 2 pi n / L, n != 0, of |F(k)|^2 sinc(k r) exp(-k^2 w^2), divided by phi (1 - phi), which is the
    same sum at r = w = 0 (Parseval). Without an interface c(0) = 1; its average over the box is 0.

    Parameters
    ----------
    length, phi : float
        Edge of the cube; volume fraction of either phase, in (0, 1). The body is that of the smaller one; what is
        left of the box has the same c(r).
    body : str, optional
        Its shape; see :func:`body_of`, which chooses if left out.
    width : float
        Standard deviation w of the Gaussian that blurs the interface.

    Raises
    ------
    InputError
        For unphysical values or an unknown body.
    """
    problems = []
    if not (math.isfinite(length) and length > 0):
        problems.append(f"length = {length} must be positive")
    if not 0 < phi < 1:
        problems.append(f"phi = {phi} must lie between 0 and 1")
    if not (math.isfinite(width) and width >= 0):
        problems.append(f"width = {width} must be at least 0")
    if body is not None and body not in BODIES:
        problems.append(f"body {body!r} is none of {', '.join(BODIES)}")
    if problems:
        raise InputError("body in a periodic box", problems)
    body = body or body_of(phi)
    dimensions = DIMENSIONS[body]
    unit = 2.0 * math.pi / length
    longest = _SHELLS if dimensions > 1 else _SHELLS**2
    if width > 0:
        longest = min(longest, int((_DAMPED / (width * unit)) ** 2) + 1)
    n2, count = lattice_shells(dimensions, longest)
    k = unit * np.sqrt(n2)
    weight = count * form_factor(k, length=length, phi=min(phi, 1.0 - phi), dimensions=dimensions) ** 2
    weight *= np.exp(-((k * width) ** 2)) / (phi * (1.0 - phi))
    return np.asarray(np.sinc(np.multiply.outer(np.asarray(r, dtype=float), k / np.pi)) @ weight)


def form_factor(k: np.ndarray, *, length: float, phi: float, dimensions: int) -> np.ndarray:
    """The integral of exp(ikr) over a centred body, divided by the box's volume.

    `k` lies in the `dimensions` in which the body ends: all three for the sphere, the two across the axis for the
    cylinder, the one along the normal for the slab.
    """
    if dimensions == 1:
        return np.asarray(phi * np.sinc(k * phi * length / 2.0 / np.pi))
    if dimensions == 2:
        x = k * length * math.sqrt(phi / math.pi)
        return np.asarray(phi * 2.0 * j1(x) / x)
    x = k * length * (3.0 * phi / (4.0 * math.pi)) ** (1.0 / 3.0)
    return np.asarray(phi * 3.0 * (np.sin(x) - x * np.cos(x)) / x**3)


@cache
def lattice_shells(dimensions: int, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Squared lengths n^2 in (0, longest] of integer vectors, and how many vectors have each."""
    top = math.isqrt(longest)
    if dimensions == 1:
        n = np.arange(1, top + 1, dtype=float)
        return n * n, np.full(top, 2.0)
    squares = np.arange(-top, top + 1) ** 2
    total = squares
    for _ in range(dimensions - 1):
        total = np.add.outer(total, squares)
    counts = np.bincount(total.ravel())[: longest + 1]
    n2 = np.flatnonzero(counts)
    n2 = n2[n2 > 0]
    return n2.astype(float), counts[n2].astype(float)


def assemble(
    box: Box, g_alpha: np.ndarray, g_beta: np.ndarray, c: np.ndarray, *, across: np.ndarray | None = None
) -> np.ndarray:
    """The box's RDFs from those of its bulk phases.

    Parameters
    ----------
    g_alpha, g_beta : ndarray, shape (3, m)
        Bulk RDFs of either phase; pairs AA, AB, BB.
    c : ndarray, shape (m,)
        :func:`autocorrelation` at the same distances.
    across : ndarray, shape (3, m), optional
        RDFs across the interface, where they are not sqrt(g_alpha g_beta) point by point (means over bins).

    Returns
    -------
    ndarray, shape (3, m)
    """
    phi, mixed = box.phi, box.phi * (1.0 - box.phi)
    in_alpha, in_beta, crossing = (1.0 - phi) ** 2 + mixed * c, phi**2 + mixed * c, mixed * (1.0 - c)
    g_across = np.sqrt(np.maximum(g_alpha, 0.0) * np.maximum(g_beta, 0.0)) if across is None else across
    out = np.empty_like(g_alpha)
    for pair, (i, j) in enumerate(((0, 0), (0, 1), (1, 1))):
        a, b = box.alpha, box.beta
        mean = [(1.0 - phi) * a[s] + phi * b[s] for s in (0, 1)]
        out[pair] = (
            a[i] * a[j] * in_alpha * g_alpha[pair]
            + b[i] * b[j] * in_beta * g_beta[pair]
            + (a[i] * b[j] + b[i] * a[j]) * crossing * g_across[pair]
        ) / (mean[i] * mean[j])
    return out
