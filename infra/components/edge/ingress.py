"""The Ingress in front of the gateway, with ingress-nginx annotations that let streams through.

https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/
"""

import math

import pulumi
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.networking.v1 import (
    HTTPIngressPathArgs,
    HTTPIngressRuleValueArgs,
    Ingress,
    IngressBackendArgs,
    IngressRuleArgs,
    IngressServiceBackendArgs,
    IngressSpecArgs,
    IngressTLSArgs,
    ServiceBackendPortArgs,
)

from contract.components import EDGE
from infra.components.edge.certificates import issuer_annotations
from infra.config import Gateway, RateLimit
from infra.config import Ingress as IngressSettings
from infra.labels import labels_of

__all__ = ["after_deadline_s", "ingress"]

_NGINX = "nginx.ingress.kubernetes.io/"
_AFTER_DEADLINE_S = 5


def after_deadline_s(gateway: Gateway) -> int:
    """The timeout of a proxy in front of the gateway: the gateway's own answer comes first."""
    return math.ceil(gateway.admission.deadline.seconds) + _AFTER_DEADLINE_S


def ingress(
    name: str,
    namespace: pulumi.Input[str],
    settings: IngressSettings,
    gateway: Gateway,
    service: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> None:
    """The Ingress `name`: every path of every host leads to the gateway's Service."""
    backend = IngressBackendArgs(
        service=IngressServiceBackendArgs(name=service, port=ServiceBackendPortArgs(name="http"))
    )
    everything = HTTPIngressRuleValueArgs(
        paths=[HTTPIngressPathArgs(path="/", path_type="Prefix", backend=backend)]
    )
    tls = settings.tls
    certificates = (
        [IngressTLSArgs(hosts=list(settings.hosts), secret_name=tls.secret)] if tls else None
    )
    known = _of_ingress_nginx(settings, gateway) if settings.controller == "ingress-nginx" else {}
    Ingress(
        name,
        metadata=ObjectMetaArgs(
            name=name,
            namespace=namespace,
            labels=labels_of(EDGE),
            annotations={
                # Do not wait for an address, which the controller assigns at any later time.
                "pulumi.com/skipAwait": "true",
                **issuer_annotations(tls),
                **known,
                **settings.annotations,
            },
        ),
        spec=IngressSpecArgs(
            ingress_class_name=settings.class_name,
            rules=[IngressRuleArgs(host=host, http=everything) for host in settings.hosts],
            tls=certificates,
        ),
        opts=opts,
    )


def _of_ingress_nginx(settings: IngressSettings, gateway: Gateway) -> dict[str, str]:
    wait = str(after_deadline_s(gateway))
    values = {
        "proxy-body-size": str(gateway.admission.max_body_bytes),
        "proxy-buffering": "off",
        # It accepts whole seconds only.
        "proxy-connect-timeout": "1",
        "proxy-http-version": "1.1",
        # No "non_idempotent": a request is not sent again once a byte of it was sent.
        "proxy-next-upstream": "error timeout",
        "proxy-next-upstream-tries": "3",
        "proxy-read-timeout": wait,
        "proxy-request-buffering": "off",
        "proxy-send-timeout": wait,
        **(_limits(settings.rate_limit) if settings.rate_limit else {}),
    }
    return {f"{_NGINX}{name}": value for name, value in values.items()}


def _limits(limit: RateLimit) -> dict[str, str]:
    """The rate limit; ingress-nginx answers 503 unless its `limit-req-status-code` is 429."""
    times = max(1, math.ceil(limit.burst / limit.requests_per_second))
    values = {
        "limit-burst-multiplier": str(times),
        "limit-rps": str(limit.requests_per_second),
    }
    if limit.connections is not None:
        values["limit-connections"] = str(limit.connections)
    return values
