"""What only a submitter can state about a model: asked on a terminal, required as options elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from binlj.errors import InputError
from binlj.leaderboard.submission import schema


@dataclass(frozen=True)
class Statement:
    """One line of submission.yaml that nothing else can fill in.

    Attributes
    ----------
    key : str
        Its name here.
    option : str
        The option of ``binlj submit new`` that gives it.
    where : tuple of str
        Where submission.schema.json describes it, below ``properties``.
    ranked : bool
        Whether only a ranked entry needs it.
    """

    key: str
    option: str
    where: tuple[str, ...]
    ranked: bool = False

    @property
    def meaning(self) -> str:
        """The schema's words for it."""
        text: str = self._rule().get("description", "")
        return text

    @property
    def choices(self) -> list[str]:
        """The values that the schema allows; empty if any text may stand there."""
        return list(self._rule().get("enum", []))

    def _rule(self) -> Any:
        rule = schema()
        for name in self.where:
            rule = rule["properties"][name]
        return rule


STATEMENTS = (
    Statement("name", "--name", ("name",)),
    Statement("authors", "--author", ("authors",)),
    Statement("license", "--license", ("license",)),
    Statement("extra_training_data", "--extra-training-data", ("extra_training_data",)),
    Statement("prior_knowledge", "--prior-knowledge", ("prior_knowledge",), ranked=True),
    Statement("code", "--code", ("links", "code"), ranked=True),
)


def complete(
    given: Mapping[str, str], *, reference: bool, ask: Callable[[Statement], str] | None
) -> dict[str, str]:
    """The statements given, and the answers to those that are missing.

    Parameters
    ----------
    given : mapping
        Key -> text; an empty text counts as missing.
    reference : bool
        Whether the entry is a ``kind: reference``, which is not ranked.
    ask : callable, optional
        Asks for one statement. None where nobody can answer.

    Raises
    ------
    InputError
        If something is missing and nobody can answer; it names every missing option.
    """
    found = {key: text for key, text in given.items() if text}
    missing = []
    for statement in STATEMENTS:
        ranked = not reference and found.get("extra_training_data", "none") == "none"
        if statement.key in found or (statement.ranked and not ranked):
            continue
        if ask is None:
            allowed = f" ({', '.join(statement.choices)})" if statement.choices else ""
            missing.append(f"{statement.option} is missing: {statement.meaning}{allowed}")
        else:
            found[statement.key] = ask(statement)
    if missing:
        raise InputError("binlj submit new", missing, fix="give these options; on a terminal the command asks for them")
    return found
