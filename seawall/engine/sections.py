"""Sections of an environment's committed file as typed values.

A command that only looks for the cluster or for Prometheus reads its section here, so that it works
while other sections are wrong or incomplete.
"""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel

from infra.config import Kubernetes, MetricsAdapter, Monitoring
from infra.parsing import ConfigError, sections
from seawall.engine.errors import WorkspaceError
from seawall.engine.layout import Layout
from seawall.engine.strict_yaml import Values
from seawall.engine.workspace import committed_values

__all__ = [
    "committed_images",
    "has_metrics_adapter",
    "kubernetes_in",
    "kubernetes_of",
    "monitoring_of",
]

T = TypeVar("T", bound=BaseModel)


class _Cluster(BaseModel):
    kubernetes: Kubernetes


class _NamedImages(BaseModel):
    images: dict[str, str] = {}


class _Monitored(BaseModel):
    monitoring: Monitoring | None = None


class _Adapted(BaseModel):
    metrics_adapter: MetricsAdapter | None = None


def kubernetes_of(layout: Layout) -> Kubernetes:
    """The cluster of the environment, and its namespace.

    Raises:
        WorkspaceError: the file does not exist, cannot be read, or this section is wrong.
    """
    return _of(layout, _Cluster).kubernetes


def kubernetes_in(values: Values, file: str) -> Kubernetes:
    """The cluster in configuration `values` of the file of that name; raises WorkspaceError."""
    return _parsed(values, file, _Cluster).kubernetes


def committed_images(layout: Layout) -> Mapping[str, str]:
    """The image references that the file has, by name; raises as `kubernetes_of`."""
    return _of(layout, _NamedImages).images


def monitoring_of(layout: Layout) -> Monitoring | None:
    """The monitoring of the environment; raises as `kubernetes_of`."""
    return _of(layout, _Monitored).monitoring


def has_metrics_adapter(layout: Layout) -> bool:
    """Whether the environment deploys a metrics adapter; raises as `kubernetes_of`."""
    return _of(layout, _Adapted).metrics_adapter is not None


def _of(layout: Layout, model: type[T]) -> T:
    return _parsed(committed_values(layout), layout.committed_file.name, model)


def _parsed(values: Values, file: str, model: type[T]) -> T:
    try:
        return sections(values, model)
    except ConfigError as error:
        raise WorkspaceError(f"{file}: {error}") from error
