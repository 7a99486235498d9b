"""Loops compiled by numba when they are first needed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any


@cache
def compiled(loop: Callable[..., Any]) -> Callable[..., Any]:
    """The function as machine code, kept on disk. It runs without the interpreter's lock, which other workers need."""
    import numba

    return numba.njit(loop, nogil=True, cache=True)
