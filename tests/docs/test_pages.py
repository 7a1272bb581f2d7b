"""README and docs/: short enough, without dead links, with figures that come from results."""

import re
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tools.verification.page import BEGIN, page, readme, seen_in
from tools.verification.stories import STORIES

RESULT = CHECKOUT / "docs" / "results" / "soak.json"
README = CHECKOUT / "README.md"
PAGES = sorted(
    [*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md"), *CHECKOUT.glob("runbooks/*.md")]
)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def test_the_readme_fits_on_a_few_screens() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= 120


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.relative_to(CHECKOUT).as_posix())
def test_no_link_is_dead(file: Path) -> None:
    links = LINK.findall(file.read_text("utf-8"))
    inside = [link for link in links if not link.startswith(("http:", "https:", "mailto:"))]
    assert [link for link in inside if not (file.parent / link).exists()] == []


def test_figures_in_the_docs_match_the_result_file() -> None:
    text = README.read_text("utf-8")
    assert text == readme(text, RESULT), "run: make docs"
    docs = CHECKOUT / "docs"
    assert (docs / "verification.md").read_text("utf-8") == page(
        RESULT, (docs / "verification.md.in").read_text("utf-8")
    ), "run: make docs"


def test_every_story_names_an_existing_test() -> None:
    tests = "\n".join(
        file.read_text("utf-8") for file in (CHECKOUT / "tests" / "cluster").glob("test_*.py")
    )
    assert [story.test for story in STORIES if f"def {story.test}(" not in tests] == []


def test_figures_are_aggregated_over_runs() -> None:
    line = "test_a[{}]: {} requests in 1.0 s (constant 30/s): {}, p99 {} ms, slowest 0.{} s"
    lines = [
        line.format("one", 10, "0 failed", "5.5", 1),
        line.format("two", 20, "3 failed (timeout 3), p50 2.0 ms", "7.0", 4),
    ]
    seen = seen_in([*lines, "something else"], "test_a")
    assert seen is not None
    assert (seen.runs, seen.sent, seen.failed) == (2, 30, 3)
    assert (seen.p99_ms, seen.slowest_s) == (7.0, 0.4)
    assert seen_in(lines, "test_b") is None


def test_readme_without_markers_is_an_error() -> None:
    with pytest.raises(ValueError, match=re.escape(BEGIN)):
        readme("# Seawall\n", RESULT)
