"""The bundled Prometheus, with the permission to list the namespace's pods."""

import pulumi

from infra.components.base.program_pod import ProgramPod
from infra.components.monitoring.pod_lister import pod_lister

__all__ = ["Prometheus"]


class Prometheus(ProgramPod):
    """A pod that finds its scrape targets at the API server."""

    def _service_account(self) -> pulumi.Input[str] | None:
        return pod_lister(self._name, self._metadata(self._name), self._child)
