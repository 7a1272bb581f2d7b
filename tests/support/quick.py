"""`python -m tests.support.quick ROOM`: the test folders that a change of ROOM can affect.

ROOM is a package of the project, such as `service`, or a test folder. A package affects a test
folder if the test files import it, directly or indirectly, or run it as a separate program. No
import shows the latter, so RUN lists those packages.
"""

import ast
import sys
from functools import cache
from pathlib import Path

import grimp

__all__ = ["affected_test_folders", "main"]

PACKAGES = ("agents", "contract", "infra", "monitoring", "seawall", "service", "simulator")
RUN: dict[str, tuple[str, ...]] = {
    "agents": ("agents",),
    "bench": ("service",),
    "cli": ("seawall", "service", "simulator"),
    "cluster": PACKAGES,
    "engine": ("infra", "seawall"),
    "edge": ("agents", "infra", "service", "simulator"),
    "faults": ("service", "simulator"),
    "infra": ("infra", "monitoring", "service"),
    "kind": ("seawall",),
    "runbooks": PACKAGES,
    "service": ("service", "simulator"),
    "supply": PACKAGES,
}
"""By test folder, the packages that its tests start as programs or build into images."""
_TESTS = Path(__file__).resolve().parents[1]


def affected_test_folders(room: str) -> list[str]:
    """The test folders to run after a change of a package or of a test folder.

    Raises:
        ValueError: there is no such package and no such folder.
    """
    folders = sorted(folder.name for folder in _TESTS.iterdir() if any(folder.glob("**/test_*.py")))
    if room in folders and room not in PACKAGES:
        return [room]
    if room not in PACKAGES:
        known = ", ".join(sorted({*folders, *PACKAGES}))
        raise ValueError(f"ROOM={room} is neither a package nor a folder of tests: {known}")
    return [folder for folder in folders if room in _packages_of(folder)]


def _packages_of(folder: str) -> set[str]:
    modules = {module for package in RUN.get(folder, ()) for module in _inside(package)}
    for file in (_TESTS / folder).rglob("*.py"):
        modules |= _imported_by(file)
    upstream = {below for module in modules for below in _graph().find_upstream_modules(module)}
    return {module.split(".")[0] for module in modules | upstream}


@cache
def _imported_by(file: Path) -> frozenset[str]:
    """The project's modules that a test file imports directly or through helper modules."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            top, *rest = name.split(".")
            helper = _TESTS.joinpath(*rest).with_suffix(".py")
            if name in _graph().modules:
                found.add(name)
            elif top == "tests" and rest and helper.is_file() and helper != file:
                found |= _imported_by(helper)
    return frozenset(found)


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES)


def _inside(package: str) -> set[str]:
    return {package, *_graph().find_descendants(package)}


def main() -> int:
    """Print the folders as arguments for pytest."""
    try:
        print(" ".join(f"tests/{folder}" for folder in affected_test_folders(sys.argv[1])))
    except ValueError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
