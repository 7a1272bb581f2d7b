"""redis_exporter: one pod that queries every Redis and every Sentinel when Prometheus scrapes it.

It is not a sidecar: a monitoring component must not be able to restart Redis, or to make its pods
unready.
"""

from collections.abc import Iterator, Sequence

from contract import jobs, paths, ports
from infra.config import Environment
from infra.workloads.peers import redis_servers
from infra.workloads.redis import redis_hosts
from infra.workloads.workload import ProbeScrape, Program, SecretFiles, Workload

__all__ = ["redis_exporter"]

_USER = "exporter"
_TIMEOUT = "2s"
"""Timeout of a connection. A Redis that hangs counts as down, and the scrape must end before
Prometheus' own timeout."""


def redis_exporter(environment: Environment) -> Iterator[Workload]:
    """The exporter, where there is monitoring. It has only the password of the user exporter."""
    settings = environment.monitoring
    if settings is None:
        return
    hosts = redis_hosts(environment)
    yield Workload(
        name="redis-exporter",
        image="redis_exporter",
        switched_on_by="monitoring",
        reaches=[redis_servers()],
        scrapes=[
            ProbeScrape(
                job=job, path="/scrape", targets=tuple(f"redis://{host}:{port}" for host in hosts)
            )
            for job, port in ((jobs.REDIS, ports.REDIS), (jobs.SENTINEL, ports.SENTINEL))
        ],
        program=Program(
            type="seawall:monitoring:RedisExporter",
            arguments=[
                "-redis.addr=",  # no fixed address: Prometheus names each one
                f"-redis.user={_USER}",
                f"-redis.password-file={paths.SECRETS_DIR}/{paths.REDIS_URLS_FILE}",
                f"-connection-timeout={_TIMEOUT}",
                f"-web.listen-address=:{ports.REDIS_EXPORTER}",
            ],
            port=ports.REDIS_EXPORTER,
            health="/health",
            resources=settings.exporter_resources,
            secrets=SecretFiles((), redis_urls=_urls(hosts)),
            knows_redis=True,
        ),
    )


def _urls(hosts: Sequence[str]) -> list[str]:
    """The keys of its password file.

    The exporter looks up the URL that it must scrape. Since the change below, that URL contains the
    user: https://github.com/oliver006/redis_exporter/pull/983
    """
    return [
        f"redis://{user}{host}:{port}"
        for user in ("", f"{_USER}@")
        for port in (ports.REDIS, ports.SENTINEL)
        for host in hosts
    ]
