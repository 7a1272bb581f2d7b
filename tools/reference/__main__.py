"""`python -m tools.reference` writes the pages of docs/reference/."""

import sys
from pathlib import Path

from tools.reference.pages import PAGES

_FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"


def main() -> None:
    """Replace each page by one file swap, so that an error leaves the earlier page."""
    for name, page in PAGES.items():
        text = page()
        draft = _FOLDER / f"{name}.new"
        draft.write_text(text, encoding="utf-8")
        draft.replace(_FOLDER / name)
        sys.stderr.write(f"docs/reference/{name}\n")


main()
