"""Download Pulumi's Kubernetes provider if that is quicker than a build."""

from pathlib import Path

from seawall.common.progress import Progress
from seawall.testbed.toolchain.cache import Cache
from seawall.testbed.toolchain.run import run_logged

__all__ = ["download_provider", "has_provider"]

_ENTRY = "pulumi-kubernetes-plugin"


def has_provider(release: str, cache: Cache) -> bool:
    """Whether the cache has a downloaded plugin of the release."""
    return cache.has(_ENTRY, release)


def download_provider(cli: Path, release: str, cache: Cache, progress: Progress) -> Path:
    """The folder of the plugin, downloaded by the Pulumi CLI when it is not in the cache.

    Raises:
        BuildError: it cannot be downloaded.
    """

    def download(target: Path) -> None:
        what = f"download pulumi-kubernetes {release}"
        with progress.step(what, estimate_s=20):
            run_logged(
                [cli, "plugin", "install", "resource", "kubernetes", f"v{release}"],
                log=cache.root / "logs" / f"{_ENTRY}.log",
                what=what,
                env={"PULUMI_HOME": str(target), "PULUMI_SKIP_UPDATE_CHECK": "true"},
            )

    home = cache.get(_ENTRY, release, download)
    return home / "plugins" / f"resource-kubernetes-v{release}"
