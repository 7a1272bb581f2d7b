"""The Gateway API: an HTTPRoute, and a Gateway unless one exists already.

https://gateway-api.sigs.k8s.io/reference/spec/
"""

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from contract.components import EDGE
from infra.components.edge.certificates import issuer_annotations
from infra.components.edge.ingress import after_deadline_s
from infra.config import Gateway, GatewayApi
from infra.labels import labels_of

__all__ = ["gateway_api"]

_API_VERSION = "gateway.networking.k8s.io/v1"
_HTTP, _HTTPS = 80, 443


def gateway_api(
    name: str,
    namespace: pulumi.Input[str],
    settings: GatewayApi,
    gateway: Gateway,
    service: pulumi.Input[str],
    port: int,
    opts: pulumi.ResourceOptions,
) -> None:
    """The HTTPRoute `name` to the gateway's Service, with timeouts beyond its deadline."""
    parent = _parent(name, settings)
    if settings.class_name:
        _gateway(name, namespace, settings, opts)
    wait = f"{after_deadline_s(gateway)}s"
    CustomResource(
        f"{name}-route",
        api_version=_API_VERSION,
        kind="HTTPRoute",
        metadata=ObjectMetaArgs(name=name, namespace=namespace, labels=labels_of(EDGE)),
        spec={
            "parentRefs": [parent],
            "hostnames": list(settings.hosts),
            "rules": [
                {
                    "backendRefs": [{"name": service, "port": port}],
                    "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                    # These timeouts are for the whole answer, streams included.
                    "timeouts": {"request": wait, "backendRequest": wait},
                }
            ],
        },
        opts=opts,
    )


def _parent(name: str, settings: GatewayApi) -> dict[str, str]:
    if settings.parent is None:
        return {"name": name}
    named = {
        "name": settings.parent.name,
        "namespace": settings.parent.namespace,
        "sectionName": settings.parent.listener,
    }
    return {key: value for key, value in named.items() if value is not None}


def _gateway(
    name: str,
    namespace: pulumi.Input[str],
    settings: GatewayApi,
    opts: pulumi.ResourceOptions,
) -> None:
    """The Gateway, with one listener for each host, and with the certificate if there is one."""
    tls = settings.tls
    secured: dict[str, object] = {"protocol": "HTTP", "port": _HTTP}
    if tls:
        certificate = {"kind": "Secret", "name": tls.secret}
        secured = {
            "protocol": "HTTPS",
            "port": _HTTPS,
            "tls": {"mode": "Terminate", "certificateRefs": [certificate]},
        }
    CustomResource(
        name,
        api_version=_API_VERSION,
        kind="Gateway",
        metadata=ObjectMetaArgs(
            name=name,
            namespace=namespace,
            labels=labels_of(EDGE),
            annotations={**issuer_annotations(tls), **settings.annotations} or None,
        ),
        spec={
            "gatewayClassName": settings.class_name,
            "listeners": [
                {
                    "name": f"host-{number}",
                    "hostname": host,
                    **secured,
                    "allowedRoutes": {"namespaces": {"from": "Same"}},
                }
                for number, host in enumerate(settings.hosts)
            ],
        },
        opts=opts,
    )
