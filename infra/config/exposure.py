"""What the ways in have in common: load balancers, certificates, limits, who is in front."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.config.base import Strict
from infra.config.scalars import Annotations, Cidr, ClassName, Labels, Name

__all__ = ["Exposure", "OwnLimit", "Proxies", "RateLimit", "Tls"]


class Exposure(Strict):
    """A Service of type LoadBalancer, and what the cloud is told about it."""

    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """The TCP port that clients connect to; 443 where nginx of the kit's own ends TLS, else 80. A
    load balancer that ends TLS itself is told so by annotations."""
    class_name: ClassName | None = None
    """The load balancer class; the cloud's default when not given."""
    annotations: Annotations = Field(default_factory=dict)
    """What the cloud reads: internal or not, idle time-out, certificate, health checks."""
    source_ranges: tuple[Cidr, ...] = ()
    """Who may connect; everybody when empty."""
    external_traffic_policy: Literal["Local", "Cluster"] = "Local"
    """`Local` keeps the client's address, and the load balancer's health checks see at once which
    nodes have a pod; `Cluster` takes every node."""


class Tls(Strict):
    """A certificate, by the name of its Secret: no key stands in a configuration or a state."""

    secret: Name
    """A Secret of type kubernetes.io/tls in the namespace: one that you keep there, or the one
    that cert-manager fills."""
    issuer: Name | None = None
    """The issuer of cert-manager; the Secret is yours when not given."""
    issuer_kind: Literal["ClusterIssuer", "Issuer"] = "ClusterIssuer"
    """Whether the issuer is the cluster's or the namespace's."""


class RateLimit(Strict):
    """What the edge takes of one client: the gateway's own limits are finer, this one is sooner."""

    requests_per_second: Annotated[int, Field(ge=1, le=100_000)]
    """On average."""
    burst: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """As many more at once. ingress-nginx knows multiples of requests_per_second only: rounded
    up."""
    connections: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Requests of one address at a time; as many as it likes when not given."""


class OwnLimit(RateLimit):
    """The bundled entrance's limit."""

    by: Literal["api_key", "address"] = "api_key"
    """Who is one client: who sends one API key (without a key: the address), or one address. Keys
    are not checked here, so somebody who makes keys up is stopped by `address` only."""


class Proxies(Strict):
    """Where the proxies in front of the gateway are. One of the two keys."""

    namespace: Labels | None = None
    """The labels of their namespace."""
    block: Cidr | None = None
    """Their addresses, for proxies outside the cluster."""

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        if (self.namespace is None) == (self.block is None):
            raise ValueError(
                f"namespace is {'missing' if self.namespace is None else 'given'} and block is "
                f"{'missing' if self.block is None else 'given'}: give one of them"
            )
        return self
