"""Alertmanager for the bundled Prometheus: it groups alerts and notifies people."""

import json
from collections.abc import Iterator

from contract import ports
from infra.config import BundledMonitoring, Environment
from infra.secret_names import alert_webhook_secret
from infra.workloads.alertmanager_config import RECEIVER, alertmanager_file
from infra.workloads.peers import HTTPS, Opening, from_monitoring, inside, outside, to_pods
from infra.workloads.workload import Program, Scratch, SecretFiles, Workload

__all__ = ["alertmanager"]

_CONFIG_DIR = "/etc/seawall/alertmanager"
_CONFIG_FILE = "alertmanager.yml"
_DATA = "/data"


def alertmanager(environment: Environment) -> Iterator[Workload]:
    """One pod. Its state is lost with it: alerts are then sent again."""
    monitoring, network = environment.monitoring, environment.network
    settings = monitoring.alertmanager if isinstance(monitoring, BundledMonitoring) else None
    if settings is None:
        return
    reached: list[Opening] = []
    if settings.webhooks:
        reached.append(inside(settings.relay) if settings.relay else outside(network, HTTPS))
    if settings.simulated:
        reached.append(to_pods(RECEIVER, ports.SIMULATOR_HTTP))
    webhooks = tuple(alert_webhook_secret(name) for name in settings.webhooks)
    file = alertmanager_file(settings, proxy=None if settings.relay else network.proxy_url)
    yield Workload(
        name="alertmanager",
        image="alertmanager",
        switched_on_by="monitoring.alertmanager",
        reaches=reached,
        # People silence alerts there.
        accepts=from_monitoring(network, ports.ALERTMANAGER),
        program=Program(
            type="seawall:monitoring:Alertmanager",
            arguments=[
                f"--config.file={_CONFIG_DIR}/{_CONFIG_FILE}",
                f"--storage.path={_DATA}",
                f"--web.listen-address=:{ports.ALERTMANAGER}",
                "--cluster.listen-address=",  # there is only one replica
            ],
            port=ports.ALERTMANAGER,
            health="/-/healthy",
            resources=settings.resources,
            settings={_CONFIG_FILE: json.dumps(file, indent=1)},
            settings_dir=_CONFIG_DIR,
            secrets=SecretFiles(webhooks) if webhooks else None,
            scratch=[Scratch("data", _DATA, "64Mi")],
        ),
    )
