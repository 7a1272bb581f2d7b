"""The documentation as web pages."""

import logging
import shutil
from pathlib import Path

import pytest
from mkdocs.exceptions import Abort

from tools import site
from tools.site import build_site

CHECKOUT = Path(__file__).resolve().parents[2]


def test_site_has_every_page_and_no_dead_link(tmp_path: Path) -> None:
    build_site(tmp_path)
    assert (tmp_path / "index.html").is_file()
    for page in (*CHECKOUT.glob("docs/*/*.md"), *CHECKOUT.glob("runbooks/*.md")):
        place = tmp_path / page.relative_to(CHECKOUT).with_suffix("")
        place = place.parent if page.name == "README.md" else place
        assert (place / "index.html").is_file(), page


def test_dead_link_and_dead_anchor_are_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    copy = tmp_path / "checkout"
    for folder in ("docs", "runbooks"):
        shutil.copytree(CHECKOUT / folder, copy / folder)
    for page in CHECKOUT.glob("*.md"):
        shutil.copy2(page, copy)
    concepts = copy / "docs" / "concepts.md"
    dead = "\n[page](nowhere.md) [place](getting-started.md#nowhere)\n"
    concepts.write_text(concepts.read_text("utf-8") + dead, encoding="utf-8")
    monkeypatch.setattr(site, "_CHECKOUT", copy)
    with caplog.at_level(logging.WARNING), pytest.raises(Abort):
        build_site(tmp_path / "site")
    assert "contains a link 'nowhere.md'" in caplog.text
    assert "does not contain an anchor '#nowhere'" in caplog.text
