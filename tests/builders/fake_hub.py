"""A small Hub on this machine: what a push and a download of a dataset need of the Hub's HTTP interface.

Files whose name ends in .parquet go through the LFS protocol, others into the commit itself, as on the Hub. Every
commit is kept. Xet, the Hub's newer transfer, is not spoken: clients set HF_HUB_DISABLE_XET.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_right"


@dataclass
class Repository:
    """Commits of one dataset: id -> path -> content, and the names that point to them."""

    commits: dict[str, dict[str, bytes]]
    refs: dict[str, str]

    def files(self, revision: str) -> dict[str, bytes]:
        return self.commits[self.refs.get(revision, revision)]

    def commit(self, files: dict[str, bytes]) -> str:
        text = json.dumps([self.refs.get("main"), {k: hashlib.sha1(v).hexdigest() for k, v in files.items()}])
        id = hashlib.sha1(text.encode()).hexdigest()
        self.commits[id] = files
        self.refs["main"] = id
        return id


@dataclass
class Hub:
    """The state of the server, and what it was asked."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    before_commit: Callable[[Repository], object] = lambda _: None
    url: str = ""

    def create(self, id: str) -> Repository:
        repository = self.repositories[id] = Repository({}, {})
        repository.commit({".gitattributes": b"*.parquet filter=lfs\n"})
        return repository


class Refusal(Exception):
    """An answer other than 200: status, the Hub's words, and what else it says."""


def create_repo(hub: Hub, body: Any) -> Any:
    id = f"{body['organization']}/{body['name']}"
    if id in hub.repositories:
        raise Refusal(409, "You already created this dataset repo", {"url": f"{hub.url}/datasets/{id}"})
    hub.create(id)
    return {"url": f"{hub.url}/datasets/{id}"}


def info(hub: Hub, body: Any, id: str, revision: str = "main") -> Any:
    repository = _repository(hub, id)
    sha = repository.refs.get(revision, revision)
    siblings = [{"rfilename": name} for name in repository.files(sha)]
    return {"_id": "0", "id": id, "sha": sha, "siblings": siblings, "private": False, "tags": [], "downloads": 0,
            "likes": 0, "disabled": False, "gated": False}  # fmt: skip


def tree(hub: Hub, body: Any, id: str, revision: str, under: str = "") -> Any:
    files = _repository(hub, id).files(revision)
    return [_entry(name, content) for name, content in files.items() if name.startswith(under)]


def paths_info(hub: Hub, body: Any, id: str, revision: str) -> Any:
    files = _repository(hub, id).files(revision)
    folders = {name.rpartition("/")[0] for name in files}
    asked = [body["paths"]] if isinstance(body["paths"], str) else body["paths"]
    found = [_entry(name, files[name]) for name in asked if name in files]
    return found + [{"type": "directory", "path": name, "oid": "0"} for name in asked if name in folders]


def preupload(hub: Hub, body: Any, id: str, revision: str) -> Any:
    return {"files": [
        {"path": f["path"], "uploadMode": "lfs" if f["path"].endswith(".parquet") else "regular", "shouldIgnore": False}
        for f in body["files"]
    ]}  # fmt: skip


def lfs_batch(hub: Hub, body: Any, id: str) -> Any:
    objects = [{"oid": o["oid"], "size": o["size"]} for o in body["objects"]]
    for o in objects:
        if o["oid"] not in hub.objects:
            o["actions"] = {"upload": {"href": f"{hub.url}/lfs/{o['oid']}"}}
    return {"transfer": "basic", "objects": objects}


def lfs_put(hub: Hub, body: Any, oid: str) -> Any:
    assert hashlib.sha256(body).hexdigest() == oid
    hub.objects[oid] = body
    return {}


def commit(hub: Hub, body: Any, id: str, revision: str) -> Any:
    repository = _repository(hub, id)
    hub.before_commit(repository)
    files, head = dict(repository.files(revision)), repository.refs[revision]
    for line in body:
        value = line["value"]
        if line["key"] == "header" and value.get("parentCommit", head) != head:
            raise Refusal(412, "A commit has happened since. Please refresh and try again.")
        if line["key"] == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        if line["key"] == "lfsFile":
            files[value["path"]] = hub.objects[value["oid"]]
        if line["key"] == "deletedFile":
            del files[value["path"]]
    oid = repository.commit(files)
    return {"commitUrl": f"{hub.url}/datasets/{id}/commit/{oid}", "commitOid": oid, "success": True}


def tag(hub: Hub, body: Any, id: str, revision: str) -> Any:
    repository = _repository(hub, id)
    if body["tag"] in repository.refs:
        raise Refusal(409, "Tag reference exists already")
    repository.refs[body["tag"]] = repository.refs.get(revision, revision)
    return {}


def _repository(hub: Hub, id: str) -> Repository:
    if id not in hub.repositories:
        raise Refusal(404, "Repository not found")
    return hub.repositories[id]


def _entry(name: str, content: bytes) -> dict[str, Any]:
    entry = {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
    if name.endswith(".parquet"):
        lfs = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
        entry["lfs"] = lfs
    return entry


API = r"/api/datasets/([\w.-]+/[\w.-]+)"
ROUTES: list[tuple[str, str, Callable[..., Any]]] = [
    ("POST", r"/api/repos/create", create_repo),
    ("POST", r"/api/validate-yaml", lambda hub, body: {"errors": [], "warnings": []}),
    ("GET", API, info),
    ("GET", API + r"/revision/([^/]+)", info),
    ("GET", API + r"/tree/([^/]+)/?(.*)", tree),
    ("POST", API + r"/paths-info/([^/]+)", paths_info),
    ("POST", API + r"/preupload/([^/]+)", preupload),
    ("POST", API + r"/commit/([^/]+)", commit),
    ("POST", API + r"/tag/([^/]+)", tag),
    ("POST", r"/datasets/([\w.-]+/[\w.-]+)\.git/info/lfs/objects/batch", lfs_batch),
    ("PUT", r"/lfs/(\w+)", lfs_put),
]
RESOLVE = re.compile(r"/datasets/([\w.-]+/[\w.-]+)/resolve/([^/]+)/(.+)")


def serve(hub: Hub) -> http.server.ThreadingHTTPServer:
    """Start the server on a free port; `hub.url` is its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.asked.append(f"{self.command} {path}")
            data = self._body()
            try:
                if found := RESOLVE.fullmatch(path):
                    self._file(*found.groups())
                    return
                # The address of an LFS object is its permission, as on the Hub.
                if self.command == "POST" and self.headers["Authorization"] != f"Bearer {TOKEN}":
                    raise Refusal(401, "Invalid username or password.")
                for method, pattern, reply in ROUTES:
                    if method == self.command and (found := re.fullmatch(pattern, path)):
                        self._send(200, json.dumps(reply(hub, self._parsed(data), *found.groups())).encode())
                        return
                raise Refusal(404, f"no such address: {path}")
            except Refusal as refusal:
                status, words, *more = refusal.args
                answer = json.dumps({"error": words, **(more[0] if more else {})})
                self._send(status, answer.encode(), {"X-Error-Message": words})

        do_GET = do_HEAD = do_POST = do_PUT = handle_any

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data

        def _parsed(self, data: bytes) -> Any:
            kind = self.headers.get("Content-Type", "")
            if "ndjson" in kind:
                return [json.loads(line) for line in data.splitlines()]
            return json.loads(data) if "json" in kind and data else data

        def _file(self, id: str, revision: str, name: str) -> None:
            repository = _repository(hub, id)
            files = repository.files(revision)
            if name not in files:
                raise Refusal(404, "Entry not found")
            etag = hashlib.sha256(files[name]).hexdigest()
            sha = repository.refs.get(revision, revision)
            self._send(200, files[name], {"X-Repo-Commit": sha, "ETag": f'"{etag}"'})

        def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            if status == 404:
                self.send_header("X-Error-Code", "EntryNotFound" if "resolve" in self.path else "RepoNotFound")
            for key, value in (headers or {}).items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
