"""MkDocs hook: pages made from files outside docs/, so that no text stands twice."""

from __future__ import annotations

import base64
import posixpath
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
# Files of the repository and the pages they become.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "lammps/README.md": "input-scripts.md",
    "docs/README.md": "reports.md",
    "docs/tutorial.ipynb": "tutorial.md",
    "docs/explain": "explainability.md",
    "binlj-rdf/README.md": "data.md",
    "leaderboard/index.html": "leaderboard.md",
}
TUTORIAL = "docs/tutorial.ipynb"
METHODS = ("How the data were made", "Starts")  # sections of the card on a page of their own
_LINK = re.compile(r"(\]\()([^)#\s]+)((?:#[^)\s]*)?\))")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages of ``PAGES``, the methods page and the leaderboard itself."""
    for source, page in PAGES.items():
        if source.endswith(".md"):
            text = (ROOT / source).read_text(encoding="utf-8")
            if source == "binlj-rdf/README.md":
                text, methods = split_card(text)
                files.append(File.generated(config, "methods.md", content=relinked(methods, source, config)))
            files.append(File.generated(config, page, content=relinked(text, source, config)))
    text, pictures = executed(ROOT / TUTORIAL)
    files.append(File.generated(config, "tutorial.md", content=relinked(text, TUTORIAL, config)))
    for name, picture in pictures.items():
        files.append(File.generated(config, name, content=picture))
    board = str(ROOT / "leaderboard" / "index.html")
    files.append(File.generated(config, "board/index.html", abs_src_path=board))
    return files


@cache
def executed(notebook: Path) -> tuple[str, dict[str, bytes]]:
    """Run a notebook; the page with its outputs as Markdown, and its pictures by name."""
    import nbformat
    from nbclient import NotebookClient

    book = nbformat.read(notebook, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(book, kernel_name="python3", timeout=600, resources={"metadata": {"path": folder}}).execute()
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in book.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for output in cell.outputs:
            data = output.get("data", {"text/plain": output.get("text", "")})
            if "image/png" in data:
                name = f"{notebook.stem}-{len(pictures)}.png"
                pictures[name] = base64.b64decode(data["image/png"])
                parts.append(f"![Output of the cell above]({name})")
            elif "text/html" in data:
                html = re.sub(r"<style.*?</style>\n?", "", data["text/html"], flags=re.DOTALL)
                html = html.replace('<table border="1" class="dataframe">', "<table>")  # the theme's own style
                parts.append(html.replace("<pre>", '<pre class="scores">'))
            else:
                parts.append(f"```text\n{data['text/plain'].rstrip()}\n```")
    return "\n\n".join(parts), pictures


def split_card(text: str) -> tuple[str, str]:
    """The card without its front matter and its sections on methods, and these."""
    head, *sections = re.split(r"^## ", text.split("\n---\n", 1)[1], flags=re.MULTILINE)
    made = [section for section in sections if section.startswith(METHODS)]
    rest = [section for section in sections if section not in made]
    methods = "# How the data were made\n\n" + "\n".join(
        section.split("\n", 1)[1] if section.startswith(METHODS[0]) else f"## {section}" for section in made
    )
    return "\n".join([head, *(f"## {section}" for section in rest)]), methods


def relinked(text: str, source: str, config: Any) -> str:
    """The text with its links to other files of the repository turned to the site's pages, or to the repository."""

    def target(match: re.Match[str]) -> str:
        link = match[2]
        if re.match(r"[a-z]+:", link):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
        if path == "binlj-rdf/README.md" and match[3].startswith("#starts"):
            return f"{match[1]}methods.md{match[3]}"
        if path == "binlj-rdf/starts.png":
            return f"{match[1]}starts.png{match[3]}"
        if path in PAGES:
            return f"{match[1]}{PAGES[path]}{match[3]}"
        if path.startswith("docs/") and (ROOT / path / "README.md").is_file():
            path += "/README.md"
        inside = path.removeprefix("docs/")
        if inside != path and (ROOT / path).suffix in (".md", ".png", ".txt"):
            return f"{match[1]}{inside}{match[3]}"
        return f"{match[1]}{config.repo_url}/tree/main/{path}{match[3]}"

    return _LINK.sub(target, text)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in the tables of metrics and of models, from the registries."""
    for name, table in (("metrics", _metrics), ("models", _models)):
        mark = f"<!-- {name} -->"
        if mark in markdown:
            markdown = markdown.replace(mark, table())
    return markdown


def on_page_content(html: str, **_: Any) -> str:
    """Take the Sphinx roles of docstrings away, which mkdocstrings leaves as text."""
    return re.sub(r":(?:func|class|mod|attr|meth|data):<code>~?", "<code>", html)


def _metrics() -> str:
    from binlj.eval.metrics import METRICS

    rows = [f"| `{m.name}` | {m.unit} | {_plain(m.formula)} |" for m in METRICS]
    return "\n".join(["| metric | unit | definition |", "|---|---|---|", *rows])


def _models() -> str:
    from binlj.baselines.registry import MODELS

    rows = [f"| `{name}` | {_plain(entry.summary)} |" for name, entry in MODELS.items()]
    return "\n".join(["| model | description |", "|---|---|", *rows])


def _plain(text: str) -> str:
    return re.sub(r"([|*_])", r"\\\1", text).replace("<", "&lt;")
