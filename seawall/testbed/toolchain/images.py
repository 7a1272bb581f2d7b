"""The images of the local environment, built only when their content has changed."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from seawall.common.progress import Progress
from seawall.testbed.toolchain.cache import Cache, digest_of_files
from seawall.testbed.toolchain.engines import Buildah, Docker, ImageEngine, Recipe, docker_runs
from seawall.testbed.toolchain.rootfs import rootfs_archive

__all__ = ["Image", "ImageBuilder"]

_SOURCES = {
    "edge": ("contract", "agents"),
    "gateway": ("contract", "service", "simulator"),
    "ops": ("contract", "agents"),
    "redis": ("contract", "agents"),
}
_LOCKS = {"gateway": "gateway.txt", "ops": "ops.txt", "redis": "agents.txt"}
"""The lock file of each target; the edge proxy's agent needs only the standard library."""
_SERVERS = {
    "edge": ("NGINX_IMAGE", "nginx"),
    "ops": ("REDIS_IMAGE", "redis"),
    "redis": ("REDIS_IMAGE", "redis"),
}
"""Build argument and recipe, by target, for local bases with the server of the distribution."""


@dataclass(frozen=True, slots=True)
class Image:
    """A built image.

    Attributes:
        ref: name and tag; the tag is a digest of everything that the image is made of.
        archive: a Docker archive that containerd can import.
    """

    ref: str
    archive: Path


class ImageBuilder:
    """Builds the project's images and the few that the embedded cluster itself needs.

    Args:
        checkout: the folder with the Dockerfile.
        cache: keeps the archives.
        progress: reports each build.
        extra_ca: certificates (PEM) of a proxy that inspects TLS; used only during builds.
    """

    def __init__(
        self, checkout: Path, cache: Cache, progress: Progress, *, extra_ca: Path | None = None
    ) -> None:
        self._checkout = checkout
        self._cache = cache
        self._progress = progress
        self._secrets = {"extra_ca": extra_ca} if extra_ca else {}
        self._has_docker = docker_runs()
        self._engine: ImageEngine = (
            Docker() if self._has_docker else Buildah(cache.root / "buildah")
        )

    def project_image(self, target: str) -> Image:
        """A target of the project's Dockerfile: gateway, redis, edge, or ops for the jobs.

        Raises:
            BuildError: a step failed.
        """
        key, recipe = self._project_recipe(target)
        return self._image(f"image-{target}", key, recipe, estimate_s=60)

    def reference(self, target: str) -> str:
        """The name and tag that `project_image` would return, without building that image."""
        return self._project_recipe(target)[1].ref

    def _project_recipe(self, target: str) -> tuple[str, Recipe]:
        args = self._base_args(target)
        sources = [
            file
            for folder in _SOURCES[target]
            for file in (self._checkout / folder).rglob("*")
            if file.is_file() and "__pycache__" not in file.parts
        ]
        files = [
            self._checkout / "Dockerfile",
            self._checkout / ".dockerignore",
            *sorted((self._checkout / "tools" / "images" / "steps").iterdir()),
            *(self._checkout / "locks" / lock for lock in [_LOCKS.get(target)] if lock),
        ]
        names = [str(f.relative_to(self._checkout)) for f in sorted(sources)]
        key = digest_of_files(sources + files, target, *names, *args.values())
        recipe = Recipe(
            ref=f"localhost/seawall-{target}:{key}",
            file=self._checkout / "Dockerfile",
            context=self._checkout,
            target=target,
            args=args,
            secrets=self._secrets,
        )
        return key, recipe

    def base_image(self) -> Image:
        """The local base: a shell and Python; also what the volume provisioner's helper runs."""
        rootfs = rootfs_archive(self._cache, self._progress)
        file = self._recipe_file("base")
        key = digest_of_files([file], rootfs.parent.name)
        recipe = Recipe(ref=f"localhost/seawall-base:{key}", file=file, context=rootfs.parent)
        return self._image("image-base", key, recipe, estimate_s=20)

    def program_image(self, name: str, built_from: str, program: Callable[[], Path]) -> Image:
        """An image that holds one static program, started as /program.

        Args:
            name: the name of the image.
            built_from: the key of the program; see `go_tool_key`.
            program: returns the program and builds it when missing; called only when the image is
                missing as well.
        """
        file = self._recipe_file("program")
        ref = self.program_reference(name, built_from)

        def build(target: Path) -> None:
            with tempfile.TemporaryDirectory(prefix="seawall-image-") as context:
                shutil.copyfile(program(), Path(context, "program"))
                Path(context, "program").chmod(0o755)
                recipe = Recipe(ref=ref, file=file, context=Path(context))
                self._build(f"image-{name}", recipe, target, estimate_s=5)

        key = ref.rpartition(":")[2]
        return Image(ref, self._cache.get(f"image-{name}", key, build) / "image.tar")

    def program_reference(self, name: str, built_from: str) -> str:
        """The name and tag that `program_image` would return, without building anything."""
        key = digest_of_files([self._recipe_file("program")], built_from)
        return f"localhost/seawall-{name}:{key}"

    def package_image(self, package: str) -> Image:
        """An image with the program of a Debian package, named like the package.

        This is for programs that cannot be built from source here.
        """
        recipe = self._package_recipe(package)
        key = recipe.ref.rpartition(":")[2]
        return self._image(f"image-{package}", key, recipe, estimate_s=20)

    def package_reference(self, package: str) -> str:
        """The name and tag that `package_image` would return, without building that image."""
        return self._package_recipe(package).ref

    def _package_recipe(self, package: str) -> Recipe:
        file = self._recipe_file("package")
        # The base of the public images is also Debian.
        base = {} if self._has_docker else {"BASE": self._available(self.base_image())}
        key = digest_of_files([file], package, *base.values())
        return Recipe(
            ref=f"localhost/seawall-{package}:{key}",
            file=file,
            context=file.parent,
            args={**base, "PACKAGE": package},
        )

    def _server_base_image(self, server: str) -> Image:
        base = self.base_image()
        file = self._recipe_file(f"{server}-base")
        key = digest_of_files([file], base.ref)
        recipe = Recipe(
            ref=f"localhost/seawall-{server}-base:{key}",
            file=file,
            context=file.parent,
            args={"BASE": self._available(base)},
        )
        return self._image(f"image-{server}-base", key, recipe, estimate_s=30)

    def _base_args(self, target: str) -> Mapping[str, str]:
        if self._has_docker:
            return {}  # the defaults of the Dockerfile: the public images
        if target in _SERVERS:
            argument, server = _SERVERS[target]
            return {argument: self._available(self._server_base_image(server))}
        return {"PYTHON_IMAGE": self._available(self.base_image())}

    def _available(self, base: Image) -> str:
        """The image's name; reloads the image if the engine's store, which is a cache, lost it."""
        self._engine.load(base.ref, base.archive, log=self._cache.root / "logs" / "load.log")
        return base.ref

    def _recipe_file(self, name: str) -> Path:
        return self._checkout / "tools" / "images" / f"{name}.Containerfile"

    def _image(self, name: str, key: str, recipe: Recipe, *, estimate_s: float) -> Image:
        def build(target: Path) -> None:
            self._build(name, recipe, target, estimate_s=estimate_s)

        return Image(recipe.ref, self._cache.get(name, key, build) / "image.tar")

    def _build(self, name: str, recipe: Recipe, target: Path, *, estimate_s: float) -> None:
        log = self._cache.root / "logs" / f"{name}.log"
        with self._progress.step(f"build {name}", estimate_s=estimate_s):
            self._engine.build(recipe, log=log)
            self._engine.export(
                recipe.ref, target / "image.tar", log=log.with_suffix(".export.log")
            )
