"""The container images: one key each, and how Seawall builds the image for a local cluster."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, TypeVar

from contract.values.strict import Strict
from infra.config.scalars import Image

__all__ = ["DebianPackage", "DockerfileTarget", "GoModule", "Images"]


@dataclass(frozen=True, slots=True)
class DockerfileTarget:
    """The image is the target of this name in the Dockerfile."""

    name: str


@dataclass(frozen=True, slots=True)
class GoModule:
    """The image has a program that is built from the module in tools/`tool`."""

    tool: str
    program: str


@dataclass(frozen=True, slots=True)
class DebianPackage:
    """The image has a Debian package: its program cannot be built from a Go module alone."""

    name: str


_BuildT = TypeVar("_BuildT", DockerfileTarget, GoModule, DebianPackage)


class Images(Strict):
    """Image references. Seawall sets them where it builds the images; elsewhere a pipeline does."""

    gateway: Annotated[Image, DockerfileTarget("gateway")]
    """Image of the gateway and of the provider simulators."""
    redis: Annotated[Image, DockerfileTarget("redis")]
    """Image of Redis and Sentinel with Seawall's agents."""
    edge: Annotated[Image | None, DockerfileTarget("edge")] = None
    """Image of nginx with Seawall's agent, for seawall:edge of kind `bundled`."""
    prometheus: Annotated[Image | None, GoModule("prometheus", "prometheus")] = None
    """Image of Prometheus, for seawall:monitoring of kind `bundled`."""
    metrics_adapter: Annotated[Image | None, GoModule("prometheus-adapter", "adapter")] = None
    """Image of prometheus-adapter, for seawall:metrics_adapter."""
    redis_exporter: Annotated[Image | None, DebianPackage("prometheus-redis-exporter")] = None
    """Image of redis_exporter, for seawall:monitoring."""
    blackbox_exporter: Annotated[
        Image | None, GoModule("blackbox-exporter", "blackbox_exporter")
    ] = None
    """Image of blackbox_exporter, for seawall:monitoring.blackbox."""
    alertmanager: Annotated[Image | None, GoModule("alertmanager", "alertmanager")] = None
    """Image of Alertmanager, for seawall:monitoring.alertmanager."""

    @property
    def given(self) -> dict[str, str]:
        """The images that are configured, by name."""
        return {name: str(ref) for name, ref in self.model_dump(exclude_none=True).items()}

    @classmethod
    def built_as(cls, kind: type[_BuildT]) -> Mapping[str, _BuildT]:
        """The images that are built in this way, by name."""
        return {
            name: build
            for name, field in cls.model_fields.items()
            for build in field.metadata
            if isinstance(build, kind)
        }
