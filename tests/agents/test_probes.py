"""The probes of a Redis pod, run on real servers."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from agents.redis.health import Health, serve
from agents.redis.http_probe import answer_probes
from contract import paths
from seawall.common.wait import wait_until
from tests.agents.pod_settings import pod_settings
from tests.conftest import CHECKOUT
from tests.service.kit import answers
from tests.service.redis_kit import (
    OPERATOR_PASSWORD,
    SENTINEL_PASSWORD,
    RedisUnderTest,
    command,
    start,
)
from tests.support.ports import free_port

pytestmark = [pytest.mark.servers]

SCRIPT = CHECKOUT / "agents" / "redis" / "probe.sh"
LONG_AGO_S = 60


class Pod:
    """The files of a container in a Redis pod: its secrets and its folder of generated files."""

    def __init__(self, folder: Path) -> None:
        self.secrets = folder / "secrets"
        self.run = folder / "run"
        self.secrets.mkdir()
        self.run.mkdir()
        (self.secrets / "redis-operator-password").write_text(OPERATOR_PASSWORD)
        (self.secrets / "sentinel-password").write_text(SENTINEL_PASSWORD + "\n")

    def probe(self, name: str, *of: int) -> int:
        """The exit code."""
        variables = {**os.environ, "SEAWALL_RUN": str(self.run)}
        words = ["sh", SCRIPT, name, *map(str, of)]
        return subprocess.run(words, env=variables, check=False, timeout=20).returncode

    def health(self, redis_port: int, sentinel_port: int) -> Health:
        """The health of a pod with these two servers."""
        of_pod = {"redis_port": redis_port, "sentinel_port": sentinel_port}
        return Health(pod_settings(self.secrets, **of_pod))

    def lacks(self, redis_port: int, sentinel_port: int) -> str:
        """Why the pod with these servers is not ready; empty if it is ready."""
        with closing(self.health(redis_port, sentinel_port)) as health:
            return health.why_not_ready()


async def asked(port: int, path: str) -> tuple[int, str]:
    """The HTTP status and the body of the answer to a probe."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as answer,
    ):
        return answer.status, await answer.text()


async def test_readiness_probe_answers_503_with_the_reason() -> None:
    lacking = "the link is down"

    async def why_not() -> str:
        return lacking

    port = free_port()
    server = await answer_probes(port, why_not)
    assert await asked(port, paths.HEALTH_READY) == (503, "the link is down\n")
    assert await asked(port, paths.HEALTH_LIVE) == (200, "ready\n")
    lacking = ""
    assert await asked(port, paths.HEALTH_READY) == (200, "ready\n")
    server.close()


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


@pytest.fixture
def redis(tmp_path: Path) -> Generator[RedisUnderTest]:
    (tmp_path / "redis").mkdir()
    started = RedisUnderTest(tmp_path / "redis", with_replica=True)
    for node in (started.master, *started.replicas):
        rules = ("on", f">{OPERATOR_PASSWORD}", "+@all")
        node.command("ACL", "SETUSER", "operator", *rules)
    started.wait_until_up()
    yield started
    started.stop()


def test_answering_servers_are_live_and_ready(pod: Pod, redis: RedisUnderTest) -> None:
    (replica,) = redis.replicas
    for node in (redis.master, replica):
        assert pod.probe("redis-live", node.port) == 0
        assert pod.lacks(node.port, redis.sentinel_port) == ""
    assert pod.probe("sentinel-live", redis.sentinel_port) == 0


def test_a_replica_without_its_master_is_live_and_not_ready(
    pod: Pod, redis: RedisUnderTest
) -> None:
    (replica,) = redis.replicas
    redis.master.process.kill()
    wait_until(
        lambda: "master_link_status:down" in replica.command("INFO", "replication"),
        deadline_s=10,
        what="the replica to lose its link",
    )
    assert pod.probe("redis-live", replica.port) == 0
    assert "the link to the master is in state conn" in pod.lacks(replica.port, redis.sentinel_port)


def test_a_server_that_hangs_is_neither_live_nor_ready(pod: Pod, redis: RedisUnderTest) -> None:
    redis.master.process.send_signal(signal.SIGSTOP)
    assert pod.probe("redis-live", redis.master.port) == 1
    assert "Timeout" in pod.lacks(redis.master.port, redis.sentinel_port)


def test_a_sentinel_without_its_quorum_is_live_and_not_ready(
    pod: Pod, redis: RedisUnderTest
) -> None:
    redis.ask_sentinel("SENTINEL", "SET", "seawall", "quorum", "2")
    assert pod.probe("sentinel-live", redis.sentinel_port) == 0
    assert "NOQUORUM" in pod.lacks(redis.master.port, redis.sentinel_port)


def test_pod_is_ready_again_with_the_rotated_password(pod: Pod, redis: RedisUnderTest) -> None:
    with closing(pod.health(redis.master.port, redis.sentinel_port)) as health:
        assert health.why_not_ready() == ""
        redis.master.command("ACL", "SETUSER", "operator", "resetpass", ">another one")
        redis.master.command("CLIENT", "KILL", "USER", "operator")
        assert "AuthenticationError" in health.why_not_ready()
        (pod.secrets / "redis-operator-password").write_text("another one")
        assert health.why_not_ready() == ""


def test_master_that_is_loading_is_live_and_not_ready(pod: Pod, tmp_path: Path) -> None:
    folder, port = tmp_path / "loading", free_port()
    folder.mkdir()
    lines = [
        *(f"port {port}", "bind 127.0.0.1", f"dir {folder}", "appendonly no"),
        *(f"user default on >{OPERATOR_PASSWORD} ~* &* +@all",),
        *(f"user operator on >{OPERATOR_PASSWORD} ~* &* +@all",),
        # Redis serves clients after this many loaded bytes, and sleeps this many us for each key.
        *("loading-process-events-interval-bytes 1024", "key-load-delay 2000"),
    ]
    server = start(folder, lines)
    fill = "for i = 1, 5000 do redis.call('SET', i, i) end"
    command(port, OPERATOR_PASSWORD, "EVAL", fill, "0")
    command(port, OPERATOR_PASSWORD, "SAVE")
    server.kill()
    server.wait()
    server = start(folder, lines)
    try:
        assert "LOADING" in command(port, OPERATOR_PASSWORD, "PING")
        assert pod.lacks(port, port).startswith("PING: BusyLoadingError")
        assert pod.probe("redis-live", port) == 0
    finally:
        server.kill()
        server.wait()


async def test_health_server_answers_until_it_is_stopped(pod: Pod) -> None:
    ended, port = asyncio.Event(), free_port()
    url = f"http://127.0.0.1:{port}{paths.HEALTH_LIVE}"
    serving = asyncio.create_task(serve(pod.health(free_port(), free_port()), ended, port=port))
    await asyncio.to_thread(
        wait_until, lambda: answers(url), deadline_s=10, what="the server to answer"
    )
    status, lacking = await asked(port, paths.HEALTH_READY)
    assert status == 503
    assert "Connection refused" in lacking
    ended.set()
    await asyncio.wait_for(serving, 10)


@pytest.mark.parametrize("file", ["redis-operator-password", "sentinel-password"])
def test_wrong_and_missing_passwords_are_reported_by_readiness(
    pod: Pod, redis: RedisUnderTest, file: str
) -> None:
    (pod.secrets / file).write_text("another one")
    assert "AuthenticationError" in pod.lacks(redis.master.port, redis.sentinel_port)
    (pod.secrets / file).unlink()
    assert f"{file} cannot be read" in pod.lacks(redis.master.port, redis.sentinel_port)


def test_waiting_redis_is_live_only_while_its_agent_refreshes_the_waiting_file(pod: Pod) -> None:
    nobody = free_port()
    assert pod.probe("redis-live", nobody) == 1
    waiting = pod.run / "waiting"
    waiting.touch()
    assert pod.probe("redis-live", nobody) == 0
    long_ago = time.time() - LONG_AGO_S
    os.utime(waiting, (long_ago, long_ago))
    assert pod.probe("redis-live", nobody) == 1


@pytest.mark.parametrize("call", [("redis-dead", 1), ("redis-live", 1, 2), ("redis-live",)])
def test_invalid_probe_arguments_exit_with_2(pod: Pod, call: tuple[str, *tuple[int, ...]]) -> None:
    name, *of = call
    assert pod.probe(name, *of) == 2
