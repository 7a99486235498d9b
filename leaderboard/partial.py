"""Partial references: rows that cover only some of a track's test states, and what compares with them.

Scores over some states do not compare with scores over all of them. So such a row says how many it covers, and
carries what every ranked model scores on exactly the same states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from binlj.errors import InputError
from binlj.leaderboard.score import mean_values

if TYPE_CHECKING:
    import pyarrow as pa

    from binlj.eval.metrics import Case


def subset(case: Case, models: Mapping[str, Sequence[Case]]) -> dict[str, Any]:
    """What a partial reference covers, and how others do on the same states.

    Parameters
    ----------
    case : Case
        The partial reference.
    models : mapping
        Id -> a submission that covers the whole test set, one case a seed.

    Returns
    -------
    dict
        ``n_states``, ``of_states``, ``state_ids`` (in the order of the test table), ``ceiling`` (the noise
        ceilings of these states) and ``models`` (id -> scores), the last two with ``skill`` and ``r2``, each
        for AA, AB, BB and overall.
    """
    from binlj.eval.scoring import pooled

    states = case.truth.state_id
    parts = {id: [model.restricted(states) for model in seeds] for id, seeds in models.items()}
    return {
        "n_states": len(states),
        "of_states": case.truth.of_states,
        "state_ids": list(states),
        "ceiling": {"skill": pooled(case, "skill_ceiling"), "r2": pooled(case, "noise_ceiling")},
        "models": {
            id: {name: mean_values(part, name) for name in ("skill", "r2")} for id, part in parts.items()
        },
    }


def label(row: Mapping[str, Any]) -> str:
    """``20 of 100 states`` for the row of a partial reference, nothing for any other."""
    part = row.get("subset")
    return f"{part['n_states']} of {part['of_states']} states" if part else ""


def take_test_states(path: Path, track: str, *, dataset: Path | None = None) -> tuple[pa.Table, list[str]]:
    """The rows of a predictions file that belong to a track's test set.

    One file of a repeated simulation serves several tracks: what belongs to the track's train split is left
    out. Rows that the benchmark does not know stay in, for the check to name them.

    Returns
    -------
    table : pyarrow.Table
        The prediction columns of the rows kept.
    left_out : list of str
        The states left out, sorted.

    Raises
    ------
    InputError
        If the file cannot be read, or holds no state of the test set.
    """
    import pyarrow as pa

    from binlj.eval.sandbox import open_table
    from binlj.eval.truth import read_split

    table, problems, _ = open_table(path)
    if table is not None and not problems:
        ids = table.column("state_id").to_pylist()
        train, test = ({*read_split(track, part, dataset=dataset)["state_id"]} for part in ("train", "test"))
        if test.isdisjoint(ids):
            problems = [f"holds no state of the {track} test set"]
    if table is None or problems:
        raise InputError(path, problems)
    return table.filter(pa.array([name not in train for name in ids])), sorted(train.intersection(ids))
