"""The package that pip builds: every folder of code is in it, and a clone does not shadow an installed one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("core", "eval", "baselines", "leaderboard", "builders")


def listed() -> dict[str, str]:
    """Package -> folder, as setup.cfg has it."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    packages = config["options"]["packages"].split()
    folders = dict(line.replace(" ", "").split("=") for line in config["options"]["package_dir"].strip().splitlines())

    def folder(package: str) -> str:
        parent, _, name = package.rpartition(".")
        return folders.get(package) or f"{folder(parent)}/{name}"

    return {package: folder(package) for package in packages}


def test_every_folder_with_code_is_a_listed_package() -> None:
    found = {p.parent.relative_to(ROOT).as_posix() for room in ROOMS for p in (ROOT / room).rglob("__init__.py")}
    packages = listed()
    code = {folder for folder in packages.values() if folder.split("/")[0] in ROOMS}
    assert found == code
    assert all((ROOT / folder).is_dir() for folder in packages.values())


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package in it as `pip install` unpacks it."""
    source, wheels, target = (tmp_path_factory.mktemp(name) for name in ("source", "wheels", "installed"))
    for name in {folder.split("/")[0] for folder in listed().values()}:
        skip = shutil.ignore_patterns("__pycache__", "campaigns", "submissions", "*.parquet")
        shutil.copytree(ROOT / name, source / name, ignore=skip)
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "wheel", *options, "-w", str(wheels), str(source)], check=True, timeout=120)
    (wheel,) = wheels.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)], check=True)
    return target


@pytest.mark.slow
@pytest.mark.parametrize("inside", [True, False])
def test_an_installed_package_imports_inside_and_outside_the_clone(
    installed: Path, tmp_path: Path, inside: bool
) -> None:
    code = (
        "import binlj\nfrom binlj import eval, theory, builders, baselines, leaderboard\n"
        "from binlj.builders.commands import validate\nfrom binlj.paths import clone_root, dataset_dir, scripts_dir\n"
        "assert (dataset_dir() / 'manifest.json').is_file() and (scripts_dir() / 'start.lmp').is_file()\n"
        "assert clone_root() is None\nprint(binlj.__file__, eval.__file__, validate.__file__, sep='\\n')"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT if inside else tmp_path, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert all(Path(line).is_relative_to(installed) for line in done.stdout.split()), done.stdout
