"""Which connections are allowed. All others are denied, in both directions."""

from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from contract.values.strict import Strict
from infra.config.scalars import Cidr, Labels, Url

__all__ = ["ApiServer", "Clients", "Dns", "EgressProxy", "Inside", "Network", "literal_address"]


_HTTP = 80
_KUBE_SYSTEM: Labels = {"kubernetes.io/metadata.name": "kube-system"}


class Clients(Strict):
    """Who may reach the gateway's API. Give either `any` or `namespaces`."""

    any: bool = False
    """Whether everybody may reach the gateway's API, also from outside the cluster. Give either
    `any: true` or `namespaces`."""
    namespaces: tuple[Labels, ...] = ()
    """Namespaces whose pods may reach the gateway's API, as a list of sets of labels. An entry
    selects the namespaces that carry all of its labels."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.any == bool(self.namespaces):
            raise ValueError(
                f"any = {str(self.any).lower()} and {len(self.namespaces)} namespaces: "
                "set any: true, or list namespaces"
            )
        return self


class Dns(Strict):
    """Where names are resolved."""

    namespace: Labels = _KUBE_SYSTEM
    """Labels of the namespace of the cluster's DNS."""
    node_local: Cidr | None = None
    """Address block of NodeLocal DNSCache, where nodes cache DNS names."""


class EgressProxy(Strict):
    """The only way out, for clusters that have one. The providers' base URLs lead to it."""

    block: Cidr
    """Address block of the egress proxy, as the network policies see it. A single address ends in
    /32."""
    port: Annotated[int, Field(ge=1, le=65535)]
    """TCP port of the egress proxy."""
    url: Url | None = None
    """URL of an egress proxy that accepts CONNECT, such as `http://proxy.corp.example:3128`,
    without a password. Alertmanager's webhooks and the blackbox probe go through it."""

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        if self.url is None:
            return self
        parts = urlsplit(self.url)
        if parts.scheme != "http" or parts.path not in ("", "/"):
            raise ValueError(
                f"url = {self.url} is not the URL of a proxy: write http://, a name and a port; "
                "HTTPS stays encrypted on its way through the proxy"
            )
        if (parts.port or _HTTP) != self.port:
            raise ValueError(
                f"url = {self.url} and port = {self.port} differ, and the network policies allow "
                "only that port: give the same port in both"
            )
        address = literal_address(parts.hostname or "")
        if address and address not in IPv4Network(self.block):
            raise ValueError(
                f"url = {self.url} lies outside block = {self.block}, and the network policies "
                "allow only that block: give an address inside it"
            )
        return self


class Inside(Strict):
    """A place in the cluster or in the private network. Give either `namespace` or `block`."""

    namespace: Labels | None = None
    """Labels of the namespace of the destination's pods. Give either `namespace` or `block`."""
    block: Cidr | None = None
    """Address block of a destination that is not a pod. A single address ends in /32. Give either
    `namespace` or `block`."""
    port: Annotated[int, Field(ge=1, le=65535)]
    """TCP port of the destination's pods, or of the addresses in `block`. It is not the port of a
    Service in front of them."""

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        if (self.namespace is None) == (self.block is None):
            raise ValueError(
                f"port = {self.port} needs either namespace or block, for the network policy: say "
                "where it is"
            )
        return self


class ApiServer(Strict):
    """Where the Kubernetes API server is.

    A few pods connect to it, and it connects to a few pods.
    """

    block: Cidr | None = None
    """Address block of the Kubernetes API server. When not given, every address except the cloud's
    metadata address 169.254.169.254."""
    port: Annotated[int, Field(ge=1, le=65535)] = 6443
    """TCP port of the Kubernetes API server. Port 443 is allowed, too."""


class Network(Strict):
    """Connections that the network policies allow.

    NetworkPolicies match addresses and labels, not host names.
    """

    clients: Clients
    """Who may reach the gateway's API."""
    monitoring: Labels | None = None
    """Labels of the namespace whose pods may read the gateway's metrics."""
    dns: Dns = Dns()
    """Where DNS names are resolved."""
    api_server: ApiServer = ApiServer()
    """Where the Kubernetes API server is."""
    never: tuple[Cidr, ...] = (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
    )
    """Address blocks that the gateway never reaches on its way to providers: by default private,
    shared and link-local addresses. The cloud's metadata address 169.254.169.254 is always among
    them."""
    egress_proxy: EgressProxy | None = None
    """The only way out of the cluster. When not given, the way out is TCP 443 of all addresses that
    `never` leaves open."""

    @property
    def proxy_url(self) -> str | None:
        """The URL of the egress proxy, where the proxy accepts CONNECT; else None."""
        return self.egress_proxy.url if self.egress_proxy else None

    @field_validator("never")
    @classmethod
    def _leaves_something(cls, never: tuple[Cidr, ...]) -> tuple[Cidr, ...]:
        # Kubernetes accepts only exceptions that are narrower than the block 0.0.0.0/0.
        for block in never:
            if IPv4Network(block).prefixlen == 0:
                raise ValueError(f"{block} is every address; name the ranges, none wider than /1")
        return never


def literal_address(host: str) -> IPv4Address | None:
    """The host's address, if the host is written as an address; None for a name."""
    try:
        return IPv4Address(host)
    except AddressValueError:
        return None
