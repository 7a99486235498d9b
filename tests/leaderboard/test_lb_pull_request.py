"""What a pull request may change: one new or own folder. Tried on real git trees, with git's own tools."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from lb_make import make, run

from binlj.errors import InputError
from binlj.leaderboard.pull_request import review

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

ROOM = "leaderboard/submissions"
ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_{what}": "x@y.z" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}  # fmt: skip


def git(repository: Path, *arguments: str, text: str = "") -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments], env=ENVIRONMENT, input=text, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(repository: Path, message: str = "change") -> None:
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "--allow-empty", "-m", message)


@pytest.fixture(scope="module")
def template(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with two entries on the branch ``main``, and a third one beside it, not yet in it."""
    root = tmp_path_factory.mktemp("pull")
    repository = root / "repository"
    for id, owner in (("alpha", "anna"), ("beta", None)):
        make(repository / ROOM, id, toy, tracks=("extrapolation",), seed=len(id), submitter=owner)
    (repository / ROOM / "README.md").write_text("read me\n")
    (repository / "README.md").write_text("read me\n")
    git(root, "init", "-q", "-b", "main", str(repository))
    commit(repository, "start")
    git(repository, "checkout", "-q", "-b", "change")
    make(root, "gamma", toy, tracks=("extrapolation",), seed=7)
    return root


@pytest.fixture
def repository(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template / "repository", tmp_path / "repository", symlinks=True))


def reviewed(repository: Path, toy: Path, template: Path, *, by: str = "anna") -> list[str]:
    """Commit what was changed and review it; the lines said."""
    commit(repository)
    said: list[str] = []
    review(repository, "main", "HEAD", by=by, submissions=template / "repository" / ROOM, dataset=toy, say=said.append)
    return said


def refused(repository: Path, toy: Path, template: Path, *, by: str = "anna") -> str:
    with pytest.raises(InputError) as caught:
        reviewed(repository, toy, template, by=by)
    assert str(caught.value).isprintable() or "\n" in str(caught.value)
    return str(caught.value)


def add_gamma(repository: Path, template: Path, name: str = "gamma") -> Path:
    return Path(shutil.copytree(template / "gamma", repository / ROOM / name))


def edit(folder: Path, **change: object) -> None:
    path = folder / "submission.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **change}, sort_keys=False))


def test_a_new_submission_is_checked_and_scored(repository: Path, toy: Path, template: Path) -> None:
    add_gamma(repository, template)
    said = reviewed(repository, toy, template)
    assert said[0] == f"{ROOM}/gamma: adds predictions-extrapolation.parquet, adds submission.yaml"
    assert said[1] == "gamma: valid; the score of its predictions:"
    assert any("of 3 ranked entries" in line for line in said)


def test_a_change_elsewhere_says_that_there_was_nothing_to_check(repository: Path, toy: Path, template: Path) -> None:
    (repository / "README.md").write_text("other\n")
    (repository / ROOM / "README.md").write_text("other\n")
    assert reviewed(repository, toy, template) == ["touches no submission (2 files elsewhere): nothing to check"]


def test_what_main_changed_since_is_not_the_pull_requests(repository: Path, toy: Path, template: Path) -> None:
    add_gamma(repository, template)
    commit(repository)
    git(repository, "checkout", "-q", "main")
    shutil.rmtree(repository / ROOM / "beta")
    commit(repository)
    git(repository, "checkout", "-q", "change")
    assert "gamma: valid; the score of its predictions:" in reviewed(repository, toy, template)


def test_an_entry_is_changed_and_withdrawn_by_its_submitter_only(
    repository: Path, toy: Path, template: Path
) -> None:
    edit(repository / ROOM / "alpha", hardware="another machine")
    assert "alpha: valid; the score of its predictions:" in reviewed(repository, toy, template, by="Anna")
    text = refused(repository, toy, template, by="mallory")
    assert "changes the entry 'alpha', its submitter is 'anna'; the pull request is by 'mallory'" in text
    shutil.rmtree(repository / ROOM / "alpha")
    assert "its submitter is 'anna'" in refused(repository, toy, template, by="mallory")
    assert reviewed(repository, toy, template)[-1] == "alpha: withdrawn"


def test_nobody_makes_an_entry_his_own_in_the_change_itself(repository: Path, toy: Path, template: Path) -> None:
    for id in ("alpha", "beta"):
        git(repository, "checkout", "-q", "-B", id, "main")
        edit(repository / ROOM / id, submitter="mallory")
        assert f"changes the entry '{id}'" in refused(repository, toy, template, by="mallory")


def test_a_new_entry_names_no_other_account(repository: Path, toy: Path, template: Path) -> None:
    edit(add_gamma(repository, template), submitter="somebody-else")
    assert "submitter is 'somebody-else', the pull request is by 'anna'" in refused(repository, toy, template)
    edit(repository / ROOM / "gamma", submitter="anna")
    assert "gamma: valid; the score of its predictions:" in reviewed(repository, toy, template)


def _edits_another(repository: Path) -> None:
    edit(repository / ROOM / "beta", name="Worse than gamma")


def _deletes_another(repository: Path) -> None:
    shutil.rmtree(repository / ROOM / "beta")


def _deletes_a_file_of_another(repository: Path) -> None:
    (repository / ROOM / "beta" / "predictions-extrapolation.parquet").unlink()


def _moves_another(repository: Path) -> None:
    shutil.move(repository / ROOM / "beta", repository / ROOM / "delta")


def _links_the_room(repository: Path) -> None:
    shutil.move(repository / ROOM, repository / "elsewhere")
    (repository / ROOM).symlink_to(repository / "elsewhere", target_is_directory=True)


def _links_a_folder(repository: Path) -> None:
    shutil.rmtree(repository / ROOM / "gamma", ignore_errors=True)
    (repository / ROOM / "gamma").symlink_to("alpha", target_is_directory=True)


def _links_a_file(repository: Path) -> None:
    path = repository / ROOM / "gamma" / "attributions.parquet"
    path.parent.mkdir(exist_ok=True)
    path.symlink_to("../alpha/predictions-extrapolation.parquet")


def _adds_a_folder_that_builds_ignore(repository: Path) -> None:
    (repository / ROOM / ".gitkeep").mkdir()
    (repository / ROOM / ".gitkeep" / "payload").write_text("x")


def _adds_a_stray_file(repository: Path) -> None:
    (repository / ROOM / "notes.txt").write_text("x")


def _adds_a_folder_in_the_folder(repository: Path) -> None:
    (repository / ROOM / "gamma" / "code").mkdir(parents=True)
    (repository / ROOM / "gamma" / "code" / "run.py").write_text("x")


def _edits_code(repository: Path) -> None:
    (repository / "setup.cfg").write_text("x")
    (repository / ROOM / "README.md").write_text("x")


def _makes_a_file_executable(repository: Path) -> None:
    path = repository / ROOM / "gamma" / "submission.yaml"
    path.parent.mkdir(exist_ok=True)
    path.touch()
    path.chmod(0o755)


def _adds_a_module(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{head},{ROOM}/module")
    (repository / ROOM / "module").mkdir()


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (_edits_another, "changes 2 entries: 'beta', 'gamma'"),
        (_deletes_another, "changes 2 entries: 'beta', 'gamma'"),
        (_deletes_a_file_of_another, "changes 2 entries: 'beta', 'gamma'"),
        (_moves_another, "changes 3 entries: 'beta', 'delta', 'gamma'"),
        (_links_the_room, f"'{ROOM}' is not a folder with a submission"),
        (_links_a_folder, f"'{ROOM}/gamma' is not a folder with a submission"),
        (_links_a_file, "is not a plain file (mode 120000)"),
        (_adds_a_folder_that_builds_ignore, "folder name '.gitkeep' is not an id"),
        (_adds_a_stray_file, f"'{ROOM}/notes.txt' is not a folder with a submission"),
        (_adds_a_folder_in_the_folder, f"'{ROOM}/gamma/code/run.py' lies in a folder of its own"),
        (_edits_code, f"changes 2 files outside {ROOM}: '{ROOM}/README.md', 'setup.cfg'"),
        (_makes_a_file_executable, "is not a plain file (mode 100755)"),
        (_adds_a_module, f"'{ROOM}/module' is not a folder with a submission"),
    ],
    ids=lambda v: getattr(v, "__name__", "").strip("_"),
)
@pytest.mark.parametrize("with_good", [True, False], ids=["beside a good submission", "alone"])
def test_anything_else_is_refused(
    spoil: Callable[[Path], None], problem: str, with_good: bool, repository: Path, toy: Path, template: Path
) -> None:
    if with_good:
        add_gamma(repository, template)
    spoil(repository)
    if not with_good and spoil is _edits_code:
        assert "touches no submission" in reviewed(repository, toy, template)[0]
        return
    text = refused(repository, toy, template)
    if with_good:
        assert problem in text
    else:
        assert "pull request: " in text and "fix: a pull request with a submission" in text


@pytest.mark.parametrize(
    "name",
    ["new\nline", "\x1b[31mred", "::error::x", "$(touch pwned)", "--help", "a b", "..a", "\u202eabc", ":(glob)*"],
)
def test_folder_names_are_shown_escaped_and_never_run(
    name: str, repository: Path, toy: Path, template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_gamma(repository, template, name)
    commit(repository)
    code, out, error = run(
        capsys, "submit", "pull-request", "--repository", repository, "--base", "main", "--by", "anna",
        "--submissions", template / "repository" / ROOM, "--dataset", toy,
    )  # fmt: skip
    assert code == 2 and out == ""
    assert "is not an id" in error and all(c.isprintable() or c == "\n" for c in error)
    assert [line for line in error.splitlines() if not line.startswith(("error: ", "  - ", "  fix: "))] == []
    assert not list(repository.rglob("pwned"))


def test_names_that_are_not_utf8(repository: Path, toy: Path, template: Path) -> None:
    folder = os.fsencode(repository / ROOM) + b"/\xff\xfe"
    os.mkdir(folder)
    with open(folder + b"/submission.yaml", "w") as stream:
        stream.write("x")
    assert "is not an id" in refused(repository, toy, template)


def test_problems_of_the_submission_itself_name_its_place(repository: Path, toy: Path, template: Path) -> None:
    edit(add_gamma(repository, template), name="Test model alpha", date="2099-12-31")
    text = refused(repository, toy, template)
    assert f"{ROOM}/gamma: 2 problems" in text and "is also that of 'alpha'" in text
    assert "date: 2099-12-31 is in the future" in text


def test_a_good_submission_passes_beside_a_damaged_entry(
    repository: Path, toy: Path, template: Path, tmp_path: Path
) -> None:
    present = Path(shutil.copytree(template / "repository" / ROOM, tmp_path / "present"))
    path = present / "beta" / "predictions-extrapolation.parquet"
    content = bytearray(path.read_bytes())
    content[content.rindex(b"\x0c\x25\x02", 0, -8) + 1] ^= 1  # see tests/eval/hostile_files.py
    path.write_bytes(content)
    add_gamma(repository, template)
    commit(repository)
    said: list[str] = []
    review(repository, "main", "HEAD", by="anna", submissions=present, dataset=toy, say=said.append)
    assert any("not compared with 'beta'" in line for line in said)
    assert any("of 2 ranked entries" in line for line in said)


def test_commits_that_are_not_there(repository: Path, toy: Path, template: Path, tmp_path: Path) -> None:
    for place, base in ((repository, "nowhere"), (tmp_path, "main")):
        with pytest.raises(InputError, match="git diff"):
            review(place, base, "HEAD", by="anna", submissions=template / "repository" / ROOM, dataset=toy)
