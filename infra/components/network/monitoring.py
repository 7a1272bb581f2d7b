"""Network rules between the monitoring components, and from them to their targets."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from pulumi_kubernetes.networking.v1 import (
    NetworkPolicyEgressRuleArgs,
    NetworkPolicyIngressRuleArgs,
    NetworkPolicyPeerArgs,
)

from contract import ports
from infra.components.network.rules import (
    clients,
    egress,
    from_api_server,
    ingress,
    inside,
    namespace,
    outside,
    pods,
    to_api_server,
)
from infra.config import Alertmanager, BundledMonitoring, Front, Monitoring, Network, Outside

__all__ = ["Edges", "watching_edges", "who_scrapes"]

_HTTPS = 443


@dataclass(frozen=True, slots=True)
class Edges:
    """All allowed incoming and outgoing connections of one component."""

    component: str
    ingress: list[NetworkPolicyIngressRuleArgs]
    egress: list[NetworkPolicyEgressRuleArgs]


def who_scrapes(network: Network, monitoring: Monitoring | None) -> list[NetworkPolicyPeerArgs]:
    """The bundled Prometheus, and the team's."""
    own = [pods("prometheus")] if isinstance(monitoring, BundledMonitoring) else []
    return [*own, *([namespace(network.monitoring)] if network.monitoring else [])]


def watching_edges(
    network: Network, monitoring: Monitoring | None, *, adapter: bool, front: Front
) -> Iterator[Edges]:
    """The rules of each component; `adapter` queries the bundled Prometheus, the probe `front`."""
    if monitoring is None:
        return
    scraping = who_scrapes(network, monitoring)
    yield Edges(
        "redis-exporter",
        [ingress(scraping, ports.REDIS_EXPORTER)] if scraping else [],
        [egress([pods("redis")], ports.REDIS, ports.SENTINEL)],
    )
    if monitoring.outside:
        yield Edges(
            "outside-probe",
            [ingress(scraping, ports.PROBE)] if scraping else [],
            list(_asked_from_outside(network, monitoring.outside, front)),
        )
    if not isinstance(monitoring, BundledMonitoring):
        return
    yield _prometheus(network, monitoring, adapter=adapter)
    if monitoring.alertmanager:
        yield from _alerting(network, monitoring.alertmanager)


def _asked_from_outside(
    network: Network, settings: Outside, front: Front
) -> Iterator[NetworkPolicyEgressRuleArgs]:
    if front.component:
        yield egress([pods(front.component)], front.port)
    if settings.at:
        yield inside(settings.at)
    elif settings.url:
        yield outside(network, urlsplit(settings.url).port or _HTTPS)


def _prometheus(network: Network, monitoring: BundledMonitoring, *, adapter: bool) -> Edges:
    asking = [pods("metrics-adapter")] if adapter else []
    if network.monitoring:
        asking.append(namespace(network.monitoring))
    asked = [
        egress([pods("gateway")], ports.GATEWAY_HEALTH),
        egress([pods("redis-exporter")], ports.REDIS_EXPORTER),
        # It lists the pods there.
        to_api_server(network),
    ]
    if monitoring.outside:
        asked.append(egress([pods("outside-probe")], ports.PROBE))
    if monitoring.alertmanager:
        asked.append(egress([pods("alertmanager")], ports.ALERTMANAGER))
    own = [ingress(asking, ports.PROMETHEUS)] if asking else []
    if network.api_server.block:
        # People query it by `kubectl get --raw`, as the runbooks do, and so does `seawall status`.
        own.append(from_api_server(network, ports.PROMETHEUS))
    return Edges("prometheus", own, asked)


def _alerting(network: Network, settings: Alertmanager) -> Iterator[Edges]:
    told: list[NetworkPolicyEgressRuleArgs] = []
    if settings.webhooks:
        told.append(inside(settings.relay) if settings.relay else outside(network, _HTTPS))
    if settings.simulated:
        told.append(egress([pods("alert-receiver")], ports.SIMULATOR_HTTP))
    asking = [pods("prometheus")]
    if network.monitoring:
        # People silence alerts there.
        asking.append(namespace(network.monitoring))
    yield Edges("alertmanager", [ingress(asking, ports.ALERTMANAGER)], told)
    if settings.simulated:
        yield Edges(
            "alert-receiver",
            [
                ingress([pods("alertmanager")], ports.SIMULATOR_HTTP),
                # Every client of the gateway may read the alerts.
                ingress(clients(network), ports.SIMULATOR_HTTP),
            ],
            [],
        )
