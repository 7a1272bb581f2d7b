"""The version that a result of `make soak` is about, and where the result is."""

import json
import re
from pathlib import Path

__all__ = ["RESULT", "newest_version", "soaked_version"]

CHECKOUT = Path(__file__).resolve().parents[2]
RESULT = CHECKOUT / "docs" / "results" / "soak.json"
_HEADING = re.compile(r"^## \[?(?P<name>[^\]\s]+)", re.MULTILINE)


def newest_version(changelog: str) -> str | None:
    """The version that a changelog begins with; None while that is not released.

    Raises:
        ValueError: it has no section at all.
    """
    found = _HEADING.search(changelog)
    if found is None:
        raise ValueError("the changelog has no heading of a version")
    return None if found["name"].lower() == "unreleased" else found["name"]


def soaked_version(result: Path = RESULT) -> str | None:
    """The version of a result without failures; None when there is none, or it has some."""
    if not result.exists():
        return None
    document = json.loads(result.read_text("utf-8"))
    return None if document["failed"] else str(document["version"])
