"""Site files that come with the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from binlj.builders.campaign.workers import SITES, load_site


@pytest.mark.parametrize("site", sorted(p.stem for p in SITES.glob("*.py") if p.stem != "__init__"))
def test_tasks_that_leave_the_process_travel_encrypted(site: str, tmp_path: Path) -> None:
    parsl = pytest.importorskip("parsl")
    for executor in load_site(site, workers=4, run_dir=tmp_path).executors:
        # Threads of this process send nothing; any other executor has to say that it encrypts.
        assert isinstance(executor, parsl.ThreadPoolExecutor) or executor.encrypted is True
