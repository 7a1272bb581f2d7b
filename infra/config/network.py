"""Who may reach whom. Everything that is not named here is denied, both ways."""

from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from infra.config.base import Strict
from infra.config.scalars import Cidr, Labels, Url

__all__ = ["ApiServer", "Clients", "Dns", "EgressProxy", "Inside", "Network", "literal_address"]


_HTTP = 80
_KUBE_SYSTEM: Labels = {"kubernetes.io/metadata.name": "kube-system"}


class Clients(Strict):
    """Who may reach the gateway's API. One of the two keys."""

    any: bool = False
    """Everybody, also from outside the cluster."""
    namespaces: tuple[Labels, ...] = ()
    """The pods of the namespaces that carry all labels of one entry."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.any == bool(self.namespaces):
            raise ValueError(
                f"any = {str(self.any).lower()} and {len(self.namespaces)} namespaces: "
                "say any: true, or list namespaces"
            )
        return self


class Dns(Strict):
    """Where names are resolved."""

    namespace: Labels = _KUBE_SYSTEM
    """The labels of the namespace of the cluster's DNS."""
    node_local: Cidr | None = None
    """The address block of NodeLocal DNS, where nodes cache names."""


class EgressProxy(Strict):
    """The only way out, for clusters that have one. The providers' base URLs lead to it."""

    block: Cidr
    """Its address as the network sees it; one address ends in /32."""
    port: Annotated[int, Field(ge=1, le=65535)]
    """Its TCP port."""
    url: Url | None = None
    """Its URL, such as `http://proxy.corp.example:3128`, where it takes CONNECT, without a
    password: Alertmanager's webhooks and the outside probe go by it."""

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        if self.url is None:
            return self
        parts = urlsplit(self.url)
        if parts.scheme != "http" or parts.path not in ("", "/"):
            raise ValueError(
                f"url = {self.url} is no proxy's: write http://, a name and a port; what is "
                "encrypted stays so on its way through it"
            )
        if (parts.port or _HTTP) != self.port:
            raise ValueError(
                f"url = {self.url} and port = {self.port} differ, and the network lets out to "
                "that port alone: write the same"
            )
        address = literal_address(parts.hostname or "")
        if address and address not in IPv4Network(self.block):
            raise ValueError(
                f"url = {self.url} lies outside block = {self.block}, and the network lets out to "
                "that block alone"
            )
        return self


class Inside(Strict):
    """A place in the cluster or in the private network. One of namespace and block."""

    namespace: Labels | None = None
    """The labels of the namespace where its pods are."""
    block: Cidr | None = None
    """Its addresses, for what is no pod; one address ends in /32."""
    port: Annotated[int, Field(ge=1, le=65535)]
    """The TCP port of its pods, or of its addresses: not that of a Service before them."""

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        if (self.namespace is None) == (self.block is None):
            raise ValueError(
                f"port = {self.port} needs either namespace or block, for the network policy: say "
                "where it is"
            )
        return self


class ApiServer(Strict):
    """Where the API server is, for the few pods that ask it and that it asks."""

    block: Cidr | None = None
    """Its addresses; every address, but that of the metadata, when not given."""
    port: Annotated[int, Field(ge=1, le=65535)] = 6443
    """Its TCP port; 443 is allowed beside it."""


class Network(Strict):
    """Who may reach whom. NetworkPolicies know addresses and labels, no host names."""

    clients: Clients
    """Who may reach the gateway's API."""
    monitoring: Labels | None = None
    """The labels of the namespace whose pods may read the gateway's metrics."""
    dns: Dns = Dns()
    """Where names are resolved."""
    api_server: ApiServer = ApiServer()
    """Where the API server is."""
    never: tuple[Cidr, ...] = (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
    )
    """What the gateway never reaches on its way to providers: private, shared and link-local
    addresses. The metadata address 169.254.169.254 is always among them."""
    egress_proxy: EgressProxy | None = None
    """The only way to what is outside; TCP 443 of all other addresses when not given."""

    @property
    def proxy_url(self) -> str | None:
        """Of the only way out, where that is a proxy that others may ask."""
        return self.egress_proxy.url if self.egress_proxy else None

    @field_validator("never")
    @classmethod
    def _leaves_something(cls, never: tuple[Cidr, ...]) -> tuple[Cidr, ...]:
        # Kubernetes takes exceptions only that are narrower than the block 0.0.0.0/0.
        for block in never:
            if IPv4Network(block).prefixlen == 0:
                raise ValueError(f"{block} is every address; name the ranges, none wider than /1")
        return never


def literal_address(host: str) -> IPv4Address | None:
    """The host's address, where that is written in place of a name."""
    try:
        return IPv4Address(host)
    except AddressValueError:
        return None
