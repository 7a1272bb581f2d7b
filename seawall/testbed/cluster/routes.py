"""The IPv4 routes of this host, so that a cluster uses no address that is already routed."""

import ipaddress
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, TypeAdapter

from seawall.testbed.cluster.exec import run

__all__ = ["Route", "in_the_way", "routes"]


@dataclass(frozen=True, slots=True)
class Route:
    """A network and the interface by which this host reaches it."""

    network: ipaddress.IPv4Network
    device: str


class _Route(BaseModel):
    dst: str
    dev: str = ""


_ROUTES = TypeAdapter(list[_Route])


def routes() -> Sequence[Route]:
    """The host's routes without the default route; none when `ip` is not installed yet.

    Raises:
        ClusterError: `ip` failed.
    """
    if not shutil.which("ip"):
        return ()
    found = _ROUTES.validate_json(run(["ip", "-j", "-4", "route"]))
    return [Route(ipaddress.IPv4Network(r.dst), r.dev) for r in found if r.dst != "default"]


def in_the_way(found: Sequence[Route], network: str, *, leg: str) -> Route | None:
    """The first route that leads addresses of `network` to another interface than `leg`.

    A route that is broader than the network (a company's 10.0.0.0/8) is no conflict.
    """
    ours = ipaddress.IPv4Network(network)
    for route in found:
        theirs = route.network
        if route.device != leg and theirs.overlaps(ours) and theirs.prefixlen >= ours.prefixlen:
            return route
    return None
