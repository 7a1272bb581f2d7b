"""redis_exporter: one pod that queries every Redis and every Sentinel when Prometheus scrapes it.

It is not a sidecar: a monitoring component must not be able to restart Redis, or to make its pods
unready.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import HostAliasArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from contract import paths, ports
from infra.components.base.http_pod import HttpPod, http_pod
from infra.components.base.labels import labels_of
from infra.components.base.pods import secret_volume
from infra.components.monitoring.prometheus_config import redis_url
from infra.components.secrets.secret_source import SecretFiles, SecretSource
from infra.config import Resources

__all__ = ["COMPONENT", "RedisExporter", "RedisExporterArgs"]

COMPONENT = "redis-exporter"
_USER = "exporter"
_TIMEOUT = "2s"
"""Timeout of a connection. A Redis that hangs counts as down, and the scrape must end before
Prometheus' own timeout."""


@dataclass(frozen=True, slots=True)
class RedisExporterArgs:
    """What RedisExporter needs."""

    namespace: pulumi.Input[str]
    image: str
    hosts: pulumi.Output[list[str]]
    """Where Redis and Sentinel listen."""
    aliases: pulumi.Output[list[HostAliasArgs]]
    """The addresses of the hosts."""
    secrets: SecretSource
    resources: Resources
    replace_after_s: int
    """Seconds for which its node may be lost before the pod is recreated."""


class RedisExporter(pulumi.ComponentResource):
    """A Deployment and a Service. It has only the password of the user exporter."""

    def __init__(
        self, name: str, args: RedisExporterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:monitoring:RedisExporter", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        secret = args.secrets.fill(
            f"{name}-secrets",
            ObjectMetaArgs(
                name=f"{name}-secrets", namespace=args.namespace, labels=labels_of(COMPONENT)
            ),
            SecretFiles((), redis_urls=args.hosts.apply(_urls)),
            child,
        )
        pod = HttpPod(
            namespace=args.namespace,
            image=args.image,
            arguments=[
                "-redis.addr=",  # no fixed address: Prometheus names each one
                f"-redis.user={_USER}",
                f"-redis.password-file={paths.SECRETS_DIR}/{paths.REDIS_URLS_FILE}",
                f"-connection-timeout={_TIMEOUT}",
                f"-web.listen-address=:{ports.REDIS_EXPORTER}",
            ],
            port=ports.REDIS_EXPORTER,
            health="/health",
            resources=args.resources,
            replace_after_s=args.replace_after_s,
            volumes=[(secret_volume("secrets", secret), paths.SECRETS_DIR)],
            host_aliases=args.aliases,
        )
        http_pod(name, pod, child)
        self.register_outputs({})


def _urls(hosts: Sequence[str]) -> list[str]:
    """The keys of its password file.

    The exporter looks up the URL that it must scrape. Since the change below, that URL contains the
    user: https://github.com/oliver006/redis_exporter/pull/983
    """
    return [
        redis_url(f"{user}{host}", port)
        for user in ("", f"{_USER}@")
        for port in (ports.REDIS, ports.SENTINEL)
        for host in hosts
    ]
