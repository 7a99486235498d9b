"""The integral equation against exact results: hard spheres, low density, identical species, PeTS, the simulations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from binlj.data import read_table
from binlj.errors import InputError
from binlj.grid import PAIRS, State, grid
from binlj.schema import bin_centres
from binlj.theory.bulk import bulk_rdf
from binlj.theory.closures import CLOSURES, closure
from binlj.theory.mixtures import Mixtures, attraction, pair_potential
from binlj.theory.ornstein_zernike import COARSE, FINE, TOLERANCE, Grid, Problem, lennard_jones, oz_gamma, solve
from binlj.theory.prediction import bin_means

EXACT = Grid(2047, 0.0125)  # against exact results, whose g may jump


def mixtures(*rows: tuple[float, ...]) -> Mixtures:
    """Rows of (T, density, C_B, S, eps_AB)."""
    return Mixtures(*np.array(rows, dtype=float).T)


def hard_spheres(sizes: tuple[float, float], rho: tuple[float, float]) -> Problem:
    """Diameters must lie halfway between two grid points, where g jumps."""
    sigma = np.array([sizes[0], sum(sizes) / 2, sizes[1]])
    beta_u = np.where(EXACT.r[None, None] < sigma[None, :, None], np.inf, 0.0)
    return Problem(EXACT, beta_u, np.zeros_like(beta_u), np.array([rho]))


def contact(g: np.ndarray, sigma: float) -> float:
    """g at contact from outside, by a quadratic through the first three points beyond it."""
    i = np.searchsorted(EXACT.r, sigma)
    return float(np.polyval(np.polyfit(EXACT.r[i : i + 4] - sigma, g[i : i + 4], 3), 0.0))


@pytest.mark.parametrize("eta", [0.1, 0.3, 0.45])
def test_py_hard_spheres_are_those_of_wertheim_and_thiele(eta):
    sigma = 80.5 * EXACT.dr
    rho = 6 * eta / np.pi / sigma**3
    problem = hard_spheres((sigma, sigma), (0.7 * rho, 0.3 * rho))
    found = solve(problem, closure_name="PY")
    assert found.converged.all()
    assert contact(found.g[0, 0], sigma) == pytest.approx((1 + eta / 2) / (1 - eta) ** 2, rel=0.004)
    assert np.abs(found.g[0, :2] - found.g[0, 1:]).max() < 1e-4
    # Compressibility route: 1 - rho c(k = 0) = (1 + 2 eta)^2 / (1 - eta)^4.
    c = found.g[0, 0] - 1 - found.gamma[0, 0]
    inverse = 1 - rho * 4 * np.pi * EXACT.dr * (EXACT.r**2 * c).sum()
    assert inverse == pytest.approx((1 + 2 * eta) ** 2 / (1 - eta) ** 4, rel=0.01)


def test_py_hard_sphere_mixture_has_the_contact_values_of_lebowitz():
    # Phys. Rev. 133, A895 (1964): g_ij = 1/(1-z3) + 3 z2/(1-z3)^2 s_i s_j/(s_i+s_j), z_n = pi/6 sum rho_i s_i^n.
    sizes = (80.5 * EXACT.dr, 160.5 * EXACT.dr)
    rho = (0.25, 0.04)
    z2, z3 = (np.pi / 6 * sum(n * s**m for n, s in zip(rho, sizes, strict=True)) for m in (2, 3))
    found = solve(hard_spheres(sizes, rho), closure_name="PY")
    assert found.converged.all()
    for pair, (i, j) in enumerate(((0, 0), (0, 1), (1, 1))):
        a, b = sizes[i], sizes[j]
        exact = 1 / (1 - z3) + 3 * z2 / (1 - z3) ** 2 * a * b / (a + b)
        # The mean diameter of the cross pair lies between grid points, too (120.5 dr).
        assert contact(found.g[0, pair], (a + b) / 2) == pytest.approx(exact, rel=0.006)


# MS and VM renormalise with an attraction that stays at low density, so their bridge function does too.
@pytest.mark.parametrize("name", ["DH", "PY", "HNC"])
def test_low_density_limit_is_the_boltzmann_factor(name):
    m = mixtures((1.1, 1e-5, 0.3, 1.5, 0.4))
    found = solve(lennard_jones(m, closure_name=name), closure_name=name)
    assert found.converged.all()
    assert np.abs(found.g - np.exp(-pair_potential(m, FINE.r) / 1.1)).max() < 2e-3


@pytest.mark.parametrize("name", list(CLOSURES))
def test_identical_species_have_identical_rdfs(name):
    m = mixtures((1.2, 0.7, 0.1, 1.0, 1.0), (1.2, 0.7, 0.5, 1.0, 1.0))
    found = solve(lennard_jones(m, closure_name=name), closure_name=name)
    assert found.converged.all()
    assert np.ptp(found.g, axis=1).max() < 1e-6
    assert np.abs(found.g[0] - found.g[1]).max() < 1e-4


def test_exchanging_the_species_changes_nothing():
    # A and B swap names: lengths in units of the other diameter.
    S = 1.25
    a = bulk_rdf(mixtures((1.0, 0.6, 0.3, S, 0.8))).g[0]
    b = bulk_rdf(mixtures((1.0, 0.6 * S**3, 0.7, 1 / S, 0.8))).g[0]
    for pair in range(3):
        other = CubicSpline(FINE.r, b[2 - pair])(FINE.r / S)
        far = FINE.r > 1.05 * S
        assert np.abs(a[pair] - other)[far].max() < 0.02


def test_the_solution_satisfies_the_equation_in_real_space():
    # h = c + sum_l rho_l c * h, the convolution done by quadrature in bipolar coordinates.
    m = mixtures((1.0, 0.5, 0.3, 1.5, 0.8))
    found = solve(lennard_jones(m, closure_name="DH", grid=EXACT), closure_name="DH")
    assert found.converged.all() and found.residual.max() < TOLERANCE
    h, c, r, dr = found.g[0] - 1, found.g[0] - 1 - found.gamma[0], EXACT.r, EXACT.dr
    rho = m.partial_densities[0]
    pair = np.array([[0, 1], [1, 2]])
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        for point in (79, 119, 239):
            total = 0.0
            for sp in (0, 1):
                inner = np.concatenate([[0.0], np.cumsum(r * h[pair[sp, j]]) * dr])
                middle = np.concatenate([[0.0], (inner[1:] + inner[:-1]) / 2])  # half of the last point
                low, high = np.abs(r - r[point]), np.minimum(r + r[point], r[-1])
                span = np.interp(high, [0, *r], middle) - np.interp(low, [0, *r], middle)
                total += rho[sp] * 2 * np.pi / r[point] * (r * c[pair[i, sp]] * span).sum() * dr
            assert total == pytest.approx(found.gamma[0, pair[i, j], point], abs=0.01)


def test_oz_gamma_of_one_component():
    c = np.array([[[-2.0], [-2.0], [-2.0]]])
    gamma, det = oz_gamma(c, np.array([[0.2, 0.3]]))
    assert gamma == pytest.approx(np.full((1, 3, 1), -2 / (1 + 0.5 * 2) + 2))
    assert det == pytest.approx(np.array([[2.0]]))


def test_transforms_are_inverse_and_know_a_gaussian():
    f = np.exp(-(COARSE.r**2))
    k = COARSE.forward(f)
    assert np.allclose(k, np.pi**1.5 * np.exp(-(COARSE.k**2) / 4), atol=1e-9)
    assert np.allclose(COARSE.backward(k), f)


def test_potential_is_continuous_at_its_cutoff_and_its_splits_add_up():
    m = mixtures((1.0, 0.6, 0.2, 1.5, 0.4))
    u = pair_potential(m, FINE.r)
    for pair, sigma in enumerate(m.sigma[0]):
        at = np.searchsorted(FINE.r, 2.5 * sigma + 1e-9)
        assert abs(u[0, pair, at - 1]) < 2e-3 and not u[0, pair, at:].any()
        assert u[0, pair].min() == pytest.approx(-m.epsilon[0, pair] * (1 - 4 * (2.5**-6 - 2.5**-12)), rel=2e-3)
    wca = u - attraction(m, FINE.r, "wca")
    assert wca.min() > -1e-12
    for pair, sigma in enumerate(m.sigma[0]):
        assert np.abs(wca[0, pair][FINE.r > 2 ** (1 / 6) * sigma]).max() < 1e-12
    assert not attraction(m, FINE.r, "none").any()


def test_energy_and_pressure_routes_against_the_simulations():
    states = read_table("states").set_index("state_id")
    some = [s for s in grid() if s.T >= 1.0 and s.eps_AB >= 0.8 and s.S in (0.5, 1.0, 1.5) and s.C_B in (0.1, 0.3)]
    rows = states.loc[[s.state_id for s in some]]
    keep = ((rows.phase == "homogeneous") & rows.converged).to_numpy()
    assert keep.sum() > 15
    rows, some = rows[keep], [s for s, k in zip(some, keep, strict=True) if k]
    m = Mixtures(
        *(np.array([getattr(s, f) for s in some]) for f in ("T",)),
        rows.density.to_numpy(),
        *(np.array([getattr(s, f) for s in some]) for f in ("C_B", "S", "eps_AB")),
    )
    bulk = bulk_rdf(m)
    u, r, dr = pair_potential(m, FINE.r), FINE.r, FINE.dr
    x = np.stack([1 - m.C_B, m.C_B], axis=1)
    share = np.stack([x[:, 0] ** 2, 2 * x[:, 0] * x[:, 1], x[:, 1] ** 2], axis=1)
    energy = 2 * np.pi * m.density * (share * (r**2 * bulk.g * u).sum(-1) * dr).sum(1)
    assert np.abs(energy / rows.energy.to_numpy() - 1).max() < 0.03
    # u' has a jump at the cutoff only through its value: the shifted potential is continuous.
    virial = np.gradient(u, dr, axis=-1)
    virial[u > 50] = 0.0  # where g is below exp(-35)
    pressure = m.density * m.T - 2 * np.pi / 3 * m.density**2 * (share * (r**3 * bulk.g * virial).sum(-1) * dr).sum(1)
    # At P* = 1; the virial route is a difference of large numbers (rho kT = 0.5 to 1.5).
    assert np.median(np.abs(pressure - 1.0)) < 0.25


def test_continuation_reaches_what_plain_iteration_does_not():
    m = mixtures((0.72, 0.85, 1e-7, 1.91, 0.57))
    assert not solve(lennard_jones(m, closure_name="DH"), closure_name="DH", max_steps=100).converged.any()
    bulk = bulk_rdf(m)
    assert bulk.path.all() and bulk.beta == [1.0] and bulk.closure == ["DH"] and bulk.residual[0] < TOLERANCE


def test_where_nothing_converges_the_result_says_so():
    # A dense liquid inside its spinodal (T* = 0.3, a third of the liquid's density).
    bulk = bulk_rdf(mixtures((0.3, 0.25, 0.3, 1.0, 1.0)), closures=("DH", "PY"))
    assert np.isfinite(bulk.g).all() and 0 <= bulk.beta[0] < 1


@pytest.mark.parametrize(
    "bad", [(-1, 0.5, 0.3, 1, 1), (1, np.nan, 0.3, 1, 1), (1, 0.5, 1.3, 1, 1), (1, 0.5, 0.3, 0, 0)]
)
def test_unphysical_mixtures(bad):
    with pytest.raises(InputError, match="must be finite"):
        mixtures(bad)


def test_unknown_closure_and_misshapen_problem():
    with pytest.raises(InputError, match="no such closure"):
        closure("RHNC")
    with pytest.raises(InputError, match="do not fit"):
        Problem(FINE, np.zeros((1, 3, 5)), np.zeros((1, 3, 5)), np.ones((1, 2)))


def test_bin_means_are_weighted_by_shell_volume():
    r = FINE.dr * np.arange(401)
    assert np.allclose(bin_means(np.ones(401)), 1.0)
    # The mean of r over a shell: 3/4 (b^4 - a^4) / (b^3 - a^3).
    a, b = bin_centres() - 0.05, bin_centres() + 0.05
    assert np.allclose(bin_means(r), 0.75 * (b**4 - a**4) / (b**3 - a**3))


def test_homogeneous_curves_follow_the_simulations():
    from binlj.theory import predict

    state = State(1.2, 0.3, 1.5, 0.8)
    table = read_table("extrapolation", "train")
    rows = table[table.state_id == state.state_id].set_index("pair")
    g = predict([state]).g[0]
    for k, pair in enumerate(PAIRS):
        y = rows.loc[pair, "g"]
        assert np.abs(g[k] - y).sum() / np.abs(y - 1).sum() < 0.12, pair
