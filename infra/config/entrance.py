"""How clients come in from outside the cluster: one of four ways, or none of the kit's own."""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from infra.config.base import Strict
from infra.config.compute import Amount, Resources
from infra.config.exposure import Exposure, OwnLimit, Proxies, RateLimit, Tls
from infra.config.placement import Disruption, Spread
from infra.config.scalars import Annotations, Between, Cidr, Duration, Host, Name, PortName

__all__ = [
    "BundledEntrance",
    "Entrance",
    "GatewayApi",
    "Ingress",
    "LoadBalancer",
    "NoEntrance",
    "ParentGateway",
]

_NGINX = Resources(
    requests=Amount(cpu="50m", memory="64Mi"), limits=Amount(cpu="1", memory="256Mi")
)
_Hosts = Annotated[tuple[Host, ...], Field(min_length=1)]


class NoEntrance(Strict):
    """Nothing beside the gateway's Service, for clients in the cluster."""

    kind: Literal["none"] = "none"
    """Only the gateway's Service."""


class LoadBalancer(Exposure):
    """A load balancer of the cloud in front of the gateway's pods."""

    kind: Literal["load_balancer"]
    """A Service of type LoadBalancer."""


class Ingress(Strict):
    """An Ingress, for a cluster that has an ingress controller."""

    kind: Literal["ingress"]
    """An Ingress."""
    class_name: Name
    """The IngressClass."""
    controller: Literal["ingress-nginx", "other"]
    """Of ingress-nginx the kit knows the annotations: no buffering, time-outs of the gateway's
    deadline, its body limit, the rate limit. Those of another one you give yourself."""
    proxies: Proxies
    """Where the controller's pods are, for the network policy."""
    hosts: _Hosts
    """The names that clients use."""
    tls: Tls | None = None
    """The certificate; without it clients send their keys in the clear."""
    rate_limit: RateLimit | None = None
    """Per client address, by ingress-nginx."""
    annotations: Annotations = Field(default_factory=dict)
    """More annotations; they win over the kit's own."""

    @model_validator(mode="after")
    def _limits_need_a_controller_that_is_known(self) -> Self:
        if self.rate_limit and self.controller == "other":
            raise ValueError(
                'rate_limit is set by annotations of ingress-nginx, and controller = "other": '
                "leave it out, and give your controller's annotations"
            )
        return self


class ParentGateway(Strict):
    """A Gateway that is there already."""

    name: Name
    """Its name."""
    namespace: Name | None = None
    """Its namespace; the environment's own when not given."""
    listener: PortName | None = None
    """One listener of it; all when not given."""


class GatewayApi(Strict):
    """An HTTPRoute of the Gateway API, and the Gateway where there is none yet."""

    kind: Literal["gateway_api"]
    """A Gateway and an HTTPRoute."""
    class_name: Name | None = None
    """The GatewayClass of a Gateway that the kit makes. One of class_name and parent."""
    parent: ParentGateway | None = None
    """A Gateway that is there already. One of class_name and parent."""
    proxies: Proxies
    """Where the Gateway's proxies are, for the network policy."""
    hosts: _Hosts
    """The names that clients use."""
    tls: Tls | None = None
    """The certificate of the Gateway that the kit makes."""
    annotations: Annotations = Field(default_factory=dict)
    """Of the Gateway that the kit makes."""

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
                    f'{key} belongs to the Gateway, and parent.name = "{self.parent.name}" is one '
                    "that somebody else made: leave it out"
                )
        return self


class BundledEntrance(Strict):
    """nginx of the kit's own, which talks to the gateway's pods themselves.

    A pod that cannot be reached costs the connect time-out, and the request goes to another one.
    """

    kind: Literal["bundled"]
    """nginx pods."""
    load_balancer: Exposure | None = None
    """A load balancer in front of them; a Service inside the cluster when not given."""
    hosts: tuple[Host, ...] = ()
    """The names that clients use, for the certificate; nginx itself answers to every name."""
    tls: Tls | None = None
    """The certificate; without it nginx speaks plain HTTP."""
    rate_limit: OwnLimit | None = None
    """Per API key or client address, counted by each nginx pod; none when not given."""
    connect_timeout: Annotated[Duration, Between("50ms", "5s")] = Duration.parse("300ms")
    """How long a pod may take to accept a connection before another one is asked."""
    trusted_proxies: tuple[Cidr, ...] = ()
    """Proxies in front whose X-Forwarded-For tells the client's address."""
    replicas: Annotated[int, Field(ge=1, le=100)] = 2
    """nginx pods."""
    disruption: Disruption = Disruption(max_unavailable=1)
    """How many of them a drain of nodes may take."""
    spread: Spread = Spread()
    """How they are kept apart."""
    resources: Resources = _NGINX
    """Of the nginx container."""

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


Entrance: TypeAlias = Annotated[
    NoEntrance | LoadBalancer | Ingress | GatewayApi | BundledEntrance, Field(discriminator="kind")
]


def _given(value: object) -> str:
    return "missing" if value is None else "given"
