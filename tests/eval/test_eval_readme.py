"""The README's model runs as it is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.slow
def test_the_readme_s_code_trains_and_scores_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    assert len(blocks) == 2
    for code in blocks:
        exec(compile(code, str(README), "exec"), names)
    scores = names["scores"]
    assert scores.naive_skill["mean_rdf"]["overall"] < scores.skill["overall"] < 1  # type: ignore[attr-defined]
    assert list(names["frame"]["pair"]) == ["AA", "AB", "BB"]  # type: ignore[index]
    assert len(names["facts"]) == 2  # type: ignore[arg-type]
