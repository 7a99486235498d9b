"""UMAP, clusters and mixing entropy: known values, planted features, chance, and TensorFlow left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from explain_make import STATES, frames_of

from binlj.eval.explain import embedding, entropy
from binlj.eval.explain.curves import map_features
from binlj.eval.explain.map_report import explain_map
from binlj.eval.explain.ranking import Ranking, agreement, bootstrap_states, rank
from binlj.eval.explain.verdict import ENTROPY, check_claim, differences
from binlj.grid import State
from binlj.schema import FEATURES


def test_entropy_of_known_mixtures() -> None:
    feature = np.repeat([1.0, 2.0, 3.0, 4.0], 4)
    assert entropy.mixing_entropy(feature.astype(int), feature) == 0.0
    even = np.tile([0, 1, 2, 3], 4)
    assert entropy.mixing_entropy(even, feature) == pytest.approx(np.log(4))
    assert entropy.mixing_entropy(even, feature, normalised=True) == pytest.approx(1.0)
    # clusters count equally, whatever their size: one pure (0), one 3:1
    clusters = np.array([0] * 12 + [1] * 4)
    values = np.array([1.0] * 12 + [1.0, 1.0, 1.0, 2.0])
    mixed = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert entropy.mixing_entropy(clusters, values) == pytest.approx(mixed / 2)
    weights = np.array([1.0] * 15 + [3.0])
    assert entropy.mixing_entropy(clusters, values, weights=weights) == pytest.approx(np.log(2) / 2)
    assert entropy.mixing_entropy(even, np.ones(16), normalised=True) == 1.0


def test_unnormalised_entropy_names_s_whatever_the_clusters() -> None:
    """The trap: with meaningless clusters the raw entropy still ranks S first, the normalised does not."""
    clusters = np.random.default_rng(0).integers(4, size=500)
    found = entropy.chance(clusters, STATES, n=200)
    assert found["raw"]["S"] == 1.0
    assert max(found["normalised"].values()) < 0.5
    raw = entropy.entropies(clusters, STATES)
    assert raw[2] < np.log(4) < raw[[0, 1, 3]].min()


@pytest.mark.parametrize("feature", FEATURES)
def test_entropy_and_information_find_the_clusters_feature(feature: str) -> None:
    i = FEATURES.index(feature)
    clusters = np.unique(STATES[:, i], return_inverse=True)[1]
    noisy = np.where(np.random.default_rng(1).random(500) < 0.2, 0, clusters)
    assert entropy.entropies(noisy, STATES).argmin() == i
    assert entropy.entropies(noisy, STATES, normalised=True).argmin() == i
    shared = entropy.mutual_information(noisy, STATES)
    assert shared.argmax() == i and shared[i] > 0.5
    assert np.abs(np.delete(shared, i)).max() < 0.05
    shuffled = np.random.default_rng(2).permutation(noisy)
    assert np.abs(entropy.mutual_information(shuffled, STATES)).max() < 0.05
    assert entropy.entropies(shuffled, STATES, normalised=True).min() > 0.95


def blobs(n: int) -> np.ndarray:
    centres = np.array([[0, 0], [12, 0], [0, 12], [12, 12], [24, 6], [30, 30]])[:n]
    return np.concatenate([c + np.random.default_rng(i).normal(size=(40, 2)) for i, c in enumerate(centres)])


@pytest.mark.parametrize("n", [3, 4])
def test_k_of_clear_clusters(n: int) -> None:
    found = embedding.cluster(blobs(n), seed=0)
    assert found.k_silhouette == n and found.k_elbow == n and found.k == n
    assert len(set(found.labels[n][:40])) == 1
    assert found.silhouette[n] > 0.7 and found.inertia[2] > found.inertia[10]


def test_k_when_the_two_scores_disagree() -> None:
    inertia = {2: 100.0, 3: 40.0, 4: 30.0, 5: 22.0, 6: 15.0, 7: 12.0, 8: 9.0, 9: 6.0, 10: 5.0}
    silhouette = dict(zip(range(2, 11), (0.3, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.51), strict=True))
    found = embedding.Clusters({}, inertia, silhouette)
    assert (found.k_elbow, found.k_silhouette) == (3, 10)
    assert found.k == 3  # best elbow and nearly the best silhouette


def test_weights_of_the_clustering_count() -> None:
    points = blobs(3)
    weights = np.r_[np.full(40, 50.0), np.ones(80)]
    plain, heavy = (embedding.cluster(points, seed=0, weights=w) for w in (None, weights))
    assert heavy.inertia[3] > 5 * plain.inertia[3]


def test_umap_is_imported_without_tensorflow(tmp_path: Path) -> None:
    """A TensorFlow that would announce itself stays asleep, and can be imported afterwards."""
    fake = tmp_path / "tensorflow"
    fake.mkdir()
    (fake / "__init__.py").write_text("print('AWAKE')\n")
    code = (
        "import sys; from binlj.eval.explain import embedding; embedding.import_umap(); "
        "assert 'tensorflow' not in sys.modules; print('mapped'); import tensorflow"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path), "PATH": "", "NUMBA_DISABLE_JIT": "1"},  # only imported, not used
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["mapped", "AWAKE"], done.stderr


def test_blocking_a_module_leaves_an_imported_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    marker = type(sys)("tensorflow")
    monkeypatch.setitem(sys.modules, "tensorflow", marker)
    with embedding.without_module("tensorflow"):
        assert sys.modules["tensorflow"] is marker
    assert sys.modules["tensorflow"] is marker
    with pytest.raises(ZeroDivisionError), embedding.without_module("no_such_module_here"):
        1 / 0  # noqa: B018
    assert "no_such_module_here" not in sys.modules


@pytest.mark.slow
def test_umap_of_planted_structure_is_found_and_repeatable() -> None:
    """Curves that only eps_AB changes: UMAP, K-means and every score find it; the same seed gives the same map."""

    def g(state: State, pair: str, r: np.ndarray) -> np.ndarray:
        noise = np.random.default_rng([int(1000 * state.T), int(1000 * state.C_B), int(10 * state.S)])
        return 1 + state.eps_AB * np.exp(-r) + 0.002 * noise.standard_normal(len(r))

    fine, _ = frames_of(g)
    found = explain_map(fine, seeds=2, resamples=2)
    assert [r.order[0] for r in found.rankings[1:]] == ["eps_AB", "eps_AB"]
    assert [r.dominant() for r in found.rankings] == ["no"] * 3
    assert found.rankings[2].values["eps_AB"] > 0.5
    assert found.inertia.shape == (2, 9) and (np.diff(found.inertia) < 0).all()
    assert sum(found.details["k_chosen"].values()) == 2
    _, vectors = map_features(fine)
    assert np.array_equal(embedding.embed(vectors, seed=0), found.points)
    assert not np.array_equal(embedding.embed(vectors, seed=1), found.points)


def test_verdicts() -> None:
    values = np.array([0.1, 0.2, 0.5, 0.3])
    clear = rank("m", "d", values, np.tile(values, (100, 1)), uncertainty="none")
    assert clear.order == ["S", "eps_AB", "C_B", "T"]
    assert clear.dominant() == "yes" and clear.dominant("T") == "no"
    mixed = np.tile(values, (100, 1))
    mixed[:10, 3] = 0.9
    assert rank("m", "d", values, mixed, uncertainty="none").dominant() == "undecided"
    mixed[:, 3] = 0.9
    # the estimate and its replicates contradict each other
    assert rank("m", "d", values, mixed, uncertainty="none").dominant() == "undecided"
    lowest = rank("m", "d", values, np.tile(values, (9, 1)), uncertainty="none", strongest="lowest")
    assert lowest.order[0] == "T" and lowest.dominant() == "no" and lowest.dominant("T") == "yes"
    ties = rank("m", "d", np.ones(4), np.ones((50, 4)), uncertainty="none")
    assert ties.first_share == dict.fromkeys(FEATURES, 0.0)  # nobody is first among equals
    assert ties.dominant() != "yes"
    with pytest.raises(ValueError, match="expected 4 features"):
        rank("m", "d", np.ones(3), np.ones((5, 3)), uncertainty="none")


def test_finer_statements_of_the_paper() -> None:
    def made(values: list[float], half: float, strongest: str, method: str) -> Ranking:
        copies = np.array(values) + np.linspace(-half, half, 41)[:, None]
        return rank(method, "d", np.array(values), copies, uncertainty="none", strongest=strongest)

    entropy_ = made([1.6, 1.4, 0.3, 1.5], 0.01, "lowest", ENTROPY)
    dnn = made([0.1, 0.2, 0.9, 0.4], 0.01, "highest", "SHAP")
    paper = check_claim([entropy_], dnn=dnn)
    assert paper.holds and set(paper.details.values()) == {"yes"}
    assert differences([entropy_, dnn], paper) == []
    other = check_claim(
        [made([1.4, 1.6, 0.3, 1.5], 0.01, "lowest", ENTROPY)], dnn=made([0.4, 0.2, 0.9, 0.1], 0.01, "highest", "SHAP")
    )
    assert other.holds and set(other.details.values()) == {"no"}
    assert [t.split(";")[1] for t in differences([], other)] == [" here it is another feature."] * 2
    vague = check_claim(
        [made([1.6, 1.6, 0.3, 1.5], 0.2, "lowest", ENTROPY)], dnn=made([0.4, 0.2, 0.9, 0.4], 0.1, "highest", "SHAP")
    )
    assert set(vague.details.values()) == {"undecided"}
    assert all("overlap" in t for t in differences([], vague))
    alone = check_claim([entropy_], dnn=None)
    assert not alone.holds and alone.shap == "not given"


def test_bootstrap_of_states_has_the_textbook_error() -> None:
    per = np.random.default_rng(0).normal(size=(1, 400, 4))
    copies = bootstrap_states(per, n=2000, seed=1)
    assert copies.mean(0) == pytest.approx(per[0].mean(0), abs=0.01)
    assert copies.std(0) == pytest.approx(per[0].std(0) / 20, rel=0.1)


def test_agreement() -> None:
    truth = {"T": 0.1, "C_B": 0.2, "S": 0.4, "eps_AB": 0.3}
    same = agreement({k: 5 * v for k, v in truth.items()}, truth)
    assert same == {"kendall": 1.0, "spearman": 1.0, "overlap": pytest.approx(1.0), "same_first": True}
    reverse = agreement({"T": 4, "C_B": 3, "S": 1, "eps_AB": 2}, truth)
    assert reverse["kendall"] == pytest.approx(-1.0) and reverse["same_first"] is False
    one = agreement({"T": 0, "C_B": 0, "S": 1, "eps_AB": 0}, truth)
    assert one["overlap"] == pytest.approx(0.4) and one["same_first"] is True
    flat = agreement(dict.fromkeys(FEATURES, 1.0), truth)
    assert flat["kendall"] is None and flat["same_first"] is False
