"""The shell commands in the pages for newcomers, and where each of them is run."""

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = (
    CHECKOUT / "docs" / "getting-started.md",
    *sorted((CHECKOUT / "docs" / "how-to").glob("*.md")),
)
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def blocks(page: str) -> list[str]:
    """The shell blocks of a page of docs/, in order."""
    return BLOCK.findall((CHECKOUT / "docs" / page).read_text(encoding="utf-8"))


def commands(page: Path) -> list[str]:
    """The command lines of a page, without comments; a continued line is one."""
    lines: list[str] = []
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        joined = block.replace("\\\n", " ")
        lines += [re.sub(r"\s+#.*", "", line) for line in joined.splitlines()]
    return [" ".join(line.split()) for line in lines if line.strip()]
