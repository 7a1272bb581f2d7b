"""Parts that several edge kinds share: load balancers, certificates, limits, proxies."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from contract.values.strict import Strict
from infra.config.scalars import Annotations, Cidr, ClassName, Labels, Name

__all__ = ["Exposure", "OwnLimit", "Proxies", "RateLimit", "Tls"]


class Exposure(Strict):
    """A Service of type LoadBalancer, and its settings for the cloud."""

    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """TCP port that clients connect to. When not given, 443 where the bundled nginx terminates TLS,
    else 80. A load balancer that terminates TLS itself is configured by `annotations`."""
    class_name: ClassName | None = None
    """Load balancer class of the Service. The cloud's default when not given."""
    annotations: Annotations = Field(default_factory=dict)
    """Annotations of the Service that the cloud reads: internal or public, idle timeout,
    certificate, health checks."""
    source_ranges: tuple[Cidr, ...] = ()
    """Address blocks from which clients may connect. When empty, clients may connect from
    everywhere."""
    external_traffic_policy: Literal["Local", "Cluster"] = "Local"
    """`Local` preserves the client's address, and the load balancer's health checks see at once
    which nodes have a pod. `Cluster` sends traffic to every node."""


class Tls(Strict):
    """A certificate, by the name of its Secret: no private key is in a configuration or a state."""

    secret: Name
    """Name of a Secret of type kubernetes.io/tls in the environment's namespace. You create it, or
    cert-manager does when `issuer` is given."""
    issuer: Name | None = None
    """Name of the cert-manager issuer that creates the Secret. When not given, you create the
    Secret."""
    issuer_kind: Literal["ClusterIssuer", "Issuer"] = "ClusterIssuer"
    """Kind of the cert-manager issuer: `ClusterIssuer` is the cluster's, `Issuer` is the
    namespace's."""


class RateLimit(Strict):
    """The rate limit at the edge: coarser than the gateway's own, and applied before them."""

    requests_per_second: Annotated[int, Field(ge=1, le=100_000)]
    """Average number of requests per second that one client may send."""
    burst: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Number of requests that one client may send at once above the average. ingress-nginx supports
    only multiples of `requests_per_second`, so the value is rounded up there."""
    connections: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Maximum number of concurrent requests from one client address. No limit when not given."""


class OwnLimit(RateLimit):
    """The rate limit of the bundled edge proxy."""

    by: Literal["api_key", "address"] = "api_key"
    """What counts as one client: `api_key` is each API key, or the address of a request without a
    key; `address` is each client address. nginx does not check keys, so only `address` stops a
    client that invents keys."""


class Proxies(Strict):
    """Where the proxies in front of the gateway run. Give either `namespace` or `block`."""

    namespace: Labels | None = None
    """Labels of the namespace of the proxies' pods. Give either `namespace` or `block`."""
    block: Cidr | None = None
    """Address block of proxies outside the cluster. Give either `namespace` or `block`."""

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        if (self.namespace is None) == (self.block is None):
            raise ValueError(
                f"namespace is {'missing' if self.namespace is None else 'given'} and block is "
                f"{'missing' if self.block is None else 'given'}: give one of them"
            )
        return self
