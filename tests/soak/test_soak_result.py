"""A released version needs a committed result of a passed `make soak`."""

import json
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.soak.versions import RESULT, newest_version, soaked_version


def test_newest_released_version_has_a_passing_soak_result() -> None:
    version = newest_version((CHECKOUT / "CHANGELOG.md").read_text("utf-8"))
    assert version in (None, soaked_version()), (
        f"CHANGELOG names {version}, and {RESULT.relative_to(CHECKOUT)} is not a green result of"
        " it: run `make soak` and commit what it writes"
    )


@pytest.mark.parametrize("heading", ["## 1.2.0", "## 1.2.0 - 2026-11-29", "## [1.2.0] - today"])
def test_newest_released_version_is_parsed(heading: str) -> None:
    assert newest_version(f"# Changelog\n\n{heading}\n- Something.\n## 1.1.0\n") == "1.2.0"


@pytest.mark.parametrize("heading", ["## Unreleased", "## [Unreleased]"])
def test_unreleased_version_needs_no_soak_result(heading: str) -> None:
    assert newest_version(f"# Changelog\n\n{heading}\n\n## 1.1.0\n") is None


def test_a_changelog_without_versions_is_an_error() -> None:
    with pytest.raises(ValueError, match="no heading"):
        newest_version("# Changelog\n")


@pytest.mark.parametrize(
    ("failed", "version"), [([], "1.2.0"), (["tests/x.py::test_y"], None)], ids=["green", "red"]
)
def test_only_a_soak_result_without_failures_counts(
    tmp_path: Path, failed: list[str], version: str | None
) -> None:
    result = tmp_path / "soak.json"
    assert soaked_version(result) is None
    result.write_text(json.dumps({"version": "1.2.0", "failed": failed}))
    assert soaked_version(result) == version
