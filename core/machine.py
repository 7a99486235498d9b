"""A description of this machine, stored beside the times measured on it."""

from __future__ import annotations

import platform
from pathlib import Path


def processor() -> str:
    """Name of the processor: the kernel's where there is one, else what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
