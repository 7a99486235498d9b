"""The two-phase formula: autocorrelations counted on a grid, sum rules, limits, bad input; and predict()."""

from __future__ import annotations

import json

import numpy as np
import pytest

from binlj.baselines import make_model
from binlj.errors import InputError
from binlj.grid import PAIRS, State
from binlj.theory import predict
from binlj.theory.ornstein_zernike import TOLERANCE
from binlj.theory.two_phase import BODIES, Box, assemble, autocorrelation, body_of, lattice_shells, lever, surface

PHI = {"sphere": 0.1, "cylinder": 0.25, "slab": 0.4, "A-cylinder": 0.75, "A-sphere": 0.9}


def counted(body: str, phi: float, length: float, n: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """Distances and autocorrelation of an indicator on n^3 points, by FFT; distances up to half the box."""
    x = (np.arange(n) + 0.5) * length / n - length / 2
    X, Y, Z = np.meshgrid(x, x, x, indexing="ij")
    phi = min(phi, 1 - phi)  # c is that of either phase
    if body.endswith("sphere"):
        inside = (3 * phi * length**3 / 4 / np.pi) ** (2 / 3) > X**2 + Y**2 + Z**2
    elif body.endswith("cylinder"):
        inside = phi * length**2 / np.pi > X**2 + Y**2
    else:
        inside = np.abs(X) < phi * length / 2
    f = inside - inside.mean()
    auto = np.fft.ifftn(np.abs(np.fft.fftn(f)) ** 2).real / f.size
    shift = np.minimum(np.arange(n), n - np.arange(n)) * length / n
    d = np.sqrt(shift[:, None, None] ** 2 + shift[None, :, None] ** 2 + shift[None, None] ** 2)
    bins = np.arange(0.5, length / 2, 1.0)
    which = np.digitize(d.ravel(), bins)
    r = np.bincount(which, d.ravel()) / np.bincount(which)
    c = np.bincount(which, auto.ravel()) / np.bincount(which) / auto[0, 0, 0]
    return r[: len(bins)], c[: len(bins)]


@pytest.mark.parametrize("body", BODIES)
def test_autocorrelation_is_that_counted_on_a_grid(body):
    r, c = counted(body, PHI[body], 24.0)
    ours = autocorrelation(r, length=24.0, phi=PHI[body], width=0.1)
    assert body_of(PHI[body]) == body
    assert np.abs(ours - c).max() < 0.02


@pytest.mark.parametrize("body", BODIES)
def test_without_interface_c_of_zero_is_one_and_a_wide_one_lowers_it(body):
    sharp, blurred = (autocorrelation(np.zeros(1), length=20.0, phi=PHI[body], width=w)[0] for w in (0.0, 1.0))
    # The sphere's and the cylinder's sums end at |n|^2 = 4000.
    assert sharp == pytest.approx(1.0, abs=0.02) and 0.5 < blurred < 0.95 * sharp


@pytest.mark.parametrize("body", BODIES)
def test_initial_slope_is_porods(body):
    # c = 1 - S r / (4 V phi (1 - phi)).
    length, phi = 40.0, PHI[body]
    r = np.array([1.5, 2.5])
    c = autocorrelation(r, length=length, phi=phi, width=0.0)
    assert -(c[1] - c[0]) == pytest.approx(float(surface(phi)) / (4 * length * phi * (1 - phi)), rel=0.05)


def test_average_over_the_box_is_zero_term_by_term():
    # Every lattice vector but n = 0 is counted once, and none is the constant, whose average is not 0.
    for dimensions in (1, 2, 3):
        n2, count = lattice_shells(dimensions, 12)
        axes = np.meshgrid(*[np.arange(-4, 5)] * dimensions)
        brute = np.bincount(sum(a**2 for a in axes).ravel())[:13]
        assert n2.min() == 1 and [brute[int(m)] for m in n2] == list(count) and count.sum() == brute.sum() - 1


def test_c_is_the_same_for_the_body_and_what_is_left():
    r = np.linspace(0, 10, 21)
    a, b = (autocorrelation(r, length=22.0, phi=p, body="sphere") for p in (0.12, 0.88))
    assert np.allclose(a, b, rtol=1e-10)


def test_the_smaller_phase_fills_the_body_of_least_surface():
    below = {0.154: "sphere", 0.156: "cylinder", 0.317: "cylinder", 0.319: "slab", 0.5: "slab"}
    assert {p: body_of(p) for p in below} == below
    for p, body in below.items():
        assert body_of(1.0 - p) == (body if body == "slab" else f"A-{body}")
        assert surface(1.0 - p) == pytest.approx(surface(p))
    p = np.linspace(0.001, 0.999, 999)
    candidates = [(36 * np.pi) ** (1 / 3) * q ** (2 / 3) for q in (p, 1 - p)]
    candidates += [2 * np.sqrt(np.pi * q) for q in (p, 1 - p)] + [np.full_like(p, 2.0)]
    assert np.allclose(surface(p), np.min(candidates, axis=0))


def test_lever_rule_keeps_particles():
    box = lever(0.3, (0.02, 0.7), (0.9, 0.4), n=10_000)
    volume = box.length**3
    a, b = ((1 - box.phi) * box.alpha[s] * volume + box.phi * box.beta[s] * volume for s in (0, 1))
    assert (a, b) == (pytest.approx(7000), pytest.approx(3000))


def test_one_phase_in_two_parts_is_one_phase():
    g = 1 + np.random.default_rng(0).normal(0, 0.1, (3, 50))
    box = Box(20.0, 0.3, (0.5, 0.2), (0.5, 0.2))
    assert np.allclose(assemble(box, g, g, np.linspace(1, -0.2, 50)), g)


@pytest.mark.parametrize("phi", [1e-9, 1 - 1e-9])
def test_limits_of_one_phase(phi):
    g_a, g_b = np.full((3, 5), 1.3), np.full((3, 5), 0.7)
    found = assemble(Box(20.0, phi, (0.5, 0.2), (0.1, 0.4)), g_a, g_b, np.linspace(1, 0, 5))
    assert np.allclose(found, g_a if phi < 0.5 else g_b, atol=1e-6)


def test_ideal_phases_average_to_one_and_cross_pairs_are_depleted_near_contact():
    ones = np.ones((3, 3))
    box = lever(0.5, (0.0, 0.8), (1.0, 0.8), n=10_000)
    g = assemble(box, ones, ones, np.array([1.0, 0.0, -0.3]))
    assert g[:, 1] == pytest.approx([1.0] * 3)  # uncorrelated
    assert g[1, 0] == pytest.approx(0.0) and g[0, 0] == pytest.approx(2.0) and g[1, 2] > 1


@pytest.mark.parametrize(("n", "rho", "g_aa", "g_ab"), [(2_000, 0.7901, 0.837, 1.164), (30_000, 0.8074, 1.474, 0.525)])
def test_pure_phases_depend_on_the_size_of_the_box_as_simulated(n, rho, g_aa, g_ab):
    """docs/validation/finite-size.md, T0.80-C0.500-S1.00-E0.20: densities, and g at 8 to 10 sigma (here at 9).

    Pure phases of g = 1 with a sharp interface: nothing dissolves there, and nothing is fitted.
    """
    box = lever(0.5, (0.0, rho), (1.0, rho), n=n)
    c = autocorrelation(np.array([9.0]), length=box.length, phi=box.phi, width=0.0)
    g = assemble(box, np.ones((3, 1)), np.ones((3, 1)), c)[:, 0]
    assert g[0] == pytest.approx(g_aa, abs=0.02) and g[1] == pytest.approx(g_ab, abs=0.02)


@pytest.mark.parametrize("bad", [{"phi": 0.0}, {"phi": 1.0}, {"length": -1.0}, {"width": -1.0}, {"body": "cube"}])
def test_unphysical_bodies(bad):
    with pytest.raises(InputError, match="1 problem"):
        autocorrelation(np.ones(1), **{"length": 20.0, "phi": 0.2, **bad})


def test_unphysical_phases_are_all_listed():
    with pytest.raises(InputError, match="3 problems"):
        lever(0.5, (0.6, -1.0), (0.9, 0.5), n=0)


OFF_GRID = [
    State(*row)
    for row in (
        (0.6, 0.01, 2.0, 0.2),
        (0.63, 0.5, 0.5, 1.0),
        (1.4, 0.25, 2.0, 0.77),
        (0.9, 0.07, 1.3, 0.35),
        (0.75, 0.4, 0.6, 0.5),
    )
]


def test_predict_answers_off_the_grid_and_says_how():
    found = predict(OFF_GRID)
    assert found.g.shape == (5, 3, 100) and np.isfinite(found.g).all() and (found.g >= 0).all()
    assert sum(found.routes().values()) == 5
    assert {i.body for i in found.info} > {"homogeneous"}
    assert all(i.residual < TOLERANCE for i in found.info if min(i.beta) == 1)
    for state, info in zip(OFF_GRID, found.info, strict=True):
        if len(info.compositions) == 2:
            assert info.compositions[0] < state.C_B < info.compositions[1]


def test_a_state_does_not_depend_on_the_others_asked_for():
    assert np.allclose(predict(OFF_GRID[3:4]).g[0], predict(OFF_GRID).g[3], atol=1e-4)


def test_predict_refuses_nothing_and_unknown_closures():
    with pytest.raises(InputError, match="2 problems"):
        predict([], closures=())
    with pytest.raises(InputError, match="no such closure"):
        predict(OFF_GRID[:1], closures=("RHNC",))


def test_the_model_is_the_theory_and_needs_no_training(tmp_path):
    model = make_model("integral_equation")
    states = [OFF_GRID[3], OFF_GRID[2], OFF_GRID[3]]
    g = model.predict(states, ["BB", "AA", "AB"])
    p = predict(sorted(set(states))).g
    i = sorted(set(states)).index(OFF_GRID[3])
    assert np.array_equal(g[0], p[i, PAIRS.index("BB")]) and np.array_equal(g[2], p[i, PAIRS.index("AB")])
    assert json.loads(json.dumps(model.parameters)) == {"closure": "DH"}
    with pytest.raises(InputError, match="no such closure"):
        make_model("integral_equation", closure="RHNC")
    with pytest.raises(InputError, match="one pair"):
        model.predict(states, ["BB"])
