"""How clients outside the cluster reach the gateway: in one of four ways, or not at all."""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from contract.values.strict import Strict
from infra.config.compute import Amount, Resources
from infra.config.exposure import Exposure, OwnLimit, Proxies, RateLimit, Tls
from infra.config.placement import Disruption, Spread
from infra.config.scalars import Annotations, Between, Cidr, Duration, Host, Name, PortName

__all__ = [
    "BundledEdge",
    "Edge",
    "GatewayApi",
    "Ingress",
    "LoadBalancer",
    "NoEdge",
    "ParentGateway",
]

_NGINX = Resources(
    requests=Amount(cpu="50m", memory="64Mi"), limits=Amount(cpu="1", memory="256Mi")
)
_Hosts = Annotated[tuple[Host, ...], Field(min_length=1)]


class NoEdge(Strict):
    """Only the gateway's Service, for clients inside the cluster."""

    kind: Literal["none"] = "none"
    """Only the gateway's Service, for clients inside the cluster."""


class LoadBalancer(Exposure):
    """A cloud load balancer in front of the gateway's pods."""

    kind: Literal["load_balancer"]
    """A Service of type LoadBalancer."""


class Ingress(Strict):
    """An Ingress, for a cluster that has an ingress controller."""

    kind: Literal["ingress"]
    """An Ingress."""
    class_name: Name
    """Name of the IngressClass."""
    controller: Literal["ingress-nginx", "other"]
    """The ingress controller of the cluster. For `ingress-nginx`, Seawall sets the annotations: no
    buffering, timeouts beyond the gateway's deadline, the gateway's body limit, and the rate limit.
    For `other`, set your controller's annotations in `annotations`."""
    proxies: Proxies
    """Where the controller's pods run, for the network policy."""
    hosts: _Hosts
    """Host names that clients use."""
    tls: Tls | None = None
    """Certificate for HTTPS. Without it, clients send their API keys unencrypted."""
    rate_limit: RateLimit | None = None
    """Rate limit for each client address, enforced by ingress-nginx. No limit when not given."""
    annotations: Annotations = Field(default_factory=dict)
    """Additional annotations of the Ingress. They override the annotations that Seawall sets."""

    @model_validator(mode="after")
    def _limits_need_a_controller_that_is_known(self) -> Self:
        if self.rate_limit and self.controller == "other":
            raise ValueError(
                'rate_limit is set by annotations of ingress-nginx, and controller = "other": '
                "leave it out, and give your controller's annotations"
            )
        return self


class ParentGateway(Strict):
    """An existing Gateway."""

    name: Name
    """Name of the existing Gateway."""
    namespace: Name | None = None
    """Namespace of the existing Gateway. The environment's own namespace when not given."""
    listener: PortName | None = None
    """Name of the listener that the route attaches to. All listeners of the Gateway when not
    given."""


class GatewayApi(Strict):
    """An HTTPRoute of the Gateway API, and a Gateway unless one exists already."""

    kind: Literal["gateway_api"]
    """A Gateway and an HTTPRoute."""
    class_name: Name | None = None
    """GatewayClass of the Gateway that Seawall creates. Give either `class_name` or `parent`."""
    parent: ParentGateway | None = None
    """Existing Gateway that the route attaches to. Give either `class_name` or `parent`."""
    proxies: Proxies
    """Where the Gateway's proxies run, for the network policy."""
    hosts: _Hosts
    """Host names that clients use."""
    tls: Tls | None = None
    """Certificate of the Gateway that Seawall creates. Without it, that Gateway speaks plain
    HTTP."""
    annotations: Annotations = Field(default_factory=dict)
    """Annotations of the Gateway that Seawall creates."""

    @model_validator(mode="after")
    def _has_one_gateway(self) -> Self:
        if (self.class_name is None) == (self.parent is None):
            raise ValueError(
                f"class_name is {_given(self.class_name)} and parent is {_given(self.parent)}: "
                "give one of them"
            )
        for key, value in (("tls", self.tls), ("annotations", self.annotations or None)):
            if self.parent and value is not None:
                raise ValueError(
                    f'{key} belongs to the Gateway, and parent.name = "{self.parent.name}" exists '
                    "already: set it there, and leave it out here"
                )
        return self


class BundledEdge(Strict):
    """Bundled nginx pods that connect directly to the gateway's pods.

    A gateway pod that cannot be reached costs one connect timeout; then nginx tries another pod.
    """

    kind: Literal["bundled"]
    """nginx pods."""
    load_balancer: Exposure | None = None
    """Cloud load balancer in front of the nginx pods. When not given, they have a Service inside
    the cluster only."""
    hosts: tuple[Host, ...] = ()
    """Host names that clients use, for the certificate. nginx itself answers requests for every
    name."""
    tls: Tls | None = None
    """Certificate for HTTPS. Without it, nginx speaks plain HTTP."""
    rate_limit: OwnLimit | None = None
    """Rate limit for each API key or client address. Each nginx pod counts separately. No limit
    when not given."""
    connect_timeout: Annotated[Duration, Between("50ms", "5s")] = Duration.parse("300ms")
    """Maximum time for a gateway pod to accept a connection. Then nginx tries another pod."""
    trusted_proxies: tuple[Cidr, ...] = ()
    """Address blocks of the proxies in front of nginx. nginx takes the client's address from their
    X-Forwarded-For header."""
    replicas: Annotated[int, Field(ge=1, le=100)] = 2
    """Number of nginx pods."""
    disruption: Disruption = Disruption(max_unavailable=1)
    """Disruption budget of the nginx pods: how many of them a node drain may evict at once."""
    spread: Spread = Spread()
    """How the nginx pods are spread over hosts and zones."""
    resources: Resources = _NGINX
    """CPU and memory of the nginx container."""

    @model_validator(mode="after")
    def _not_every_client_is_a_proxy(self) -> Self:
        if "0.0.0.0/0" in self.trusted_proxies:
            raise ValueError(
                "trusted_proxies has 0.0.0.0/0, so that every client could choose its own address; "
                "name the proxies' blocks"
            )
        return self

    @model_validator(mode="after")
    def _nodes_can_be_drained(self) -> Self:
        self.disruption.refuse_to_block(self.replicas, where="replicas")
        return self

    @model_validator(mode="after")
    def _certificates_have_names(self) -> Self:
        if self.tls and self.tls.issuer and not self.hosts:
            raise ValueError(
                f'tls.issuer = "{self.tls.issuer}" issues certificates for hosts, and there are '
                "none: give hosts"
            )
        return self


Edge: TypeAlias = Annotated[
    NoEdge | LoadBalancer | Ingress | GatewayApi | BundledEdge, Field(discriminator="kind")
]


def _given(value: object) -> str:
    return "missing" if value is None else "given"
