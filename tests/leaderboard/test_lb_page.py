"""The page as text: self-contained, bounded, escaped, and made of the libraries the manifest names."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lb_make import HOSTILE

from binlj.data import curves, read_table
from binlj.grid import PAIRS, grid
from binlj.leaderboard.build import Board
from binlj.leaderboard.pack import unpack
from binlj.leaderboard.page import HERE, LIBRARIES, SCRIPTS, embed, model_curves, page_text, payload, vendored


class Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag == "script"
        if self.inside:
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.scripts[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.inside = False


@pytest.fixture(scope="module")
def tags(page: Path) -> Tags:
    parser = Tags()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser


def test_nothing_is_loaded_from_anywhere(tags: Tags) -> None:
    assert {tag for tag, _ in tags.tags} & {"iframe", "object", "embed", "img", "base", "form"} == set()
    for tag, attributes in tags.tags:
        assert "src" not in attributes, tag
        if tag == "link":
            assert attributes["href"] == "data:,"
        assert not [name for name in attributes if name.startswith("on")], tag
    assert [tag for tag, _ in tags.tags].count("script") == 1 + len(LIBRARIES) + len(SCRIPTS)


def test_style_sheets_load_nothing(page: Path) -> None:
    style = re.search(r"<style>(.*?)</style>", page.read_text(encoding="utf-8"), re.S)
    assert style and "@import" not in style[1] and "url(" not in style[1]


def test_policy_allows_exactly_these_scripts(tags: Tags) -> None:
    policy = next(
        a["content"] for t, a in tags.tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy and "default-src 'none'" in policy and "connect-src 'none'" in policy
    scripts = policy.split("script-src ")[1].split(";")[0]
    assert "unsafe" not in scripts
    code = [text for text in tags.scripts if not text.startswith("{")]
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in code}
    assert set(scripts.split()) == hashes


def test_hostile_text_stays_text(page: Path, tags: Tags) -> None:
    text = page.read_text(encoding="utf-8")
    assert HOSTILE not in text
    assert text.count("</script>") == 1 + len(LIBRARIES) + len(SCRIPTS)
    data = next(t for t in tags.scripts if t.startswith("{"))
    assert HOSTILE in {m["name"] for m in json.loads(data)["models"]}


def test_embedded_json_survives_and_holds_no_markup() -> None:
    value = {"a": "</script><!--<script>&amp;\u2028\u2029", "b": ["{{DATA}}", "\\u003c"]}
    text = embed(value)
    assert json.loads(text) == value
    assert not set(text) & set("<>&\u2028\u2029")
    with pytest.raises(ValueError):
        embed(float("nan"))


def test_placeholders_in_submissions_are_not_filled(board: Board, toy: Path) -> None:
    models = [{**m, "notes": "{{CSP}} {{DATA}}"} for m in board.models]
    assert page_text(replace(board, models=models), dataset=toy).count("{{CSP}} {{DATA}}") == len(models)


def test_the_best_models_come_first_within_the_budget(page: Path, board: Board, toy: Path) -> None:
    assert page.stat().st_size < 4_000_000
    # 84 kB for extrapolation and 42 kB for interpolation: this is room for the two leaders of both tracks.
    few = model_curves(board, 300_000, dataset=toy)
    assert sum(len(p["q"]) + len(p["scale"]) for m in few.values() for p in m.values()) <= 300_000
    best = next(r["id"] for r in board.rows if r["track"] == "extrapolation" and r["kind"] != "ceiling")
    assert best in few
    assert "ideal-gas" not in few
    everything = model_curves(board, 10**9, dataset=toy)
    assert {(id, track) for id, tracks in everything.items() for track in tracks} == set(board.curves)
    assert model_curves(board, -1, dataset=toy) == {}


def test_many_submissions_keep_the_page_below_five_megabytes(board: Board, toy: Path) -> None:
    rows, curves_ = list(board.rows), dict(board.curves)
    for i in range(80):
        for track in ("extrapolation", "interpolation"):
            row = next(r for r in board.rows if r["id"] == "alpha" and r["track"] == track)
            rows.append({**row, "id": f"copy-{i}"})
            curves_[f"copy-{i}", track] = board.curves["alpha", track]
    models = [*board.models, *({**board.models[0], "id": f"copy-{i}"} for i in range(80))]
    text = page_text(replace(board, rows=rows, curves=curves_, models=models), dataset=toy)
    assert 3_700_000 < len(text.encode()) < 4_000_000  # filled, not overfilled


def test_packed_curves_are_the_data_and_the_predictions(board: Board, toy: Path) -> None:
    packed = payload(board, dataset=toy)
    table = read_table("extrapolation", "test", path=toy)
    g = unpack(packed["curves"]["equilibrium"]["g"], "u2", 100)
    err = unpack(packed["curves"]["equilibrium"]["stderr"], "u1", 100)
    position = [
        packed["state_ids"].index(s) * 3 + PAIRS.index(p) for s, p in zip(table["state_id"], table["pair"], strict=True)
    ]
    assert position == packed["tracks"]["extrapolation"]["test"]
    truth = curves(table)
    assert np.abs(g[position] - truth).max() < truth.max() / 131_000
    assert np.abs(err[position] - curves(table, "g_stderr")).max() < curves(table, "g_stderr").max() / 509
    difference = unpack(model_curves(board, 10**7, dataset=toy)["hostile"]["extrapolation"], "i1", 100)
    predicted = board.curves["hostile", "extrapolation"]
    assert np.abs(g[position] + difference - predicted).max() < 0.004 * np.abs(predicted - truth).max() + 1e-3
    assert packed["state_ids"] == [s.state_id for s in grid()]


def test_bundled_libraries_are_the_published_files() -> None:
    named = set()
    for entry in vendored():
        assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"])
        assert entry["source"].startswith("https://registry.npmjs.org/") and entry["version"] in entry["source"]
        assert any(name.endswith("LICENSE") for name in entry["files"])
        for name, digest in entry["files"].items():
            assert hashlib.sha256((HERE / "vendor" / name).read_bytes()).hexdigest() == digest, name
            named.add(name)
    assert named | {"manifest.json"} == {p.name for p in (HERE / "vendor").iterdir()}
