"""Who may import whom: the rooms' arrows point one way, and no module imports itself through others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("core", "eval", "baselines", "leaderboard", "builders")

STARTS, RECORDS, MD, ANALYSIS = (f"builders.{name}" for name in ("starts", "records", "md", "analysis"))
COEXISTENCE, CAMPAIGN, RELEASE = (f"builders.{name}" for name in ("coexistence", "campaign", "release"))
VALIDATION, COMMANDS = "builders.validation", "builders.commands"

# room -> the other rooms it may import; every room may import the core.
MAY_KNOW: dict[str, set[str]] = {
    "core": set(),
    "eval": set(),
    "baselines": {"eval"},
    "leaderboard": {"eval"},
    "builders": set(),
    STARTS: set(),
    RECORDS: {STARTS},
    MD: {STARTS, RECORDS},
    ANALYSIS: {STARTS, RECORDS},
    COEXISTENCE: {STARTS, RECORDS, MD},
    CAMPAIGN: {STARTS, RECORDS, MD, ANALYSIS},
    RELEASE: {STARTS, RECORDS, ANALYSIS, "eval"},  # eval for the card's table of Sobol indices
    VALIDATION: {STARTS, RECORDS, MD, ANALYSIS, COEXISTENCE, CAMPAIGN, RELEASE, "eval"},
    COMMANDS: {STARTS, RECORDS, MD, ANALYSIS, COEXISTENCE, CAMPAIGN, RELEASE, VALIDATION},
}
# The package itself only forwards names to the rooms they live in.
FACADE = "binlj"
# Modules that name others in strings, to import them when they are asked for: the command line and the models' list.
BY_NAME = {"binlj.cli", "binlj.baselines.registry"}


def module_name(file: Path) -> str:
    parts = list(file.relative_to(ROOT).with_suffix("").parts)
    parts = parts[1:] if parts[0] == "core" else parts
    return ".".join(["binlj", *(parts[:-1] if parts[-1] == "__init__" else parts)])


def room_of(module: str) -> str:
    parts = module.split(".")[1:]
    if not parts or parts[0] not in ROOMS:
        return "core"
    return ".".join(parts[:2]) if parts[0] == "builders" else parts[0]


FILES = {module_name(file): file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))}


def imports(tree: ast.Module, module: str, *, package: bool, known: set[str]) -> Iterator[str]:
    """Modules of the package that a module imports, anywhere in it, for types too, or names in a string."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "binlj")
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = module.split(".")[: len(module.split(".")) - node.level + package]
                base = ".".join([*up, *filter(None, [node.module])])
            if base.split(".")[0] == "binlj":
                for alias in node.names:
                    inner = f"{base}.{alias.name}"
                    yield inner if inner in known else base
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and module not in BY_NAME:
            text = node.value.split(":")[0]
            if text in known and text != "binlj" and text != module:
                yield text


@cache
def graph() -> dict[str, set[str]]:
    """What each module imports; read when a test needs it, not by every worker that collects the tests."""
    known = set(FILES)
    out = {}
    for module, file in FILES.items():
        tree = ast.parse(file.read_text(encoding="utf-8"))
        out[module] = set(imports(tree, module, package=file.name == "__init__.py", known=known)) - {module}
    return out


def test_every_room_of_the_builders_has_a_rule() -> None:
    assert {room_of(module) for module in FILES} == set(MAY_KNOW)


@pytest.mark.parametrize("room", MAY_KNOW)
def test_a_room_imports_only_the_rooms_below_it(room: str) -> None:
    allowed = MAY_KNOW[room] | {room, "core"}
    wrong = [
        f"{module} imports {target}"
        for module, targets in graph().items()
        for target in sorted(targets)
        if room_of(module) == room and module != FACADE and room_of(target) not in allowed
    ]
    assert not wrong


def test_the_rules_themselves_have_no_circle() -> None:
    list(TopologicalSorter(MAY_KNOW).static_order())


def test_no_module_imports_itself_through_others() -> None:
    edges = {module: set(targets) for module, targets in graph().items() if module != FACADE}
    edges["binlj.leaderboard.page"].discard("binlj.leaderboard.build")  # still to be mended
    # Scores print and draw themselves, when asked to.
    edges["binlj.eval.scores"] -= {"binlj.eval.report", "binlj.eval.plots"}
    try:
        list(TopologicalSorter(edges).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_evaluator_names_no_baseline_module_even_in_a_string() -> None:
    wrong = [
        f"{module}: {node.value!r}"
        for module, file in FILES.items()
        if room_of(module) == "eval"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if "binlj.baselines" in node.value or "baselines/" in node.value or "baselines." in node.value
    ]
    assert not wrong


def test_imports_are_found_in_every_form() -> None:
    text = (
        "import binlj.data\n"
        "from binlj.eval import scoring\n"
        "from . import files\n"
        "from .eval.metrics import r2\n"
        "def f():\n    from binlj.builders.md.engine import Engine\n"
        "g = import_module('binlj.baselines.model_files')\n"
    )
    known = {"binlj.eval.scoring", "binlj.files", "binlj.baselines.model_files"}
    found = set(imports(ast.parse(text), "binlj.x", package=False, known=known))
    assert found == {
        "binlj.data", "binlj.eval.scoring", "binlj.files", "binlj.eval.metrics", "binlj.builders.md.engine",
        "binlj.baselines.model_files",
    }  # fmt: skip
