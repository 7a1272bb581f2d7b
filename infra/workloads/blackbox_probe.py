"""blackbox_exporter: requests a completion as a user does, when Prometheus scrapes it.

The gateway's own metrics cannot show refused connections, or requests that never arrived.
"""

import json
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from contract import jobs, paths, ports
from contract.components import BLACKBOX_PROBE
from infra.config import BlackboxProbe, Environment, Front, Network
from infra.secret_names import api_key_secret
from infra.workloads.peers import HTTPS, Opening, inside, outside, to_pods
from infra.workloads.workload import ForeignSecret, ProbeScrape, Program, SecretFiles, Workload

__all__ = ["PROBE_MODULE", "blackbox_probe", "probe_modules", "probe_url"]

PROBE_MODULE = "completion"
"""The name of the request in blackbox_exporter's configuration."""
_CONFIG_DIR = "/etc/seawall/probe"
_CONFIG_FILE = "blackbox.yml"
_CA_DIR = "/etc/seawall/probe-ca"
_CA_FILE = "ca.crt"
"""cert-manager's name for the file, which is next to the certificate itself."""


def blackbox_probe(environment: Environment) -> Iterator[Workload]:
    """The probe, where it is configured. It reads its one API key from a file for each request."""
    monitoring, front = environment.monitoring, environment.front
    settings = monitoring.blackbox if monitoring else None
    if monitoring is None or settings is None:
        return
    modules = json.dumps(probe_modules(settings, front), indent=1)
    yield Workload(
        name=BLACKBOX_PROBE,
        image="blackbox_exporter",
        switched_on_by="monitoring.blackbox",
        reaches=tuple(_reached(environment.network, settings, front)),
        scrapes=[
            ProbeScrape(
                job=jobs.BLACKBOX,
                path="/probe",
                targets=(probe_url(front),),
                instance="gateway",
                module=PROBE_MODULE,
                every=str(settings.every),
                timeout=str(settings.timeout),
            )
        ],
        program=Program(
            type="seawall:monitoring:OutsideProbe",
            arguments=[
                f"--config.file={_CONFIG_DIR}/{_CONFIG_FILE}",
                f"--web.listen-address=:{ports.PROBE}",
            ],
            port=ports.PROBE,
            health="/-/healthy",
            resources=monitoring.exporter_resources,
            settings={_CONFIG_FILE: modules},
            settings_dir=_CONFIG_DIR,
            secrets=SecretFiles((api_key_secret(settings.api_key),)),
            foreign_secret=ForeignSecret(settings.ca, _CA_FILE, _CA_DIR) if settings.ca else None,
        ),
    )


def probe_url(front: Front) -> str:
    """The URL that blackbox_exporter requests."""
    return f"{front.url}/v1/chat/completions"


def _reached(network: Network, settings: BlackboxProbe, front: Front) -> Iterator[Opening]:
    if front.component:
        yield to_pods(front.component, front.port)
    if settings.at:
        yield inside(settings.at)
    elif settings.url:
        yield outside(network, urlsplit(settings.url).port or HTTPS)


def probe_modules(settings: BlackboxProbe, front: Front) -> Mapping[str, object]:
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
