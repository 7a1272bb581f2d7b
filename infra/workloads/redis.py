"""Redis with Sentinel, and the backup job."""

from collections.abc import Iterator

from infra.config import Backup, Environment, Network
from infra.workloads.peers import Block, Opening, outside, port_of, redis_servers
from infra.workloads.workload import Workload

__all__ = ["backup", "redis", "redis_hosts"]


def redis_hosts(environment: Environment) -> tuple[str, ...]:
    """The names of the Redis pods' Services. Both Redis and Sentinel are reached by them."""
    namespace = environment.kubernetes.namespace
    return tuple(
        f"redis-{number}.{namespace}.svc.cluster.local"
        for number in range(environment.redis.replicas)
    )


def redis(_: Environment) -> Iterator[Workload]:
    """The Redis pods, each with a Redis and a Sentinel."""
    yield Workload(name="redis", image="redis", switched_on_by="redis", reaches=[redis_servers()])


def backup(environment: Environment) -> Iterator[Workload]:
    """The backup job's pods, where there is a backup."""
    if environment.backup:
        storage = _storage(environment.network, environment.backup)
        yield Workload(name="backup", reaches=[redis_servers(), storage])


def _storage(network: Network, settings: Backup) -> Opening:
    port = port_of(settings.endpoint or "https:")
    if settings.block:
        return Opening((Block(settings.block),), (port,))
    return outside(network, port)
