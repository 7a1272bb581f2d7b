"""Hand-over of a master after another one was elected, with real servers at two addresses."""

import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.redis.server import Server
from agents.redis.settings import Settings
from agents.redis.stop_rule import hand_over
from seawall.common.wait import wait_until
from tests.agents.pod_settings import pod_settings
from tests.service.redis_kit import start
from tests.support.ports import free_port

pytestmark = [pytest.mark.servers]

OWN, OTHER = "127.0.0.1", "127.0.0.2"
PASSWORD = "a-password"
ENDS_WITHIN_S = 10


@dataclass(frozen=True)
class Pair:
    """Two masters, and a sentinel with quorum 1 that names the other one as the master."""

    settings: Settings
    own: Server
    other: Server
    process: "subprocess.Popen[bytes]"
    sentinel_log: Path


@pytest.fixture
def pair(tmp_path: Path) -> Generator[Pair]:
    for name in ("redis-operator-password", "sentinel-password"):
        (tmp_path / name).write_text(PASSWORD)
    ports = {"redis_port": free_port(), "sentinel_port": free_port()}
    # The label before the first dot is the pod's name.
    hosts = {"pod": "127", "hosts": (OWN, OTHER), "quorum": 1}
    settings = pod_settings(tmp_path, **hosts, **ports)
    started: list[subprocess.Popen[bytes]] = []
    for host in (OWN, OTHER):
        folder = tmp_path / host
        folder.mkdir()
        lines = [
            *(f"port {settings.redis_port}", f"bind {host}", f"dir {folder}", "appendonly yes"),
            f"user operator on >{PASSWORD} ~* &* +@all",
            *("masteruser operator", f"masterauth {PASSWORD}", "repl-diskless-sync-delay 1"),
        ]
        started.append(start(folder, lines))
    folder = tmp_path / "sentinel"
    folder.mkdir()
    monitor = f"sentinel monitor {settings.master_name} {OTHER} {settings.redis_port} 1"
    lines = [
        *(f"port {settings.sentinel_port}", f"bind {OWN}", f"requirepass {PASSWORD}", monitor),
        f"sentinel auth-user {settings.master_name} operator",
        f"sentinel auth-pass {settings.master_name} {PASSWORD}",
    ]
    started.append(start(folder, lines, "--sentinel"))
    own, other = (Server(host, settings.redis_port, "operator", PASSWORD) for host in (OWN, OTHER))
    with own, other:
        yield Pair(settings, own, other, started[0], folder / "log")
    for process in started:
        process.kill()
        process.wait()


def test_old_master_becomes_a_replica_of_the_elected_one_and_exits_on_sigterm(pair: Pair) -> None:
    wait_until(
        lambda: "+monitor" in pair.sentinel_log.read_text(), deadline_s=10, what="the sentinel"
    )
    told = hand_over(pair.settings)
    assert told.done
    assert OTHER in told.what
    assert pair.own.link() == "connected"
    assert pair.other.role() == "master"
    assert "failover" not in pair.sentinel_log.read_text(), "the elected master is healthy"
    pair.process.terminate()
    assert pair.process.wait(ENDS_WITHIN_S) == 0
