"""A chain: one state, one kind of start, one replica (independent repeat), and the seed derived from them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from binlj.builders.records.record import ChainKey
from binlj.builders.starts import geometry
from binlj.builders.starts.kinds import STARTS
from binlj.errors import InputError
from binlj.grid import State


@dataclass(frozen=True)
class Chain:
    """What identifies a chain, and its seed."""

    state: State
    start: str = "mixed"
    replica: int = 0
    seed: int | None = None

    def __post_init__(self) -> None:
        problems = []
        if self.start not in STARTS:
            problems.append(f"start {self.start!r} is not one of: {', '.join(STARTS)}")
        if self.replica < 0:
            problems.append(f"replica {self.replica} is negative")
        if self.seed is not None and not 0 < self.seed < 2**31 - 10:
            problems.append(f"seed {self.seed} is not between 1 and 2147483637")
        if problems:
            raise InputError("chain", problems)

    @property
    def key(self) -> ChainKey:
        return self.state.state_id, self.start, self.replica

    @property
    def name(self) -> str:
        return f"{self.state.state_id}_{self.start}-{self.replica}"

    @property
    def base_seed(self) -> int:
        """The seed given, or one derived from the chain's name: the same everywhere."""
        if self.seed is not None:
            return self.seed
        digest = hashlib.sha256(f"binlj|{self.name}".encode()).digest()
        return int.from_bytes(digest[:4], "big") % 900_000_000 + 1

    @property
    def shape(self) -> str:
        """Geometry of the start (:func:`binlj.builders.starts.geometry.shape`)."""
        return geometry.shape(self.state, self.start, self.replica)
