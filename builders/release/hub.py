"""Pushing the published folder to the Hugging Face Hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from binlj.data import dataset_info
from binlj.errors import BinljError, DataError, InputError, MissingExtraError

OURS = ["*.parquet", "*.json", "*.png", "README.md"]


class HubError(BinljError):
    """The Hub refused, or could not be reached."""

    exit_code = 7


@dataclass(frozen=True)
class Plan:
    """What a push does, in order, and where."""

    repo_id: str
    folder: Path
    files: tuple[str, ...]
    tag: str
    operations: tuple[str, ...]


def plan(folder: Path, repo_id: str) -> Plan:
    """What pushing `folder` to `repo_id` would do; needs no network.

    Raises
    ------
    InputError
        If `repo_id` is not namespace/name.
    DataError
        If the folder is not as it was published, or its card names another repository.
    """
    from binlj.builders.release.verify import check_structure

    if re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", repo_id) is None:
        raise InputError(f"--to-hub {repo_id!r}", ["not of the form namespace/name"])
    info = dataset_info(path=folder)
    problems = check_structure(folder)
    if problems:
        raise DataError(folder, problems, fix="publish again; only a whole, unchanged dataset is pushed")
    call = f'load_dataset("{repo_id}")'
    if call not in (folder / "README.md").read_text(encoding="utf-8"):
        raise DataError(
            folder / "README.md", [f"does not say {call}"],
            fix="write the repository's name in dataset_card.md, then `binlj publish --documents` and push again",
        )  # fmt: skip
    files = sorted([*info["files"], "manifest.json"])
    operations = [f"create the dataset repository {repo_id}, if it is not there"]
    operations += [f"upload {name} ({(folder / name).stat().st_size:,} bytes)" for name in files]
    operations += [
        f"delete older {', '.join(OURS)} that are not in the folder",
        f"tag the commit v{info['version']}",
    ]
    return Plan(repo_id, folder, tuple(files), f"v{info['version']}", tuple(operations))


def push(planned: Plan) -> str:
    """Carry out a plan; return the commit's address.

    All files enter in one commit, so that nobody loads half of a version.

    Raises
    ------
    HubError
        If there is no token, it may not write there, the repository changes meanwhile, or the Hub cannot be reached.
    """
    try:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
        from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError
    except ImportError as error:
        raise MissingExtraError("huggingface_hub", "build") from error
    # Whatever HTTP library it uses, its errors share the base of the Hub's own.
    network_errors: tuple[type[Exception], ...] = (OSError, *HfHubHTTPError.__bases__)
    api = HfApi()
    kind = "dataset"
    try:
        api.create_repo(planned.repo_id, repo_type=kind, exist_ok=True)
        head = api.repo_info(planned.repo_id, repo_type=kind).sha
        there = api.list_repo_files(planned.repo_id, repo_type=kind, revision=head)
        old = [name for name in there if name not in planned.files and any(fnmatch(name, p) for p in OURS)]
        commit = api.create_commit(
            planned.repo_id,
            [
                *(CommitOperationAdd(name, planned.folder / name) for name in planned.files),
                *(CommitOperationDelete(name) for name in old),
            ],
            repo_type=kind,
            commit_message=f"binlj-rdf {planned.tag}",
            parent_commit=head,
        )
        api.create_tag(planned.repo_id, tag=planned.tag, repo_type=kind, exist_ok=True, revision=commit.oid)
    except LocalTokenNotFoundError:
        raise HubError("the Hub wants a token and there is none\n  fix: `hf auth login`, or set HF_TOKEN") from None
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise HubError(
                f"the Hub refused the token for {planned.repo_id} (HTTP {status}): {_first_line(error)}\n"
                "  fix: `hf auth login` with a token that may write to that namespace, or set HF_TOKEN"
            ) from error
        if status == 412:
            raise HubError(
                f"{planned.repo_id} changed on the Hub during the push; nothing was written\n"
                "  fix: look at the new commit there, then push again"
            ) from error
        raise HubError(f"the Hub answered with HTTP {status}: {_first_line(error)}") from error
    except network_errors as error:
        raise HubError(
            f"the Hub cannot be reached: {_first_line(error)}\n  fix: check the network and try again"
        ) from error
    return str(commit.commit_url)


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
