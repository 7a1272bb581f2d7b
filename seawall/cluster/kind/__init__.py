"""A cluster made by kind: Kubernetes nodes as containers of a Docker engine."""

from seawall.cluster.kind.cluster import KindCluster
from seawall.cluster.kind.programs import check_programs

__all__ = ["KindCluster", "check_programs"]
