"""nginx's configuration as text: the bundled proxy between clients and the gateway's pods.

nginx.conf.j2 is the file; this module gives it its values.
https://nginx.org/en/docs/http/ngx_http_proxy_module.html
"""

import math
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from infra.components.edge.nginx_errors import ERRORS
from infra.config import Duration, Gateway, OwnLimit

__all__ = ["LEAVING_FILE", "Listener", "NginxConf", "Upstream", "nginx_conf"]

_SCRATCH = "/tmp"  # noqa: S108 - a volume of the pod
LEAVING_FILE = f"{_SCRATCH}/leaving"
"""While this file exists, every answer closes its connection, so that clients reconnect
elsewhere."""

_AFTER_DEADLINE_S = 5
"""Gives the gateway time for its own answer to a request that took too long."""
_TRIES_S = 5
"""How long a request of which nothing was sent is tried at other pods."""
_CONNECTIONS = 8192
_FILES = 2 * _CONNECTIONS + 512
"""A stream needs two connections; containerd 2 starts containers with a limit of 1024 files."""
_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where requests go.

    Attributes:
        host: a name with the addresses of all pods, which nginx resolves repeatedly; or the name of
            the group of `servers`.
        port: the port of every pod.
        resolver: the name server that knows the host; None for a group.
        servers: the members of a group. nginx resolves them at its start.
        retry_after_s: seconds without requests for a member that refused a connection.
    """

    host: str
    port: int
    resolver: str | None = None
    servers: tuple[str, ...] = ()
    retry_after_s: int = 2


@dataclass(frozen=True, slots=True)
class Listener:
    """Where nginx listens.

    Attributes:
        port: the port for clients.
        health_port: the port for probes.
        tls_dir: the folder with tls.crt and tls.key; plain HTTP when None.
    """

    port: int
    health_port: int
    tls_dir: str | None = None


@dataclass(frozen=True, slots=True)
class NginxConf:
    """The inputs of the configuration."""

    gateway: Gateway
    upstream: Upstream
    listener: Listener
    connect_timeout: Duration
    rate_limit: OwnLimit | None = None
    trusted_proxies: tuple[str, ...] = ()
    scratch: str = _SCRATCH
    """The folder that nginx may write to."""


def nginx_conf(conf: NginxConf) -> str:
    """The whole file; nginx writes only below `scratch` and to standard output."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - the file is not HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return templates.get_template("nginx.conf.j2").render(
        workers=_WORKERS,
        files=_FILES,
        connections=_CONNECTIONS,
        gateway=conf.gateway,
        upstream=conf.upstream,
        listener=conf.listener,
        connect_timeout=conf.connect_timeout,
        rate_limit=conf.rate_limit,
        trusted_proxies=conf.trusted_proxies,
        scratch=conf.scratch,
        wait_s=math.ceil(conf.gateway.admission.deadline.seconds) + _AFTER_DEADLINE_S,
        tries_s=_TRIES_S,
        errors=ERRORS,
    )
