"""A receiver that shows the alerts that it received, for environments without a team's own."""

from dataclasses import dataclass

import pulumi

from contract import ports
from infra.components.base.http_pod import HttpPod, http_pod
from infra.config import Amount, Resources

__all__ = ["AlertReceiver", "AlertReceiverArgs"]

_RESOURCES = Resources(
    requests=Amount(cpu="10m", memory="48Mi"), limits=Amount(cpu="250m", memory="128Mi")
)


@dataclass(frozen=True, slots=True)
class AlertReceiverArgs:
    """What AlertReceiver needs."""

    namespace: pulumi.Input[str]
    image: str
    """The gateway's image, which contains the simulators."""
    replace_after_s: int
    """Seconds for which its node may be lost before the pod is recreated."""


class AlertReceiver(pulumi.ComponentResource):
    """A Deployment and a Service; GET / returns the last messages."""

    def __init__(
        self, name: str, args: AlertReceiverArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:simulator:AlertReceiver", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        pod = HttpPod(
            namespace=args.namespace,
            image=args.image,
            command=["python3", "-m", "simulator.alerts"],
            arguments=["--port", str(ports.SIMULATOR_HTTP)],
            port=ports.SIMULATOR_HTTP,
            health="/",
            resources=_RESOURCES,
            replace_after_s=args.replace_after_s,
        )
        http_pod(name, pod, child)
        self.register_outputs({})
