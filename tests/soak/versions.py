"""The version of a `make soak` result, and the path of the result."""

import json
import re
from pathlib import Path

__all__ = ["RESULT", "newest_version", "soaked_version"]

CHECKOUT = Path(__file__).resolve().parents[2]
RESULT = CHECKOUT / "docs" / "results" / "soak.json"
_HEADING = re.compile(r"^## \[?(?P<name>[^\]\s]+)", re.MULTILINE)


def newest_version(changelog: str) -> str | None:
    """The version at the top of a changelog; None if it is not released yet.

    Raises:
        ValueError: the changelog has no section.
    """
    found = _HEADING.search(changelog)
    if found is None:
        raise ValueError("the changelog has no heading of a version")
    return None if found["name"].lower() == "unreleased" else found["name"]


def soaked_version(result: Path = RESULT) -> str | None:
    """The version of a result without failures; None without a result or with failures."""
    if not result.exists():
        return None
    document = json.loads(result.read_text("utf-8"))
    return None if document["failed"] else str(document["version"])
