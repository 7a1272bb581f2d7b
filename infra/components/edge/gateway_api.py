"""The Gateway API's way in: an HTTPRoute, and the Gateway where there is none yet.

https://gateway-api.sigs.k8s.io/reference/spec/
"""

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra.components.base.labels import labels_of
from infra.components.edge.certificates import issuer_annotations
from infra.components.edge.ingress import after_deadline_s
from infra.config import Gateway, GatewayApi

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
    """The HTTPRoute `name` to the gateway's Service, with time-outs beyond its deadline."""
    parent = _parent(name, settings)
    if settings.class_name:
        _gateway(name, namespace, settings, opts)
    wait = f"{after_deadline_s(gateway)}s"
    CustomResource(
        f"{name}-route",
        api_version=_API_VERSION,
        kind="HTTPRoute",
        metadata=ObjectMetaArgs(name=name, namespace=namespace, labels=labels_of("entrance")),
        spec={
            "parentRefs": [parent],
            "hostnames": list(settings.hosts),
            "rules": [
                {
                    "backendRefs": [{"name": service, "port": port}],
                    "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                    # Of the whole answer, streams included.
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
    """One listener for each host, with the certificate where there is one."""
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
            labels=labels_of("entrance"),
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
