"""Site files that come with the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from binlj.builders.campaign.workers import load_site


def test_tasks_travel_encrypted_on_slurm(tmp_path: Path) -> None:
    pytest.importorskip("parsl")
    (executor,) = load_site("slurm", workers=4, run_dir=tmp_path).executors
    assert executor.encrypted is True
