"""The documents name files that exist, and say what the tables and the reports say."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("baselines", "builders", "core", "docs", "eval", "lammps", "leaderboard", "tests")
PATH = re.compile(rf"`((?:{'|'.join(ROOMS)})/[\w./-]+)`")
EXAMPLES = {"leaderboard/submissions/my-model", "leaderboard/submissions/my-model/submission.yaml"}
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "dataset_card.md", "lammps/README.md", "docs/README.md"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_named_in_a_document_exist(document: str) -> None:
    named = set(PATH.findall((ROOT / document).read_text(encoding="utf-8"))) - EXAMPLES
    assert not [name for name in sorted(named) if not (ROOT / name).exists()]


def test_the_readme_s_numbers_are_those_of_tables_and_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import readme

    sys.modules.pop("readme")
    assert readme.fresh() == (ROOT / "README.md").read_text(encoding="utf-8"), "`python docs/readme.py` writes them"
    shutil.copytree(ROOT / "docs" / "reproduce", tmp_path / "docs" / "reproduce", ignore=lambda _, names: {
        name for name in names if not name.startswith("extrapolation")
    })  # fmt: skip
    report = tmp_path / "docs" / "reproduce" / "extrapolation-mixed.md"
    text = report.read_text(encoding="utf-8")
    report.write_text(re.sub(r"(?m)^(\| R² test +\| +0.89 \|).*\|$", r"\1 0.123 ± 0.004 |", text), encoding="utf-8")
    assert "0.89 in the paper" in readme.reproduction(tmp_path)
    assert "0.123 ± 0.004 on mixed-start data" in readme.reproduction(tmp_path)
