"""The two ways to build an image: a Docker engine if one runs, else buildah without a daemon."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from typing_extensions import override

from seawall.testbed.toolchain.run import run_logged

__all__ = ["Buildah", "Docker", "ImageEngine", "Recipe", "docker_runs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What to build.

    Attributes:
        ref: the image's name and tag.
        file: the Dockerfile.
        context: the folder that COPY reads.
        target: the stage; empty for the last one.
        args: build arguments.
        secrets: files that build steps may read and that do not become part of the image.
    """

    ref: str
    file: Path
    context: Path
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict[str, str])
    secrets: Mapping[str, Path] = field(default_factory=dict[str, Path])

    def flags(self) -> list[str]:
        """The flags that both engines share."""
        flags = ["--file", str(self.file), "--tag", self.ref]
        if self.target:
            flags += ["--target", self.target]
        for name, value in self.args.items():
            flags += ["--build-arg", f"{name}={value}"]
        for name, source in self.secrets.items():
            flags += ["--secret", f"id={name},src={source}"]
        return flags


class ImageEngine(Protocol):
    """Builds images and writes them as archives that containerd imports."""

    name: str

    def build(self, recipe: Recipe, *, log: Path) -> None:
        """Build into the engine's own store.

        Raises:
            BuildError: a step failed.
        """
        ...

    def export(self, ref: str, archive: Path, *, log: Path) -> None:
        """Write a built image as a docker archive.

        Raises:
            BuildError: the engine does not have the image, or the disk is full.
        """
        ...

    def load(self, ref: str, archive: Path, *, log: Path) -> None:
        """Make sure that the engine's store has an image that was exported before.

        Raises:
            BuildError: the archive cannot be read.
        """
        ...


def docker_runs() -> bool:
    """Whether a Docker engine answers (the client alone is not enough)."""
    try:
        asked = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"],
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


class Docker(ImageEngine):
    """`docker build` with BuildKit."""

    name = "docker"

    @override
    def build(self, recipe: Recipe, *, log: Path) -> None:
        run_logged(
            ["docker", "build", *recipe.flags(), recipe.context],
            log=log,
            what=f"docker build of {recipe.ref}",
            env={"DOCKER_BUILDKIT": "1"},
        )

    @override
    def export(self, ref: str, archive: Path, *, log: Path) -> None:
        run_logged(
            ["docker", "save", "--output", archive, ref], log=log, what=f"docker save of {ref}"
        )

    @override
    def load(self, ref: str, archive: Path, *, log: Path) -> None:
        if not _knows(["docker", "image", "inspect", ref]):
            run_logged(
                ["docker", "load", "--input", archive], log=log, what=f"docker load of {ref}"
            )


class Buildah(ImageEngine):
    """buildah with chroot isolation: needs root, but no daemon and no user namespaces.

    Args:
        store: folder for layers; it is a cache, safe to remove.
    """

    name = "buildah"

    def __init__(self, store: Path) -> None:
        self._base = [
            "buildah",
            *("--root", str(store / "root"), "--runroot", str(store / "run")),
            *("--storage-driver", "overlay"),
        ]

    @override
    def build(self, recipe: Recipe, *, log: Path) -> None:
        # The docker format, because OCI images cannot hold a HEALTHCHECK.
        run_logged(
            [
                *(*self._base, "build", "--isolation", "chroot", "--network", "host"),
                *("--format", "docker", "--layers", "--pull-never"),
                *("--timestamp", "0"),  # the same content gives the same image
                *recipe.flags(),
                recipe.context,
            ],
            log=log,
            what=f"buildah build of {recipe.ref}",
        )

    @override
    def export(self, ref: str, archive: Path, *, log: Path) -> None:
        run_logged(
            [*self._base, "push", ref, f"docker-archive:{archive}:{ref}"],
            log=log,
            what=f"buildah push of {ref}",
        )

    @override
    def load(self, ref: str, archive: Path, *, log: Path) -> None:
        if not _knows([*self._base, "inspect", "--type", "image", ref]):
            run_logged(
                [*self._base, "pull", f"docker-archive:{archive}"],
                log=log,
                what=f"buildah pull of {ref}",
            )


def _knows(inspect: list[str]) -> bool:
    return subprocess.run(inspect, capture_output=True, check=False).returncode == 0
