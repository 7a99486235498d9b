"""The page: template, style, scripts, bundled libraries and data in one HTML file that needs no network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from binlj.grid import GRID_C_B, GRID_EPS_AB, GRID_S, GRID_T, PAIRS, grid
from binlj.offgrid import offgrid
from binlj.schema import REGIMES, bin_centres, in_regime, regime_of, track_name
from binlj.tracks import split

if TYPE_CHECKING:
    import numpy as np

    from binlj.leaderboard.build import Board

HERE = Path(__file__).parent
LIBRARIES = ("d3.min.js", "plot.umd.min.js", "tabulator.min.js")
SCRIPTS = ("core.js", "data.js", "table.js", "accuracy.js", "curves.js", "map.js", "detail.js",
           "viewer.js", "history.js", "cite.js", "main.js")
STYLES = ("vendor/tabulator.min.css", "web/page.css")
# The page keeps below 4 MB: what libraries, data and rows leave of this is filled with model curves, best first.
PAGE_BYTES = 3_900_000
_KEYS = 100  # bytes of JSON around a packed model, at most


def page_text(board: Board, *, dataset: Path | None = None, limit: int = PAGE_BYTES) -> str:
    """The leaderboard as one self-contained HTML document.

    Parameters
    ----------
    board : Board
    dataset : Path, optional
        Another copy of the dataset, for the viewer's curves.
    limit : int
        Bytes the page may have. Models whose curves do not fit any more keep their row and lose their
        pictures; the page says so.
    """
    scripts = [_library(name) for name in LIBRARIES]
    scripts += [(HERE / "web" / name).read_text(encoding="utf-8") for name in SCRIPTS]
    parts = {
        "CSP": _policy(scripts),
        "STYLE": "\n".join((HERE / name).read_text(encoding="utf-8") for name in STYLES),
        "SCRIPTS": "\n".join(f"<script>{text}</script>" for text in scripts),
    }
    template = (HERE / "web" / "page.html").read_text(encoding="utf-8")
    data = payload(board, dataset=dataset)
    fixed = sum(len(text.encode("utf-8")) for text in (template, *parts.values(), embed(data)))
    data["curves"]["models"] = model_curves(board, limit - fixed, dataset=dataset)
    parts["DATA"] = embed(data)
    # One pass, so that nothing inside a part is ever taken for a placeholder.
    return re.sub(r"\{\{([A-Z]+)\}\}", lambda match: parts[match[1]], template)


def embed(value: Any) -> str:
    """JSON that cannot end its script element: ``<``, ``>``, ``&`` and line separators become escapes."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for char in ("<", ">", "&", "\u2028", "\u2029"):
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def model_curves(board: Board, budget: int, *, dataset: Path | None = None) -> dict[str, dict[str, Any]]:
    """Packed differences of the models from the data and errors of their curves (:mod:`binlj.eval.skill`), by id and
    track, best first, within `budget` bytes.

    A partial reference has the curves of its row's ``subset`` and no others.
    """
    from binlj.eval.skill import curve_errors
    from binlj.eval.truth import load_truth, restrict
    from binlj.leaderboard.pack import pack_shares, pack_signed, size

    g = {regime: _published(board, regime, dataset)[0] for regime in _regimes(board)}
    names = _state_ids(board)
    test = {track: _test_rows(track, names, dataset) for track in board.tracks}
    truths = {track: load_truth(track, dataset=dataset) for track in board.tracks}
    covered = {(r["id"], r["track"]): {*r["subset"]["state_ids"]} for r in board.rows if "subset" in r}
    models: dict[str, dict[str, Any]] = {}
    for row_id, track in _by_rank(board):
        part = covered.get((row_id, track))
        here = [i for i in test[track] if part is None or names[i // len(PAIRS)] in part]
        predicted = board.curves[row_id, track]
        truth = truths[track] if part is None else restrict(truths[track], part)
        difference = predicted - g[regime_of(track)][here]
        packed = {**pack_signed(difference), "errors": pack_shares(curve_errors(truth, predicted))}
        budget -= size(packed) + _KEYS
        if budget < 0:
            break
        models.setdefault(row_id, {})[track] = packed
    return models


def payload(board: Board, *, dataset: Path | None = None) -> dict[str, Any]:
    """Everything the page's scripts read, but for the curves of the models."""
    names = _state_ids(board)
    test = {track: _test_rows(track, names, dataset) for track in board.tracks}
    return {
        "header": board.header,
        "models": board.models,
        "rows": board.rows,
        "grid": {"T": GRID_T, "C_B": GRID_C_B, "S": GRID_S, "eps_AB": GRID_EPS_AB},
        "state_ids": names,
        "r": [round(float(x), 3) for x in bin_centres()],
        "tracks": {t: {"test": test[t], "n_train": len(split(t)[0]), "n_test": len(split(t)[1])} for t in board.tracks},
        "states": {regime: _states(board, regime, dataset) for regime in _regimes(board)},
        "curves": {regime: _packed(board, regime, dataset) for regime in _regimes(board)} | {"models": {}},
        "history": board.history,
        "libraries": [
            {key: entry[key] for key in ("name", "version", "license")} for entry in vendored()
        ],
    }


@cache
def vendored() -> list[dict[str, Any]]:
    """The bundled libraries: name, version, licence, source and the SHA-256 of each file."""
    entries: list[dict[str, Any]] = json.loads((HERE / "vendor" / "manifest.json").read_text(encoding="utf-8"))
    return entries


def _library(name: str) -> str:
    text = (HERE / "vendor" / name).read_text(encoding="utf-8")
    # The map is not there; a browser's developer tools would look for it beside the page.
    text = re.sub(r"\n//# sourceMappingURL=\S*\s*$", "\n", text)
    if "</script" in text.lower() or "<!--" in text:
        raise ValueError(f"{name} cannot be put inside a script element as it is")
    return text


def _policy(scripts: list[str]) -> str:
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
        for text in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "connect-src 'none'; form-action 'none'; base-uri 'none'"
    )


def _state_ids(board: Board) -> list[str]:
    """The states of the page: the grid in its order, then the off-grid states if the board has their track."""
    off_grid = any(track_name(track) == "offgrid" for track in board.tracks)
    return [s.state_id for s in (*grid(), *(offgrid() if off_grid else ()))]


def _regimes(board: Board) -> list[str]:
    """The regimes that the board has tracks of."""
    return [regime for regime in REGIMES if any(regime_of(track) == regime for track in board.tracks)]


def _of_regime(board: Board, regime: str) -> list[str]:
    """The states of the page that a regime has: the grid, and the off-grid ones if the board has their track."""
    return _state_ids(board) if in_regime("offgrid", regime) in board.tracks else [s.state_id for s in grid()]


def _published(board: Board, regime: str, dataset: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """All curves of a regime and their errors, states in the order of :func:`_of_regime`, then AA, AB, BB."""
    import pandas as pd

    from binlj.data import curves, read_table

    name = "offgrid" if in_regime("offgrid", regime) in board.tracks else "extrapolation"
    frame = pd.concat([read_table(name, part, regime=regime, path=dataset) for part in ("train", "test")])
    frame = frame.set_index(["state_id", "pair"]).loc[[(i, p) for i in _of_regime(board, regime) for p in PAIRS]]
    return curves(frame), curves(frame, "g_stderr")


def _packed(board: Board, regime: str, dataset: Path | None) -> dict[str, Any]:
    from binlj.leaderboard.pack import pack_unsigned

    g, stderr = _published(board, regime, dataset)
    return {"g": pack_unsigned(g, 16), "stderr": pack_unsigned(stderr, 8)}


def _states(board: Board, regime: str, dataset: Path | None) -> dict[str, Any]:
    """Phase of every state, as a text of 0 and 1, and the reason of those that are not converged."""
    import pandas as pd

    from binlj.data import read_table

    parts = ("all", "offgrid") if in_regime("offgrid", regime) in board.tracks else ("all",)
    frame = pd.concat([read_table("states", part, regime=regime, path=dataset) for part in parts])
    frame = frame.set_index("state_id").loc[_of_regime(board, regime)]
    settled = frame["converged"].to_numpy(dtype=bool)
    reasons = {str(i): str(frame["reason"].iloc[i]) for i in range(len(frame)) if not settled[i]}
    return {"demixed": "".join("1" if p == "demixed" else "0" for p in frame["phase"]), "reasons": reasons}


def _test_rows(track: str, names: list[str], dataset: Path | None) -> list[int]:
    """Where each test curve of a track stands among those of the states `names`, AA, AB, BB of each."""
    from binlj.data import read_table

    position = {(name, p): i * len(PAIRS) + j for i, name in enumerate(names) for j, p in enumerate(PAIRS)}
    frame = read_table(track, "test", path=dataset)
    return [position[key] for key in zip(frame["state_id"], frame["pair"], strict=True)]


def _by_rank(board: Board) -> list[tuple[str, str]]:
    """(id, track) of everything with curves: models from the top of each track, then naive baselines likewise."""
    place: dict[tuple[str, str], tuple[bool, int, str]] = {}
    for track in board.tracks:
        on_track = [row for row in board.rows if row["track"] == track and (row["id"], track) in board.curves]
        for i, row in enumerate(on_track):
            place[row["id"], track] = (row["kind"] == "naive", i, track)
    return sorted(place, key=lambda key: place[key])
