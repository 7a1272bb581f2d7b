"""A cluster made by kind: Kubernetes nodes as containers of a Docker engine."""

from seawall.testbed.cluster.kind.cluster import KindCluster
from seawall.testbed.cluster.kind.programs import check_programs

__all__ = ["KindCluster", "check_programs"]
