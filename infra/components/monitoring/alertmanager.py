"""Alertmanager for the bundled Prometheus: it groups alerts and notifies people."""

import json
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from contract import paths, ports
from infra.components.base.config_volume import mounted_files
from infra.components.base.http_pod import HttpPod, http_pod
from infra.components.base.labels import labels_of
from infra.components.base.pods import scratch_volume, secret_volume
from infra.components.monitoring.alertmanager_config import alertmanager_file
from infra.components.secrets.secret_source import SecretFiles, SecretSource
from infra.config import Alertmanager as Settings
from infra.secret_names import alert_webhook_secret

__all__ = ["COMPONENT", "Alertmanager", "AlertmanagerArgs"]

COMPONENT = "alertmanager"
_CONFIG_DIR = "/etc/seawall/alertmanager"
_CONFIG_FILE = "alertmanager.yml"
_DATA = "/data"


@dataclass(frozen=True, slots=True)
class AlertmanagerArgs:
    """What Alertmanager needs."""

    namespace: pulumi.Input[str]
    image: str
    settings: Settings
    proxy: str | None
    """The URL of the proxy through which webhooks are reached; None without one."""
    secrets: SecretSource
    replace_after_s: int
    """Seconds for which its node may be lost before the pod is recreated."""


class Alertmanager(pulumi.ComponentResource):
    """A Deployment and a Service. Its state is lost with its pod: alerts are then sent again."""

    def __init__(
        self, name: str, args: AlertmanagerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:monitoring:Alertmanager", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        text = json.dumps(alertmanager_file(args.settings, proxy=args.proxy), indent=1)
        files = mounted_files(
            f"{name}-settings", args.namespace, COMPONENT, {_CONFIG_FILE: text}, child
        )
        volumes = [
            (files, _CONFIG_DIR),
            (scratch_volume("data", "64Mi", memory=False), _DATA),
        ]
        webhooks = tuple(alert_webhook_secret(name) for name in args.settings.webhooks)
        if webhooks:
            filled = SecretFiles(webhooks)
            metadata = ObjectMetaArgs(
                name=f"{name}-secrets", namespace=args.namespace, labels=labels_of(COMPONENT)
            )
            secret = args.secrets.fill(f"{name}-secrets", metadata, filled, child)
            volumes.append((secret_volume("secrets", secret), paths.SECRETS_DIR))
        pod = HttpPod(
            namespace=args.namespace,
            image=args.image,
            arguments=[
                f"--config.file={_CONFIG_DIR}/{_CONFIG_FILE}",
                f"--storage.path={_DATA}",
                f"--web.listen-address=:{ports.ALERTMANAGER}",
                "--cluster.listen-address=",  # there is only one replica
            ],
            port=ports.ALERTMANAGER,
            health="/-/healthy",
            resources=args.settings.resources,
            replace_after_s=args.replace_after_s,
            volumes=volumes,
            writable=frozenset({"data"}),
        )
        http_pod(name, pod, child)
        self.register_outputs({})
