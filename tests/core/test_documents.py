"""The documents name files that exist."""

from __future__ import annotations

import re
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
