"""Whom the outside probe asks: the way in that users take, as far as the kit knows it."""

from dataclasses import dataclass

from contract import ports
from infra.config.entrance import BundledEntrance, Entrance, LoadBalancer
from infra.config.monitoring import Outside

__all__ = ["Front", "front_of"]


@dataclass(frozen=True, slots=True)
class Front:
    """Whom the outside probe asks, and how.

    Attributes:
        url: the base URL of the question.
        component: the pods of the kit that the question may meet first; none where others are in
            front of them.
        port: where those listen for clients.
        host: the name that clients use, where the URL has another one: its certificate is checked.
        proxy: the URL of the proxy by which the question goes.
    """

    url: str
    component: str | None
    port: int
    host: str | None = None
    proxy: str | None = None

    @property
    def is_encrypted(self) -> bool:
        """Whether a certificate is shown."""
        return self.url.startswith("https:")


def front_of(entrance: Entrance, outside: Outside | None, *, proxy: str | None) -> Front:
    """The URL of `outside`, else the entrance of the kit's own, else the gateway's Service.

    Args:
        entrance: how clients come in.
        outside: what is asked; the URL is its.
        proxy: the URL of the only way out of the cluster; none when there is another one.
    """
    url = outside.url.rstrip("/") if outside and outside.url else None
    by = proxy if outside and outside.at is None else None
    if isinstance(entrance, BundledEntrance):
        port = ports.ENTRANCE_HTTPS if entrance.tls else ports.ENTRANCE_HTTP
        if url:
            return Front(url, "entrance", port, proxy=by)
        if entrance.tls is None or not entrance.hosts:
            return Front("http://entrance", "entrance", port)
        # Any name that a wildcard is for.
        host = entrance.hosts[0].replace("*", "outside-probe")
        return Front("https://entrance", "entrance", port, host)
    if url is None:
        return Front("http://gateway", "gateway", ports.GATEWAY_HTTP)
    # Within the cluster, the address of a load balancer leads to the pods behind it.
    behind = "gateway" if isinstance(entrance, LoadBalancer) else None
    return Front(url, behind, ports.GATEWAY_HTTP, proxy=by)
