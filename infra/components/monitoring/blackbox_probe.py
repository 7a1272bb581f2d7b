"""blackbox_exporter: requests a completion as a user does, when Prometheus scrapes it.

The gateway's own metrics cannot show refused connections, or requests that never arrived.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from contract import paths, ports
from infra.components.base.config_volume import mounted_files
from infra.components.base.http_pod import HttpPod, http_pod
from infra.components.base.labels import labels_of
from infra.components.base.pods import secret_volume
from infra.components.monitoring.prometheus_config import PROBE_MODULE
from infra.components.secrets.secret_source import SecretFiles, SecretSource
from infra.config import Front, Outside, Resources
from infra.secret_names import api_key_secret

__all__ = ["COMPONENT", "OutsideProbe", "OutsideProbeArgs", "probe_modules"]

COMPONENT = "outside-probe"
_CONFIG_DIR = "/etc/seawall/probe"
_CONFIG_FILE = "blackbox.yml"
_CA_DIR = "/etc/seawall/probe-ca"
_CA_FILE = "ca.crt"
"""cert-manager's name for the file, which is next to the certificate itself."""


@dataclass(frozen=True, slots=True)
class OutsideProbeArgs:
    """What OutsideProbe needs."""

    namespace: pulumi.Input[str]
    image: str
    settings: Outside
    front: Front
    """The target of the probe."""
    secrets: SecretSource
    resources: Resources
    replace_after_s: int
    """Seconds for which its node may be lost before the pod is recreated."""


class OutsideProbe(pulumi.ComponentResource):
    """A Deployment and a Service. It reads its one API key from a file for each request."""

    def __init__(
        self, name: str, args: OutsideProbeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:monitoring:OutsideProbe", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        key = api_key_secret(args.settings.api_key)
        metadata = ObjectMetaArgs(
            name=f"{name}-secrets", namespace=args.namespace, labels=labels_of(COMPONENT)
        )
        secret = args.secrets.fill(f"{name}-secrets", metadata, SecretFiles((key,)), child)
        modules = json.dumps(probe_modules(args.settings, args.front), indent=1)
        files = mounted_files(
            f"{name}-settings", args.namespace, COMPONENT, {_CONFIG_FILE: modules}, child
        )
        volumes = [(secret_volume("secrets", secret), paths.SECRETS_DIR), (files, _CONFIG_DIR)]
        if args.settings.ca:
            volumes.append((secret_volume("ca", args.settings.ca, _CA_FILE), _CA_DIR))
        pod = HttpPod(
            namespace=args.namespace,
            image=args.image,
            arguments=[
                f"--config.file={_CONFIG_DIR}/{_CONFIG_FILE}",
                f"--web.listen-address=:{ports.PROBE}",
            ],
            port=ports.PROBE,
            health="/-/healthy",
            resources=args.resources,
            replace_after_s=args.replace_after_s,
            volumes=volumes,
        )
        http_pod(name, pod, child)
        self.register_outputs({})


def probe_modules(settings: Outside, front: Front) -> Mapping[str, object]:
    """The exporter's configuration: one request; anything but a complete answer is a failure.

    https://github.com/prometheus/blackbox_exporter/blob/v0.27.0/CONFIGURATION.md#http_probe
    """
    question = {
        "model": settings.model,
        "messages": [{"role": "user", "content": "Say yes."}],
        "max_tokens": 1,
    }
    # The request is the same each time: a stored answer would hide that no provider answers.
    headers = {"Content-Type": "application/json", "Cache-Control": "no-cache"}
    tls: dict[str, str] = {}
    if front.host:
        headers["Host"] = tls["server_name"] = front.host
    if settings.ca:
        tls["ca_file"] = f"{_CA_DIR}/{_CA_FILE}"
    http: dict[str, object] = {
        "method": "POST",
        "headers": headers,
        "body": json.dumps(question),
        "authorization": {
            "type": "Bearer",
            "credentials_file": f"{paths.SECRETS_DIR}/{api_key_secret(settings.api_key)}",
        },
        "valid_status_codes": [200],
        "fail_if_body_not_matches_regexp": ['"choices"'],
        "follow_redirects": False,
        "preferred_ip_protocol": "ip4",
    }
    if tls:
        http["tls_config"] = tls
    if front.proxy:
        # Only the proxy may be able to resolve names outside the cluster.
        http |= {"proxy_url": front.proxy, "skip_resolve_phase_with_proxy": True}
    timeout = str(settings.timeout)
    return {"modules": {PROBE_MODULE: {"prober": "http", "timeout": timeout, "http": http}}}
