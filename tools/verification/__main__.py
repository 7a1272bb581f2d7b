"""`python -m tools.verification`: write docs/verification.md and README's table."""

from pathlib import Path

from tools.verification.page import page, readme

CHECKOUT = Path(__file__).resolve().parents[2]
_DOCS = CHECKOUT / "docs"
_RESULT = _DOCS / "results" / "soak.json"
_README = CHECKOUT / "README.md"

_README.write_text(readme(_README.read_text("utf-8"), _RESULT), "utf-8")
_NOT_MEASURED = (_DOCS / "verification.md.in").read_text("utf-8")
(_DOCS / "verification.md").write_text(page(_RESULT, _NOT_MEASURED), "utf-8")
