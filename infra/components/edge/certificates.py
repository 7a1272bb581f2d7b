"""Certificates from cert-manager: through its annotations, or through a Certificate object.

https://cert-manager.io/docs/usage/ingress/ and https://cert-manager.io/docs/usage/certificate/
"""

from collections.abc import Sequence

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra.config import Tls

__all__ = ["certificate", "issuer_annotations"]

_GROUP = "cert-manager.io"


def issuer_annotations(tls: Tls | None) -> dict[str, str]:
    """The annotation by which cert-manager fills the Secret that an Ingress or a Gateway names."""
    if tls is None or tls.issuer is None:
        return {}
    kind = "cluster-issuer" if tls.issuer_kind == "ClusterIssuer" else "issuer"
    return {f"{_GROUP}/{kind}": tls.issuer}


def certificate(
    name: str,
    metadata: ObjectMetaArgs,
    tls: Tls,
    hosts: Sequence[str],
    opts: pulumi.ResourceOptions,
) -> None:
    """The Certificate of a Secret that pods mount; none where the team provides the Secret."""
    if tls.issuer is None:
        return
    CustomResource(
        name,
        api_version=f"{_GROUP}/v1",
        kind="Certificate",
        metadata=metadata,
        spec={
            "secretName": tls.secret,
            "dnsNames": list(hosts),
            "issuerRef": {"group": _GROUP, "kind": tls.issuer_kind, "name": tls.issuer},
        },
        opts=opts,
    )
