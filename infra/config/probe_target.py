"""The target of the blackbox probe: the address that clients use, as far as it is known."""

from dataclasses import dataclass

from contract import ports
from contract.components import BLACKBOX_PROBE, EDGE
from infra.config.edge import BundledEdge, Edge, LoadBalancer
from infra.config.monitoring import BlackboxProbe

__all__ = ["Front", "front_of"]


@dataclass(frozen=True, slots=True)
class Front:
    """The target of the blackbox probe, and the way to it.

    Attributes:
        url: the base URL that the probe requests.
        component: the component whose pods may receive the request first; None where other proxies
            are in front of them.
        port: the port on which these pods listen for clients.
        host: the name that clients use, where the URL has another one; the certificate is checked
            for it.
        proxy: the URL of the proxy that the request goes through.
    """

    url: str
    component: str | None
    port: int
    host: str | None = None
    proxy: str | None = None

    @property
    def is_encrypted(self) -> bool:
        """Whether the target presents a certificate."""
        return self.url.startswith("https:")


def front_of(edge: Edge, probe: BlackboxProbe | None, *, proxy: str | None) -> Front:
    """The target: the URL of `probe`, else the bundled edge proxy, else the gateway's Service.

    Args:
        edge: how clients reach the gateway.
        probe: the settings of the probe; its URL has precedence.
        proxy: the URL of the egress proxy; None when there is another way out.
    """
    url = probe.url.rstrip("/") if probe and probe.url else None
    by = proxy if probe and probe.at is None else None
    if isinstance(edge, BundledEdge):
        port = ports.EDGE_HTTPS if edge.tls else ports.EDGE_HTTP
        if url:
            return Front(url, EDGE, port, proxy=by)
        if edge.tls is None or not edge.hosts:
            return Front(f"http://{EDGE}", EDGE, port)
        # A wildcard's certificate is valid for any such name.
        host = edge.hosts[0].replace("*", BLACKBOX_PROBE)
        return Front(f"https://{EDGE}", EDGE, port, host)
    if url is None:
        return Front("http://gateway", "gateway", ports.GATEWAY_HTTP)
    # Within the cluster, the address of a load balancer leads to the pods behind it.
    behind = "gateway" if isinstance(edge, LoadBalancer) else None
    return Front(url, behind, ports.GATEWAY_HTTP, proxy=by)
