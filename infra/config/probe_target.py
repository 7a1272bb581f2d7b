"""The target of the blackbox probe: the address that clients use, as far as it is known."""

from dataclasses import dataclass

from contract import ports
from infra.config.entrance import BundledEntrance, Entrance, LoadBalancer
from infra.config.monitoring import Outside

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


def front_of(entrance: Entrance, outside: Outside | None, *, proxy: str | None) -> Front:
    """The target: the URL of `outside`, else the bundled edge proxy, else the gateway's Service.

    Args:
        entrance: how clients reach the gateway.
        outside: the settings of the probe; its URL has precedence.
        proxy: the URL of the egress proxy; None when there is another way out.
    """
    url = outside.url.rstrip("/") if outside and outside.url else None
    by = proxy if outside and outside.at is None else None
    if isinstance(entrance, BundledEntrance):
        port = ports.ENTRANCE_HTTPS if entrance.tls else ports.ENTRANCE_HTTP
        if url:
            return Front(url, "entrance", port, proxy=by)
        if entrance.tls is None or not entrance.hosts:
            return Front("http://entrance", "entrance", port)
        # A wildcard's certificate is valid for any such name.
        host = entrance.hosts[0].replace("*", "outside-probe")
        return Front("https://entrance", "entrance", port, host)
    if url is None:
        return Front("http://gateway", "gateway", ports.GATEWAY_HTTP)
    # Within the cluster, the address of a load balancer leads to the pods behind it.
    behind = "gateway" if isinstance(entrance, LoadBalancer) else None
    return Front(url, behind, ports.GATEWAY_HTTP, proxy=by)
