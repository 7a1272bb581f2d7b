"""blackbox_exporter: asks for a completion as a user does, when Prometheus asks it.

The gateway's own figures cannot show refused connections, or requests that never arrived.
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
"""As cert-manager calls it, beside the certificate itself."""


@dataclass(frozen=True, slots=True)
class OutsideProbeArgs:
    """What OutsideProbe needs."""

    namespace: pulumi.Input[str]
    image: str
    settings: Outside
    front: Front
    """Whom it asks."""
    secrets: SecretSource
    resources: Resources
    replace_after_s: int
    """How long its node may be lost until another pod is made."""


class OutsideProbe(pulumi.ComponentResource):
    """A Deployment and a Service. It has one API key, in a file that it reads for each question."""

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
    """The exporter's configuration: one question; anything but a whole answer is a failure.

    https://github.com/prometheus/blackbox_exporter/blob/v0.27.0/CONFIGURATION.md#http_probe
    """
    question = {
        "model": settings.model,
        "messages": [{"role": "user", "content": "Say yes."}],
        "max_tokens": 1,
    }
    # The same question each time: an answer of a while ago would hide that nobody answers.
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
        # Names of outside may be known to the proxy alone.
        http |= {"proxy_url": front.proxy, "skip_resolve_phase_with_proxy": True}
    timeout = str(settings.timeout)
    return {"modules": {PROBE_MODULE: {"prober": "http", "timeout": timeout, "http": http}}}
