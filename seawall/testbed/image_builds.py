"""How each image of a local cluster is built, as `infra.config.images` declares it."""

from collections.abc import Mapping
from functools import cache

__all__ = ["dockerfile_targets", "go_modules", "packages"]

# Not imported at the top: the models take a third of a second, and only builds need them.


@cache
def dockerfile_targets() -> Mapping[str, str]:
    """The targets of the Dockerfile, by image."""
    from infra.config.images import DockerfileTarget, Images  # noqa: PLC0415

    return {image: built.name for image, built in Images.built_as(DockerfileTarget).items()}


@cache
def go_modules() -> Mapping[str, tuple[str, str]]:
    """The modules of tools/ and their programs, by image."""
    from infra.config.images import GoModule, Images  # noqa: PLC0415

    found = Images.built_as(GoModule)
    return {image: (built.tool, built.program) for image, built in found.items()}


@cache
def packages() -> Mapping[str, str]:
    """The Debian packages, by image."""
    from infra.config.images import DebianPackage, Images  # noqa: PLC0415

    return {image: built.name for image, built in Images.built_as(DebianPackage).items()}
