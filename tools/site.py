"""`python -m tools.site FOLDER` builds the documentation as web pages; a dead link is an error.

MkDocs needs all pages in one folder. The pages are copied with their places in the repository, and
so is each other file that a page links to, so that relative links stay as they are.
"""

import json
import logging
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mkdocs.commands.build import build
from mkdocs.config import load_config  # pyright: ignore[reportUnknownVariableType]
from mkdocs.exceptions import Abort

__all__ = ["build_site"]

_CHECKOUT = Path(__file__).resolve().parents[1]
_LINK = re.compile(r"\]\(([^()\s#:]+)(?:#[^()\s]*)?\)|(?:src|srcset)=\"([^\"#:]+)\"")
_FIRST = ("README.md", "docs/getting-started.md", "docs/concepts.md")
_GROUPS = (
    ("How to", "docs/how-to"),
    ("Reference", "docs/reference"),
    ("Runbooks", "runbooks"),
    ("Decisions", "docs/adr"),
)
_LAST = (
    *("docs/troubleshooting.md", "docs/verification.md", "docs/faults.md"),
    *("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"),
)


def build_site(folder: Path) -> None:
    """Build the pages into `folder`.

    Raises:
        Abort: a page links to what does not exist; the log names it.
    """
    with tempfile.TemporaryDirectory(prefix="seawall-site-") as name:
        source = Path(name) / "pages"
        pages = list(_pages())
        for page in pages:
            _copy(page, source)
            for linked in _linked_files(page):
                _copy(linked, source)
        settings = Path(name) / "mkdocs.yml"
        settings.write_text(json.dumps(_settings(source, folder, pages)), encoding="utf-8")
        build(load_config(str(settings)))


def _settings(source: Path, folder: Path, pages: list[str]) -> dict[str, object]:
    return {
        "site_name": "Seawall",
        "docs_dir": str(source),
        "site_dir": str(folder),
        "strict": True,
        # No fonts from another host.
        "theme": {"name": "material", "font": False},
        "nav": _navigation(pages),
        "markdown_extensions": ["pymdownx.superfences", {"toc": {"permalink": True}}],
        "validation": {
            "nav": {"omitted_files": "warn"},
            "links": {"anchors": "warn", "unrecognized_links": "warn"},
        },
    }


def _pages() -> Iterator[str]:
    yield from _FIRST
    for _, folder in _GROUPS:
        for page in sorted((_CHECKOUT / folder).glob("*.md")):
            yield str(page.relative_to(_CHECKOUT))
    yield from _LAST


def _linked_files(page: str) -> Iterator[str]:
    """The files of the repository that the page links to and that are no pages."""
    text = (_CHECKOUT / page).read_text(encoding="utf-8")
    for match in _LINK.finditer(text):
        target = ((_CHECKOUT / page).parent / (match[1] or match[2])).resolve()
        if target.is_file() and target.suffix != ".md":
            yield str(target.relative_to(_CHECKOUT))


def _copy(file: str, source: Path) -> None:
    target = source / file
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(_CHECKOUT / file, target)


def _navigation(pages: list[str]) -> list[object]:
    groups: list[object] = [
        {title: [page for page in pages if Path(page).parent == Path(folder)]}
        for title, folder in _GROUPS
    ]
    return [*_FIRST, *groups, *_LAST]


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        build_site(Path(sys.argv[1]).resolve())
    except Abort:
        sys.exit(1)
