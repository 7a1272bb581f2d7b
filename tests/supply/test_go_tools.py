"""Builds from pinned Go modules: the pins, and failed downloads."""

import re
import shutil
from pathlib import Path

import pytest

from seawall.common.errors import BuildError
from seawall.common.progress import Progress
from seawall.testbed.toolchain import go
from seawall.testbed.toolchain.cache import Cache
from seawall.testbed.toolchain.go import GO_TOOLS, GoTool, build_go_tool, ensure_go

pytestmark = [pytest.mark.servers]

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    return Progress(tmp_path / "durations.json", emit=lambda _: None)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", lambda _: None)


def test_oldest_go_is_the_highest_version_that_modules_require() -> None:
    required_versions = [
        tuple(int(n) for n in line.split()[1].split("."))
        for tool in GO_TOOLS.values()
        for line in (tool.folder(CHECKOUT) / "go.mod").read_text().splitlines()
        if line.startswith("go ")
    ]
    assert max(required_versions) == go.OLDEST_GO


def test_every_third_party_tool_is_pinned_with_checksums() -> None:
    for tool in GO_TOOLS.values():
        if tool.module:
            folder = tool.folder(CHECKOUT)
            assert re.match(r"v\d", go.pinned_version((folder / "go.mod").read_text(), tool.module))
            assert (folder / "go.sum").stat().st_size > 0


def test_the_cli_and_the_sdk_are_the_same_release() -> None:
    cli = go.pinned_version(
        (CHECKOUT / "tools/pulumi/go.mod").read_text(), GO_TOOLS["pulumi"].module
    )
    locked = re.search(r"^pulumi==(\S+)", (CHECKOUT / "locks/dev.txt").read_text(), re.MULTILINE)
    assert locked
    assert cli == f"v{locked[1]}"


def test_failed_download_is_one_line_and_the_next_build_succeeds(
    tmp_path: Path, cache: Cache, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(CHECKOUT / "tools" / "pause", checkout / "tools" / "pause")
    shutil.copytree(CHECKOUT / "locks", checkout / "locks")
    tool = GoTool("pause", "", estimate_s=1)
    program = checkout / "tools" / "pause" / "go.mod"
    original = program.read_text()
    program.write_text(original + "\nrequire example.invalid/missing v1.0.0\n")
    source = checkout / "tools" / "pause" / "more.go"
    source.write_text('package main\n\nimport _ "example.invalid/missing"\n')
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("GONOSUMDB", "*")
    found = ensure_go(checkout, cache, progress)
    with pytest.raises(BuildError, match=r"build pause failed .* run the same command again"):
        build_go_tool(tool, checkout=checkout, go=found, cache=cache, progress=progress)
    program.write_text(original)
    source.unlink()
    built = build_go_tool(tool, checkout=checkout, go=found, cache=cache, progress=progress)
    assert (built / "pause").stat().st_mode & 0o111
