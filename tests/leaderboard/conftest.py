"""Fixtures of the leaderboard's tests: a folder of submissions and the board built from it, once."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def entries(tmp_path_factory: pytest.TempPathFactory, toy: Path) -> Path:
    """Seven submissions: two that tie, a worse one with a hostile name, four on a single track, one with three seeds.

    One of them, ``sampled``, is a reference that covers 20 of the 100 states.
    """
    from lb_make import HOSTILE, make

    from binlj.eval.explain import model_free_importances, write_attributions

    root = tmp_path_factory.mktemp("entries") / "submissions"
    make(root, "alpha", toy, share=0.95, seed=1, name="Alpha net")
    make(root, "beta", toy, share=0.95, noise=1.0, seed=2, name="Beta forest", seconds=250.0, parameters=480_000)
    make(
        root,
        "hostile",
        toy,
        share=0.5,
        seed=3,
        name=HOSTILE,
        notes="<b>bold</b>",
        hardware="=HYPERLINK(1)",
        links={"code": "https://example.org/a?b=%3Cscript%3E&c='"[:34]},
        prior_knowledge="<i>closure</i>",
    )
    make(root, "one-track", toy, share=-0.5, seed=4, name="Below the naive", tracks=("extrapolation",), seconds=0.0,
         files=3)
    make(
        root,
        "repeated",
        toy,
        share=1.0,
        seed=5,
        name="Simulation, repeated",
        kind="reference",
        tracks=("interpolation",),
    )
    make(
        root,
        "sampled",
        toy,
        share=1.0,
        seed=7,
        name="Some states, repeated",
        kind="reference",
        tracks=("interpolation",),
        states=20,
    )
    make(
        root,
        "foundation",
        toy,
        share=0.99,
        seed=6,
        name="Saw more data",
        extra_training_data="other fluids",
        tracks=("interpolation",),
    )
    # alpha says of the features what the data say, beta the opposite
    indices = model_free_importances(toy)["Sobol first order, r"]
    own = {pair: {f: max(v, 0.0) for f, v in values.items()} for pair, values in indices.items()}
    write_attributions(root / "alpha" / "attributions.parquet", own)
    turned = {pair: {f: 1.0 - v for f, v in values.items()} for pair, values in own.items()}
    write_attributions(root / "beta" / "attributions.parquet", turned)
    return root


@pytest.fixture(scope="session")
def board(entries: Path, toy: Path):
    """The board of `entries`."""
    from binlj.leaderboard import rescore

    return rescore(entries, dataset=toy)


@pytest.fixture(scope="session")
def page(board, toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of `board` on disk, with the committed history."""
    from binlj.leaderboard.history import read_history
    from binlj.leaderboard.page import page_text

    path = tmp_path_factory.mktemp("page") / "index.html"
    history = read_history(Path(__file__).parents[2] / "leaderboard" / "history")
    path.write_text(page_text(replace(board, history=history), dataset=toy), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    """A browser for the tests of one file."""
    import lb_browser

    with tempfile.TemporaryDirectory() as profile, lb_browser.browser(Path(profile)) as running:
        yield running
